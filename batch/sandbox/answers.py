"""Orders as the marketplace writes them: epoch milliseconds, quantities as strings, nulls, and the buyer in full.

The buyer is invented, and marked, so that a test can search for what must never be kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from batch.sandbox.bodies import Package
    from batch.sandbox.orders import Line, Order, Units

BUYER_NAME = "Jeanne Témoin"
BUYER_EMAIL = "jeanne.temoin@relay.example"
BUYER_PHONE = "514-555-0199"
BUYER_STREET = "1199, rue du Témoin"
BUYER_MARKERS = (BUYER_NAME, BUYER_EMAIL, BUYER_PHONE, BUYER_STREET)

DAY = 86_400_000  # milliseconds

_ADDRESS = {
    "name": BUYER_NAME,
    "address1": BUYER_STREET,
    "address2": None,
    "city": "Montréal",
    "state": "QC",
    "postalCode": "H2X 1Y4",
    "country": "CAN",
    "addressType": "RESIDENTIAL",
}
_TAX = {"taxName": "Tax1", "taxAmount": {"currency": "CAD", "amount": 3.12}}


def one_order(order: Order, *, only_lines: int = 0) -> bytes:
    """Return the answer that shows one order, or with `only_lines` just its first lines."""
    return orjson.dumps({"order": order_entry(order, only_lines=only_lines)})


def several_orders(orders: list[Order], *, total: int, limit: int, next_cursor: str | None, wfs: bool = False) -> bytes:
    """Return one page of an order search; rows of the WFS list have no purchase order id."""
    entries = [order_entry(order) for order in orders]
    for entry in entries if wfs else ():
        del entry["purchaseOrderId"]
    meta = {"totalCount": total, "limit": limit, "nextCursor": next_cursor}
    return orjson.dumps({"list": {"meta": meta, "elements": {"order": entries}}})


def order_entry(order: Order, *, only_lines: int = 0) -> dict[str, Any]:
    """Return the order's JSON object."""
    lines = list(order.lines.values())[: only_lines or None]
    return {
        "purchaseOrderId": order.purchase_order_id,
        "customerOrderId": order.customer_order_id,
        "customerEmailId": BUYER_EMAIL,
        "orderDate": order.ordered_at,
        "shippingInfo": {
            "phone": BUYER_PHONE,
            "estimatedDeliveryDate": order.ship_by + 4 * DAY,
            "estimatedShipDate": order.ship_by,
            "methodCode": order.method,
            "postalAddress": _ADDRESS,
        },
        "orderLines": {"orderLine": [_line(line, order) for line in lines]},
        "shipNode": {"type": "WFSFulfilled" if order.fulfilled_by_walmart else "SellerFulfilled"},
    }


def _line(line: Line, order: Order) -> dict[str, Any]:
    return {
        "lineNumber": line.number,
        "shipFromCountry": line.ship_from_country or None,
        "item": {"productName": line.product, "sku": line.sku},
        "charges": {
            "charge": [
                {
                    "chargeType": "PRODUCT",
                    "chargeName": "ItemPrice",
                    "chargeAmount": {"currency": "CAD", "amount": 24.97},
                    "tax": _TAX,
                }
            ]
        },
        "orderLineQuantity": {"unitOfMeasurement": "EACH", "amount": str(line.quantity)},
        "statusDate": line.changed_at or order.ordered_at,
        "orderLineStatuses": {"orderLineStatus": [_status(units) for units in line.units]},
        "refund": None,
        "fulfillment": {
            "fulfillmentOption": "S2H",
            "shipMethod": order.method.upper(),
            "storeId": None,
            "pickUpDateTime": order.ship_by + 4 * DAY,
            "pickUpBy": None,
        },
        "intentToCancel": "CANCEL_REQUESTED" if line.intent_to_cancel else None,
        "configId": None,
    }


def _status(units: Units) -> dict[str, Any]:
    status: dict[str, Any] = {
        "status": units.status,
        "statusQuantity": {"unitOfMeasurement": "EACH", "amount": str(units.quantity)},
        "cancellationReason": units.reason or None,
        "trackingInfo": _tracking(units.packages[0]) if units.packages else None,
    }
    if len(units.packages) > 1:
        status["shipmentPackages"] = {"shipmentPackage": [_tracking(package) for package in units.packages]}
    return status


def _tracking(package: Package) -> dict[str, Any]:
    return {
        "shipDateTime": package.shipped_at,
        "carrierName": {"otherCarrier": package.other_carrier or None, "carrier": package.carrier or None},
        "methodCode": package.method,
        "trackingNumber": package.tracking_number or None,
        "trackingURL": package.tracking_url or None,
    }
