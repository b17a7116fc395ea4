"""What of an order line may go: what is shipped is taken off, and then nothing may stand in the way."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from msgspec.structs import replace

from batch.journal.entries import Part
from batch.journal.states import OPEN, State
from batch.marketplace.payload import METHOD_CODES
from batch.outcomes import Outcome
from batch.submit.resolution import SHIPPED_BEFORE, Case, Going, Placed
from batch.submit.standing import (
    line_key,
    named,
    total_shipped,
    tracking_of,
    units_cancelled,
    units_open,
    units_shipped,
)

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterable, Sequence
    from zoneinfo import ZoneInfo

    from batch.journal.entries import Claim
    from batch.marketplace.orders import OrderLine, Parcel

_METHODS = {code.casefold(): code for code in METHOD_CODES}


def judge(case: Case, line: OrderLine, placed: Sequence[Placed]) -> None:
    """Let the parcels of a line go or end, each with its reason."""
    shipped = units_shipped(line)
    foreign = set(shipped) - _named_in_file(case, line)
    rest: list[Placed] = []
    for index, parcel in _once_each(case, line, placed):
        left = _left_to_send(case, index, parcel, line, shipped, foreign, alone=len(placed) == 1)
        if left and (claimed := claimed_part(replace(left, quantity=parcel.quantity or left.quantity), case.claims)):
            case.parts[index] = claimed
        elif left:
            rest.append((index, left))
    if rest:
        reason = _obstacle(case, line, rest, shipped, foreign)
        if reason:
            case.end((index for index, _ in rest), Outcome.HELD, reason)
        else:
            _let_go(case, line, rest, foreign)


def _named_in_file(case: Case, line: OrderLine) -> set[str]:
    """Return the parcels that the file knows of this line, those that ended before included."""
    return {
        parcel.key
        for parcel in case.parcels
        if not parcel.line_number or line_key(parcel.line_number) == line_key(line.line_number)
    }


def _once_each(case: Case, line: OrderLine, placed: Sequence[Placed]) -> list[Placed]:
    """Leave out parcels that the file has twice on this line: exact repeats, and those that contradict each other."""
    first: dict[str, Placed] = {}
    contradicted: set[str] = set()
    for index, parcel in placed:
        _, known = first.setdefault(parcel.key, (index, parcel))
        if known is parcel:
            continue
        if _told(known) == _told(parcel):
            case.end([index], Outcome.SKIPPED, "It repeats another row of this order exactly.")
        else:
            contradicted.add(parcel.key)
    reason = f"Rows of this order put the same parcel on line {line.line_number} and say different things of it."
    case.end((i for i, p in placed if p.key in contradicted), Outcome.HELD, reason)
    return [one for key, one in first.items() if key not in contradicted]


def _told(parcel: Parcel) -> Parcel:
    return replace(parcel, sku="", tracking_number="", tracking_url="", seller_order_id="")


def _left_to_send(
    case: Case,
    index: int,
    parcel: Parcel,
    line: OrderLine,
    shipped: Counter[str],
    foreign: set[str],
    *,
    alone: bool,
) -> Parcel | None:
    """Return what is left of the parcel once what is shipped has been subtracted; None where it ends here."""
    there, open_, number = shipped[parcel.key], units_open(line), line.line_number
    if there and there == (parcel.quantity or there):
        case.end([index], Outcome.ALREADY_SHIPPED, f"{SHIPPED_BEFORE}{_by_us(parcel, case.claims)}.")
    elif there > parcel.quantity > 0:
        shown = f"The marketplace shows {there} units of line {number} shipped with this tracking number"
        case.end([index], Outcome.HELD, f"{shown}, the file says {parcel.quantity}.")
    elif parcel.quantity:
        return replace(parcel, quantity=parcel.quantity - there)
    elif alone and not open_:
        corrected = shipped[next(iter(foreign))] if len(foreign) == 1 else 0
        return replace(parcel, quantity=corrected or 1)
    elif alone and open_ == 1:
        case.inferred.append(f"the quantity 1 is all that is open on line {number}")
        return replace(parcel, quantity=1)
    else:
        units = f"{open_} units of line {number} are open"
        case.end([index], Outcome.HELD, f"The row names no quantity, and {units}; write the quantity.")
    return None


def _by_us(parcel: Parcel, claims: Iterable[Claim]) -> str:
    claim = _claim_on(parcel, claims)
    return f"; we sent it on {_on(claim)}" if claim and claim.sent_at else ""


# Claims


def claimed_part(parcel: Parcel, claims: Sequence[Claim], *, seen: bool = True) -> Part | None:
    """Return how the parcel ends because other orders of the journal have claims; None where none stands against it.

    `parcel` has the file's quantity. `seen`: the marketplace was asked, and does not show it as shipped.
    """
    if any(claim.state in OPEN and claim.line_number == line_key(parcel.line_number) for claim in claims):
        reason = "An earlier update of this line is not settled yet; `shipbatch resume` settles it. Then drop it again."
        return Part(Outcome.HELD, reason)
    claim = _claim_on(parcel, claims)
    if claim is None:
        return None
    sent = f"sent on {_on(claim)}" if claim.sent_at else "sent before"
    if claim.state not in (State.SHIPPED, State.ALREADY_SHIPPED):
        reason = f"This parcel was {sent}, and what became of it is for a person to say; `shipbatch settle` decides."
        return Part(Outcome.HELD, reason)
    if claim.quantity != parcel.quantity:
        reason = f"This parcel was {sent} with quantity {claim.quantity}, the file says {parcel.quantity}."
        return Part(Outcome.HELD, reason)
    if seen:
        reason = f"This parcel was {sent} and accepted, but the order does not show it; look at it in Seller Center."
        return Part(Outcome.HELD, reason)
    return Part(Outcome.ALREADY_SHIPPED, f"It was {sent}, with this tracking number.")


def beside_others(parcel: Parcel, parcels: Sequence[Parcel], claims: Iterable[Claim]) -> Part | None:
    """Hold a parcel whose line was sent before with numbers that no row of the order names; None where it was not."""
    place = line_key(parcel.line_number)
    others = {claim.parcel for claim in claims if claim.line_number == place}
    others -= {one.key for one in parcels if line_key(one.line_number) == place}
    if not others:
        return None
    sent = f"Line {parcel.line_number} was sent before with {named(others)}, which no row of this order names"
    return Part(Outcome.HELD, f"{sent}; {_maybe_corrected(parcel.key)}")


def _maybe_corrected(ours: str) -> str:
    either = f"{ours} may be a corrected number or a further parcel"
    return f'{either}. Put both in the file, or set later_parcels = "send".'


def _claim_on(parcel: Parcel, claims: Iterable[Claim]) -> Claim | None:
    place = line_key(parcel.line_number), parcel.key
    return next((claim for claim in claims if (claim.line_number, claim.parcel) == place), None)


def _on(claim: Claim) -> str:
    return f"{datetime.fromtimestamp(claim.sent_at / 1000, UTC):%Y-%m-%d %H:%M} UTC"


# What stands in the way


def _obstacle(case: Case, line: OrderLine, rest: list[Placed], shipped: Counter[str], foreign: set[str]) -> str:
    """Say why nothing of the line may go; blank where it may."""
    open_, number, ours = units_open(line), line.line_number, named(parcel.key for _, parcel in rest)
    if not open_ and units_cancelled(line) and not total_shipped(line):
        return f"Line {number} is cancelled at the marketplace; do not ship it, or stop the parcel if it is on its way."
    if not open_ and foreign:
        if not _is_edit(case, line, rest, shipped, foreign):
            return _other_tracking(number, foreign, ours)
    elif line.intent_to_cancel and not case.account.override_intent_to_cancel:
        return f"The buyer asked to cancel line {number}: cancel it, or set override_intent_to_cancel and ship it."
    elif sum(parcel.quantity for _, parcel in rest) > open_ and not _are_packages(case, line, rest):
        return _too_many(case, line, rest)
    elif foreign and case.account.later_parcels == "hold":
        shipped_in_part = f"Line {number} was shipped in part with {named(foreign)}, which no row of this order names"
        return f"{shipped_in_part}; {_maybe_corrected(ours)}"
    return _too_early(case, number, rest) or unlike(number, [parcel for _, parcel in rest])


def _other_tracking(number: str, foreign: set[str], ours: str) -> str:
    return (
        f"Line {number} is shipped with {named(foreign)}, the file says {ours}; set allow_edits to send the correction."
    )


def _is_edit(case: Case, line: OrderLine, rest: list[Placed], shipped: Counter[str], foreign: set[str]) -> bool:
    """Whether one tracking number takes the place of one other, for the same units."""
    return (
        case.account.allow_edits
        and len(rest) == len(foreign) == 1
        and bool(rest[0][1].tracking_number)
        and all(tracking_of(line, key) and shipped[key] == rest[0][1].quantity for key in foreign)
    )


def _are_packages(case: Case, line: OrderLine, rest: list[Placed]) -> bool:
    """Whether the parcels are boxes of the same units: each says all of them, by one carrier from one country."""
    return (
        case.account.several_packages == "send"
        and len(rest) > 1
        and not units_cancelled(line)
        and all(parcel.quantity == units_open(line) and parcel.tracking_number for _, parcel in rest)
        and len({(p.carrier, p.other_carrier, p.ship_from_country) for _, p in rest}) == 1
    )


def _too_many(case: Case, line: OrderLine, rest: list[Placed]) -> str:
    wanted = sum(case.parcels[index].quantity or parcel.quantity for index, parcel in rest)
    left = sum(parcel.quantity for _, parcel in rest)
    shipped = f", {wanted - left} of them are shipped already" if wanted > left else ""
    open_, cancelled = units_open(line), f" ({n} are cancelled)" if (n := units_cancelled(line)) else ""
    return f"The file ships {wanted} units of line {line.line_number}{shipped}, {open_} are still open{cancelled}."


def _too_early(case: Case, number: str, rest: list[Placed]) -> str:
    ordered = case.order.ordered_at
    for _, parcel in rest:
        if (moment := _moment(case, parcel)) < ordered:
            said, when = _shown(moment, case.zone), _shown(ordered, case.zone)
            return f"Line {number} is said to be shipped on {said}, before it was ordered ({when})."
    return ""


def unlike(number: str, parcels: Sequence[Parcel]) -> str:
    """Say why one update cannot hold all these parcels of a line; blank where it can."""
    if len({(parcel.ship_from_country, parcel.seller_order_id) for parcel in parcels}) > 1:
        return f"The parcels of line {number} name two countries or two seller order ids; the marketplace takes one."
    return ""


def _moment(case: Case, parcel: Parcel) -> int:
    """Return the ship time. A day without a time is noon, but not before the order's time that day, nor after now."""
    if not parcel.date_only:
        return parcel.shipped_at
    ordered = case.order.ordered_at
    same_day = _shown(ordered, case.zone)[:10] == _shown(parcel.shipped_at, case.zone)[:10]
    return min(max(parcel.shipped_at, ordered) if same_day else parcel.shipped_at, case.now_ms)


def _shown(moment: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(moment / 1000, zone).strftime("%Y-%m-%d %H:%M")


# What goes


def _let_go(case: Case, line: OrderLine, rest: list[Placed], foreign: set[str]) -> None:
    open_ = units_open(line)
    shared = 0 < open_ < sum(parcel.quantity for _, parcel in rest)
    for index, parcel in rest:
        method = parcel.method_code or _method(case.order.method_code) or case.account.method_code
        ready = replace(parcel, line_number=line.line_number, method_code=method, shipped_at=_moment(case, parcel))
        replaces = "" if open_ else tracking_of(line, next(iter(foreign)))
        number = line.line_number if shared else ""
        case.going.append(Going(index=index, parcel=ready, replaces=replaces, shipment_number=number))


def _method(code: str) -> str:
    """Return an order's own method code as requests write it, blank where it is none of theirs."""
    return _METHODS.get(code.replace("_", "").replace(" ", "").casefold(), "")
