"""What would become of orders if they were sent now: each is read, and nothing is sent or written down.

    outlook = await Outlook(enquiry, account, zone=..., stop=stop, wall_ms=...).foresee(orders)

Orders of one purchase order are decided as one, as a run would. It stops as a run does: at refused credentials, at too
many outages in a row, and where the first orders are all unknown to the account; `stop` says why, and what was not read
by then is not attempted.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any, Protocol

from batch.errors import Exit, WrongAccount
from batch.journal.entries import Part
from batch.outcomes import GRAVEST_FIRST, Outcome
from batch.submit.looking import ALL_MISSING, NOT_FOUND, reading_of, shown_by
from batch.submit.preflight import decide
from batch.submit.ready import NO_DEADLINE
from batch.submit.retry import Act

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from zoneinfo import ZoneInfo

    from batch.journal.entries import Parts
    from batch.marketplace.orders import Order, Parcel
    from batch.settings import Account
    from batch.submit.conversation import Enquiry
    from batch.submit.looking import Shown
    from batch.submit.resolution import Resolution
    from batch.submit.stop import Stop

READERS = 16


class Planned(Protocol):
    """An order as a plan has it. One of the two numbers may be blank."""

    @property
    def purchase_order_id(self) -> str:
        """The order's own number."""
        ...

    @property
    def customer_order_id(self) -> str:
        """By which it is found otherwise."""
        ...

    @property
    def parcels(self) -> tuple[Parcel, ...]:
        """What the file says of it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreseen:
    """What would become of an order. `outcome` is None where something of it would be sent."""

    outcome: Outcome | None
    reason: str = ""
    parts: Parts = ()  # beside each parcel how it would end, None where it would be sent
    purchase_order_id: str = ""  # as the marketplace says it; blank where it was not shown
    ship_by: int = 0  # UTC epoch milliseconds; 0: not known
    stays_open: int = 0  # units of the purchase order that nobody ships yet, once this was sent
    acknowledged: bool = False  # it would be acknowledged first
    note: str = ""  # what was inferred


@dataclass(frozen=True, slots=True)
class Turn:
    """When an order would be sent."""

    order: int  # its place among those that were foreseen
    at: int  # UTC epoch milliseconds
    late: bool  # after its deadline


class Outlook:
    """Foresees what becomes of orders, for one account."""

    def __init__(
        self, enquiry: Enquiry, account: Account, *, zone: ZoneInfo, stop: Stop, wall_ms: Callable[[], int]
    ) -> None:
        self._enquiry, self._account, self._zone = enquiry, account, zone
        self._stop, self._wall_ms = stop, wall_ms
        self._orders: Sequence[Planned] = ()
        self._foreseen: dict[int, Foreseen] = {}
        self._named: dict[str, list[int]] = {}  # purchase order id ▶ places of the orders that are about it
        self._missing: list[int] = []
        self._any_found = False

    async def foresee(self, orders: Sequence[Planned]) -> list[Foreseen]:
        """Read all orders and return what would become of each, in their sequence."""
        self._orders = orders
        unnamed: dict[str, list[int]] = {}
        for place, order in enumerate(orders):
            names, name = (
                (self._named, order.purchase_order_id)
                if order.purchase_order_id
                else (unnamed, order.customer_order_id)
            )
            names.setdefault(name, []).append(place)
        await self._read_all(unnamed.values())
        await self._read_all(self._named.values())
        for place in () if self._stop.requested else self._missing:
            self._foreseen[place] = Foreseen(outcome=Outcome.REFUSED, reason=NOT_FOUND)
        unread = Foreseen(outcome=Outcome.NOT_ATTEMPTED, reason=self._stop.reason)
        return [self._foreseen.get(place, unread) for place in range(len(orders))]

    async def _read_all(self, groups: Iterable[list[int]]) -> None:
        """Let readers take one group of orders after the other, until told to stop."""
        reading: asyncio.Task[Any] = asyncio.create_task(self._read_side_by_side(iter(groups)))
        stopped: asyncio.Task[Any] = asyncio.create_task(self._stop.wait())
        try:
            await asyncio.wait({reading, stopped}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopped.cancel()
            reading.cancel()
            await asyncio.wait({reading, stopped})
        if not reading.cancelled():
            reading.result()  # a fault of ours, if there was one

    async def _read_side_by_side(self, groups: Iterator[list[int]]) -> None:
        async with asyncio.TaskGroup() as readers:
            for _ in range(READERS):
                readers.create_task(self._read_some(groups))

    async def _read_some(self, groups: Iterator[list[int]]) -> None:
        for places in groups:
            await self._read(places)

    async def _read(self, places: list[int]) -> None:
        first = self._orders[places[0]]
        call = reading_of(self._enquiry.exchange.dialect, first.purchase_order_id, first.customer_order_id)
        attempt = await self._enquiry.ask(call)
        if attempt.decision.act is not Act.DONE:
            self._leave(places, attempt.decision.act, attempt.verdict.reason)
            return
        shown = shown_by(attempt.verdict)
        self._any_found = self._any_found or shown.account_is_right
        if shown.order is None:
            self._end_unshown(places, shown)
        elif not first.purchase_order_id and shown.order.purchase_order_id in self._named:
            self._named[shown.order.purchase_order_id] += places  # decided together, when that is read
        else:
            self._decide(places, shown.order)

    def _leave(self, places: list[int], act: Act, reason: str) -> None:
        self._end(places, Part(Outcome.NOT_ATTEMPTED, reason))
        if act is Act.END_RUN:
            self._stop.request(Exit.FATAL, reason)

    def _end_unshown(self, places: list[int], shown: Shown) -> None:
        if shown.end:
            self._end(places, shown.end)
            return
        self._missing += places
        if not self._any_found and len(self._missing) >= ALL_MISSING:
            self._stop.request(WrongAccount.exit_code, f"{ALL_MISSING} orders read, none found: {WrongAccount()}")

    def _end(self, places: list[int], end: Part) -> None:
        for place in places:
            self._foreseen[place] = Foreseen(outcome=end.outcome, reason=end.reason)

    def _decide(self, places: list[int], shown: Order) -> None:
        parcels = [self._orders[place].parcels for place in places]
        resolution = decide(
            tuple(parcel for some in parcels for parcel in some),
            shown,
            self._account,
            zone=self._zone,
            now_ms=self._wall_ms(),
        )
        bounds = pairwise(accumulate(map(len, parcels), initial=0))
        for place, (start, stop) in zip(places, bounds, strict=True):
            self._foreseen[place] = _foreseen(shown, resolution, resolution.parts[start:stop])


def _foreseen(shown: Order, resolution: Resolution, parts: Parts) -> Foreseen:
    ends = sorted((part for part in parts if part), key=lambda part: GRAVEST_FIRST.index(part.outcome))
    sent = None in parts
    return Foreseen(
        outcome=None if sent else ends[0].outcome,
        reason="" if sent else ends[0].reason,
        parts=parts,
        purchase_order_id=shown.purchase_order_id,
        ship_by=shown.ship_by,
        stays_open=resolution.stays_open,
        acknowledged=sent and resolution.acknowledge,
        note=resolution.note,
    )


def timetable(foreseen: Sequence[Foreseen], *, per_minute: float, now_ms: int) -> list[Turn]:
    """Return when each order that would be sent would be, the nearest deadline first. `per_minute`: 0 for no limit.

    Orders of one purchase order go with one call.
    """
    going = [place for place, one in enumerate(foreseen) if one.outcome is None]
    going.sort(key=lambda place: foreseen[place].ship_by or NO_DEADLINE)
    gap = 60_000 / per_minute if per_minute else 0.0
    calls: dict[str, int] = {}
    turns = []
    for place in going:
        one = foreseen[place]
        at = now_ms + round(calls.setdefault(one.purchase_order_id, len(calls)) * gap)
        turns.append(Turn(place, at, late=0 < one.ship_by < at))
    return turns
