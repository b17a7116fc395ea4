"""What the read before sending shows: which parcels of an order go, as what, and which do not, with the reason.

Pure: `decide` takes what the file says, what the marketplace shows and what the journal remembers. Its steps:

    place       which order line is each parcel for?        (placing)
    judge       what of a line is left, and may it go?      (judging)
    siblings    does the rest of the order go without it?
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from msgspec.structs import replace

from batch.journal.entries import Part
from batch.marketplace.orders import ShippingUpdate
from batch.outcomes import Outcome
from batch.submit.judging import beside_others, claimed_part, judge, unlike
from batch.submit.placing import place
from batch.submit.resolution import Case, Resolution
from batch.submit.standing import is_created, line_key, remembered, units_open

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from batch.journal.entries import Claim
    from batch.marketplace.orders import Order, OrderLine, Parcel
    from batch.settings import Account

_DOUBTFUL = (
    "An earlier update of this order may have been made; look in Seller Center, and say so with `shipbatch settle`."
)
_SIBLING = "Another parcel of this order is held, and the order goes whole or not at all."
_MIXED = "One parcel of the order corrects a tracking number and another is new; drop them in two files."
_WITHOUT_NUMBER = (
    "Several packages of the same units go in a call of their own, where every parcel needs a tracking number; "
    "drop the others in another file."
)


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
    case = Case(
        parcels=parcels,
        order=order,
        account=account,
        zone=zone,
        now_ms=now_ms,
        claims=claims,
        parts=list(ended) or [None] * len(parcels),
    )
    if order.fulfilled_by_walmart:
        reason = "Walmart fulfils this order itself (WFS); a seller cannot ship it. Take it out of the file."
        case.end((i for i, part in enumerate(case.parts) if part is None), Outcome.REFUSED, reason)
    else:
        for line, placed in place(case):
            judge(case, line, placed)
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
    doubtful: bool = False,
) -> Resolution:
    """Decide with nothing but the journal (`preflight = false`): the file has said every line and quantity.

    `doubtful`: an earlier update of the order may have been made, and nobody has said what became of it.
    """
    parts = list(ended) or [None] * len(parcels)
    if doubtful:
        return Resolution(parts=tuple(part or Part(Outcome.HELD, _DOUBTFUL) for part in parts))
    for index, parcel in enumerate(parcels) if claims else ():
        parts[index] = parts[index] or claimed_part(parcel, claims, seen=False)
        if account.later_parcels == "hold":
            parts[index] = parts[index] or beside_others(parcel, parcels, claims)
    if len(parcels) > 1:
        _hold_unlike(parcels, parts)
    if account.on_bad_row == "hold-order" and any(part and part.outcome is Outcome.HELD for part in parts):
        parts = [part or Part(Outcome.HELD, _SIBLING) for part in parts]
    going = {index: parcel for index, parcel in enumerate(parcels) if parts[index] is None}
    if not going:
        return Resolution(parts=tuple(parts))
    ready = tuple(_as_the_file_says(parcel, account, now_ms) for parcel in going.values())
    update = ShippingUpdate(purchase_order_id=purchase_order_id, parcels=ready)
    return Resolution(parts=tuple(parts), update=update, indexes=tuple(going))


def _hold_unlike(parcels: Sequence[Parcel], parts: list[Part | None]) -> None:
    on_line: defaultdict[str, list[int]] = defaultdict(list)
    for index, parcel in enumerate(parcels):
        if parts[index] is None:
            on_line[line_key(parcel.line_number)].append(index)
    for line, indexes in on_line.items():
        if reason := unlike(line, [parcels[index] for index in indexes]):
            for index in indexes:
                parts[index] = Part(Outcome.HELD, reason)


def _as_the_file_says(parcel: Parcel, account: Account, now_ms: int) -> Parcel:
    moment = min(parcel.shipped_at, now_ms) if parcel.date_only else parcel.shipped_at
    return replace(parcel, method_code=parcel.method_code or account.method_code, shipped_at=moment)


def _hold_siblings(case: Case) -> None:
    """Hold what could go, where the order goes whole or not at all, or where it does not fit into one call."""
    stopped = any(part and part.outcome in (Outcome.HELD, Outcome.REFUSED) for part in case.parts)
    replacing = [bool(one.replaces) for one in case.going]
    packages = any(one.shipment_number for one in case.going)
    if stopped and case.account.on_bad_row == "hold-order":
        reason = _SIBLING
    elif any(replacing) and not all(replacing):
        reason = _MIXED
    elif packages and not all(one.parcel.tracking_number for one in case.going):
        reason = _WITHOUT_NUMBER
    else:
        return
    case.end((one.index for one in case.going), Outcome.HELD, reason)
    case.going.clear()


def _resolution(case: Case) -> Resolution:
    going, lines = case.going, case.order.lines
    parcels = tuple(one.parcel for one in going)
    its_lines = [line for line in lines if line.line_number in {parcel.line_number for parcel in parcels}]
    edits, packages = any(one.replaces for one in going), any(one.shipment_number for one in going)
    override = case.account.override_intent_to_cancel and any(line.intent_to_cancel for line in its_lines)
    update = ShippingUpdate(
        purchase_order_id=case.order.purchase_order_id,
        parcels=parcels,
        replaces=tuple(one.replaces for one in going) if edits else (),
        shipment_numbers=tuple(one.shipment_number for one in going) if packages else (),
        override_intent_to_cancel=override,
    )
    return Resolution(
        parts=tuple(case.parts),
        update=update if going else None,
        indexes=tuple(one.index for one in going),
        acknowledge=case.account.acknowledge and not edits and any(map(is_created, its_lines)),
        before=remembered(case.order, parcels) if going else {},
        note="; ".join(dict.fromkeys(case.inferred)),
        stays_open=sum(_stays_open(line, parcels) for line in lines),
    )


def _stays_open(line: OrderLine, sent: Sequence[Parcel]) -> int:
    units = sum(parcel.quantity for parcel in sent if parcel.line_number == line.line_number)
    return max(0, units_open(line) - units)
