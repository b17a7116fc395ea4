from __future__ import annotations

import orjson

from batch.sandbox.answers import BUYER_EMAIL, BUYER_NAME, BUYER_PHONE, one_order
from batch.sandbox.bodies import Package
from batch.sandbox.orders import Status, Units
from tests.unit.sandbox.saying import DAY, NOW, PO, TRACKING, order


def test_an_order_is_written_as_the_wire_has_it() -> None:
    made = order(PO, 3, customer="C1", method="Express")
    package = Package(tracking_number=TRACKING, carrier="CPC", shipped_at=NOW)
    line = made.lines["1"]
    line.intent_to_cancel = True
    line.units = [
        Units(status=Status.SHIPPED, quantity=2, packages=(package,)),
        Units(status=Status.CANCELLED, quantity=1, reason="CANCEL_BY_SELLER"),
    ]
    shown = orjson.loads(one_order(made))["order"]
    assert (shown["purchaseOrderId"], shown["customerOrderId"], shown["orderDate"]) == (PO, "C1", NOW - DAY)
    assert shown["shippingInfo"]["estimatedShipDate"] == NOW + DAY
    assert shown["shippingInfo"]["methodCode"] == "Express"
    (entry,) = shown["orderLines"]["orderLine"]
    assert entry["orderLineQuantity"] == {"unitOfMeasurement": "EACH", "amount": "3"}
    assert (entry["refund"], entry["intentToCancel"]) == (None, "CANCEL_REQUESTED")
    first, second = entry["orderLineStatuses"]["orderLineStatus"]
    assert first == {
        "status": "Shipped",
        "statusQuantity": {"unitOfMeasurement": "EACH", "amount": "2"},
        "cancellationReason": None,
        "trackingInfo": {
            "shipDateTime": NOW,
            "carrierName": {"otherCarrier": None, "carrier": "CPC"},
            "methodCode": "Standard",
            "trackingNumber": TRACKING,
            "trackingURL": None,
        },
    }
    assert (second["cancellationReason"], second["trackingInfo"]) == ("CANCEL_BY_SELLER", None)


def test_the_invented_buyer_is_marked() -> None:
    shown = orjson.loads(one_order(order()))["order"]
    assert shown["customerEmailId"] == BUYER_EMAIL
    assert shown["shippingInfo"]["phone"] == BUYER_PHONE
    assert shown["shippingInfo"]["postalAddress"]["name"] == BUYER_NAME == "Jeanne Témoin"


def test_orders_say_who_fulfils_them() -> None:
    kinds = [orjson.loads(one_order(order(fulfilled_by_walmart=by)))["order"]["shipNode"] for by in (False, True)]
    assert kinds == [{"type": "SellerFulfilled"}, {"type": "WFSFulfilled"}]
