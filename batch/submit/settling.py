"""Settles updates whose answers were lost: reads their orders again and again until it is clear what became of them."""

from __future__ import annotations

import asyncio
import heapq
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from batch.journal.entries import Change
from batch.journal.states import State
from batch.marketplace.verdict import Meaning
from batch.submit.retry import Act
from batch.submit.settle import Found, settled

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from batch.journal.entries import JournalOrder
    from batch.marketplace.orders import Order
    from batch.marketplace.verdict import Verdict

_LOOKS_AT_ONCE = 16
_FIRST_LOOK, _LONGEST_LOOK = 1.0, 30.0  # s between readings of one order
_MOST_FAILURES = 12  # looks that show nothing, once the settle time is over; then nobody can tell
_CONFIRMED = "confirmed by reading the order"


@dataclass(slots=True)
class Unsettled:
    """An update that may have been made."""

    order: int
    since: float  # s, monotonic: no byte of it left later than this
    accepted: bool = False  # the marketplace said yes, but its answer did not show it: it is never sent again
    looks: int = 0
    failures: int = 0  # looks that showed nothing, once the settle time was over

    def next_look(self, now: float, settle_time: float) -> float:
        """Return when to look next: soon, then ever more rarely, and just when the settle time is over."""
        pause = min(_LONGEST_LOOK, _FIRST_LOOK * 2.0 ** (self.looks - 1)) if self.looks else 0.0
        over = self.since + settle_time
        return min(now + pause, over) if now < over else now + pause


class Settling:
    """Takes unsettled orders and calls `ended` once for each, with the change to write; None: it stays unknown.

    `isolated` does the work of one order so that its faults end no other's.
    """

    def __init__(
        self,
        *,
        settle_time: float,
        look: Callable[[Unsettled], Awaitable[tuple[JournalOrder, Verdict, Act]]],
        ended: Callable[[Unsettled, Change | None, Order | None], Awaitable[None]],
        isolated: Callable[[int, Awaitable[None]], Awaitable[None]],
        clock: Callable[[], float],
        wall_ms: Callable[[], int],
        sleep: Callable[[float], Awaitable[None]],
    ) -> None:
        self._settle_time, self._look, self._ended, self._isolated = settle_time, look, ended, isolated
        self._clock, self._wall_ms, self._sleep = clock, wall_ms, sleep
        self._waiting: list[tuple[float, int, Unsettled]] = []
        self._changed = asyncio.Event()
        self._added = 0

    def add(self, unsettled: Unsettled) -> None:
        """Take an order to be settled."""
        self._added += 1
        due = unsettled.next_look(self._clock(), self._settle_time)
        heapq.heappush(self._waiting, (due, self._added, unsettled))
        self._changed.set()

    async def run(self) -> None:
        """Look at whatever is due, until cancelled."""
        places = asyncio.Semaphore(_LOOKS_AT_ONCE)
        async with asyncio.TaskGroup() as looks:
            while True:
                await self._until_due()
                await places.acquire()
                _, _, unsettled = heapq.heappop(self._waiting)
                look = looks.create_task(self._look_alone(unsettled))
                look.add_done_callback(lambda _: places.release())

    async def _until_due(self) -> None:
        while not self._waiting or self._waiting[0][0] > self._clock():
            self._changed.clear()
            waits: list[asyncio.Future[Any]] = [asyncio.ensure_future(self._changed.wait())]
            if self._waiting:
                waits.append(asyncio.ensure_future(self._sleep(self._waiting[0][0] - self._clock())))
            try:
                await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for wait in waits:
                    wait.cancel()

    async def _look_alone(self, unsettled: Unsettled) -> None:
        await self._isolated(unsettled.order, self._settle(unsettled))

    async def _settle(self, unsettled: Unsettled) -> None:
        asked_at = self._clock()
        order, verdict, act = await self._look(unsettled)
        unsettled.looks += 1
        certain = asked_at >= unsettled.since + self._settle_time
        if verdict.meaning is Meaning.ACCEPTED and verdict.order is not None:
            await self._conclude(unsettled, order, verdict.order, certain=certain)
        elif verdict.missing and certain:
            gone = "The order can no longer be found at the marketplace."
            await self._ended(unsettled, Change(order=order.id, to=State.HELD, at=self._wall_ms(), reason=gone), None)
        else:
            unsettled.failures += certain
            if act is Act.END_RUN or unsettled.failures >= _MOST_FAILURES:
                await self._ended(unsettled, None, None)
            else:
                self.add(unsettled)

    async def _conclude(self, unsettled: Unsettled, order: JournalOrder, shown: Order, *, certain: bool) -> None:
        """End it if the reading tells how. What it does not show may still come, until the settle time is over."""
        settlement = settled(order.sent, order.before, shown)
        change = Change(order=order.id, to=State.PLANNED, at=self._wall_ms(), ship_by=shown.ship_by)
        if settlement.found is Found.DONE:
            note = "; ".join(filter(None, (order.note, _CONFIRMED)))
            await self._ended(unsettled, replace(change, to=State.SHIPPED, note=note), shown)
        elif not certain:
            self.add(unsettled)
        elif settlement.found is Found.CONFLICT:
            parts = settlement.parts(order.sent, order.sent_parts, len(order.parcels))
            held = replace(change, to=State.HELD, reason=settlement.reason, parts=parts)
            await self._ended(unsettled, held, shown)
        elif unsettled.accepted:
            await self._ended(unsettled, None, shown)
        else:
            await self._ended(unsettled, change, shown)
