"""Fills a marketplace with the orders that a spreadsheet is about, so that people can try their own files."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Protocol

from batch.sandbox.orders import (
    Line,
    Order,
    Status,
    invented_customer_order_id,
    invented_purchase_order_id,
    new_line,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from batch.marketplace.orders import Parcel
    from batch.sandbox.state import Marketplace

HOUR = 3_600_000  # milliseconds
DAY = 24 * HOUR
DEADLINES = (-6, 114)  # hours from now between which ship-by times lie: a few are missed, most are not


class Planned(Protocol):
    """What filling needs to know of a planned order."""

    @property
    def purchase_order_id(self) -> str:
        """Blank where only the customer order id is known."""
        ...

    @property
    def customer_order_id(self) -> str:
        """Blank where only the purchase order id is known."""
        ...

    @property
    def parcels(self) -> tuple[Parcel, ...]:
        """What is to be shipped."""
        ...


def fill(
    marketplace: Marketplace,
    planned_orders: Iterable[Planned],
    *,
    now: int,
    status: Status = Status.ACKNOWLEDGED,
    seller: str = "",
) -> int:
    """Put in an order for each planned one, so that exactly what is planned can be shipped; return how many are new.

    A parcel without a line number stands for line "1", or for a line of its SKU's; a blank quantity is 1. Orders known
    only by their customer order id get a purchase order id that is derived from it, unless the plan knows it from
    elsewhere. Each is ordered the day before its first parcel left, and most can still be shipped in time. `now` is in
    UTC epoch milliseconds.
    """
    added = 0
    for planned in sorted(planned_orders, key=lambda order: not order.purchase_order_id):  # those with both ids first
        order = _known(marketplace, planned)
        if order is None:
            order = _new_order(planned, now, seller)
            marketplace.add(order)
            added += 1
        for parcel in planned.parcels:
            _put(order, parcel, status)
    return added


def _known(marketplace: Marketplace, planned: Planned) -> Order | None:
    if planned.purchase_order_id:
        return marketplace.orders.get(planned.purchase_order_id)
    twins = marketplace.by_customer.get(planned.customer_order_id)
    return marketplace.orders[twins[0]] if twins else None


def _new_order(planned: Planned, now: int, seller: str) -> Order:
    purchase_order_id = planned.purchase_order_id or invented_purchase_order_id(planned.customer_order_id)
    left = min((parcel.shipped_at for parcel in planned.parcels if parcel.shipped_at), default=now)
    ordered_at = min(left, now) - DAY
    return Order(
        purchase_order_id=purchase_order_id,
        customer_order_id=planned.customer_order_id or invented_customer_order_id(purchase_order_id),
        ordered_at=ordered_at,
        ship_by=now + _hours(purchase_order_id) * HOUR,
        method=next((parcel.method_code for parcel in planned.parcels if parcel.method_code), "Standard"),
        seller=seller,
    )


def _hours(purchase_order_id: str) -> int:
    """Return how many hours from now an order has to be shipped by, always the same for the same order."""
    first, last = DEADLINES
    return first + hashlib.sha256(purchase_order_id.encode()).digest()[0] % (last - first)


def _put(order: Order, parcel: Parcel, status: Status) -> None:
    """Add a parcel's units to its line."""
    line = _line(order, parcel)
    quantity = parcel.quantity or 1
    if line is None:
        number = parcel.line_number or _free_number(order)
        order.lines[number] = new_line(number, quantity, status, parcel.sku)
        return
    line.quantity += quantity
    line.units[0].quantity += quantity


def _line(order: Order, parcel: Parcel) -> Line | None:
    if parcel.line_number:
        return order.lines.get(parcel.line_number)
    if not parcel.sku:
        return order.lines.get("1")
    return next((line for line in order.lines.values() if line.sku == parcel.sku), None)


def _free_number(order: Order) -> str:
    return next(str(number) for number in range(1, len(order.lines) + 2) if str(number) not in order.lines)
