"""What the read before sending shows: which parcels of an order go, as what, and which do not, with the reason.

Pure: `decide` takes what the file says, what the marketplace shows and what the journal remembers.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from batch.journal.entries import Claim, Part
from batch.journal.states import OPEN, State
from batch.marketplace.orders import ShippingUpdate
from batch.outcomes import Outcome
from batch.submit.standing import (
    is_created,
    line_of,
    named,
    total_shipped,
    units_cancelled,
    units_open,
    units_shipped,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from batch.marketplace.orders import Order, OrderLine, Parcel
    from batch.settings import Account

Placed = tuple[int, "Parcel"]  # which parcel of the file, and what of it is to be sent


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolution:
    """What becomes of an order. `parts`: beside each parcel of the file its end, None where it goes with the update."""

    parts: tuple[Part | None, ...]
    update: ShippingUpdate | None = None
    indexes: tuple[int, ...] = ()  # beside each parcel of the update: which parcel of the file it comes from
    acknowledge: bool = False
    before: dict[str, int] = field(default_factory=dict)
    note: str = ""
    stays_open: int = 0  # units of the order that nobody ships yet


@dataclass(slots=True)
class _Case:
    """An order while it is being decided."""

    parcels: Sequence[Parcel]
    order: Order
    account: Account
    zone: ZoneInfo
    now_ms: int
    parts: list[Part | None]
    going: list[Placed] = field(default_factory=list)
    replaces: list[str] = field(default_factory=list)
    shipments: list[str] = field(default_factory=list)
    inferred: list[str] = field(default_factory=list)

    def end(self, indexes: Sequence[int], outcome: Outcome, reason: str) -> None:
        for index in indexes:
            self.parts[index] = Part(outcome, reason)


def decide(
    parcels: Sequence[Parcel],
    order: Order,
    account: Account,
    *,
    zone: ZoneInfo,
    now_ms: int,
    claims: Sequence[Claim] = (),
    ended: Sequence[Part | None] = (),
) -> Resolution:
    """Decide what becomes of an order, given how the marketplace shows it now.

    `claims`: what other orders of the journal claimed of this purchase order. `ended`: parcels that went before.
    """
    case = _Case(parcels, order, account, zone, now_ms, list(ended) or [None] * len(parcels))
    if order.fulfilled_by_walmart:
        case.end(
            range(len(parcels)),
            Outcome.REFUSED,
            "Walmart fulfils this order itself (WFS); a seller cannot ship it. Take it out of the file.",
        )
        return _resolution(case)
    for number, placed in _by_line(case).items():
        line = line_of(order, number)
        if line is None:
            lines = ", ".join(line.line_number for line in order.lines)
            case.end(_indexes(placed), Outcome.HELD, f"The order has no line {number}; it has {lines or 'none'}.")
        else:
            _judge_line(case, line, placed, claims)
    _hold_siblings(case)
    return _resolution(case)


def without_reading(
    parcels: Sequence[Parcel],
    purchase_order_id: str,
    account: Account,
    *,
    now_ms: int,
    claims: Sequence[Claim] = (),
    ended: Sequence[Part | None] = (),
) -> Resolution:
    """Decide with nothing but the journal (`preflight = false`): the file has said every line and quantity."""
    gone = ended or [None] * len(parcels)
    parts = [part or _claimed(parcel, claims, seen=False) for part, parcel in zip(gone, parcels, strict=True)]
    if account.on_bad_row == "hold-order" and any(part and part.outcome is Outcome.HELD for part in parts):
        parts = [part or Part(Outcome.HELD, _SIBLING) for part in parts]
    going = {index: parcel for index, parcel in enumerate(parcels) if parts[index] is None}
    if not going:
        return Resolution(parts=tuple(parts))
    ready = tuple(
        replace(
            parcel,
            method_code=parcel.method_code or account.method_code,
            shipped_at=min(parcel.shipped_at, now_ms) if parcel.date_only else parcel.shipped_at,
        )
        for parcel in going.values()
    )
    update = ShippingUpdate(purchase_order_id=purchase_order_id, parcels=ready)
    return Resolution(parts=tuple(parts), update=update, indexes=tuple(going))


_SIBLING = "Another parcel of this order is held, and the order goes whole or not at all."


def _by_line(case: _Case) -> dict[str, list[Placed]]:
    """Find the line of every parcel; what has none ends here."""
    by_line: defaultdict[str, list[Placed]] = defaultdict(list)
    for index, parcel in enumerate(case.parcels):
        if case.parts[index]:
            continue
        for number, placed in _place(case, index, parcel):
            by_line[number].append((index, placed))
    return by_line


def _place(case: _Case, index: int, parcel: Parcel) -> list[tuple[str, Parcel]]:
    if parcel.line_number:
        return [(parcel.line_number, parcel)]
    if parcel.sku:
        lines = [line for line in case.order.lines if line.sku.casefold() == parcel.sku.casefold()]
        wanted = f"SKU {parcel.sku}"
    else:
        lines = list(case.order.lines)
        wanted = "no line"
    ours = [line for line in lines if units_shipped(line)[parcel.key]]
    open_ = [line for line in lines if units_open(line)]
    for candidates in (lines, ours or open_):
        if len(candidates) == 1:
            line = candidates[0]
            by = (
                f"SKU {parcel.sku}"
                if parcel.sku
                else "the order's only line"
                if len(lines) == 1
                else "the only open line"
            )
            case.inferred.append(f"line {line.line_number} was found by {by}")
            return [(line.line_number, replace(parcel, line_number=line.line_number))]
    return _place_among_many(case, index, parcel, ours, open_, wanted)


def _place_among_many(
    case: _Case, index: int, parcel: Parcel, ours: list[OrderLine], open_: list[OrderLine], wanted: str
) -> list[tuple[str, Parcel]]:
    there = sum(units_shipped(line)[parcel.key] for line in ours)
    if there and there == (parcel.quantity or there):
        case.end([index], Outcome.ALREADY_SHIPPED, "It was shipped before, with this tracking number.")
    elif open_ and case.account.one_parcel_ships_all and len(case.parcels) == 1 and not parcel.quantity:
        numbers = ", ".join(line.line_number for line in open_)
        case.inferred.append(f"the one parcel ships all open lines ({numbers})")
        return [
            (line.line_number, replace(parcel, line_number=line.line_number, quantity=units_open(line)))
            for line in open_
        ]
    else:
        numbers = ", ".join(line.line_number for line in open_) or "none"
        case.end(
            [index],
            Outcome.HELD,
            f"The row names {wanted}, so its order line cannot be told (open lines: {numbers}); "
            "write the line number, or set one_parcel_ships_all.",
        )
    return []


def _judge_line(case: _Case, line: OrderLine, placed: list[Placed], claims: Sequence[Claim]) -> None:
    shipped = units_shipped(line)
    keys = [parcel.key for _, parcel in placed]
    if len(set(keys)) < len(keys):
        case.end(_indexes(placed), Outcome.HELD, f"Two rows put the same parcel on line {line.line_number}.")
        return
    rest: list[Placed] = []
    for index, parcel in placed:
        left = _left_to_send(case, index, parcel, line, shipped, claims, alone=len(placed) == 1)
        if left is None:
            continue
        if claimed := _claimed(replace(left, quantity=parcel.quantity or left.quantity), claims, seen=True):
            case.parts[index] = claimed
        else:
            rest.append((index, left))
    if not rest:
        return
    if reason := _obstacle(case, line, rest, set(shipped) - set(keys)):
        case.end(_indexes(rest), Outcome.HELD, reason)
    else:
        _let_go(case, line, rest)


def _left_to_send(
    case: _Case,
    index: int,
    parcel: Parcel,
    line: OrderLine,
    shipped: dict[str, int],
    claims: Sequence[Claim],
    *,
    alone: bool,
) -> Parcel | None:
    """Return what is left of the parcel once what is shipped has been subtracted; None where it ends here."""
    there, open_ = shipped.get(parcel.key, 0), units_open(line)
    if there and there == (parcel.quantity or there):
        sent = next((_on(c) for c in claims if (c.line_number, c.parcel) == (line.line_number, parcel.key)), "")
        by_us = f"; we sent it on {sent}" if sent else ""
        case.end([index], Outcome.ALREADY_SHIPPED, f"It was shipped before, with this tracking number{by_us}.")
    elif there > parcel.quantity > 0:
        case.end(
            [index],
            Outcome.HELD,
            f"The marketplace shows {there} units of line {line.line_number} shipped with this tracking number, "
            f"the file says {parcel.quantity}.",
        )
    elif parcel.quantity:
        return replace(parcel, quantity=parcel.quantity - there)
    elif alone and open_ <= 1:
        if open_:
            case.inferred.append(f"the quantity 1 is all that is open on line {line.line_number}")
        return replace(parcel, quantity=1)
    else:
        case.end(
            [index],
            Outcome.HELD,
            f"The row names no quantity, and {open_} units of line {line.line_number} are open; write the quantity.",
        )
    return None


def _claimed(parcel: Parcel, claims: Sequence[Claim], *, seen: bool) -> Part | None:
    """Return how the parcel ends because another order of the journal has claimed it; None where none has.

    `seen`: the marketplace was asked, and does not show it as shipped.
    """
    claim = next(
        (c for c in claims if (c.line_number, c.parcel) == (parcel.line_number, parcel.key) and c.state in _CLAIMING),
        None,
    )
    if claim is None:
        return None
    if claim.state in OPEN:
        return Part(
            Outcome.HELD, "An earlier update with this parcel is not settled yet; `shipbatch resume` settles it."
        )
    on = _on(claim)
    if claim.quantity != parcel.quantity:
        return Part(
            Outcome.HELD,
            f"We sent this parcel with quantity {claim.quantity} on {on}, the file says {parcel.quantity}.",
        )
    if seen:
        return Part(
            Outcome.HELD,
            f"We sent this parcel on {on} and the marketplace accepted it, but its order does not show it; look at it there.",
        )
    return Part(Outcome.ALREADY_SHIPPED, f"It was sent on {on}, with this tracking number.")


_CLAIMING = (*OPEN, State.SHIPPED)


def _on(claim: Claim) -> str:
    """Return when a parcel was sent, blank where that is not known."""
    return f"{datetime.fromtimestamp(claim.sent_at / 1000, UTC):%Y-%m-%d %H:%M} UTC" if claim.sent_at else ""


def _obstacle(case: _Case, line: OrderLine, rest: list[Placed], foreign: set[str]) -> str:
    """Say why nothing of the line may go; blank where it may."""
    wanted, open_ = sum(parcel.quantity for _, parcel in rest), units_open(line)
    number, ours = line.line_number, named(parcel.key for _, parcel in rest)
    if open_ == 0 and not total_shipped(line) and units_cancelled(line):
        return f"Line {number} is cancelled at the marketplace; do not ship it, or take it out of the file if you have not."
    if line.intent_to_cancel and not case.account.override_intent_to_cancel:
        return f"The buyer asked to cancel line {number}: cancel it, or set override_intent_to_cancel and ship it."
    if open_ == 0 and foreign:
        return "" if _is_edit(case, line, rest, foreign) else _other_tracking(number, foreign, ours)
    if wanted > open_ and not _are_packages(case, rest, open_):
        return f"The file ships {wanted} units of line {number}, {open_} are still open."
    if foreign and case.account.later_parcels == "hold":
        return (
            f"Line {number} was shipped in part with {named(foreign)}, which no row of this run names; "
            f"{ours} may be a corrected number or a further parcel. Put both in the file, or set later_parcels."
        )
    return _too_early(case, number, rest)


def _other_tracking(number: str, foreign: set[str], ours: str) -> str:
    return (
        f"Line {number} is shipped with {named(foreign)}, the file says {ours}; set allow_edits to send the correction."
    )


def _is_edit(case: _Case, line: OrderLine, rest: list[Placed], foreign: set[str]) -> bool:
    shipped = units_shipped(line)
    return (
        case.account.allow_edits
        and len(rest) == len(foreign) == 1
        and bool(rest[0][1].tracking_number)
        and shipped[next(iter(foreign))] == rest[0][1].quantity
    )


def _are_packages(case: _Case, rest: list[Placed], open_: int) -> bool:
    """Whether the parcels are several boxes of the same units: each says all of them, by one carrier from one country."""
    return (
        case.account.several_packages == "send"
        and len(rest) > 1
        and all(parcel.quantity == open_ for _, parcel in rest)
        and len({(p.carrier, p.other_carrier, p.ship_from_country) for _, p in rest}) == 1
    )


def _too_early(case: _Case, number: str, rest: list[Placed]) -> str:
    ordered = case.order.ordered_at
    for _, parcel in rest:
        if _moment(case, parcel) < ordered:
            return (
                f"Line {number} is said to be shipped on {_shown(parcel.shipped_at, case.zone)}, before it was ordered "
                f"({_shown(ordered, case.zone)})."
            )
    return ""


def _moment(case: _Case, parcel: Parcel) -> int:
    """The ship time: a day without a time is noon there, but not before the order's own time that day, nor after now."""
    if not parcel.date_only:
        return parcel.shipped_at
    ordered = case.order.ordered_at
    same_day = _day(ordered, case.zone) == _day(parcel.shipped_at, case.zone)
    return min(max(parcel.shipped_at, ordered) if same_day else parcel.shipped_at, case.now_ms)


def _day(moment: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(moment / 1000, zone).date().isoformat()


def _shown(moment: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(moment / 1000, zone).strftime("%Y-%m-%d %H:%M")


def _let_go(case: _Case, line: OrderLine, rest: list[Placed]) -> None:
    open_ = units_open(line)
    several = 0 < open_ < sum(parcel.quantity for _, parcel in rest)
    for index, parcel in rest:
        method = parcel.method_code or case.order.method_code or case.account.method_code
        ready = replace(parcel, line_number=line.line_number, method_code=method, shipped_at=_moment(case, parcel))
        case.going.append((index, ready))
        case.replaces.append("" if open_ else next(iter(set(units_shipped(line)) - {parcel.key})))
        case.shipments.append(line.line_number if several else "")


def _hold_siblings(case: _Case) -> None:
    stopped = [part for part in case.parts if part and part.outcome in (Outcome.HELD, Outcome.REFUSED)]
    mixed = any(case.replaces) and not all(case.replaces)
    if case.going and ((stopped and case.account.on_bad_row == "hold-order") or mixed):
        reason = (
            "One parcel of the order corrects a tracking number and another is new; drop them in two files."
            if mixed
            else _SIBLING
        )
        case.end(_indexes(case.going), Outcome.HELD, reason)
        case.going.clear()


def _resolution(case: _Case) -> Resolution:
    note = "; ".join(dict.fromkeys(case.inferred))
    if not case.going:
        return Resolution(parts=tuple(case.parts), note=note)
    update = ShippingUpdate(
        purchase_order_id=case.order.purchase_order_id,
        parcels=tuple(parcel for _, parcel in case.going),
        replaces=tuple(case.replaces) if any(case.replaces) else (),
        shipment_numbers=tuple(case.shipments) if any(case.shipments) else (),
        override_intent_to_cancel=case.account.override_intent_to_cancel
        and any(line.intent_to_cancel for line in case.order.lines),
    )
    sent = sum(parcel.quantity for parcel in update.parcels) if not update.replaces else 0
    return Resolution(
        parts=tuple(case.parts),
        update=update,
        indexes=tuple(index for index, _ in case.going),
        acknowledge=case.account.acknowledge and is_created(case.order) and not update.replaces,
        before={line.line_number: total_shipped(line) for line in case.order.lines},
        note=note,
        stays_open=max(0, sum(units_open(line) for line in case.order.lines) - sent),
    )


def _indexes(placed: Sequence[Placed]) -> list[int]:
    return sorted({index for index, _ in placed})
