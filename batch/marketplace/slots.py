"""So many at once: whoever waits is given the place of whoever leaves, first come, first served.

asyncio's Semaphore does the same, but looks at all that wait whenever one leaves: with hundreds of workers that was a
twentieth of the event loop's time.
"""

from __future__ import annotations

import asyncio
from collections import deque


class Slots:
    """So many places. May be used as an asynchronous context manager."""

    def __init__(self, places: int) -> None:
        self._free = places
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def taken(self) -> bool:
        """Whether whoever comes now has to wait."""
        return not self._free

    async def enter(self) -> None:
        """Take a place; wait for one where all are taken."""
        if self._free:
            self._free -= 1
            return
        given = asyncio.get_running_loop().create_future()
        self._waiting.append(given)
        try:
            await given
        except asyncio.CancelledError:
            if not given.cancelled():  # the place had just been given
                self.leave()
            raise

    def leave(self) -> None:
        """Give the place to whoever has waited longest."""
        while self._waiting:
            given = self._waiting.popleft()
            if not given.done():
                given.set_result(None)
                return
        self._free += 1

    __aenter__ = enter

    async def __aexit__(self, *_error: object) -> None:
        self.leave()
