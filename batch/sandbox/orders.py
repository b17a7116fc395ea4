"""The sandbox's own orders: lines whose units each have a status, as the marketplace keeps them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from batch.sandbox.bodies import Package


class Status(StrEnum):
    """What may be the matter with a unit."""

    CREATED = "Created"
    ACKNOWLEDGED = "Acknowledged"
    SHIPPED = "Shipped"
    DELIVERED = "Delivered"
    CANCELLED = "Cancelled"
    REFUND = "Refund"


LEFT_THE_HOUSE = frozenset({Status.SHIPPED, Status.DELIVERED, Status.REFUND})


@dataclass(slots=True, kw_only=True)
class Units:
    """So many units of a line in one status; what left, with the boxes it left in."""

    status: Status
    quantity: int
    packages: tuple[Package, ...] = ()
    shipped_at: int = 0  # when the marketplace was told, UTC epoch milliseconds
    reason: str = ""  # of a cancellation


@dataclass(slots=True, kw_only=True)
class Line:
    """One line of an order."""

    number: str
    quantity: int
    sku: str = ""
    product: str = ""
    units: list[Units] = field(default_factory=list)  # their quantities add up to the line's
    intent_to_cancel: bool = False
    changed_at: int = 0  # UTC epoch milliseconds
    ship_from_country: str = ""

    def count(self, *statuses: Status) -> int:
        """Return how many units are in one of the statuses."""
        return sum(units.quantity for units in self.units if units.status in statuses)

    def move(self, quantity: int, before: tuple[Status, ...], after: Units) -> None:
        """Take `quantity` units out of the statuses `before`, in their order, and put them in with `after`."""
        after.quantity = quantity
        for status in before:
            for units in self.units:
                if units.status is status and quantity:
                    taken = min(units.quantity, quantity)
                    units.quantity -= taken
                    quantity -= taken
        self.units = [units for units in self.units if units.quantity]
        twin = next((units for units in self.units if _alike(units, after)), None)
        if twin:
            twin.quantity += after.quantity
        else:
            self.units.append(after)


@dataclass(slots=True, kw_only=True)
class Order:
    """A purchase order, the marketplace's part of a customer's order."""

    purchase_order_id: str
    customer_order_id: str
    ordered_at: int  # UTC epoch milliseconds
    ship_by: int  # UTC epoch milliseconds
    method: str = "Standard"
    fulfilled_by_walmart: bool = False
    seller: str = ""  # whose it is; blank: every seller sees it
    lines: dict[str, Line] = field(default_factory=dict)


def new_line(number: str, quantity: int, status: Status = Status.ACKNOWLEDGED, sku: str = "") -> Line:
    """Return a line all of whose units are in one status."""
    sku = sku or f"SKU-{number}"
    units = [Units(status=status, quantity=quantity)]
    return Line(number=number, quantity=quantity, sku=sku, product=f"Article {sku}", units=units)


def invented_purchase_order_id(customer_order_id: str) -> str:
    """Return fifteen digits, as Canadian purchase orders have, that always belong to this customer order."""
    return f"309{_digits(customer_order_id, 12)}"


def invented_customer_order_id(purchase_order_id: str) -> str:
    """Return fifteen digits that always belong to this purchase order."""
    return f"200{_digits(purchase_order_id, 12)}"


def _digits(text: str, count: int) -> str:
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")
    return f"{number % 10**count:0{count}d}"


def _alike(units: Units, others: Units) -> bool:
    return units.status is others.status and units.packages == others.packages and units.reason == others.reason
