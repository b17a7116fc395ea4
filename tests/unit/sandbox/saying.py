"""What a seller's own client would say to the marketplace, written by hand from the references."""

from __future__ import annotations

import base64
import time
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from batch.sandbox.demo import demo_key, demo_seller
from batch.sandbox.orders import Order, Status, new_line

if TYPE_CHECKING:
    from pathlib import Path

    import aiohttp

NOW = int(time.time() * 1000)  # epoch milliseconds, for all tests that run against a real clock
DAY = 86_400_000
PO = "309121065891123"
TRACKING = "0073938000549297"
OTHER_TRACKING = "7035114477138472"


def tracking_info(number: str = TRACKING, **changes: object) -> dict[str, Any]:
    info = {
        "shipDateTime": NOW - 1000,
        "carrierName": {"carrier": "CPC"},
        "methodCode": "Standard",
        "trackingNumber": number,
    }
    return without_none({**info, **changes})


def status(amount: object = "1", *, tracking: object = None, **changes: object) -> dict[str, Any]:
    entry = {
        "status": "Shipped",
        "statusQuantity": {"unitOfMeasurement": "EACH", "amount": amount},
        "trackingInfo": tracking_info() if tracking is None else tracking,
    }
    return without_none({**entry, **changes})


def line(number: object = "1", *statuses: object, **changes: object) -> dict[str, Any]:
    entry = {
        "lineNumber": number,
        "shipFromCountry": "CA",
        "orderLineStatuses": {"orderLineStatus": list(statuses) or [status()]},
    }
    return without_none({**entry, **changes})


def shipment(*lines: object, **changes: object) -> dict[str, Any]:
    entries = list(lines) or [line()]
    return {"orderShipment": {**changes, "orderLines": {"orderLine": entries}}}


def edit(old: str, new: str, amount: str = "1") -> dict[str, Any]:
    changed = status(amount, tracking=tracking_info(new), currentTrackingInfo={"trackingNumber": old})
    return shipment(line("1", changed), processMode="PARTIAL_UPDATE")


def packages(*numbers: str, amount: str = "1", **changes: object) -> dict[str, Any]:
    boxes = [tracking_info(number, **changes) for number in numbers]
    entry = {
        "status": "Shipped",
        "statusQuantity": {"unitOfMeasurement": "EACH", "amount": amount},
        "shipmentPackages": {"shipmentPackage": boxes},
    }
    return {"orderLines": {"orderLine": [line("1", entry)]}}


def cancellation(number: str = "1", amount: str = "1", reason: str = "CANCEL_BY_SELLER") -> dict[str, Any]:
    entry = {
        "status": "Cancelled",
        "cancellationReason": reason,
        "statusQuantity": {"unitOfMeasurement": "EACH", "amount": amount},
    }
    cancelled = {"lineNumber": number, "orderLineStatuses": {"orderLineStatus": [entry]}}
    return {"orderCancellation": {"orderLines": {"orderLine": [cancelled]}}}


def without_none(entry: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if value is not None}


def order(
    po: str = PO, *quantities: int, state: Status = Status.ACKNOWLEDGED, customer: str = "", **changes: object
) -> Order:
    lines = [new_line(str(number), quantity, state) for number, quantity in enumerate(quantities or (1,), 1)]
    made = Order(
        purchase_order_id=po,
        customer_order_id=customer or f"C{po}",
        ordered_at=NOW - DAY,
        ship_by=NOW + DAY,
        lines={each.number: each for each in lines},
    )
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def text_to_sign(consumer_id: str, url: str, method: str, timestamp: object) -> bytes:
    return f"{consumer_id}\n{url}\n{method}\n{timestamp}\n".encode()


@dataclass(kw_only=True)
class Heard:
    """An answer, read."""

    status: int
    body: bytes
    headers: Any

    @property
    def json(self) -> Any:  # noqa: ANN401 - whatever the body holds
        return orjson.loads(self.body)

    @property
    def codes(self) -> list[str]:
        """The codes of the errors in either of the usual envelopes."""
        errors = self.json["error"] if "error" in self.json else self.json["errors"]["error"]
        return [error["code"].partition(".")[0] for error in errors]

    @property
    def description(self) -> str:
        errors = self.json["error"] if "error" in self.json else self.json["errors"]["error"]
        return "; ".join(error["description"] for error in errors)

    @property
    def statuses(self) -> list[tuple[str, str, str]]:
        """(line, status, quantity) of the order in the answer."""
        return [
            (each["lineNumber"], entry["status"], entry["statusQuantity"]["amount"])
            for each in self.json["order"]["orderLines"]["orderLine"]
            for entry in each["orderLineStatuses"]["orderLineStatus"]
        ]


@dataclass(kw_only=True)
class Talk:
    """A client of one dialect, at one sandbox."""

    session: aiohttp.ClientSession
    url: str
    folder: Path
    legacy: bool = False
    number: int = 0  # of the demo seller
    token: str = ""
    extra: dict[str, str | None] = field(default_factory=dict)

    @property
    def root(self) -> str:
        return "/v3/ca/orders" if self.legacy else "/v3/orders"

    async def log_in(self, **changes: str | None) -> Heard:
        seller = demo_seller(self.folder, self.number)
        basic = base64.b64encode(f"{seller.client_id}:{seller.client_secret}".encode()).decode()
        headers: dict[str, str | None] = {
            "Authorization": f"Basic {basic}",
            "WM_SVC.NAME": "Walmart Marketplace",
            "WM_QOS.CORRELATION_ID": str(uuid.uuid4()),
            "WM_MARKET": "ca",
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        headers.update(changes)
        heard = await self.send("POST", "/v3/token", b"grant_type=client_credentials", headers)
        self.token = heard.json["access_token"] if heard.status == 200 else ""
        return heard

    async def ship(self, content: object = None, po: str = PO, verb: str = "shipping") -> Heard:
        return await self.call("POST", f"{self.root}/{po}/{verb}", shipment() if content is None else content)

    async def read(self, po: str = PO) -> Heard:
        return await self.call("GET", f"{self.root}/{po}")

    async def acknowledge(self, po: str = PO) -> Heard:
        return await self.call("POST", f"{self.root}/{po}/acknowledge")

    async def call(self, method: str, path: str, content: object = None, **changes: str | None) -> Heard:
        body = content if isinstance(content, bytes) else b"" if content is None else orjson.dumps(content)
        if not self.legacy and not self.token:
            await self.log_in()
        headers = self.signed(method, path) if self.legacy else self.with_token()
        if content is not None:
            headers["Content-Type"] = "application/json"
        return await self.send(method, path, body, {**headers, **self.extra, **changes})

    def with_token(self) -> dict[str, str | None]:
        return {**self._common(), "WM_SEC.ACCESS_TOKEN": self.token, "WM_MARKET": "ca", "WM_GLOBAL_VERSION": "3.1"}

    def signed(self, method: str, path: str, timestamp: object = None) -> dict[str, str | None]:
        seller = demo_seller(self.folder, self.number)
        key = load_pem_private_key(demo_key(self.folder).read_bytes(), password=None)
        assert isinstance(key, RSAPrivateKey)
        at = int(time.time() * 1000) if timestamp is None else timestamp
        text = text_to_sign(seller.consumer_id, self.url + path, method, at)
        return {
            **self._common(),
            "WM_CONSUMER.ID": seller.consumer_id,
            "WM_CONSUMER.CHANNEL.TYPE": seller.channel_type,
            "WM_SEC.TIMESTAMP": str(at),
            "WM_SEC.AUTH_SIGNATURE": base64.b64encode(key.sign(text, PKCS1v15(), SHA256())).decode(),
        }

    async def control(self, method: str, path: str, content: object = None) -> Heard:
        body = content.encode() if isinstance(content, str) else b"" if content is None else orjson.dumps(content)
        return await self.send(method, f"/_sandbox/{path}", body, {})

    async def send(self, method: str, path: str, body: bytes, headers: dict[str, str | None]) -> Heard:
        from yarl import URL  # noqa: PLC0415 - only here, to send the URL as it is written

        kept = {name: value for name, value in headers.items() if value is not None}
        url = URL(self.url + path, encoded=True)
        async with self.session.request(method, url, data=body or None, headers=kept, allow_redirects=False) as answer:
            return Heard(status=answer.status, body=await answer.read(), headers=answer.headers)

    def _common(self) -> dict[str, str | None]:
        return {
            "WM_SVC.NAME": "Walmart Marketplace",
            "WM_QOS.CORRELATION_ID": str(uuid.uuid4()),
            "Accept": "application/json",
        }
