"""Hints that something has changed in a folder, so that nobody waits for the next look. They may be late or missing."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Self

import watchfiles

if TYPE_CHECKING:
    from pathlib import Path
    from types import TracebackType

_STEP = 100  # ms between two looks of the library at what the system told it
_TOGETHER = 200  # ms: changes that come close together give one hint


class Hints:
    """Wakes who waits when the system tells of a change. Where it cannot tell, as on most network shares, all is late.

    A folder that vanished is watched again as soon as it is back: `follow` is called at each look.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._woken: SimpleQueue[None] = SimpleQueue()  # a signal's handler may put into it at any moment
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None
        self._identity = (0, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def follow(self) -> None:
        """Watch the folder that lies there now, if that is not done already."""
        try:
            status = self._folder.stat()
        except OSError:
            return
        identity = (status.st_dev, status.st_ino)
        if self._thread is not None and self._thread.is_alive() and identity == self._identity:
            return
        self._end()
        self._ended, self._identity = threading.Event(), identity
        self._thread = threading.Thread(target=self._watch, args=(self._ended,), name="hints", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """End the wait that is under way, or the next one. May be called by a signal's handler."""
        self._woken.put(None)

    def wait(self, seconds: float) -> None:
        """Wait for a hint, at most so long."""
        with suppress(Empty):
            self._woken.get(timeout=seconds)
            while True:
                self._woken.get_nowait()

    def _watch(self, ended: threading.Event) -> None:
        try:
            for _ in watchfiles.watch(
                os.fspath(self._folder),
                watch_filter=None,
                debounce=_TOGETHER,
                step=_STEP,
                stop_event=ended,
                raise_interrupt=False,
                ignore_permission_denied=True,
            ):
                self.wake()
        except (OSError, RuntimeError):
            return  # gone, or no more watches to be had: then the looks have to do

    def _end(self) -> None:
        self._ended.set()
        if self._thread is not None:
            self._thread.join()
