from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest

from batch.marketplace.answer import ErrorEntry, read_document, read_errors, read_order, read_orders
from batch.marketplace.orders import LineStatus, Order, OrderLine

SAMPLES = Path(__file__).parent / "samples"
PURCHASE_ORDER = "309121065891123"
SHIPPED = Order(
    purchase_order_id=PURCHASE_ORDER,
    customer_order_id="200012345678901",
    ordered_at=1_700_000_000_000,
    ship_by=1_700_265_600_000,
    method_code="Standard",
    lines=(
        OrderLine(
            line_number="1",
            sku="CANDLE-1",
            quantity=2,
            statuses=(
                LineStatus(
                    status="Shipped",
                    quantity=2,
                    carrier="CPC",
                    tracking_number="7035114477138472",
                    shipped_at=1_700_100_000_000,
                ),
            ),
        ),
    ),
)


def sample(name: str) -> dict[str, Any] | None:
    return read_document((SAMPLES / name).read_bytes())


def order_of(line: dict[str, Any], **members: object) -> Order | None:
    order = {"purchaseOrderId": "1", "orderLines": {"orderLine": [line]}, **members}
    return read_order({"order": order}, "1")


def line_of(**members: object) -> OrderLine | None:
    status = {"status": "Acknowledged", "statusQuantity": {"amount": "1"}}
    statuses = {"orderLineStatus": [status]}
    order = order_of({"lineNumber": "1", "orderLineStatuses": statuses, **members})
    return order.lines[0] if order else None


@pytest.mark.parametrize(
    "name",
    [
        "200-shipped.json",
        "200-shipped-in-a-list.json",
        "200-shipped-prefixed.xml",
        "200-shipped-default-namespace.xml",
    ],
)
def test_the_same_order_is_read_in_every_form(name: str) -> None:
    assert read_order(sample(name), PURCHASE_ORDER) == SHIPPED


def test_an_order_at_the_root_is_read_too() -> None:
    document = sample("200-shipped.json")
    assert document
    assert read_order(document["order"], PURCHASE_ORDER) == SHIPPED


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"\xff\xfe",
        b"<html><body/></html>",
        b"<order>",
        b'<!DOCTYPE order [<!ENTITY a "aaaa">]><order>&a;</order>',
        b"<order>\0</order>",
        b'<?xml version="1.0" encoding="no-such"?><order/>',
        b'<?xml version="1.0" encoding="rot13"?><order/>',
        b"<order>" + b"<a>" * 50 + b"</a>" * 50 + b"</order>",
    ],
)
def test_what_is_no_document_of_the_marketplace_is_absent(body: bytes) -> None:
    assert read_document(body) is None


def test_a_byte_order_mark_and_blank_lines_are_passed_over() -> None:
    assert read_document(b"\xef\xbb\xbf\r\n {}") == {}


def test_xml_elements_that_repeat_become_lists() -> None:
    xml = b"<list><a>1</a><a>2</a><a>3</a><b> x </b><c/><!-- said --><d><![CDATA[<e>]]></d></list>"
    document = read_document(xml)
    assert document
    assert document["list"]["a"] == ["1", "2", "3"]
    assert document["list"]["b"] == "x"
    assert document["list"]["c"] == ""
    assert document["list"]["d"] == "<e>"


ENTRY = {"code": "A.GMP", "field": "data", "description": "d", "info": "i", "severity": "error"}
READ = ErrorEntry(code="A.GMP", field="data", description="d", info="i", severity="ERROR")


@pytest.mark.parametrize(
    ("document", "errors"),
    [
        ({"errors": {"error": [ENTRY, ENTRY]}}, (READ, READ)),
        ({"error": [ENTRY]}, (READ,)),
        ({"errors": [ENTRY]}, (READ,)),
        ({"errors": {"error": ENTRY}}, (READ,)),
        ({"error": ENTRY}, (READ,)),
        ({"errors": ENTRY}, (READ,)),
        ({"errors": [{"code": "A", "message": "m"}]}, (ErrorEntry(code="A", description="m"),)),
        (
            {"error": "invalid_client", "error_description": "who?"},
            (ErrorEntry(code="invalid_client", description="who?"),),
        ),
        ({"errors": [{"code": "A", "causes": []}]}, (ErrorEntry(code="A"),)),
        ({"errors": [{"code": "A", "causes": {"cause": []}}]}, (ErrorEntry(code="A"),)),
        ({"errors": [{"code": "A", "causes": {"cause": [{}]}}]}, (ErrorEntry(code="A", has_causes=True),)),
        ({"errors": [{"code": "A", "causes": [{"code": "B"}]}]}, (ErrorEntry(code="A", has_causes=True),)),
        ({"errors": [{"code": "not a code!"}]}, (ErrorEntry(code=""),)),
        ({"errors": [{"code": 17}]}, (ErrorEntry(code="17"),)),
        ({"errors": [7, None, {}, [], True]}, ()),
        ({"errors": None}, ()),
        ({"errors": {"error": []}}, ()),
        ({"order": {}}, ()),
        (None, ()),
    ],
)
def test_every_envelope_is_read(document: dict[str, Any] | None, errors: tuple[ErrorEntry, ...]) -> None:
    assert read_errors(document) == errors


def test_a_code_is_known_without_its_component() -> None:
    assert ErrorEntry(code="unauthorized.GMP_GATEWAY_API").name == "UNAUTHORIZED"


@pytest.mark.parametrize(
    ("amount", "quantity"),
    [("3", 3), (3, 3), (3.0, 3), ("3.0", 3), (" 3 ", 3)],
)
def test_units_are_read_as_clients_and_servers_write_them(amount: object, quantity: int) -> None:
    line = line_of(orderLineQuantity={"amount": amount})
    assert line
    assert line.quantity == quantity


@pytest.mark.parametrize("amount", ["-1", "1.5", 1.5, "one", "٣", True, [1], "9" * 12])
def test_an_order_whose_units_cannot_be_read_is_not_believed(amount: object) -> None:
    assert line_of(orderLineQuantity={"amount": amount}) is None


def test_a_lines_units_are_those_of_its_statuses_where_it_names_none() -> None:
    line = line_of()
    assert line
    assert line.quantity == 1


def test_a_status_without_units_holds_the_whole_line_only_where_it_is_the_only_one() -> None:
    whole = {"orderLineQuantity": {"amount": "4"}, "orderLineStatuses": {"orderLineStatus": {"status": "SHIPPED"}}}
    line = line_of(**whole)
    assert line
    assert line.statuses == (LineStatus(status="Shipped", quantity=4),)
    two = {"orderLineQuantity": {"amount": "4"}, "orderLineStatuses": {"orderLineStatus": [{"status": "Shipped"}] * 2}}
    assert line_of(**two) is None


@pytest.mark.parametrize(
    "line",
    [
        {},
        {"lineNumber": None},
        {"lineNumber": "1", "orderLineStatuses": {"orderLineStatus": [{"statusQuantity": {"amount": "1"}}]}},
        {"lineNumber": "1", "orderLineStatuses": {"orderLineStatus": ["Shipped"]}},
    ],
)
def test_an_order_with_an_improper_line_is_not_believed(line: dict[str, Any]) -> None:
    assert order_of(line) is None


def test_an_order_that_shows_a_line_twice_or_none_is_not_believed() -> None:
    assert order_of({"lineNumber": "1"}, orderLines={"orderLine": [{"lineNumber": "1"}, {"lineNumber": 1}]}) is None
    assert order_of({"lineNumber": "1"}, orderLines=None) is None


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        (1_700_000_000_000, 1_700_000_000_000),
        ("1700000000000", 1_700_000_000_000),
        (1.7e12, 1_700_000_000_000),
        ("2023-11-14T22:13:20.000Z", 1_700_000_000_000),
        ("2023-11-14T22:13:20", 1_700_000_000_000),
        ("2023-11-14T17:13:20-05:00", 1_700_000_000_000),
        (1_700_000_000, 0),
        ("soon", 0),
        ("0001-01-01T00:00:00+23:59", 0),
        (None, 0),
        (True, 0),
        ("9" * 40, 0),
        ("9" * 5000, 0),
    ],
)
def test_times_are_read_in_every_form(said: object, moment: int) -> None:
    order = order_of({"lineNumber": "1"}, orderDate=said)
    assert order
    assert order.ordered_at == moment


@pytest.mark.parametrize(
    ("said", "asked"),
    [(None, False), ("", False), ("false", False), ("N", False), (0, False), ({}, False), ("true", True), (True, True)],
)
def test_a_buyers_wish_to_cancel_is_seen(said: object, asked: bool) -> None:  # noqa: FBT001 - a table
    line = line_of(intentToCancel=said)
    assert line
    assert line.intent_to_cancel is asked


def test_an_order_of_walmarts_own_warehouse_is_told_by_its_node() -> None:
    order = order_of({"lineNumber": "1"}, shipNode={"type": "WFSFulfilled"})
    assert order
    assert order.fulfilled_by_walmart
    order = order_of({"lineNumber": "1"}, shipNode={"type": "SellerFulfilled"})
    assert order
    assert not order.fulfilled_by_walmart


def test_packages_of_the_same_units_are_listed() -> None:
    packages = {"shipmentPackage": [{"trackingNumber": "A", "carrierName": "UPS"}, {"trackingNumber": "B"}]}
    first = {"trackingNumber": "A", "carrierName": {"carrier": "UPS"}}
    status = {
        "status": "Shipped",
        "statusQuantity": {"amount": "1"},
        "trackingInfo": first,
        "shipmentPackages": packages,
    }
    line = line_of(orderLineStatuses={"orderLineStatus": status})
    assert line
    assert line.statuses[0] == LineStatus(
        status="Shipped", quantity=1, carrier="UPS", tracking_number="A", packages=("A", "B")
    )


def test_an_unlisted_carrier_is_read_by_its_name() -> None:
    tracking = {"carrierName": {"carrier": None, "otherCarrier": "Nationex"}, "trackingNumber": "N1"}
    status = {"status": "Shipped", "statusQuantity": {"amount": "1"}, "trackingInfo": tracking}
    line = line_of(orderLineStatuses={"orderLineStatus": status})
    assert line
    assert line.statuses[0].carrier == "Nationex"


def test_a_search_keeps_only_the_orders_that_were_asked_for() -> None:
    document = sample("200-found-two-orders.json")
    orders = read_orders(document, "200012345678901")
    assert orders
    assert [order.purchase_order_id for order in orders] == [PURCHASE_ORDER, "309121065891124"]
    assert read_orders(document, "somebody else's") == ()


def test_a_search_shows_orders_of_walmarts_own_warehouse_which_have_no_number() -> None:
    entry = {"customerOrderId": "C", "orderLines": {"orderLine": {"lineNumber": "1"}}}
    orders = read_orders({"list": {"elements": {"order": entry}}}, "C")
    assert orders
    assert orders[0].fulfilled_by_walmart


@pytest.mark.parametrize("document", [None, {}, {"errors": []}])
def test_what_is_no_list_of_orders_is_not_taken_for_an_empty_one(document: dict[str, Any] | None) -> None:
    assert read_orders(document, "C") is None


def test_the_samples_are_what_they_claim() -> None:
    for name in tomllib.loads((SAMPLES / "expected.toml").read_text()):
        if name.endswith(".json") and "truncated" not in name and "empty" not in name:
            json.loads((SAMPLES / name).read_text())
