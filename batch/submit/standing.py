"""How an order line stands at the marketplace, in units. Statuses are per quantity, so everything here is counting."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from batch.marketplace.orders import normalised

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from batch.marketplace.orders import LineStatus, Order, OrderLine, Parcel

SHIPPED = frozenset({"shipped", "delivered", "refund"})  # Delivered and Refund come after Shipped
OPEN = frozenset({"created", "acknowledged"})


def units_open(line: OrderLine) -> int:
    """Units that can still be shipped."""
    return sum(status.quantity for status in line.statuses if status.status.lower() in OPEN)


def units_shipped(line: OrderLine) -> Counter[str]:
    """Units shipped by parcel key; the server may have split or merged what was sent, so sums are what counts."""
    shipped: Counter[str] = Counter()
    for status in line.statuses:
        if status.status.lower() in SHIPPED:
            for key in _keys(status):
                shipped[key] += status.quantity
    return shipped


def total_shipped(line: OrderLine) -> int:
    """Units shipped, with whatever tracking."""
    return sum(status.quantity for status in line.statuses if status.status.lower() in SHIPPED)


def units_cancelled(line: OrderLine) -> int:
    """Units cancelled, by whomever."""
    return sum(status.quantity for status in line.statuses if status.status.lower() == "cancelled")


def is_created(line: OrderLine) -> bool:
    """Whether some unit waits to be acknowledged."""
    return any(status.status.lower() == "created" for status in line.statuses)


def line_key(number: str) -> str:
    """Return the line number as it is compared: without leading zeros."""
    return number.lstrip("0") or "0"


def line_of(order: Order, number: str) -> OrderLine | None:
    """Return the line with this number, written as it may be."""
    return next((line for line in order.lines if line_key(line.line_number) == line_key(number)), None)


def tracking_of(line: OrderLine, key: str) -> str:
    """Return a shipped tracking number as the marketplace writes it; blank where the parcel has none."""
    numbers = (
        number
        for status in line.statuses
        if status.status.lower() in SHIPPED
        for number in (status.tracking_number, *status.packages)
    )
    return next((number for number in numbers if normalised(number) == key), "")


def named(keys: Iterable[str]) -> str:
    """Name tracking numbers in a sentence."""
    return ", ".join(sorted(keys)) or "no tracking number"


# What is remembered of an order when an update leaves: the units of each of its lines that were shipped by then and,
# where a parcel that is sent was there already, the units that it had.


def remembered(order: Order, sent: Sequence[Parcel]) -> dict[str, int]:
    """Return what to remember of the order beside an update with these parcels."""
    lines = {line.line_number: total_shipped(line) for line in order.lines}
    parcels = {
        _place(parcel.line_number, parcel.key): units
        for parcel in sent
        if (line := line_of(order, parcel.line_number)) and (units := units_shipped(line)[parcel.key])
    }
    return lines | parcels


def shipped_before(before: Mapping[str, int], line_number: str, key: str = "") -> int:
    """Return the units of a line, or of one parcel of it, that were shipped before the update left."""
    return before.get(_place(line_number, key) if key else line_number, 0)


def _place(line_number: str, key: str) -> str:
    return f"{line_number} {key}"


def _keys(status: LineStatus) -> tuple[str, ...]:
    packages = tuple(normalised(number) for number in status.packages)
    return packages or (normalised(status.tracking_number) or status.carrier.upper(),)
