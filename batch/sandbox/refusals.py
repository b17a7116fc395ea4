"""How the marketplace says no: complaints, and the six envelopes in which they were seen on the wire.

Codes are NAME.COMPONENT; texts are the captured ones where there are any (Walmart's CA reference, public bug reports).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from xml.sax.saxutils import escape

import orjson

JSON = "application/json;charset=utf-8"
XML = "application/xml;charset=utf-8"
HTML = "text/html;charset=utf-8"

MISDIRECTING_INFO = (  # it talks of client id and secret even where a signature was wrong
    "Unauthorized token or incorrect authorization header. Please verify correct format: "
    '"Authorization: Basic Base64Encode(clientId:clientSecret)" '
    "For more information, see https://developer.walmart.com/#/apicenter/marketPlace/latest#apiAuthentication"
)
HEADER_INFO = "One or more request headers are invalid."
CONTENT_INFO = "Request content is invalid."


class Envelope(StrEnum):
    """The shapes in which errors come."""

    ORDER_API = "E1"  # {"errors": {"error": [...]}}
    GATEWAY = "E2"  # {"error": [...]}
    FLAT = "E3"  # {"errors": [{code, message, ...}]}
    XML = "E4"  # <ns4:errors>
    SINGLE = "E5"  # {"errors": {"error": {...}}}
    HTML = "E6"  # a page of the edge


@dataclass(frozen=True, slots=True, kw_only=True)
class Complaint:
    """One entry of an error answer."""

    code: str
    description: str
    field: str = "data"
    info: str = CONTENT_INFO
    severity: str = "ERROR"
    category: str = "DATA"


class Refusal(Exception):  # noqa: N818 - named by its meaning
    """The marketplace says no: HTTP status, complaints and the envelope they come in."""

    def __init__(self, status: int, *complaints: Complaint, envelope: Envelope = Envelope.ORDER_API) -> None:
        self.status = status
        self.complaints = complaints
        self.envelope = envelope
        super().__init__("; ".join(complaint.description for complaint in complaints))


def content_refused(description: str, field: str = "data") -> Refusal:
    """Return the 400 for a body that is well-formed but not acceptable."""
    return Refusal(400, Complaint(code="INVALID_REQUEST_CONTENT.GMP_ORDER_API", field=field, description=description))


def malformed(description: str) -> Refusal:
    """Return the 400 for a body that cannot be read at all."""
    return Refusal(400, Complaint(code="MALFORMED_REQUEST_CONTENT.GMP_ORDER_API", description=description))


def parameter_refused(field: str, description: str, code: str = "INVALID_REQUEST_PARAM") -> Refusal:
    """Return the 400 for a query parameter."""
    info = "One or more request parameters are invalid."
    return Refusal(400, Complaint(code=f"{code}.GMP_ORDER_API", field=field, description=description, info=info))


def header_refused(*names: str, said: str = "set blank or null", component: str = "GMP_GATEWAY_API") -> Refusal:
    """Return the 400 that names each header in a complaint of its own."""
    complaints = (
        Complaint(
            code=f"INVALID_REQUEST_HEADER.{component}", field=name, description=f"{name} {said}", info=HEADER_INFO
        )
        for name in names
    )
    gateway = component == "GMP_GATEWAY_API"
    return Refusal(400, *complaints, envelope=Envelope.GATEWAY if gateway else Envelope.ORDER_API)


def unauthorised(status: int = 401, code: str = "UNAUTHORIZED") -> Refusal:
    """Return the gateway's 401; some live answers had 400 (bad client credentials, an expired token)."""
    complaint = Complaint(
        code=f"{code}.GMP_GATEWAY_API", field="UNAUTHORIZED", description="Unauthorized", info=MISDIRECTING_INFO
    )
    return Refusal(status, complaint, envelope=Envelope.GATEWAY)


def not_found(call: str) -> Refusal:
    """Return the 404 that means "no such orders": severity INFO, no mistake of the caller's."""
    complaint = Complaint(
        code="CONTENT_NOT_FOUND.GMP_ORDER_API",
        description=f"Failed when called {call}. Orders not found for given search parameters",
        info="Requested content could not be found.",
        severity="INFO",
        category="APPLICATION",
    )
    return Refusal(404, complaint)


def gateway_refused(status: int, code: str, description: str, category: str = "DATA") -> Refusal:
    """Return a refusal of the gateway, which comes before anything is looked at."""
    complaint = Complaint(
        code=f"{code}.GMP_GATEWAY_API", field=code, description=description, info=description, category=category
    )
    return Refusal(status, complaint, envelope=Envelope.GATEWAY)


def throttled() -> Refusal:
    """Return the 429; the request was not processed."""
    return gateway_refused(429, "REQUEST_THRESHOLD_VIOLATED", "Request threshold violated", "REQUEST")


def outage_400() -> Refusal:
    """Return the vague 400 that was seen while the marketplace itself was out of order (ShipWorks)."""
    complaint = Complaint(code="INVALID_REQUEST.GMP_ORDER_API", description="Invalid Request", info="Request invalid.")
    return Refusal(400, complaint)


def system_error(status: int, code: str, description: str) -> Refusal:
    """Return a 5xx or a 423 of the order component, such as SYSTEM_ERROR or DOWNSTREAM_SYSTEM_TIME_OUT."""
    complaint = Complaint(code=code, description=description, info=description, category="SYSTEM")
    return Refusal(status, complaint)


def render(refusal: Refusal, envelope: Envelope | None = None) -> tuple[bytes, str]:
    """Return the error answer's body and its content type, in the refusal's own envelope or another."""
    shape = envelope or refusal.envelope
    if shape is Envelope.HTML:
        return page("Access Denied"), HTML
    if shape is Envelope.XML:
        return _xml(refusal), XML
    if shape is Envelope.FLAT:
        return orjson.dumps({"errors": [_flat(complaint) for complaint in refusal.complaints]}), JSON
    entries = [_entry(complaint, shape) for complaint in refusal.complaints]
    if shape is Envelope.GATEWAY:
        return orjson.dumps({"error": entries}), JSON
    if shape is Envelope.SINGLE:
        return orjson.dumps({"errors": {"error": entries[0]}}), JSON
    return orjson.dumps({"errors": {"error": entries}}), JSON


def page(title: str) -> bytes:
    """Return a page as an edge server sends it in the place of an answer."""
    said = f"<p>Reference #18.2d351ab8.{len(title):x}</p>"
    return f"<html><head><title>{title}</title></head><body><h1>{title}</h1>{said}</body></html>".encode()


def _entry(complaint: Complaint, shape: Envelope) -> dict[str, object]:
    return {
        "code": complaint.code,
        "field": complaint.field,
        "description": complaint.description,
        "info": complaint.info,
        "severity": complaint.severity,
        "category": complaint.category,
        "causes": [],
        "errorIdentifiers": {} if shape is Envelope.GATEWAY else {"entry": []},
    }


def _flat(complaint: Complaint) -> dict[str, object]:
    return {
        "code": complaint.code.partition(".")[0],
        "message": complaint.description,
        "category": complaint.category,
        "severity": complaint.severity,
        "field": complaint.field,
    }


def _xml(refusal: Refusal) -> bytes:
    names = ("code", "field", "description", "info", "severity", "category")
    errors = "".join(
        "<ns4:error>"
        + "".join(f"<ns4:{name}>{escape(getattr(complaint, name))}</ns4:{name}>" for name in names)
        + "<ns4:causes/><ns4:errorIdentifiers/></ns4:error>"
        for complaint in refusal.complaints
    )
    spaces = (
        'xmlns:ns2="http://walmart.com/mp/orders" xmlns:ns3="http://walmart.com/mp/v3/orders" '
        'xmlns:ns4="http://walmart.com/"'
    )
    return f'<?xml version="1.0" encoding="UTF-8" standalone="yes"?><ns4:errors {spaces}>{errors}</ns4:errors>'.encode()
