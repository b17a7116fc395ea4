"""The small interface behind which both of the marketplace's dialects stand, and what they share.

The dialects say the same things at different addresses and prove who speaks in different ways.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Protocol
from urllib.parse import quote, urlencode

from batch.errors import SettingsError
from batch.marketplace.call import Call, Kind
from batch.marketplace.payload import packages_body, shipping_body

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batch.marketplace.orders import ShippingUpdate
    from batch.marketplace.signature import Signer

EARLIEST_ORDER_MS = 1_483_228_800_000  # 2017-01-01, before the Canadian marketplace opened
SEARCH_LIMIT = 200  # orders on one page, the most that is allowed
_READING = MappingProxyType({"Accept": "application/json"})
_WRITING = MappingProxyType({"Accept": "application/json", "Content-Type": "application/json"})


class Dialect(Protocol):
    """One way of talking to the marketplace. All methods are pure, and safe to call from any thread."""

    @property
    def signer(self) -> Signer | None:
        """Who signs each call, which is slow; None where calls bear an access token instead."""
        ...

    def ship(self, update: ShippingUpdate) -> Call:
        """Say that parcels were shipped: an ordinary, an edit or a multi-package call, as the update needs it."""
        ...

    def read(self, purchase_order_id: str) -> Call:
        """Ask for one order."""
        ...

    def acknowledge(self, purchase_order_id: str) -> Call:
        """Acknowledge all lines of an order."""
        ...

    def find(self, customer_order_id: str, *, created_since_ms: int = EARLIEST_ORDER_MS) -> Call:
        """Ask for the purchase orders of one customer order."""
        ...

    def token(self) -> Call:
        """Ask for an access token."""
        ...

    def headers(self, call: Call, *, correlation_id: str, now_ms: int, proof: str) -> dict[str, str]:
        """Return all headers of one attempt: the call's own and fresh ones that prove who speaks.

        `proof`: the access token, or the signature of the call at `now_ms`, which nothing else needs.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiPackage:
    """How several packages of the same units are said.

    Only the legacy path is published, and its one client sends the order lines without a wrapper; for the Global API
    the same is assumed.
    """

    path: str = "multiPackageShipping"
    wrapped: bool = False


class OrderCalls:
    """The calls about orders, below one address, e.g. `https://marketplace.walmartapis.com/v3/orders`."""

    def __init__(self, address: str, multi_package: MultiPackage | None = None) -> None:
        self.address = address
        self.multi_package = multi_package or MultiPackage()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.address!r})"

    def ship(self, update: ShippingUpdate) -> Call:
        """Return the one call that says all of the update. Raises ValueError for a blank or contradictory parcel."""
        several = bool(update.shipment_numbers)
        body = packages_body(update, wrapped=self.multi_package.wrapped) if several else shipping_body(update)
        return Call(
            kind=Kind.EDIT if update.replaces else Kind.SHIP,
            method="POST",
            url=self._of(update.purchase_order_id, self.multi_package.path if several else "shipping"),
            body=body,
            headers=_WRITING,
            purchase_order_id=update.purchase_order_id,
            unproved=several,
        )

    def read(self, purchase_order_id: str) -> Call:
        """Return GET of one order."""
        url = self._of(purchase_order_id)
        return Call(kind=Kind.READ, method="GET", url=url, headers=_READING, purchase_order_id=purchase_order_id)

    def acknowledge(self, purchase_order_id: str) -> Call:
        """Return POST .../acknowledge, which has no body."""
        return Call(
            kind=Kind.ACKNOWLEDGE,
            method="POST",
            url=self._of(purchase_order_id, "acknowledge"),
            headers=_READING,
            purchase_order_id=purchase_order_id,
        )

    def find(self, customer_order_id: str, *, created_since_ms: int = EARLIEST_ORDER_MS) -> Call:
        """Return the order search for one customer order.

        createdStartDate is required in Canada and must have no milliseconds. Its colons stand as they are, so that the
        URL reads the same before and after decoding: servers differ in which of the two they verify the signature of.
        """
        if not customer_order_id:
            raise ValueError("customer_order_id is blank")
        since = datetime.fromtimestamp(created_since_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        asked = {"customerOrderId": customer_order_id, "createdStartDate": since, "limit": SEARCH_LIMIT}
        url = f"{self.address}?{urlencode(asked, safe=':', quote_via=quote)}"
        return Call(kind=Kind.FIND, method="GET", url=url, headers=_READING, customer_order_id=customer_order_id)

    def _of(self, purchase_order_id: str, verb: str = "") -> str:
        if not purchase_order_id.strip("."):
            raise ValueError(f"'{purchase_order_id}' is no purchase order id")
        plain = purchase_order_id.isascii() and purchase_order_id.isalnum()  # as they all are
        url = f"{self.address}/{purchase_order_id if plain else quote(purchase_order_id, safe='')}"
        return f"{url}/{verb}" if verb else url


def checked_headers(headers: Mapping[str, tuple[str, str]]) -> dict[str, str]:
    """Return header ▶ value, given header ▶ (value, the setting it comes from).

    Raises SettingsError for each value that no header can hold.
    """
    problems = [
        f"{setting}: has characters that no header can hold; copy it again, without line breaks"
        for value, setting in headers.values()
        if not (value.isascii() and value.isprintable())
    ]
    if problems:
        raise SettingsError(problems)
    return {header: value for header, (value, _) in headers.items()}
