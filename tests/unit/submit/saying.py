"""Orders and rows in a few words, so that tables of decisions can be read.

shown("1: 1 shipped A, 2 open; 2: 1 cancelled")     an order with two lines
rows("1 A x2; - B")                                  two parcels: two units of line 1, and one that names no line
"""

from __future__ import annotations

from typing import Any

from batch.marketplace.orders import LineStatus, Order, OrderLine, Parcel

NOW_MS = 1_795_550_400_000  # 2026-11-24T20:00:00Z, 15:00 in Toronto
HOUR = 3_600_000
DAY = 24 * HOUR
_STATUSES = {"open": "Acknowledged"}


def shown(words: str, **members: object) -> Order:
    """Return the order. A line may be followed by its SKU in brackets, and `!` where the buyer asked to cancel."""
    lines = tuple(_line(line.strip()) for line in words.split(";") if line.strip())
    said: dict[str, Any] = {"purchase_order_id": "1", "ordered_at": NOW_MS - DAY, "ship_by": NOW_MS + DAY}
    return Order(lines=lines, **(said | members))


def _line(words: str) -> OrderLine:
    name, _, statuses = words.partition(":")
    asked = name.endswith("!")
    number, _, sku = name.rstrip("!").rstrip("]").partition("[")
    listed = tuple(_status(one.split()) for one in statuses.split(",") if one.strip())
    return OrderLine(
        line_number=number,
        sku=sku,
        quantity=sum(one.quantity for one in listed),
        statuses=listed,
        intent_to_cancel=asked,
    )


def _status(words: list[str]) -> LineStatus:
    quantity, status, *tracking = words
    number = tracking[0] if tracking else ""
    packages = tuple(number.split("+")) if "+" in number else ()
    return LineStatus(
        status=_STATUSES.get(status, status.capitalize()),
        quantity=int(quantity),
        carrier="LETTERMAIL" if number == "lettermail" else "UPS" if number else "",
        tracking_number="" if number == "lettermail" else packages[0] if packages else number,
        packages=packages,
    )


def rows(words: str, **members: object) -> tuple[Parcel, ...]:
    """Return the parcels. `-` names no line, `[SKU]` names it by its SKU, `x2` is a quantity and `x?` none."""
    return tuple(row(one.strip(), **members) for one in words.split(";"))


def row(words: str, **members: object) -> Parcel:
    """Return one parcel."""
    name, tracking, *quantity = words.split()
    sku = name[1:-1] if name.startswith("[") else ""
    units = quantity[0].removeprefix("x") if quantity else "1"
    letter = tracking == "lettermail"
    said: dict[str, Any] = {
        "line_number": "" if sku or name == "-" else name,
        "sku": sku,
        "quantity": 0 if units == "?" else int(units),
        "carrier": "LETTERMAIL" if letter else "UPS",
        "tracking_number": "" if letter else tracking,
        "ship_from_country": "CA",
        "shipped_at": NOW_MS - HOUR,
    }
    return Parcel(**(said | members))
