from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.errors import SettingsError
from batch.marketplace.call import Kind
from batch.marketplace.dialect import MultiPackage, OrderCalls
from batch.marketplace.legacy_canada import LegacyCanada
from batch.marketplace.orders import Parcel, ShippingUpdate
from batch.marketplace.payload import packages_body, shipping_body
from batch.marketplace.signature import Signer

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from batch.marketplace.dialect import Dialect
    from batch.marketplace.global_api import GlobalApi

HOST = "https://marketplace.walmartapis.com"
PARCEL = Parcel(
    line_number="1",
    quantity=1,
    carrier="CPC",
    method_code="Standard",
    tracking_number="7035114477138472",
    shipped_at=1_700_100_000_000,
    ship_from_country="CA",
)
UPDATE = ShippingUpdate(purchase_order_id="309121065891123", parcels=(PARCEL,))
EDIT = ShippingUpdate(purchase_order_id="309121065891123", parcels=(PARCEL,), replaces=("OLD",))
PACKAGES = ShippingUpdate(purchase_order_id="309121065891123", parcels=(PARCEL, PARCEL), shipment_numbers=("S", "S"))


@pytest.mark.parametrize(("name", "prefix"), [("legacy", "/v3/ca/orders"), ("modern", "/v3/orders")])
def test_each_dialect_says_the_same_things_at_its_own_address(
    name: str, prefix: str, request: pytest.FixtureRequest
) -> None:
    dialect: Dialect = request.getfixturevalue(name)
    calls = [
        dialect.ship(UPDATE),
        dialect.ship(EDIT),
        dialect.ship(PACKAGES),
        dialect.read("309121065891123"),
        dialect.acknowledge("309121065891123"),
        dialect.find("200012345678901"),
    ]
    assert [(call.kind, call.method, call.url.removeprefix(HOST + prefix)) for call in calls] == [
        (Kind.SHIP, "POST", "/309121065891123/shipping"),
        (Kind.EDIT, "POST", "/309121065891123/shipping"),
        (Kind.SHIP, "POST", "/309121065891123/multiPackageShipping"),
        (Kind.READ, "GET", "/309121065891123"),
        (Kind.ACKNOWLEDGE, "POST", "/309121065891123/acknowledge"),
        (
            Kind.FIND,
            "GET",
            "?customerOrderId=200012345678901&createdStartDate=2017-01-01T00:00:00Z&limit=200",
        ),
    ]
    assert [call.body for call in calls] == [
        shipping_body(UPDATE),
        shipping_body(EDIT),
        packages_body(PACKAGES, wrapped=False),
        None,
        None,
        None,
    ]
    assert [call.unproved for call in calls] == [False, False, True, False, False, False]
    assert {call.headers["Accept"] for call in calls} == {"application/json"}
    assert ["Content-Type" in call.headers for call in calls] == [True, True, True, False, False, False]


def test_multi_package_calls_can_be_told_another_path_and_wrapper() -> None:
    call = OrderCalls(f"{HOST}/v3/orders", MultiPackage(path="packages", wrapped=True)).ship(PACKAGES)
    assert call.url.endswith("/packages")
    assert call.body == packages_body(PACKAGES, wrapped=True)


@given(st.text(min_size=1, max_size=20).filter(lambda text: text.strip(".") and text.isprintable()))
def test_whatever_the_order_number_is_it_stays_one_part_of_the_path(number: str) -> None:
    url = OrderCalls(f"{HOST}/v3/orders").acknowledge(number).url
    assert url.isascii()
    parts = urlsplit(url)
    assert [unquote(part) for part in parts.path.split("/")] == ["", "v3", "orders", number, "acknowledge"]
    assert not parts.query
    assert not parts.fragment


@given(st.text(min_size=1, max_size=20).filter(str.isprintable))
def test_whatever_the_customer_order_is_it_stays_one_value_of_the_query(number: str) -> None:
    url = OrderCalls(f"{HOST}/v3/orders").find(number).url
    assert parse_qs(urlsplit(url).query, strict_parsing=True)["customerOrderId"] == [number]


@pytest.mark.parametrize("number", ["", ".", ".."])
def test_what_is_no_order_number_is_never_asked_for(number: str, dialect: Dialect) -> None:
    with pytest.raises(ValueError, match="no purchase order id"):
        dialect.read(number)


def test_a_blank_customer_order_is_never_searched_for(dialect: Dialect) -> None:
    with pytest.raises(ValueError, match="customer_order_id is blank"):
        dialect.find("")


def test_a_search_can_begin_later_and_names_no_milliseconds(dialect: Dialect) -> None:
    assert "createdStartDate=2023-11-14T22:13:20Z" in dialect.find("1", created_since_ms=1_700_000_000_999).url


def test_the_legacy_dialect_shows_its_signature_and_when_it_was_made(legacy: LegacyCanada) -> None:
    call = legacy.find("Bestellung 7/ü")
    assert legacy.headers(call, correlation_id="id-1", now_ms=1_700_000_000_123, proof="signature-1") == {
        "Accept": "application/json",
        "WM_SVC.NAME": "Walmart Marketplace",
        "WM_CONSUMER.ID": "consumer-1",
        "WM_CONSUMER.CHANNEL.TYPE": "channel-1",
        "WM_QOS.CORRELATION_ID": "id-1",
        "WM_SEC.TIMESTAMP": "1700000000123",
        "WM_SEC.AUTH_SIGNATURE": "signature-1",
    }


def test_the_global_dialect_shows_its_token_and_its_market(modern: GlobalApi) -> None:
    headers = modern.headers(modern.ship(UPDATE), correlation_id="id-1", now_ms=0, proof="token-1")
    assert headers == {
        "Accept": "application/json",
        "Content-Type": "application/json",
        "WM_SVC.NAME": "Walmart Marketplace",
        "WM_MARKET": "ca",
        "WM_GLOBAL_VERSION": "3.1",
        "WM_QOS.CORRELATION_ID": "id-1",
        "WM_SEC.ACCESS_TOKEN": "token-1",
    }


def test_a_token_is_asked_for_with_the_client_secret(modern: GlobalApi) -> None:
    call = modern.token()
    assert (call.kind, call.method, call.url, call.body) == (
        Kind.TOKEN,
        "POST",
        f"{HOST}/v3/token",
        b"grant_type=client_credentials",
    )
    assert modern.headers(call, correlation_id="id-1", now_ms=0, proof="") == {
        "Accept": "application/json",
        "Content-Type": "application/x-www-form-urlencoded",
        "WM_SVC.NAME": "Walmart Marketplace",
        "WM_MARKET": "ca",
        "WM_QOS.CORRELATION_ID": "id-1",
        "Authorization": "Basic " + base64.b64encode(b"client-1:hush-hush").decode(),
    }


def test_the_legacy_dialect_knows_no_tokens(legacy: LegacyCanada) -> None:
    assert legacy.signer.consumer_id == "consumer-1"
    with pytest.raises(NotImplementedError):
        legacy.token()


def test_no_secret_shows(dialect: Dialect, modern: GlobalApi) -> None:
    assert "hush" not in repr(dialect) + repr(modern.token())
    assert repr(dialect).endswith("/orders')")


def test_a_value_that_no_header_can_hold_is_a_fault_of_the_settings(key: RSAPrivateKey) -> None:
    with pytest.raises(SettingsError) as refused:
        LegacyCanada(base_url=HOST, signer=Signer("c\n", key), channel_type="é", service_name="fine")
    assert [problem.partition(":")[0] for problem in refused.value.problems] == ["consumer_id", "channel_type"]


def test_only_what_changes_an_order_counts_as_a_change(dialect: Dialect) -> None:
    assert dialect.ship(UPDATE).changes
    assert dialect.ship(EDIT).changes
    assert dialect.acknowledge("1").changes
    assert not dialect.read("1").changes
    assert not dialect.find("1").changes
