"""The sandbox's own JSON of an order, for looking at its state and for putting orders in.

    {"purchaseOrderId": "309121065891123", "lines": [{"lineNumber": "1", "quantity": 2, "status": "Created"}]}

What is not given is invented. A line may say `units` instead of `status`: [{"status": "Shipped", "quantity": 1,
"carrier": "CPC", "trackingNumbers": ["0073938000549297"]}, ...].
"""

from __future__ import annotations

from typing import Any

from batch.sandbox.bodies import METHODS, Package
from batch.sandbox.orders import (
    Line,
    Order,
    Status,
    Units,
    invented_customer_order_id,
    invented_purchase_order_id,
    new_line,
)

DAY = 86_400_000  # milliseconds

_ORDER = frozenset(
    {"purchaseOrderId", "customerOrderId", "orderedAt", "shipBy", "method", "fulfilledByWalmart", "seller", "lines"}
)
_LINE = frozenset({"lineNumber", "sku", "quantity", "status", "units", "intentToCancel"})
_UNITS = frozenset({"status", "quantity", "carrier", "trackingNumbers", "shippedAt", "reason"})


def order_from_json(document: object, now: int) -> Order:
    """Return the order that a document describes. Raises ValueError, naming what is wrong."""
    entry = _known(document, _ORDER, "order")
    purchase_order_id, customer_order_id = _identity(entry)
    method = str(entry.get("method", "Standard"))
    if method not in METHODS:
        raise ValueError(f"method {method!r} is none of {', '.join(sorted(METHODS))}")
    ordered_at = _whole(entry.get("orderedAt", now - DAY), "orderedAt")
    order = Order(
        purchase_order_id=purchase_order_id,
        customer_order_id=customer_order_id,
        ordered_at=ordered_at,
        ship_by=_whole(entry.get("shipBy", ordered_at + 3 * DAY), "shipBy"),
        method=method,
        fulfilled_by_walmart=bool(entry.get("fulfilledByWalmart", False)),
        seller=str(entry.get("seller", "")),
    )
    for number, line in enumerate(_several(entry.get("lines", [{}]), "lines"), 1):
        read = _line(line, str(number), now)
        if read.number in order.lines:
            raise ValueError(f"line {read.number} is there twice")
        order.lines[read.number] = read
    return order


def order_as_json(order: Order) -> dict[str, Any]:
    """Return the document that describes an order."""
    return {
        "purchaseOrderId": order.purchase_order_id,
        "customerOrderId": order.customer_order_id,
        "orderedAt": order.ordered_at,
        "shipBy": order.ship_by,
        "method": order.method,
        "fulfilledByWalmart": order.fulfilled_by_walmart,
        "seller": order.seller,
        "lines": [
            {
                "lineNumber": line.number,
                "sku": line.sku,
                "quantity": line.quantity,
                "intentToCancel": line.intent_to_cancel,
                "units": [_units_as_json(units) for units in line.units],
            }
            for line in order.lines.values()
        ],
    }


def _identity(entry: dict[str, Any]) -> tuple[str, str]:
    purchase_order_id = str(entry.get("purchaseOrderId") or "")
    customer_order_id = str(entry.get("customerOrderId") or "")
    if not purchase_order_id and not customer_order_id:
        raise ValueError("an order needs purchaseOrderId or customerOrderId")
    return (
        purchase_order_id or invented_purchase_order_id(customer_order_id),
        customer_order_id or invented_customer_order_id(purchase_order_id),
    )


def _line(document: object, number: str, now: int) -> Line:
    entry = _known(document, _LINE, "line")
    units = [_units(units, now) for units in _several(entry.get("units", []), "units")]
    quantity = _whole(entry.get("quantity", sum(each.quantity for each in units) or 1), "quantity", least=1)
    if units and sum(each.quantity for each in units) != quantity:
        raise ValueError(f"the units of line {number} do not add up to {quantity}")
    number = str(entry.get("lineNumber", number))
    line = new_line(number, quantity, _status(entry.get("status", Status.ACKNOWLEDGED)), str(entry.get("sku", "")))
    line.units = units or line.units
    line.intent_to_cancel = bool(entry.get("intentToCancel", False))
    return line


def _units(document: object, now: int) -> Units:
    entry = _known(document, _UNITS, "units")
    shipped_at = _whole(entry.get("shippedAt", now), "shippedAt")
    packages = tuple(
        Package(tracking_number=str(tracking), carrier=str(entry.get("carrier", "CPC")), shipped_at=shipped_at)
        for tracking in _several(entry.get("trackingNumbers", []), "trackingNumbers")
    )
    return Units(
        status=_status(entry.get("status")),
        quantity=_whole(entry.get("quantity", 1), "quantity", least=1),
        packages=packages,
        shipped_at=shipped_at if packages else 0,
        reason=str(entry.get("reason", "")),
    )


def _units_as_json(units: Units) -> dict[str, Any]:
    document: dict[str, Any] = {"status": units.status, "quantity": units.quantity}
    if units.packages:
        document["carrier"] = units.packages[0].carrier or units.packages[0].other_carrier
        document["trackingNumbers"] = [package.tracking_number for package in units.packages]
        document["shippedAt"] = units.packages[0].shipped_at
    if units.reason:
        document["reason"] = units.reason
    return document


def _status(value: object) -> Status:
    try:
        return Status(str(value))
    except ValueError:
        raise ValueError(f"status {value!r} is none of {', '.join(Status)}") from None


def _known(document: object, members: frozenset[str], what: str) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise TypeError(f"{what}: an object is needed")
    if strange := document.keys() - members:
        raise ValueError(f"{what}: there is no {min(strange)!r}")
    return document


def _several(value: object, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError(f"{name}: a list is needed")
    return value


def _whole(value: object, name: str, least: int = 0) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ValueError(f"{name} {value!r} is no whole number from {least}")
    return value
