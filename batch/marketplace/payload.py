"""Bodies of shipping updates, as bytes.

The shape is Walmart's orderShipment (CA reference, "Ship order lines"): strings and integers as its JSON clients send
them, carrierName with exactly one of its two members, shipFromCountry on the order line, several parcels of one line as
several orderLineStatus entries. Something that is missing is a fault of the caller and raises ValueError: what is blank
in a file must be resolved, or refused, before a body is built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterable

    from batch.marketplace.orders import Parcel, ShippingUpdate

METHOD_CODES = frozenset({"Standard", "Express", "OneDay", "Freight", "WhiteGlove", "Value"})
WITHOUT_TRACKING = "LETTERMAIL"  # the one carrier code that needs no tracking number (CA reference)
SELLER_ORDER_ID_LENGTH = 30  # characters, the only length that the reference states
_EARLIEST = 1_000_000_000_000  # ms, 2001: less is seconds
_LATEST = 10_000_000_000_000  # ms, 2286: more is microseconds or ticks
_COUNTRY_LENGTH = 2


def shipping_body(update: ShippingUpdate) -> bytes:
    """Return the JSON of POST .../shipping: a first shipment or, where `update.replaces` is given, an edit.

    Raises ValueError naming the parcel where something is blank, contradictory or out of range.
    """
    _check_update(update)
    if update.replaces:
        entries: Iterable[dict[str, Any]] = map(_edit_entry, update.parcels, update.replaces)
    else:
        entries = map(_shipment_entry, update.parcels)
    shipment: dict[str, Any] = {"processMode": "PARTIAL_UPDATE"} if update.replaces else {}
    shipment["orderLines"] = _order_lines(update, zip(update.parcels, entries, strict=True))
    return orjson.dumps({"orderShipment": shipment})


def packages_body(update: ShippingUpdate, *, wrapped: bool) -> bytes:
    """Return the JSON of POST .../multiPackageShipping: packages of one shipment number hold the same units.

    `wrapped`: put it under orderShipment, as the ordinary update; the one published client does not. Raises ValueError
    as `shipping_body`, and where packages of the same units differ in carrier, country or quantity.
    """
    _check_update(update)
    entries = [(parcels[0], _packages_entry(parcels, number)) for number, parcels in _shipments(update)]
    content = {"orderLines": _order_lines(update, entries)}
    return orjson.dumps({"orderShipment": content} if wrapped else content)


def _order_lines(update: ShippingUpdate, entries: Iterable[tuple[Parcel, dict[str, Any]]]) -> dict[str, Any]:
    """Return the entries under their order lines, both in order of first appearance."""
    lines: dict[str, dict[str, Any]] = {}
    for parcel, entry in entries:
        line = lines.get(parcel.line_number)
        if line is None:
            line = lines[parcel.line_number] = _order_line(parcel, update)
        elif line["shipFromCountry"] != parcel.ship_from_country or line.get("sellerOrderId", "") != (
            parcel.seller_order_id
        ):
            raise ValueError(f"line {parcel.line_number}: its parcels name two countries or two seller order ids")
        line["orderLineStatuses"]["orderLineStatus"].append(entry)
    return {"orderLine": list(lines.values())}


def _order_line(parcel: Parcel, update: ShippingUpdate) -> dict[str, Any]:
    line: dict[str, Any] = {"lineNumber": parcel.line_number, "shipFromCountry": parcel.ship_from_country}
    if update.override_intent_to_cancel:
        line["intentToCancelOverride"] = True
    if parcel.seller_order_id:
        line["sellerOrderId"] = parcel.seller_order_id
    line["orderLineStatuses"] = {"orderLineStatus": []}
    return line


def _status(parcel: Parcel) -> dict[str, Any]:
    return {
        "status": "Shipped",
        "statusQuantity": {"unitOfMeasurement": "EACH", "amount": str(int(parcel.quantity))},
    }


def _shipment_entry(parcel: Parcel) -> dict[str, Any]:
    entry = _status(parcel)
    entry["trackingInfo"] = _tracking(parcel)
    return entry


def _edit_entry(parcel: Parcel, old_tracking_number: str) -> dict[str, Any]:
    entry = _shipment_entry(parcel)
    entry["currentTrackingInfo"] = {"trackingNumber": old_tracking_number}
    return entry


def _packages_entry(parcels: list[Parcel], shipment_number: str) -> dict[str, Any]:
    packages = [_tracking(parcel) for parcel in parcels]
    if shipment_number:
        for package in packages:
            package["shipmentNo"] = shipment_number
    entry = _status(parcels[0])
    entry["shipmentPackages"] = {"shipmentPackage": packages}
    return entry


def _tracking(parcel: Parcel) -> dict[str, Any]:
    tracking: dict[str, Any] = {
        "shipDateTime": int(parcel.shipped_at),
        "carrierName": {"carrier": parcel.carrier} if parcel.carrier else {"otherCarrier": parcel.other_carrier},
        "methodCode": parcel.method_code,
    }
    if parcel.tracking_number:
        tracking["trackingNumber"] = parcel.tracking_number
    if parcel.tracking_url:
        tracking["trackingURL"] = parcel.tracking_url
    return tracking


def _shipments(update: ShippingUpdate) -> list[tuple[str, list[Parcel]]]:
    """Return the parcels by line and shipment number; one with a blank number stands alone."""
    shipments: dict[object, tuple[str, list[Parcel]]] = {}
    for index, (parcel, number) in enumerate(zip(update.parcels, update.shipment_numbers, strict=True)):
        if not parcel.tracking_number:
            raise ValueError(f"line {parcel.line_number}: a package of several needs its tracking number")
        key = (parcel.line_number, number) if number else index
        shipments.setdefault(key, (number, []))[1].append(parcel)
    for _, parcels in shipments.values():
        _check_same_units(parcels)
    return list(shipments.values())


def _check_same_units(parcels: list[Parcel]) -> None:
    """Raise where packages of the same units differ in what they must share (CA reference, multi-package call)."""
    carried = {(parcel.carrier, parcel.other_carrier, parcel.ship_from_country, parcel.quantity) for parcel in parcels}
    if len(carried) > 1:
        line = parcels[0].line_number
        raise ValueError(f"line {line}: packages of the same units differ in carrier, country or quantity")


def _check_update(update: ShippingUpdate) -> None:
    parcels = update.parcels
    if not parcels:
        raise ValueError("an update needs at least one parcel")
    if update.replaces or update.shipment_numbers:
        _check_beside(update)
    for parcel in parcels:
        if fault := _fault(parcel):
            raise ValueError(f"parcel of line {parcel.line_number or '?'}: {fault}")


def _check_beside(update: ShippingUpdate) -> None:
    """Raise where what stands beside the parcels does not fit them, or each other."""
    count = len(update.parcels)
    for name, beside in (("replaces", update.replaces), ("shipment_numbers", update.shipment_numbers)):
        if beside and len(beside) != count:
            raise ValueError(f"{name} needs one entry beside each of the {count} parcels, not {len(beside)}")
    if update.replaces and update.shipment_numbers:
        raise ValueError("an edit cannot name shipment numbers")
    if not all(update.replaces):
        raise ValueError("an edit names the tracking number that each parcel takes the place of")


def _fault(parcel: Parcel) -> str:
    """Return what keeps the parcel from being sent, blank for nothing."""
    faults = {
        "line_number is blank": not parcel.line_number,
        "quantity must be at least 1": parcel.quantity < 1,
        "method_code is none of the marketplace's": parcel.method_code not in METHOD_CODES,
        "shipped_at is not in UTC epoch milliseconds": not _EARLIEST <= parcel.shipped_at < _LATEST,
        "ship_from_country is no two-letter code": len(parcel.ship_from_country) != _COUNTRY_LENGTH,
        "exactly one of carrier and other_carrier is needed": bool(parcel.carrier) == bool(parcel.other_carrier),
        "tracking_number is blank": not parcel.tracking_number and parcel.carrier != WITHOUT_TRACKING,
        "other_carrier needs a tracking_url": bool(parcel.other_carrier) and not parcel.tracking_url,
        "seller_order_id is too long": len(parcel.seller_order_id) > SELLER_ORDER_ID_LENGTH,
    }
    return next((sentence for sentence, holds in faults.items() if holds), "")
