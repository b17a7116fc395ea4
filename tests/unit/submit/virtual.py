"""An event loop whose time passes only while nothing else can happen: hours of waiting take no time."""

from __future__ import annotations

import asyncio
import selectors
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine
    from concurrent.futures import Executor

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    """Instead of waiting, moves the loop's clock on; waits in earnest only for threads that are at work."""

    loop: VirtualLoop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        threads = self.loop.working and timeout != 0
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(None if threads else 0)
        if not ready and timeout is None:
            raise RuntimeError("everybody waits for somebody else, for ever")
        if not ready and timeout:
            self.loop.now += timeout
        return ready


class VirtualLoop(asyncio.SelectorEventLoop):
    """Time begins at 1000 s. Work in threads takes none."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.working = 0
        self._threads = ThreadPoolExecutor(1)
        selector = _Selector()
        selector.loop = self
        super().__init__(selector)

    def time(self) -> float:
        return self.now

    def run_in_executor(
        self, executor: Executor | None, func: Callable[..., Any], *args: object
    ) -> asyncio.Future[Any]:
        self.working += 1
        future = super().run_in_executor(executor or self._threads, func, *args)
        future.add_done_callback(self._worked)
        return future

    def _worked(self, _future: asyncio.Future[Any]) -> None:
        self.working -= 1

    def close(self) -> None:
        self._threads.shutdown()
        super().close()


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run to the end in virtual time."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(work)


def now() -> float:
    """The running loop's time, s."""
    return asyncio.get_running_loop().time()
