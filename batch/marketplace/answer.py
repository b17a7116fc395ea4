"""Bodies of answers: what the marketplace writes, in JSON or XML, as errors and as orders.

Orders are read without anything about the buyer. Nothing here raises, whatever the bytes: what cannot be read is
absent.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

import orjson

from batch.marketplace.orders import LineStatus, Order, OrderLine

_DEEPEST = 32  # levels of XML; an order has eight
_ROOTS = frozenset({"errors", "error", "order", "list", "ordersList", "OAuthTokenDTO"})
_CODE = re.compile(r"[A-Za-z0-9_.\-]{1,100}")
_NOT_ASKED = frozenset({"", "false", "n", "no", "0", "none", "null"})
_DIGITS = 10  # of a number of units: a billion is no order
_NOTHING: dict[str, Any] = {}
_EARLIEST, _LATEST = 10**11, 10**14  # what passes for epoch milliseconds


class _ImproperOrder(Exception):  # noqa: N818 - never leaves this module
    """A part of the order that decisions rest on cannot be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorEntry:
    """One error of an envelope. `description` and `info` are the server's words, not yet fit to be shown."""

    code: str
    field: str = ""
    description: str = ""
    info: str = ""
    severity: str = ""
    has_causes: bool = False

    @property
    def name(self) -> str:
        """The code without its component: INVALID_REQUEST of INVALID_REQUEST.GMP_ORDER_API."""
        return self.code.partition(".")[0].upper()

    @property
    def text(self) -> str:
        """All of the server's words in lower case, to look for fragments in."""
        return f"{self.description} {self.info} {self.field}".lower()


def read_document(body: bytes) -> dict[str, Any] | None:
    """Return the body's object, of JSON or of one of the marketplace's XML roots; None for anything else.

    The content decides, not the Content-Type: gateways mislabel both. An XML element becomes its text or, where it has
    children, a dictionary of them by local name, those that repeat as lists.
    """
    text = body.removeprefix(b"\xef\xbb\xbf").lstrip()
    if text.startswith(b"<"):
        return _read_xml(text)
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) else None


def _read_xml(text: bytes) -> dict[str, Any] | None:
    if b"\0" in text or b"<!DOCTYPE" in text.upper():  # no real answer has a document type; HTML and bombs do
        return None
    try:
        root = ET.fromstring(text)  # noqa: S314 - without a document type there are no entities to expand
        name = _local(root.tag)
        return {name: _content(root, _DEEPEST)} if name in _ROOTS else None
    except (ET.ParseError, ValueError, LookupError):  # the last two: encodings that XML's reader does not know
        return None


def _content(element: ET.Element, depth: int) -> dict[str, Any] | str:
    if depth == 0:
        raise ValueError("too deep")
    if len(element) == 0:
        return (element.text or "").strip()
    content: dict[str, Any] = {}
    for child in element:
        name, value = _local(child.tag), _content(child, depth - 1)
        if name not in content:
            content[name] = value
        elif isinstance(content[name], list):
            content[name].append(value)
        else:
            content[name] = [content[name], value]
    return content


def _local(tag: object) -> str:
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def read_errors(document: dict[str, Any] | None) -> tuple[ErrorEntry, ...]:
    """Return the errors of all envelopes known: `errors` or `error`, a list or a single one, wrapped or not.

    OAuth's own envelope, `error` with a word and `error_description`, is read too.
    """
    if document is None:
        return ()
    found = document.get("errors", document.get("error"))
    if isinstance(found, dict) and "error" in found:
        found = found["error"]
    if isinstance(found, str) and found:
        found = {"code": found, "description": document.get("error_description")}
    return tuple(_error(entry) for entry in _list(found) if isinstance(entry, dict) and entry)


def _error(entry: dict[str, Any]) -> ErrorEntry:
    code, causes = _text(entry.get("code")), entry.get("causes")
    return ErrorEntry(
        code=code if _CODE.fullmatch(code) else "",
        field=_text(entry.get("field")),
        description=_text(entry.get("description")) or _text(entry.get("message")),
        info=_text(entry.get("info")),
        severity=_text(entry.get("severity")).upper(),
        has_causes=bool(causes.get("cause") if isinstance(causes, dict) else causes),
    )


def read_order(document: dict[str, Any] | None, purchase_order_id: str) -> Order | None:
    """Return the order of that id, None where the document does not show it or it cannot be trusted.

    `order` is looked at first, then `list.elements.order`, then the document itself.
    """
    for entry in _order_entries(document):
        order = _order(entry)
        if order and order.purchase_order_id == purchase_order_id:
            return order
    return None


def read_orders(document: dict[str, Any] | None, customer_order_id: str) -> tuple[Order, ...] | None:
    """Return the orders of that customer order, None where the document is no list of orders.

    Orders of others are left out: a server that does not know the filter answers with all. An order that Walmart
    fulfils has no purchase order id and is kept; one of ours that cannot be read makes the whole answer unreadable.
    """
    if document is None or not any(key in document for key in ("list", "order", "ordersList")):
        return None
    ours = [entry for entry in _order_entries(document) if _text(entry.get("customerOrderId")) == customer_order_id]
    orders = [_order(entry) for entry in ours]
    return None if None in orders else tuple(order for order in orders if order)


def _order_entries(document: dict[str, Any] | None) -> list[dict[str, Any]]:
    if document is None:
        return []
    found = document.get("order") or _listed(document) or ([document] if "purchaseOrderId" in document else [])
    return [entry for entry in _list(found) if isinstance(entry, dict)]


def _listed(document: dict[str, Any]) -> Any:  # noqa: ANN401 - what stands there is not known before it is looked at
    elements = _object(document.get("list")).get("elements") or document.get("ordersList")
    return _object(elements).get("order")


def _order(entry: dict[str, Any]) -> Order | None:
    try:
        lines = tuple(map(_line, _list(_object(entry.get("orderLines")).get("orderLine"))))
        purchase_order_id = _text(entry.get("purchaseOrderId"))
        ship_node, shipping = _object(entry.get("shipNode")), _object(entry.get("shippingInfo"))
        by_walmart = not purchase_order_id or _text(ship_node.get("type")).upper().startswith("WFS")
        order = Order(
            purchase_order_id=purchase_order_id,
            customer_order_id=_text(entry.get("customerOrderId")),
            ordered_at=epoch_ms(entry.get("orderDate")),
            ship_by=epoch_ms(shipping.get("estimatedShipDate")),
            method_code=_text(shipping.get("methodCode")),
            fulfilled_by_walmart=by_walmart,
            lines=lines,
        )
    except _ImproperOrder:
        return None
    numbers = {line.line_number for line in lines}
    return order if lines and len(numbers) == len(lines) else None


def _line(value: object) -> OrderLine:
    line = _object(value)
    number = _text(line.get("lineNumber"))
    if not number:
        raise _ImproperOrder
    quantity = _quantity(_object(line.get("orderLineQuantity")).get("amount"))
    entries = _list(_object(line.get("orderLineStatuses")).get("orderLineStatus"))
    statuses = tuple([_line_status(entry, quantity if len(entries) == 1 else None) for entry in entries])
    return OrderLine(
        line_number=number,
        sku=_text(_object(line.get("item")).get("sku")),
        quantity=sum(status.quantity for status in statuses) if quantity is None else quantity,
        statuses=statuses,
        intent_to_cancel=is_set(line.get("intentToCancel")),
    )


def _line_status(value: object, line_quantity: int | None) -> LineStatus:
    """Read one status; where it names no quantity it holds the whole line, if it is the line's only one."""
    entry = _object(value)
    status = _text(entry.get("status"))
    quantity = _quantity(_object(entry.get("statusQuantity")).get("amount"))
    quantity = line_quantity if quantity is None else quantity
    if not status or quantity is None:
        raise _ImproperOrder
    listed = _list(_object(entry.get("shipmentPackages")).get("shipmentPackage"))
    trackings = [tracking for tracking in (entry.get("trackingInfo"), *listed) if isinstance(tracking, dict)]
    first = trackings[0] if trackings else _NOTHING
    carrier = first.get("carrierName")
    names = _object(carrier)
    said = [number for tracking in trackings if (number := _text(tracking.get("trackingNumber")))]
    numbers = tuple(dict.fromkeys(said))
    return LineStatus(
        status=status.capitalize(),
        quantity=quantity,
        carrier=_text(names.get("carrier")) or _text(names.get("otherCarrier")) or _text(carrier),
        tracking_number=numbers[0] if numbers else "",
        shipped_at=epoch_ms(first.get("shipDateTime")),
        packages=numbers if len(numbers) > 1 else (),
    )


def _object(value: object) -> dict[str, Any]:
    """Return an object, one without members for anything else."""
    return value if isinstance(value, dict) else _NOTHING


def _list(value: object) -> list[Any]:
    """Return a list of one for what stands alone, as converters from XML write it."""
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]


def _text(value: object) -> str:
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def _quantity(value: object) -> int | None:
    """Return units, None where nothing is said. Raises where something is said that is no number of units."""
    if value is None or value == "":
        return None
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < _DIGITS:
        return int(value)  # how the marketplace says it, every time
    text = _text(int(value) if isinstance(value, float) and value.is_integer() else value).removesuffix(".0")
    if not (text.isascii() and text.isdigit() and len(text) < _DIGITS):
        raise _ImproperOrder
    return int(text)


def epoch_ms(value: object) -> int:
    """Return UTC epoch milliseconds of a number, digits or an ISO 8601 time; 0 where it is none of these."""
    if type(value) is int:  # how the marketplace's JSON says it, every time
        return value if _EARLIEST < value < _LATEST else 0
    text = _text(int(value) if isinstance(value, float) and value.is_integer() else value)
    try:
        if text.isascii() and text.isdigit():
            moment = int(text)
        else:
            time = datetime.fromisoformat(text)
            moment = int((time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return 0
    return moment if _EARLIEST < moment < _LATEST else 0


def is_set(value: object) -> bool:
    """Say whether something was asked for, in any of the ways in which servers write yes and no."""
    if value is None or isinstance(value, dict | list):
        return bool(value)
    return str(value).strip().lower() not in _NOT_ASKED
