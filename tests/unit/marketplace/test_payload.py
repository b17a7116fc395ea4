from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from batch.marketplace.orders import Parcel, ShippingUpdate
from batch.marketplace.payload import METHOD_CODES, packages_body, shipping_body

PARCEL = Parcel(
    line_number="1",
    quantity=2,
    carrier="CPC",
    method_code="Standard",
    tracking_number="7035114477138472",
    shipped_at=1_700_100_000_000,
    ship_from_country="CA",
)
OTHER = replace(
    PARCEL,
    carrier="",
    other_carrier="Nationex",
    tracking_number="N1",
    tracking_url="https://example.com/N1",
    quantity=1,
)


def update(
    *parcels: Parcel,
    replaces: tuple[str, ...] = (),
    shipment_numbers: tuple[str, ...] = (),
    override_intent_to_cancel: bool = False,
) -> ShippingUpdate:
    return ShippingUpdate(
        purchase_order_id="309121065891123",
        parcels=parcels,
        replaces=replaces,
        shipment_numbers=shipment_numbers,
        override_intent_to_cancel=override_intent_to_cancel,
    )


def test_one_parcel_says_exactly_this() -> None:
    assert shipping_body(update(PARCEL)) == (
        b'{"orderShipment":{"orderLines":{"orderLine":[{"lineNumber":"1","shipFromCountry":"CA",'
        b'"orderLineStatuses":{"orderLineStatus":[{"status":"Shipped",'
        b'"statusQuantity":{"unitOfMeasurement":"EACH","amount":"2"},'
        b'"trackingInfo":{"shipDateTime":1700100000000,"carrierName":{"carrier":"CPC"},"methodCode":"Standard",'
        b'"trackingNumber":"7035114477138472"}}]}}]}}}'
    )


def test_an_unlisted_carrier_goes_with_its_tracking_url() -> None:
    assert shipping_body(update(replace(OTHER, seller_order_id="S-7"))) == (
        b'{"orderShipment":{"orderLines":{"orderLine":[{"lineNumber":"1","shipFromCountry":"CA","sellerOrderId":"S-7",'
        b'"orderLineStatuses":{"orderLineStatus":[{"status":"Shipped",'
        b'"statusQuantity":{"unitOfMeasurement":"EACH","amount":"1"},'
        b'"trackingInfo":{"shipDateTime":1700100000000,"carrierName":{"otherCarrier":"Nationex"},"methodCode":"Standard",'
        b'"trackingNumber":"N1","trackingURL":"https://example.com/N1"}}]}}]}}}'
    )


def test_an_edit_names_the_mode_and_the_number_to_be_replaced() -> None:
    assert shipping_body(update(PARCEL, replaces=("OLD1",))) == (
        b'{"orderShipment":{"processMode":"PARTIAL_UPDATE","orderLines":{"orderLine":[{"lineNumber":"1",'
        b'"shipFromCountry":"CA","orderLineStatuses":{"orderLineStatus":[{"status":"Shipped",'
        b'"statusQuantity":{"unitOfMeasurement":"EACH","amount":"2"},'
        b'"trackingInfo":{"shipDateTime":1700100000000,"carrierName":{"carrier":"CPC"},"methodCode":"Standard",'
        b'"trackingNumber":"7035114477138472"},"currentTrackingInfo":{"trackingNumber":"OLD1"}}]}}]}}}'
    )


def test_packages_of_the_same_units_stand_together() -> None:
    packages = update(
        replace(PARCEL, quantity=1),
        replace(PARCEL, quantity=1, tracking_number="4002847016405018"),
        replace(OTHER, line_number="2"),
        shipment_numbers=("S1", "S1", ""),
    )
    assert packages_body(packages, wrapped=False) == (
        b'{"orderLines":{"orderLine":[{"lineNumber":"1","shipFromCountry":"CA","orderLineStatuses":{"orderLineStatus":['
        b'{"status":"Shipped","statusQuantity":{"unitOfMeasurement":"EACH","amount":"1"},"shipmentPackages":'
        b'{"shipmentPackage":['
        b'{"shipDateTime":1700100000000,"carrierName":{"carrier":"CPC"},"methodCode":"Standard",'
        b'"trackingNumber":"7035114477138472","shipmentNo":"S1"},'
        b'{"shipDateTime":1700100000000,"carrierName":{"carrier":"CPC"},"methodCode":"Standard",'
        b'"trackingNumber":"4002847016405018","shipmentNo":"S1"}]}}]}},'
        b'{"lineNumber":"2","shipFromCountry":"CA","orderLineStatuses":{"orderLineStatus":['
        b'{"status":"Shipped","statusQuantity":{"unitOfMeasurement":"EACH","amount":"1"},"shipmentPackages":'
        b'{"shipmentPackage":['
        b'{"shipDateTime":1700100000000,"carrierName":{"otherCarrier":"Nationex"},"methodCode":"Standard",'
        b'"trackingNumber":"N1","trackingURL":"https://example.com/N1"}]}}]}}]}}'
    )
    wrapped = orjson.loads(packages_body(packages, wrapped=True))
    assert wrapped == {"orderShipment": orjson.loads(packages_body(packages, wrapped=False))}


def test_several_parcels_of_one_line_are_statuses_of_one_order_line() -> None:
    body = orjson.loads(shipping_body(update(PARCEL, replace(PARCEL, line_number="2"), replace(OTHER, quantity=3))))
    lines = body["orderShipment"]["orderLines"]["orderLine"]
    assert [line["lineNumber"] for line in lines] == ["1", "2"]
    amounts = [status["statusQuantity"]["amount"] for status in lines[0]["orderLineStatuses"]["orderLineStatus"]]
    assert amounts == ["2", "3"]


def test_lettermail_goes_without_a_tracking_number() -> None:
    body = shipping_body(update(replace(PARCEL, carrier="LETTERMAIL", tracking_number="")))
    assert b"trackingNumber" not in body


def test_a_wish_to_cancel_is_overridden_only_when_asked() -> None:
    assert b"intentToCancelOverride" not in shipping_body(update(PARCEL))
    body = orjson.loads(shipping_body(update(PARCEL, override_intent_to_cancel=True)))
    assert body["orderShipment"]["orderLines"]["orderLine"][0]["intentToCancelOverride"] is True


@pytest.mark.parametrize(
    ("changed", "fault"),
    [
        ({"line_number": ""}, "line_number is blank"),
        ({"quantity": 0}, "quantity must be at least 1"),
        ({"quantity": -1}, "quantity must be at least 1"),
        ({"method_code": ""}, "method_code is none"),
        ({"method_code": "Ground"}, "method_code is none"),
        ({"method_code": "STANDARD"}, "method_code is none"),
        ({"shipped_at": 0}, "epoch milliseconds"),
        ({"shipped_at": 1_700_100_000}, "epoch milliseconds"),
        ({"shipped_at": 637_449_042_980_494_000}, "epoch milliseconds"),
        ({"ship_from_country": ""}, "ship_from_country"),
        ({"carrier": ""}, "exactly one of"),
        ({"other_carrier": "Nationex"}, "exactly one of"),
        ({"carrier": "", "other_carrier": "Nationex"}, "needs a tracking_url"),
        ({"tracking_number": ""}, "tracking_number is blank"),
        ({"seller_order_id": "S" * 31}, "seller_order_id is too long"),
    ],
)
def test_a_parcel_that_lacks_something_is_never_sent(changed: dict[str, Any], fault: str) -> None:
    faulty = update(PARCEL, replace(PARCEL, **changed))
    with pytest.raises(ValueError, match=fault):
        shipping_body(faulty)
    with pytest.raises(ValueError, match=fault):
        packages_body(replace(faulty, shipment_numbers=("", "")), wrapped=False)


@pytest.mark.parametrize(
    ("faulty", "fault"),
    [
        (update(), "at least one parcel"),
        (update(PARCEL, replaces=("A", "B")), "replaces needs one entry beside each of the 1 parcels, not 2"),
        (update(PARCEL, replaces=("",)), "takes the place of"),
        (update(PARCEL, replaces=("A",), shipment_numbers=("S",)), "an edit cannot name shipment numbers"),
        (update(PARCEL, replace(PARCEL, ship_from_country="US")), "two countries or two seller order ids"),
        (update(PARCEL, replace(PARCEL, seller_order_id="S")), "two countries or two seller order ids"),
    ],
)
def test_a_contradictory_update_is_never_sent(faulty: ShippingUpdate, fault: str) -> None:
    with pytest.raises(ValueError, match=fault):
        shipping_body(faulty)


@pytest.mark.parametrize(
    "changed",
    [{"quantity": 3}, {"carrier": "UPS"}, {"ship_from_country": "US"}],
)
def test_packages_of_the_same_units_must_agree(changed: dict[str, Any]) -> None:
    faulty = update(PARCEL, replace(PARCEL, **changed), shipment_numbers=("S", "S"))
    with pytest.raises(ValueError, match="differ in carrier, country or quantity"):
        packages_body(faulty, wrapped=False)


def test_a_package_needs_its_tracking_number() -> None:
    letter = replace(PARCEL, carrier="LETTERMAIL", tracking_number="")
    with pytest.raises(ValueError, match="needs its tracking number"):
        packages_body(update(letter, letter, shipment_numbers=("S", "S")), wrapped=False)


parcels = st.builds(
    Parcel,
    line_number=st.sampled_from(["1", "2", "10"]),
    quantity=st.integers(1, 999),
    carrier=st.sampled_from(["CPC", "UPS", "PCLINT"]),
    method_code=st.sampled_from(sorted(METHOD_CODES)),
    tracking_number=st.text(st.characters(codec="ascii", exclude_categories=["C"]), min_size=1, max_size=30),
    shipped_at=st.integers(1_000_000_000_000, 9_999_999_999_999),
    ship_from_country=st.just("CA"),
)


@given(st.lists(parcels, min_size=1, max_size=8))
def test_every_parcel_is_said_once_with_its_own_units_and_number(given_parcels: list[Parcel]) -> None:
    body = orjson.loads(shipping_body(update(*given_parcels)))
    said = [
        (line["lineNumber"], status["statusQuantity"]["amount"], status["trackingInfo"]["trackingNumber"])
        for line in body["orderShipment"]["orderLines"]["orderLine"]
        for status in line["orderLineStatuses"]["orderLineStatus"]
    ]
    meant = [(parcel.line_number, str(parcel.quantity), parcel.tracking_number) for parcel in given_parcels]
    assert sorted(said) == sorted(meant)
