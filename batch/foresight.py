"""`check --remote`: what would become of a plan's orders, seen by reading each of them, and nothing sent."""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvloop

from batch.clock import now_ms
from batch.errors import Exit
from batch.marketplace.exchange import open_exchange
from batch.report.moments import clock
from batch.submit.conversation import Enquiry, Surroundings
from batch.submit.outlook import Foreseen, Outlook, timetable
from batch.submit.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from zoneinfo import ZoneInfo

    from batch.marketplace.dialect import Dialect
    from batch.plan import Plan, PlannedOrder
    from batch.settings import Account


@dataclass(frozen=True, slots=True, kw_only=True)
class Foresight:
    """What reading a plan's orders showed. Keys are places in `Plan.orders`."""

    orders: Mapping[int, Foreseen]
    requests: Mapping[str, int]
    seconds: float  # that sending takes, from the limit
    notes: Mapping[int, str]  # what is to be said of an order that would be sent
    stopped_by: Exit = Exit.OK
    reason: str = ""

    def end_of(self, order: int, parcel: int) -> tuple[str, str] | None:
        """Return the outcome of a parcel that would not be sent, and its reason; None for one that would be."""
        foreseen = self.orders.get(order)
        if foreseen is None:
            return None
        part = foreseen.parts[parcel] if foreseen.parts else None
        if part is not None:
            return part.outcome, part.reason
        return (foreseen.outcome, foreseen.reason) if foreseen.outcome is not None else None


def foresee(plan: Plan, places: Sequence[int], account: Account, dialect: Dialect, zone: ZoneInfo) -> Foresight:
    """Read the orders at these places of the plan, and say what would become of each."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_foresee(places, [plan.order(place) for place in places], account, dialect, zone))


async def _foresee(
    places: Sequence[int], orders: Sequence[PlannedOrder], account: Account, dialect: Dialect, zone: ZoneInfo
) -> Foresight:
    stop = Stop()
    world = Surroundings(clock=time.monotonic, wall_ms=now_ms, sleep=asyncio.sleep, random=random.random)
    async with open_exchange(account, dialect) as exchange:
        enquiry = Enquiry(exchange, account, stop=stop, surroundings=world)
        foreseen = await Outlook(enquiry, account, zone=zone, stop=stop, wall_ms=now_ms).foresee(orders)
    now = now_ms()
    turns = timetable(foreseen, per_minute=account.rate.ship, now_ms=now)
    return Foresight(
        orders=dict(zip(places, foreseen, strict=True)),
        requests=dict(enquiry.requests),
        seconds=max((turn.at - now for turn in turns), default=0) / 1000,
        notes=_notes(places, foreseen, {turn.order for turn in turns if turn.late}, zone),
        stopped_by=stop.exit_code,
        reason=stop.reason,
    )


def _notes(places: Sequence[int], foreseen: Sequence[Foreseen], late: set[int], zone: ZoneInfo) -> dict[int, str]:
    return {
        place: note
        for at, (place, one) in enumerate(zip(places, foreseen, strict=True))
        if (note := "; ".join(_said(one, late=at in late, zone=zone)))
    }


def _said(one: Foreseen, *, late: bool, zone: ZoneInfo) -> list[str]:
    said = [one.note] if one.note else []
    if one.acknowledged:
        said.append("it would be acknowledged first")
    if one.outcome is None and one.stays_open:
        said.append(f"{one.stays_open} units stay open")
    if late:
        said.append(f"its deadline, {clock(one.ship_by, zone.key)[:16]}, would be missed")
    return said
