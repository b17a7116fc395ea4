"""How an order line stands at the marketplace, in units. Statuses are per quantity, so everything here is counting."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from batch.marketplace.orders import normalised

if TYPE_CHECKING:
    from collections.abc import Iterable

    from batch.marketplace.orders import LineStatus, Order, OrderLine

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


def is_created(order: Order) -> bool:
    """Whether some unit waits to be acknowledged."""
    return any(status.status.lower() == "created" for line in order.lines for status in line.statuses)


def line_of(order: Order, number: str) -> OrderLine | None:
    """Return the line with this number, written as it may be."""
    return next((line for line in order.lines if line.line_number.lstrip("0") == number.lstrip("0")), None)


def named(keys: Iterable[str]) -> str:
    """Name tracking numbers in a sentence."""
    return ", ".join(sorted(keys)) or "no tracking number"


def _keys(status: LineStatus) -> tuple[str, ...]:
    packages = tuple(normalised(number) for number in status.packages)
    return packages or (normalised(status.tracking_number) or status.carrier.upper(),)
