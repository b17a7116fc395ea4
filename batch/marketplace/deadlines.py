"""Until when each request must be answered. One timer serves all: a timer for each would cost 4 us an order."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import asyncio


class Deadlines:
    """Breaks off connections whose request took too long. Times are the event loop's, in seconds."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._ends: dict[asyncio.Transport, float] = {}
        self._next = math.inf  # when the timer goes off
        self._timer: asyncio.TimerHandle | None = None

    def begin(self, pipe: asyncio.Transport, ends_at: float) -> None:
        """Break the connection off then, unless it is over before."""
        self._ends[pipe] = ends_at
        if ends_at < self._next:
            self._look_at(ends_at)

    def over(self, pipe: asyncio.Transport) -> bool:
        """Say whether it was over in time."""
        return self._ends.pop(pipe, None) is not None

    def close(self) -> None:
        """Let the timer go."""
        if self._timer:
            self._timer.cancel()

    def _look_at(self, time: float) -> None:
        self.close()
        self._next, self._timer = time, self._loop.call_at(time, self._look)

    def _look(self) -> None:
        now, self._next, self._timer = self._loop.time(), math.inf, None
        for pipe in [pipe for pipe, ends_at in self._ends.items() if ends_at <= now]:
            del self._ends[pipe]
            pipe.abort()
        if self._ends:
            self._look_at(min(self._ends.values()))
