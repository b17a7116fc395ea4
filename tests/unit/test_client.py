from __future__ import annotations

import asyncio
import base64
import json
import threading
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from batch.client import (
    AlreadyShipped,
    AsyncClient,
    Client,
    ClientSettings,
    MarketplaceError,
    NotFound,
    OutcomeUnknown,
    Parcel,
    Refused,
    Throttled,
    Unauthorised,
    Unavailable,
    confirmed,
    epoch_ms,
)
from batch.errors import CredentialsRefused, Exit, SettingsError
from batch.marketplace.orders import ShippingUpdate

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

PARCEL = Parcel(
    line_number="1", quantity=2, carrier="CPC", tracking_number="7035114477138472", shipped_at=1_700_100_000_000
)


class Marketplace:
    """A tiny marketplace on loopback: one order, which ships when told; answers can be put in its way."""

    def __init__(self, key: RSAPrivateKey) -> None:
        self.key = key
        self.url = ""
        self.asked: list[tuple[str, str, Any]] = []
        self.correlation_ids: list[str] = []
        self.tokens = 0
        self.in_the_way: list[Callable[[], web.Response | None]] = []
        self.status = "Acknowledged"
        self.tracking = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.correlation_ids.append(request.headers["WM_QOS.CORRELATION_ID"])
        if request.path == "/v3/token":
            return self._token(request)
        self.asked.append((request.method, request.raw_path, json.loads(body) if body else None))
        assert self._is_authentic(request)
        if self.in_the_way:
            refusal = self.in_the_way.pop(0)()
            if refusal is None:
                assert request.transport
                request.transport.abort()
                return web.Response()
            return refusal
        if request.path.endswith("/shipping"):
            order = json.loads(body)["orderShipment"]["orderLines"]["orderLine"][0]
            shipped = order["orderLineStatuses"]["orderLineStatus"][0]
            self.status, self.tracking = shipped["status"], shipped["trackingInfo"]["trackingNumber"]
        if "customerOrderId" in request.query:
            return web.json_response({"list": {"elements": {"order": [self.order()]}}})
        return web.json_response({"order": self.order()})

    def order(self) -> dict[str, Any]:
        status = {
            "status": self.status,
            "statusQuantity": {"unitOfMeasurement": "EACH", "amount": "2"},
            "trackingInfo": {"trackingNumber": self.tracking} if self.tracking else None,
        }
        line = {"lineNumber": "1", "orderLineStatuses": {"orderLineStatus": [status]}}
        return {"purchaseOrderId": "7", "customerOrderId": "C7", "orderLines": {"orderLine": [line]}}

    def _token(self, request: web.Request) -> web.Response:
        if request.headers["Authorization"] != "Basic " + base64.b64encode(b"client-1:hush-hush").decode():
            return refusal(401, "UNAUTHORIZED.GMP_GATEWAY_API")
        self.tokens += 1
        return web.json_response({"access_token": f"token-{self.tokens}", "expires_in": 900})

    def _is_authentic(self, request: web.Request) -> bool:
        headers = request.headers
        if request.path.startswith("/v3/ca/"):
            text = "\n".join(
                [
                    headers["WM_CONSUMER.ID"],
                    f"{self.url}{request.raw_path}",
                    request.method,
                    headers["WM_SEC.TIMESTAMP"],
                    "",
                ]
            )
            signature = base64.b64decode(headers["WM_SEC.AUTH_SIGNATURE"])
            self.key.public_key().verify(signature, text.encode(), PKCS1v15(), SHA256())
            return True
        return headers["WM_SEC.ACCESS_TOKEN"] == f"token-{self.tokens}" and headers["WM_MARKET"] == "ca"


def refusal(status: int, code: str, description: str = "") -> web.Response:
    return web.json_response({"error": [{"code": code, "description": description}]}, status=status)


@asynccontextmanager
async def serving(marketplace: Marketplace) -> AsyncIterator[None]:
    application = web.Application()
    application.router.add_route("*", "/{path:.*}", marketplace.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    marketplace.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield
    finally:
        await runner.cleanup()


@contextmanager
def in_a_thread(marketplace: Marketplace) -> Iterator[None]:
    """Serve beside a program that does not use asyncio."""
    ready, done = threading.Event(), threading.Event()

    async def serve() -> None:
        async with serving(marketplace):
            ready.set()
            await asyncio.to_thread(done.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert ready.wait(10)
        yield
    finally:
        done.set()
        thread.join()


@pytest.fixture(scope="session")
def key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture
def marketplace(key: RSAPrivateKey) -> Marketplace:
    return Marketplace(key)


def settings_of(marketplace: Marketplace, api: str) -> ClientSettings:
    if api == "walmart-global":
        return {"base_url": marketplace.url, "client_id": "client-1", "client_secret": "hush-hush"}
    key = marketplace.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return {
        "api": "walmart-canada",
        "base_url": marketplace.url,
        "consumer_id": "consumer-1",
        "channel_type": "channel-1",
        "private_key": key,
    }


@pytest.fixture(params=["walmart-global", "walmart-canada"])
async def client(request: pytest.FixtureRequest, marketplace: Marketplace) -> AsyncIterator[AsyncClient]:
    async with serving(marketplace), AsyncClient(**settings_of(marketplace, request.param)) as client:
        yield client


async def test_an_order_is_read_shipped_edited_and_found(client: AsyncClient, marketplace: Marketplace) -> None:
    before = await client.read("7")
    assert before.lines[0].statuses[0].status == "Acknowledged"
    shipped = await client.ship("7", PARCEL)
    assert confirmed(ShippingUpdate(purchase_order_id="7", parcels=(PARCEL,)), shipped, before) == (True,)
    changed = Parcel(line_number="1", quantity=2, carrier="UPS", tracking_number="1Z1", shipped_at=1_700_100_000_000)
    await client.edit("7", changed, replaces=["7035114477138472"])
    assert (await client.find("C7"))[0].lines[0].statuses[0].tracking_number == "1Z1"
    await client.acknowledge("7")
    assert [(method, path.rpartition("orders")[2].partition("?")[0]) for method, path, _ in marketplace.asked] == [
        ("GET", "/7"),
        ("POST", "/7/shipping"),
        ("POST", "/7/shipping"),
        ("GET", ""),
        ("POST", "/7/acknowledge"),
    ]
    assert marketplace.asked[2][2]["orderShipment"]["processMode"] == "PARTIAL_UPDATE"
    assert len(set(marketplace.correlation_ids)) == len(marketplace.correlation_ids)


async def test_what_a_parcel_leaves_blank_comes_from_the_clients_settings(marketplace: Marketplace) -> None:
    async with serving(marketplace):
        settings = settings_of(marketplace, "walmart-global")
        settings["ship_from_country"], settings["method_code"] = "US", "Express"
        async with AsyncClient(**settings) as client:
            await client.ship("7", PARCEL, override_intent_to_cancel=True)
    line = marketplace.asked[0][2]["orderShipment"]["orderLines"]["orderLine"][0]
    assert line["shipFromCountry"] == "US"
    assert line["intentToCancelOverride"] is True
    assert line["orderLineStatuses"]["orderLineStatus"][0]["trackingInfo"]["methodCode"] == "Express"


async def test_several_packages_of_the_same_units_go_in_their_own_call(
    client: AsyncClient, marketplace: Marketplace
) -> None:
    await client.ship("7", PARCEL, PARCEL, shipment_numbers=["S", "S"])
    assert marketplace.asked[0][1].endswith("/7/multiPackageShipping")


@pytest.mark.parametrize(
    ("answer", "error", "exit_code"),
    [
        (lambda: refusal(400, "INVALID_REQUEST_CONTENT", "methodCode"), Refused, Exit.NEEDS_PERSON),
        (lambda: refusal(404, "CONTENT_NOT_FOUND"), NotFound, Exit.NEEDS_PERSON),
        (
            lambda: refusal(400, "INVALID_REQUEST_CONTENT", "line: 1 is in SHIPPED status"),
            AlreadyShipped,
            Exit.NEEDS_PERSON,
        ),
        (lambda: refusal(429, "REQUEST_THRESHOLD_VIOLATED"), Throttled, Exit.TEMPORARY),
        (lambda: refusal(403, "FORBIDDEN"), Unauthorised, Exit.FATAL),
        (lambda: refusal(423, "RESOURCE_IS_LOCKED"), Unavailable, Exit.TEMPORARY),
        (lambda: refusal(500, "SYSTEM_ERROR"), OutcomeUnknown, Exit.UNKNOWN),
        (lambda: web.Response(text="<html>"), OutcomeUnknown, Exit.UNKNOWN),
        (lambda: None, OutcomeUnknown, Exit.UNKNOWN),
    ],
)
async def test_what_fails_raises_by_meaning_and_is_sent_once(
    client: AsyncClient,
    marketplace: Marketplace,
    answer: Callable[[], web.Response | None],
    error: type[MarketplaceError],
    exit_code: Exit,
) -> None:
    marketplace.in_the_way = [answer]
    with pytest.raises(error) as raised:
        await client.ship("7", PARCEL)
    assert type(raised.value) is error
    assert raised.value.exit_code is exit_code
    assert str(raised.value) == raised.value.verdict.reason
    assert len(marketplace.asked) == 1


async def test_a_throttled_call_tells_the_servers_headers(client: AsyncClient, marketplace: Marketplace) -> None:
    marketplace.in_the_way = [lambda: web.Response(status=429, headers={"Retry-After": "7"})]
    with pytest.raises(Throttled) as raised:
        await client.ship("7", PARCEL)
    assert raised.value.headers["retry-after"] == "7"


async def test_a_read_whose_answer_is_lost_can_be_made_again(client: AsyncClient, marketplace: Marketplace) -> None:
    marketplace.in_the_way = [lambda: web.Response(status=503)]
    with pytest.raises(Unavailable):
        await client.read("7")
    assert (await client.read("7")).purchase_order_id == "7"


async def test_after_one_401_the_call_is_made_once_more_with_a_fresh_proof(
    client: AsyncClient, marketplace: Marketplace
) -> None:
    marketplace.in_the_way = [lambda: refusal(401, "UNAUTHORIZED.GMP_GATEWAY_API")]
    await client.ship("7", PARCEL)
    assert len(marketplace.asked) == 2
    assert marketplace.tokens in {0, 2}


async def test_after_two_401_the_credentials_are_wrong(client: AsyncClient, marketplace: Marketplace) -> None:
    marketplace.in_the_way = [lambda: refusal(401, "UNAUTHORIZED.GMP_GATEWAY_API")] * 2
    with pytest.raises(CredentialsRefused):
        await client.ship("7", PARCEL)
    assert len(marketplace.asked) == 2


async def test_a_wrong_secret_is_refused_before_anything_is_sent(marketplace: Marketplace) -> None:
    async with serving(marketplace), AsyncClient(base_url=marketplace.url, client_id="c", client_secret="x") as client:
        with pytest.raises(Unauthorised, match="refused the credentials"):
            await client.ship("7", PARCEL)
    assert marketplace.asked == []


async def test_an_order_that_is_further_on_counts_as_acknowledged(
    client: AsyncClient, marketplace: Marketplace
) -> None:
    marketplace.in_the_way = [lambda: refusal(400, "INVALID_REQUEST_CONTENT", "qty in higher status")]
    await client.acknowledge("7")


async def test_a_search_that_finds_nothing_is_no_error(client: AsyncClient, marketplace: Marketplace) -> None:
    marketplace.in_the_way = [lambda: refusal(404, "CONTENT_NOT_FOUND")]
    assert await client.find("C7") == ()


async def test_an_edit_needs_what_it_replaces(client: AsyncClient, marketplace: Marketplace) -> None:
    with pytest.raises(ValueError, match="takes the place of"):
        await client.edit("7", PARCEL, replaces=[])
    assert marketplace.asked == []


async def test_a_parcel_that_lacks_something_is_never_sent(client: AsyncClient, marketplace: Marketplace) -> None:
    with pytest.raises(ValueError, match="line_number is blank"):
        await client.ship("7", Parcel(quantity=1, carrier="CPC", tracking_number="1", shipped_at=1_700_100_000_000))
    assert marketplace.asked == []


async def test_a_client_that_is_not_open_says_so() -> None:
    client = AsyncClient(client_id="c", client_secret="s")
    with pytest.raises(RuntimeError, match="with statement"):
        await client.read("7")
    with pytest.raises(RuntimeError, match="with statement"):
        Client(client_id="c", client_secret="s").read("7")
    with pytest.raises(RuntimeError, match="with statement"):
        Client(client_id="c", client_secret="s").__exit__(None, None, None)


@pytest.mark.parametrize("api", ["walmart-global", "walmart-canada"])
def test_three_lines_are_enough_without_asyncio(marketplace: Marketplace, api: str) -> None:
    with in_a_thread(marketplace):
        with Client(**settings_of(marketplace, api)) as client:
            client.acknowledge("7")
            order = client.ship("7", PARCEL)
            client.edit("7", PARCEL, replaces=["OLD"])
            assert client.read("7") == order
            assert client.find("C7") == (order,)
            marketplace.in_the_way = [lambda: None]
            with pytest.raises(OutcomeUnknown):
                client.ship("7", PARCEL)
        with pytest.raises(RuntimeError, match="with statement"):
            client.read("7")


def test_threads_share_one_client(marketplace: Marketplace) -> None:
    with in_a_thread(marketplace), Client(**settings_of(marketplace, "walmart-global")) as client:
        threads = [threading.Thread(target=client.read, args=("7",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(marketplace.asked) == 8
    assert marketplace.tokens == 1


async def test_the_plain_client_works_where_a_loop_runs_already(marketplace: Marketplace) -> None:
    with in_a_thread(marketplace), Client(**settings_of(marketplace, "walmart-global")) as client:
        assert client.read("7").purchase_order_id == "7"


def test_a_client_that_cannot_be_opened_leaves_no_thread_behind() -> None:
    before = threading.active_count()
    client = Client(api="walmart-canada", consumer_id="c", channel_type="t", private_key="no key")
    with pytest.raises(SettingsError, match="cannot be read as a key"):
        client.__enter__()
    assert threading.active_count() == before


def test_every_mistake_of_the_settings_is_told_without_quoting_it() -> None:
    with pytest.raises(SettingsError) as refused:
        Client(base_url="http://hush.example", workers=0, client_id="hush")
    assert {problem.partition(":")[0] for problem in refused.value.problems} == {
        "base_url",
        "workers",
        "client_secret_file",
    }
    assert "hush" not in str(refused.value)


def test_missing_credentials_are_named() -> None:
    with pytest.raises(SettingsError, match="needs client_secret_file"):
        Client(client_id="client-1")


def test_a_time_with_a_zone_becomes_epoch_milliseconds() -> None:
    assert epoch_ms(datetime(2023, 11, 16, 2, 0, 0, 123_000, tzinfo=UTC)) == 1_700_100_000_123
    with pytest.raises(ValueError, match="no zone"):
        epoch_ms(datetime(2023, 11, 16))  # noqa: DTZ001 - what must be refused
