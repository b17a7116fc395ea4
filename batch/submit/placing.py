"""Which order line each parcel belongs to: as its row says, else as the order itself tells."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from batch.outcomes import Outcome
from batch.submit.resolution import SHIPPED_BEFORE, Case, Placed
from batch.submit.standing import line_of, units_open, units_shipped

if TYPE_CHECKING:
    from batch.marketplace.orders import OrderLine, Parcel


def place(case: Case) -> list[tuple[OrderLine, list[Placed]]]:
    """Lay the parcels that have not ended on the order's lines. One whose line cannot be told ends here."""
    on_line: dict[str, list[Placed]] = {line.line_number: [] for line in case.order.lines}
    for index, parcel in enumerate(case.parcels):
        if case.parts[index] is None:
            for line, quantity in _lines_of(case, index, parcel):
                there = replace(parcel, line_number=line.line_number, quantity=quantity)
                on_line[line.line_number].append((index, there))
    return [(line, on_line[line.line_number]) for line in case.order.lines if on_line[line.line_number]]


def _lines_of(case: Case, index: int, parcel: Parcel) -> list[tuple[OrderLine, int]]:
    """Return the lines that a parcel is for, with its units of each, 0 for not said."""
    if parcel.line_number:
        if line := line_of(case.order, parcel.line_number):
            return [(line, parcel.quantity)]
        lines = ", ".join(line.line_number for line in case.order.lines)
        case.end([index], Outcome.HELD, f"The order has no line {parcel.line_number}; it has {lines or 'none'}.")
        return []
    return _found(case, index, parcel, [line for line in case.order.lines if not parcel.sku or _has_sku(line, parcel)])


def _has_sku(line: OrderLine, parcel: Parcel) -> bool:
    return line.sku.casefold() == parcel.sku.casefold()


def _found(case: Case, index: int, parcel: Parcel, lines: list[OrderLine]) -> list[tuple[OrderLine, int]]:
    """Find the line of a parcel that names none among those that it may be for."""
    open_ = [line for line in lines if units_open(line)]
    if open_ and case.account.one_parcel_ships_all and len(case.parcels) == 1 and not parcel.quantity:
        numbers = ", ".join(line.line_number for line in open_)
        case.inferred.append(f"the one parcel ships all that is open (line {numbers})")
        return [(line, units_open(line) + units_shipped(line)[parcel.key]) for line in open_]
    ours = [line for line in lines if units_shipped(line)[parcel.key]]
    for candidates in (lines, ours or open_):
        if len(candidates) == 1:
            line = candidates[0]
            case.inferred.append(f"line {line.line_number} was found {_how(parcel, lines)}")
            return [(line, parcel.quantity)]
    there = sum(units_shipped(line)[parcel.key] for line in ours)
    if there and there == (parcel.quantity or there):
        case.end([index], Outcome.ALREADY_SHIPPED, f"{SHIPPED_BEFORE}.")
    else:
        case.end([index], Outcome.HELD, _untold(case, parcel, lines, open_))
    return []


def _how(parcel: Parcel, lines: list[OrderLine]) -> str:
    if parcel.sku:
        return f"by SKU {parcel.sku}"
    return "as the order's only line" if len(lines) == 1 else "as the only one that fits"


def _untold(case: Case, parcel: Parcel, lines: list[OrderLine], open_: list[OrderLine]) -> str:
    if parcel.sku and not lines:
        skus = ", ".join(line.sku for line in case.order.lines if line.sku)
        return f"The order has no line with SKU {parcel.sku}; it has {skus or 'none'}. Write the line number."
    numbers = ", ".join(line.line_number for line in open_) or "none"
    wanted = f"SKU {parcel.sku}" if parcel.sku else "no line"
    return (
        f"The row names {wanted}, so its order line cannot be told (open lines: {numbers}); "
        "write the line number, or set one_parcel_ships_all."
    )
