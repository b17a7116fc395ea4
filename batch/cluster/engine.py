"""Dask: a client of a scheduler that exists, or of a scheduler and workers of our own."""

from __future__ import annotations

import asyncio
import logging
import tempfile
import threading
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any

from batch.errors import Fatal, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from distributed import Client
    from tornado.ioloop import IOLoop

    from batch.cluster.address import Address

PATIENCE = 10.0  # s, for a scheduler to answer and for its first worker
_WORKERS_START = 120.0  # s, for workers of our own
_ENVIRONMENT = {
    **dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), 1),
    "MALLOC_MMAP_THRESHOLD_": 32 << 20,
    "MALLOC_TRIM_THRESHOLD_": 512 << 20,
}
"""Of workers of our own. Dask lets them give memory back at once; each part of a file would fetch it anew, which takes
two thirds of its time once more."""
_CONFIG = {
    "distributed.nanny.pre-spawn-environ": _ENVIRONMENT,
    "distributed.worker.memory.terminate": False,  # whoever sends is not killed for a large plan; parts are spilled
}
_EXTRA = "--cluster needs Dask, which comes with the extra `cluster`: pip install 'shipbatch[cluster]'."


class NoScheduler(UsageError):  # noqa: N818 - named by its meaning
    """No Dask scheduler answers."""


@contextmanager
def connected(address: Address, *, patience: float = PATIENCE) -> Iterator[Client]:
    """Give a client of workers that are there. Raises UsageError, one sentence, where there are none.

    `patience`: seconds for a scheduler that exists, and again for its first worker.
    """
    try:
        import dask  # noqa: PLC0415 - the extra `cluster`, which only this needs
        import distributed  # noqa: F401, PLC0415 - the same
    except ImportError:
        raise UsageError(_EXTRA) from None
    _hush()
    with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1GiB"}), ExitStack() as held:
        yield _of_our_own(address.workers, held) if address.local else _of_scheduler(address.text, patience, held)


def _of_our_own(workers: int, held: ExitStack) -> Client:
    import dask  # noqa: PLC0415 - the extra
    from distributed import Client, LocalCluster  # noqa: PLC0415 - the same

    folder = held.enter_context(tempfile.TemporaryDirectory(prefix="shipbatch-", ignore_cleanup_errors=True))
    held.enter_context(dask.config.set(_CONFIG))
    try:
        cluster = LocalCluster(  # type: ignore[no-untyped-call] # distributed ships no types
            n_workers=workers,
            threads_per_worker=1,
            dashboard_address="127.0.0.1:0",
            local_directory=folder,
            preload=["batch.cluster.undisturbed"],
            silence_logs=logging.CRITICAL,
        )
    except (OSError, RuntimeError) as error:
        raise Fatal(f"--cluster: the workers cannot be started: {error}.") from error
    held.callback(cluster.close)
    client: Client = held.enter_context(Client(cluster, name="shipbatch"))  # type: ignore[no-untyped-call] # the same
    _await_workers(client, workers, _WORKERS_START, f"local:{workers}")
    return client


def _of_scheduler(address: str, patience: float, held: ExitStack) -> Client:
    from distributed import Client  # noqa: PLC0415 - the extra

    loop = held.enter_context(_loop())
    try:
        client: Client = Client(address, timeout=patience, name="shipbatch", loop=loop)  # type: ignore[no-untyped-call] # the same
    except (OSError, ValueError) as error:
        raise NoScheduler(
            f"--cluster: no Dask scheduler answers at {address} ({_told(error)}); `dask scheduler` starts one."
        ) from None
    held.enter_context(client)
    _await_workers(client, 1, patience, address)
    return client


@contextmanager
def _loop() -> Iterator[IOLoop]:
    """Run a client's event loop in a thread. The one that it would make itself runs on where it cannot connect."""
    from tornado.ioloop import IOLoop  # noqa: PLC0415 - comes with Dask

    begun: Future[tuple[IOLoop, asyncio.Event]] = Future()

    async def run() -> None:
        over = asyncio.Event()
        begun.set_result((IOLoop.current(), over))
        await over.wait()

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="cluster", daemon=True)
    thread.start()
    loop, over = begun.result()
    try:
        yield loop
    finally:
        loop.add_callback(over.set)
        thread.join()


def _await_workers(client: Client, count: int, patience: float, address: str) -> None:
    try:
        client.wait_for_workers(count, timeout=patience)
    except TimeoutError:
        raise UsageError(
            f"--cluster: the scheduler at {address} has no workers; `dask worker {address}` starts one."
        ) from None


def _told(error: Exception) -> str:
    return str(error).splitlines()[0].rstrip(".") or type(error).__name__


def _hush() -> None:
    """Let Dask's own log be silent: what concerns a run, we say ourselves."""
    loggers: dict[str, Any] = logging.root.manager.loggerDict
    for name in ("distributed", *(name for name in [*loggers] if name.startswith("distributed."))):
        logging.getLogger(name).setLevel(logging.CRITICAL)
