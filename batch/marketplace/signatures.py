"""Signatures, many at once: off the event loop, on all cores.

What is wanted while others are made is made together next. Threads do it, and where many are wanted at once each has a
process of its own do it: beside a busy event loop a thread waits for the interpreter's lock after each signature, and
both pay for that (measured, 20,000 signed updates: 937 us of CPU an update with threads, of which 252 us are signing).
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import TYPE_CHECKING, Self

from batch.marketplace.signature import Signer

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from types import TracebackType

    Wanted = tuple[Signer, bytes, asyncio.Future[str]]

_LARGEST_BLOCK = 32  # signatures: 8 ms of one core
_MANY = 16  # wanted at once: then it pays to start a process, which takes some 0.2 s


class Signatures:
    """Makes signatures for coroutines. Use as an asynchronous context manager. `cores`: how many it may keep busy."""

    def __init__(self, cores: int | None = None) -> None:
        self._cores = cores or os.cpu_count() or 1
        self._waiting: list[Wanted] = []
        self._makers: set[asyncio.Task[None]] = set()
        self._threads = ThreadPoolExecutor(self._cores, thread_name_prefix="signing")
        self._processes = _Processes()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for maker in self._makers:
            maker.cancel()
        await asyncio.gather(*self._makers, return_exceptions=True)
        self._threads.shutdown()
        self._processes.close()

    async def make(self, signer: Signer, text: bytes) -> str:
        """Return the signature of a text."""
        made: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._waiting.append((signer, text, made))
        if len(self._makers) < self._cores:
            maker = asyncio.create_task(self._make_blocks(), name="signing")
            self._makers.add(maker)
            maker.add_done_callback(self._makers.discard)
        return await made

    async def _make_blocks(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            many = len(self._waiting) >= _MANY
            block, self._waiting = self._waiting[:_LARGEST_BLOCK], self._waiting[_LARGEST_BLOCK:]
            wanted = [(signer, text) for signer, text, _ in block]
            signatures = await loop.run_in_executor(self._threads, self._processes.sign, wanted, many)
            for (_, _, made), signature in zip(block, signatures, strict=True):
                if not made.done():  # who wanted it may have been cancelled
                    made.set_result(signature)


class _Processes:
    """For each thread that signs, a process once that pays."""

    def __init__(self) -> None:
        self._own = threading.local()
        self._all: list[_Process] = []

    def sign(self, wanted: list[tuple[Signer, bytes]], many: bool) -> list[str]:  # noqa: FBT001 - through an executor
        """Return the signatures; of a process that died they are made here."""
        process: _Process | None = getattr(self._own, "process", None)
        if many and process is None and not multiprocessing.current_process().daemon:
            process = self._own.process = _Process()
            self._all.append(process)
        with suppress(EOFError, OSError):
            if process is not None:
                return process.sign(wanted)
        return [signer.sign(text) for signer, text in wanted]

    def close(self) -> None:
        """End the processes."""
        for process in self._all:
            process.close()


class _Process:
    """A process that signs for one thread, and ends when that lets go of it, even by being killed."""

    def __init__(self) -> None:
        spawning = multiprocessing.get_context("spawn")  # a fork would take locks along that other threads hold
        self._ours, theirs = spawning.Pipe()
        self._process = spawning.Process(target=_sign_for, args=(theirs,), name="signing", daemon=True)
        self._process.start()
        theirs.close()
        self._keys: dict[Signer, bytes] = {}

    def sign(self, wanted: list[tuple[Signer, bytes]]) -> list[str]:
        """Return the signatures. Raises EOFError or OSError where the process has died."""
        for signer, _ in wanted:
            if signer not in self._keys:
                self._keys[signer] = signer.key()
        self._ours.send([(self._keys[signer], text) for signer, text in wanted])
        signatures: list[str] = self._ours.recv()
        return signatures

    def close(self) -> None:
        self._ours.close()
        self._process.join()


def _sign_for(whom: Connection) -> None:
    """Sign until whom we sign for is gone, whose event loop goes first. Signals to the whole group are not for us."""
    if hasattr(os, "nice"):
        os.nice(10)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    signers: dict[bytes, Signer] = {}
    with suppress(EOFError, OSError):
        while True:
            wanted = whom.recv()
            for key in {key for key, _ in wanted} - signers.keys():
                signers[key] = Signer.of_key(key)
            whom.send([signers[key].sign(text) for key, text in wanted])
