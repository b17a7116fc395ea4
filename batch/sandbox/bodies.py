"""What a seller's request bodies say: read strictly, from the reference, and from nothing that our own client shares.

A member of the wrong type, of another spelling or in another place is refused, as a careful server would: string
quantities, integer epoch milliseconds, carrier codes and method codes in their exact case.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from batch.sandbox.refusals import Refusal, content_refused, malformed

if TYPE_CHECKING:
    from collections.abc import Iterator

CARRIERS = frozenset(  # Walmart's CA reference, 20 values, case-sensitive
    {
        "UPS",
        "USPS",
        "FedEx",
        "CPC",
        "PCLINT",
        "DHL",
        "GLB",
        "PURINTL_SWWGROUND",
        "FEDEX_SWWEXPRESS",
        "17Track",
        "ASL",
        "CANPAR",
        "CEVA",
        "LOOMIS",
        "SAMEDAY",
        "SWYFT",
        "TFORCE",
        "UBI",
        "JIAYOU",
        "LETTERMAIL",
    }
)
METHODS = frozenset({"Standard", "Express", "OneDay", "Freight", "WhiteGlove", "Value"})
UNITS = frozenset({"EACH", "EA"})
WITHOUT_TRACKING = "LETTERMAIL"
EDITING = "PARTIAL_UPDATE"
CANCEL_REASONS = frozenset({"CANCEL_BY_SELLER", "CUSTOMER_REQUESTED_SELLER_TO_CANCEL"})
EARLIEST = 946_684_800_000  # ms, the year 2000: anything less is seconds or a mistake
LATEST = 4_102_444_800_000  # ms, the year 2100: anything more is .NET ticks or microseconds
LONGEST_SELLER_ORDER_ID = 30

_COUNTRY = re.compile(r"[A-Z]{2}")
_AMOUNT = re.compile(r"[1-9][0-9]{0,8}")

_SHIPMENT = frozenset({"processMode", "orderLines"})
_LINES = frozenset({"orderLine"})
_LINE = frozenset(
    {
        "lineNumber",
        "shipFromCountry",
        "intentToCancelOverride",
        "sellerOrderId",
        "sellerOrderNo",
        "orderLineStatuses",
    }
)
_STATUSES = frozenset({"orderLineStatus"})
_STATUS = frozenset(
    {
        "status",
        "statusQuantity",
        "trackingInfo",
        "currentTrackingInfo",
        "asn",
        "returnCenterAddress",
        "shipmentPackages",
        "cancellationReason",
    }
)
_QUANTITY = frozenset({"unitOfMeasurement", "amount"})
_TRACKING = frozenset(
    {
        "shipDateTime",
        "carrierName",
        "methodCode",
        "trackingNumber",
        "trackingURL",
        "shipmentNo",
        "packageStatus",
        "actualDeliveryDateTime",
    }
)
_CARRIER = frozenset({"carrier", "otherCarrier"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Package:
    """One box on its way."""

    tracking_number: str
    carrier: str = ""
    other_carrier: str = ""
    method: str = "Standard"
    tracking_url: str = ""
    shipped_at: int = 0  # UTC epoch milliseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """So many units of a line leave, in one box or (the multi-package call) in several."""

    line_number: str
    quantity: int
    packages: tuple[Package, ...]
    ship_from_country: str = ""
    replaces: str = ""  # an edit: the tracking number that gives way
    override_intent_to_cancel: bool = False

    @property
    def package(self) -> Package:
        """The first box, which stands for all in the charge counter."""
        return self.packages[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """A whole shipping update."""

    dispatches: tuple[Dispatch, ...]
    edit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancellation:
    """So many units of a line that the seller cancels."""

    line_number: str
    quantity: int
    reason: str


def read_shipment(body: bytes, *, packages: bool = False) -> Shipment:
    """Read the body of a shipping update, or with `packages` of the multi-package call. Raises `Refusal`."""
    content = _root(body, "orderShipment", optional=packages)
    mode = content.get("processMode")
    if mode not in (None, EDITING):
        raise content_refused(f"processMode {mode!r} is not supported", "processMode")
    edit = mode == EDITING
    dispatches = tuple(
        _dispatch(line, status, edit=edit, packages=packages)
        for line in _order_lines(content)
        for status in _line_statuses(line)
    )
    return Shipment(dispatches=dispatches, edit=edit)


def read_cancellation(body: bytes) -> tuple[Cancellation, ...]:
    """Read the body of a cancellation. Raises `Refusal`."""
    content = _root(body, "orderCancellation")
    return tuple(
        Cancellation(
            line_number=_line_number(line),
            quantity=_amount(status, "Cancelled"),
            reason=_one_of(status.get("cancellationReason"), CANCEL_REASONS, "cancellationReason"),
        )
        for line in _order_lines(content)
        for status in _line_statuses(line)
    )


def read_acknowledgement(body: bytes) -> None:
    """Check the body of an acknowledgement: nothing, or what clients send for nothing. Raises `Refusal`."""
    if body.strip() not in (b"", b"[]", b"{}"):
        raise malformed("An acknowledgement has no content")


def _root(body: bytes, wrapper: str, *, optional: bool = False) -> dict[str, Any]:
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise malformed(f"The request body is not JSON: {error.msg}") from None
    if optional and isinstance(content, dict) and "orderLines" in content:
        return _object(content, "data", _SHIPMENT)
    root = _object(content, "data", frozenset({wrapper}))
    return _object(root.get(wrapper), wrapper, _SHIPMENT)


def _order_lines(content: dict[str, Any]) -> Iterator[dict[str, Any]]:
    lines = _object(content.get("orderLines"), "orderLines", _LINES).get("orderLine")
    yield from (_object(line, "orderLine", _LINE) for line in _entries(lines, "orderLine"))


def _line_statuses(line: dict[str, Any]) -> Iterator[dict[str, Any]]:
    statuses = _object(line.get("orderLineStatuses"), "orderLineStatuses", _STATUSES).get("orderLineStatus")
    yield from (_object(status, "orderLineStatus", _STATUS) for status in _entries(statuses, "orderLineStatus"))


def _dispatch(line: dict[str, Any], status: dict[str, Any], *, edit: bool, packages: bool) -> Dispatch:
    number = _line_number(line)
    _check_seller_order_id(line)
    return Dispatch(
        line_number=number,
        quantity=_amount(status, "Shipped"),
        packages=_packages(status, number) if packages else (_package(status.get("trackingInfo"), number),),
        ship_from_country=_country(line),
        replaces=_replaced(status, edit=edit),
        override_intent_to_cancel=_override(line),
    )


def _line_number(line: dict[str, Any]) -> str:
    return _text(line.get("lineNumber"), "lineNumber")


def _country(line: dict[str, Any]) -> str:
    """Read the country: required in Canada since 2022-07-01, and at the line, not at its status."""
    country = _text(line.get("shipFromCountry"), "shipFromCountry")
    if not _COUNTRY.fullmatch(country):
        raise content_refused(f"shipFromCountry {country} is not supported", "shipFromCountry")
    return country


def _check_seller_order_id(line: dict[str, Any]) -> None:
    seller_order_id = line.get("sellerOrderId")
    if seller_order_id is not None and len(_text(seller_order_id, "sellerOrderId")) > LONGEST_SELLER_ORDER_ID:
        raise content_refused("sellerOrderId has more than 30 characters", "sellerOrderId")


def _override(line: dict[str, Any]) -> bool:
    override = line.get("intentToCancelOverride")
    if override is None:
        return False
    if not isinstance(override, bool):
        raise content_refused("intentToCancelOverride must be a boolean", "intentToCancelOverride")
    return override


def _amount(status: dict[str, Any], wanted: str) -> int:
    if status.get("status") != wanted:
        raise content_refused(f"status {status.get('status')!r} is not supported", "status")
    quantity = _object(status.get("statusQuantity"), "statusQuantity", _QUANTITY)
    _one_of(quantity.get("unitOfMeasurement"), UNITS, "unitOfMeasurement")
    amount = quantity.get("amount")
    if not isinstance(amount, str) or not _AMOUNT.fullmatch(amount):
        raise content_refused(f"amount {amount!r} must be a string of digits", "amount")
    return int(amount)


def _replaced(status: dict[str, Any], *, edit: bool) -> str:
    current = status.get("currentTrackingInfo")
    if (current is not None) != edit:
        raise content_refused("currentTrackingInfo and processMode PARTIAL_UPDATE go together", "currentTrackingInfo")
    if not edit:
        return ""
    tracking = _object(current, "currentTrackingInfo", frozenset({"trackingNumber"}))
    return _text(tracking.get("trackingNumber"), "currentTrackingInfo")


def _packages(status: dict[str, Any], number: str) -> tuple[Package, ...]:
    boxes = _object(status.get("shipmentPackages"), "shipmentPackages", frozenset({"shipmentPackage"}))
    entries = _entries(boxes.get("shipmentPackage"), "shipmentPackage")
    packages = tuple(_package(entry, number) for entry in entries)
    if len({(package.carrier, package.other_carrier) for package in packages}) > 1:
        raise content_refused(f"All packages of line number {number} must have the same carrier", "carrierName")
    if len({entry.get("shipmentNo") for entry in entries}) > 1:
        raise content_refused("shipmentNo must be the same for all packages of one shipment", "shipmentNo")
    return packages


def _package(value: object, number: str) -> Package:
    tracking = _object(value, "trackingInfo", _TRACKING)
    carrier, other = _carrier(tracking.get("carrierName"))
    method = tracking.get("methodCode")
    if method not in METHODS:
        raise content_refused(f"Method code is not supported in line number {number}", "methodCode")
    return Package(
        tracking_number=_tracking_number(tracking.get("trackingNumber"), carrier),
        carrier=carrier,
        other_carrier=other,
        method=method,
        tracking_url=_tracking_url(tracking.get("trackingURL"), other),
        shipped_at=_ship_time(tracking.get("shipDateTime")),
    )


def _carrier(value: object) -> tuple[str, str]:
    """Exactly one of the two; JSON clients send the other as null."""
    name = _object(value, "carrierName", _CARRIER)
    carrier, other = name.get("carrier"), name.get("otherCarrier")
    if (carrier is None) == (other is None):
        raise content_refused("carrierName needs exactly one of carrier and otherCarrier", "carrierName")
    if other is not None:
        return "", _text(other, "otherCarrier")
    return _one_of(carrier, CARRIERS, "carrier"), ""


def _tracking_number(value: object, carrier: str) -> str:
    if carrier == WITHOUT_TRACKING and value in (None, ""):
        return ""
    return _text(value, "trackingNumber")


def _tracking_url(value: object, other_carrier: str) -> str:
    if value is None and not other_carrier:
        return ""
    if value is None:
        raise content_refused("trackingURL is required for a carrier that is not supported", "trackingURL")
    url = _text(value, "trackingURL")
    if not url.startswith(("http://", "https://")):
        raise content_refused("trackingURL is not a URL", "trackingURL")
    return url


def _ship_time(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise content_refused("shipDateTime must be epoch milliseconds", "shipDateTime")
    if not EARLIEST <= value <= LATEST:
        raise content_refused(f"shipDateTime {value} is not epoch milliseconds", "shipDateTime")
    return value


def _object(value: object, field: str, members: frozenset[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _missing(field) if value is None else content_refused(f"{field} must be an object", field)
    if not members.issuperset(value):
        strange = min(value.keys() - members)
        raise content_refused(f'Unrecognized field "{strange}" in {field}', strange)
    return value


def _entries(value: object, field: str) -> list[Any]:
    if not isinstance(value, list):
        raise _missing(field) if value is None else content_refused(f"{field} must be an array", field)
    if not value:
        raise _missing(field)
    return value


def _text(value: object, field: str) -> str:
    if value is None or value == "":
        raise _missing(field)
    if not isinstance(value, str) or value != value.strip():
        raise content_refused(f"{field} {value!r} must be a string without blanks around it", field)
    return value


def _one_of(value: object, allowed: frozenset[str], field: str) -> str:
    text = _text(value, field)
    if text not in allowed:
        raise content_refused(f"{field} {text} is not supported", field)
    return text


def _missing(field: str) -> Refusal:
    return content_refused(f"{field} is required", field)
