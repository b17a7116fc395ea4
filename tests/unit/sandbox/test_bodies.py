from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.sandbox.bodies import (
    Cancellation,
    Package,
    read_acknowledgement,
    read_cancellation,
    read_shipment,
)
from batch.sandbox.refusals import Refusal
from tests.unit.sandbox.saying import (
    NOW,
    OTHER_TRACKING,
    TRACKING,
    cancellation,
    edit,
    line,
    packages,
    shipment,
    status,
    tracking_info,
)


def said(**changes: object) -> dict[str, Any]:
    """A shipment whose tracking information is changed so."""
    return shipment(line("1", status(tracking=tracking_info(**changes))))  # type: ignore[arg-type]  # of any type, on purpose


def said_of(**changes: object) -> dict[str, Any]:
    """A shipment whose line status is changed so."""
    return shipment(line("1", status(**changes)))


def test_a_shipment_is_read_whole() -> None:
    other = tracking_info(
        OTHER_TRACKING,
        carrierName={"carrier": None, "otherCarrier": "Intelcom"},
        trackingURL="https://intelcom.example/t",
        methodCode="Express",
    )
    body = shipment(
        line("1", status("2"), status("1", tracking=other), intentToCancelOverride=True, sellerOrderId="S-1"),
        line("2", shipFromCountry="US"),
    )
    read = read_shipment(orjson.dumps(body))
    assert not read.edit
    assert [(each.line_number, each.quantity, each.ship_from_country) for each in read.dispatches] == [
        ("1", 2, "CA"),
        ("1", 1, "CA"),
        ("2", 1, "US"),
    ]
    assert [each.override_intent_to_cancel for each in read.dispatches] == [True, True, False]
    assert read.dispatches[1].package == Package(
        tracking_number=OTHER_TRACKING,
        other_carrier="Intelcom",
        method="Express",
        tracking_url="https://intelcom.example/t",
        shipped_at=NOW - 1000,
    )


def test_an_edit_names_the_number_that_gives_way() -> None:
    read = read_shipment(orjson.dumps(edit(TRACKING, OTHER_TRACKING)))
    assert (read.edit, read.dispatches[0].replaces) == (True, TRACKING)


def test_packages_come_with_and_without_their_wrapper() -> None:
    bare = packages(TRACKING, OTHER_TRACKING, shipmentNo="7")
    for body in (bare, {"orderShipment": bare}):
        (read,) = read_shipment(orjson.dumps(body), packages=True).dispatches
        assert [package.tracking_number for package in read.packages] == [TRACKING, OTHER_TRACKING]


def test_lettermail_needs_no_tracking_number() -> None:
    body = said(carrierName={"carrier": "LETTERMAIL"}, trackingNumber=None)
    assert read_shipment(orjson.dumps(body)).dispatches[0].package.tracking_number == ""


@pytest.mark.parametrize(
    ("content", "field", "reason"),
    [
        ({"orderLines": {}}, "orderLines", "Unrecognized field"),
        ([], "data", "must be an object"),
        ({}, "orderShipment", "orderShipment is required"),
        ({"orderShipment": {"orderLines": {"orderLine": []}}}, "orderLine", "orderLine is required"),
        ({"orderShipment": {"orderLines": {"orderLine": {}}}}, "orderLine", "must be an array"),
        ({"orderShipment": {"orderLines": {}}}, "orderLine", "orderLine is required"),
        (shipment(processMode="FULL"), "processMode", "processMode 'FULL' is not supported"),
        (shipment(line(1)), "lineNumber", "must be a string"),
        (shipment(line("")), "lineNumber", "lineNumber is required"),
        (shipment(line(" 1")), "lineNumber", "without blanks"),
        (shipment(line(shipFromCountry=None)), "shipFromCountry", "shipFromCountry is required"),
        (shipment(line(shipFromCountry="Canada")), "shipFromCountry", "shipFromCountry Canada is not supported"),
        (shipment(line(sellerOrderId="x" * 31)), "sellerOrderId", "more than 30"),
        (shipment(line(intentToCancelOverride="true")), "intentToCancelOverride", "must be a boolean"),
        (shipment(line("1", status(shipFromCountry="CA"))), "shipFromCountry", "Unrecognized field"),
        (shipment(line("1", status(status="SHIPPED"))), "status", "status 'SHIPPED' is not supported"),
        (shipment(line("1", status(1))), "amount", "amount 1 must be a string"),
        (shipment(line("1", status("0"))), "amount", "must be a string of digits"),
        (shipment(line("1", status("1.0"))), "amount", "must be a string of digits"),
        (said_of(statusQuantity={"unitOfMeasurement": "Each", "amount": "1"}), "unitOfMeasurement", "Each"),
        (shipment(line("1", status(currentTrackingInfo={"trackingNumber": "A"}))), "currentTrackingInfo", "together"),
        (shipment(processMode="PARTIAL_UPDATE"), "currentTrackingInfo", "together"),
        (said(carrierName={"carrier": "CPC", "otherCarrier": "X"}), "carrierName", "exactly one"),
        (said(carrierName={"carrier": None, "otherCarrier": None}), "carrierName", "exactly one"),
        (said(carrierName="CPC"), "carrierName", "must be an object"),
        (said(carrierName={"carrier": "cpc"}), "carrier", "carrier cpc is not supported"),
        (said(carrierName={"carrier": "Canada Post"}), "carrier", "carrier Canada Post is not supported"),
        (said(carrierName={"otherCarrier": "Intelcom"}), "trackingURL", "trackingURL is required"),
        (said(trackingURL="intelcom"), "trackingURL", "is not a URL"),
        (said(methodCode="Ground"), "methodCode", "Method code is not supported in line number 1"),
        (said(methodCode="STANDARD"), "methodCode", "Method code is not supported in line number 1"),
        (said(trackingNumber=None), "trackingNumber", "trackingNumber is required"),
        (said(trackingNumber=73938000549297), "trackingNumber", "must be a string"),
        (said(shipDateTime="2026-11-23T00:00:00Z"), "shipDateTime", "must be epoch milliseconds"),
        (said(shipDateTime=True), "shipDateTime", "must be epoch milliseconds"),
        (said(shipDateTime=1.5e12), "shipDateTime", "must be epoch milliseconds"),
        (said(shipDateTime=637449042980494000), "shipDateTime", "is not epoch milliseconds"),
        (said(shipDateTime=1_700_000_000), "shipDateTime", "is not epoch milliseconds"),
        (said(ship_date_time=1), "ship_date_time", "Unrecognized field"),
    ],
)  # fmt: skip
def test_bodies_that_a_careful_server_refuses(content: object, field: str, reason: str) -> None:
    with pytest.raises(Refusal, match=reason) as refused:
        read_shipment(orjson.dumps(content))
    assert refused.value.status == 400
    assert [(each.field, each.code) for each in refused.value.complaints] == [
        (field, "INVALID_REQUEST_CONTENT.GMP_ORDER_API")
    ]


@pytest.mark.parametrize("body", [b"", b"orderShipment", b"<orderShipment/>", b'{"orderShipment": NaN}', b"\xff"])
def test_what_is_no_json_is_malformed(body: bytes) -> None:
    with pytest.raises(Refusal, match="not JSON") as refused:
        read_shipment(body)
    assert refused.value.complaints[0].code == "MALFORMED_REQUEST_CONTENT.GMP_ORDER_API"


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"orderLines": {"orderLine": [line()]}}, "shipmentPackages is required"),
        (packages(), "shipmentPackage is required"),
    ],
)
def test_packages_must_be_there(content: object, reason: str) -> None:
    with pytest.raises(Refusal, match=reason):
        read_shipment(orjson.dumps(content), packages=True)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [({"carrierName": {"carrier": "UPS"}}, "same carrier"), ({"shipmentNo": "2"}, "same for all packages")],
)
def test_packages_of_one_shipment_agree(changes: dict[str, object], reason: str) -> None:
    body = packages(TRACKING, OTHER_TRACKING, shipmentNo="1")
    entry = body["orderLines"]["orderLine"][0]["orderLineStatuses"]["orderLineStatus"][0]
    entry["shipmentPackages"]["shipmentPackage"][1].update(changes)
    with pytest.raises(Refusal, match=reason):
        read_shipment(orjson.dumps(body), packages=True)


def test_a_cancellation_is_read() -> None:
    read = read_cancellation(orjson.dumps(cancellation("2", "3")))
    assert read == (Cancellation(line_number="2", quantity=3, reason="CANCEL_BY_SELLER"),)
    with pytest.raises(Refusal, match="cancellationReason OTHER is not supported"):
        read_cancellation(orjson.dumps(cancellation(reason="OTHER")))


@pytest.mark.parametrize("body", [b"", b" ", b"[]", b"{}"])
def test_an_acknowledgement_says_nothing(body: bytes) -> None:
    read_acknowledgement(body)


def test_an_acknowledgement_that_says_something_is_malformed() -> None:
    with pytest.raises(Refusal, match="no content"):
        read_acknowledgement(b'{"orderShipment": {}}')


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
_PATHS = st.sampled_from(
    [
        ("orderShipment",),
        ("orderShipment", "orderLines"),
        ("orderShipment", "orderLines", "orderLine"),
        ("orderShipment", "orderLines", "orderLine", 0),
        ("orderShipment", "orderLines", "orderLine", 0, "orderLineStatuses"),
        ("orderShipment", "orderLines", "orderLine", 0, "orderLineStatuses", "orderLineStatus", 0),
        ("orderShipment", "orderLines", "orderLine", 0, "orderLineStatuses", "orderLineStatus", 0, "trackingInfo"),
    ]
)


@settings(max_examples=80, deadline=None)
@given(path=_PATHS, value=_JSON)
def test_whatever_stands_in_a_body_is_refused_and_never_more(path: tuple[str | int, ...], value: object) -> None:
    body: Any = shipment()
    place = body
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    with pytest.raises(Refusal):
        read_shipment(orjson.dumps(body, option=orjson.OPT_STRICT_INTEGER) if _small(value) else b"?")


def _small(value: object) -> bool:
    try:
        orjson.dumps(value, option=orjson.OPT_STRICT_INTEGER)
    except (TypeError, ValueError):
        return False
    return True
