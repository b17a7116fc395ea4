from __future__ import annotations

from typing import Any

import pytest

from batch.sandbox.bodies import Package
from batch.sandbox.documents import order_as_json, order_from_json
from batch.sandbox.orders import Status
from tests.unit.sandbox.saying import DAY, NOW, PO, TRACKING


def test_a_purchase_order_id_is_all_that_is_needed() -> None:
    made = order_from_json({"purchaseOrderId": PO}, NOW)
    assert made.customer_order_id.isdigit()
    assert (made.ordered_at, made.ship_by) == (NOW - DAY, NOW + 2 * DAY)
    assert [(line.number, line.quantity, line.units[0].status) for line in made.lines.values()] == [
        ("1", 1, Status.ACKNOWLEDGED)
    ]


def test_an_order_known_by_its_customer_gets_a_steady_id() -> None:
    ids = {order_from_json({"customerOrderId": "C1"}, NOW).purchase_order_id for _ in range(2)}
    assert len(ids) == 1
    assert all(len(each) == 15 and each.isdigit() for each in ids)


def test_what_is_written_can_be_read_again() -> None:
    document = {
        "purchaseOrderId": PO,
        "customerOrderId": "C1",
        "orderedAt": NOW,
        "shipBy": NOW + DAY,
        "method": "Express",
        "fulfilledByWalmart": True,
        "seller": "demo",
        "lines": [
            {
                "lineNumber": "7",
                "sku": "MUG",
                "quantity": 3,
                "intentToCancel": True,
                "units": [
                    {
                        "status": "Shipped",
                        "quantity": 1,
                        "carrier": "UPS",
                        "trackingNumbers": [TRACKING],
                        "shippedAt": NOW,
                    },
                    {"status": "Cancelled", "quantity": 2, "reason": "CANCEL_BY_SELLER"},
                ],
            }
        ],
    }
    made = order_from_json(document, NOW)
    assert order_as_json(made) == document
    assert made.lines["7"].units[0].packages == (Package(tracking_number=TRACKING, carrier="UPS", shipped_at=NOW),)


@pytest.mark.parametrize(
    ("document", "problem"),
    [
        (1, "an object is needed"),
        ({}, "needs purchaseOrderId or customerOrderId"),
        ({"purchaseOrderId": PO, "colour": 1}, "order: there is no 'colour'"),
        ({"purchaseOrderId": PO, "method": "Ground"}, "method 'Ground' is none of"),
        ({"purchaseOrderId": PO, "orderedAt": "today"}, "orderedAt 'today' is no whole number"),
        ({"purchaseOrderId": PO, "lines": {}}, "lines: a list is needed"),
        ({"purchaseOrderId": PO, "lines": [{"lineNumber": "1"}, {"lineNumber": "1"}]}, "line 1 is there twice"),
        ({"purchaseOrderId": PO, "lines": [{"quantity": 0}]}, "quantity 0 is no whole number from 1"),
        ({"purchaseOrderId": PO, "lines": [{"quantity": True}]}, "quantity True is no whole number"),
        ({"purchaseOrderId": PO, "lines": [{"status": "shipped"}]}, "status 'shipped' is none of Created"),
        (
            {"purchaseOrderId": PO, "lines": [{"quantity": 2, "units": [{"status": "Created"}]}]},
            "units of line 1 do not add up to 2",
        ),
    ],
)
def test_mistakes_are_named(document: Any, problem: str) -> None:  # noqa: ANN401 - any JSON
    with pytest.raises((ValueError, TypeError), match=problem):
        order_from_json(document, NOW)
