"""The marketplace's error codes and messages: what each means, and what it tells the seller to do.

Codes are those of the reference's error pages (Canada, Global, suppliers), without their component. Messages are
captured ones; wording has changed over the years, so that they are known by fragments, in lower case. Decisions rest on
codes before HTTP statuses: the gateway has been seen to answer 400 for a dead token.
"""

from __future__ import annotations

import re
from enum import StrEnum
from types import MappingProxyType

from msgspec import Struct


class Sense(StrEnum):
    """What an error code says of the call, before it is known what kind of call it was. The gravest first."""

    BROKEN = "broken"  # a system gave up: a change may or may not have been made
    UNAUTHORISED = "unauthorised"  # not who we say we are; a fresh token or signature may mend it
    FORBIDDEN = "forbidden"  # the settings of the account are wrong: no call can succeed
    MISDIRECTED = "misdirected"  # no such address or format: no call of this kind can succeed
    THROTTLED = "throttled"
    LOCKED = "locked"  # certainly not done; in a minute it may be
    VAGUE = "vague"  # certainly not done; the form that refusals have while the marketplace is down
    MISSING = "missing"  # nothing there by that number
    REFUSED = "refused"


GRAVEST_FIRST = tuple(Sense)


class Meant(Struct, frozen=True, kw_only=True):
    """What one error means. `advice` is a sentence for the seller: what is wrong and what to do."""

    sense: Sense
    advice: str
    already_shipped: bool = False
    over_shipped: bool = False
    intent_to_cancel: bool = False
    higher_status: bool = False


_REPORT = "please report this as a fault of shipbatch"

CODES = MappingProxyType(
    {
        "SOME_CONTENT_NOT_FOUND": Meant(
            sense=Sense.REFUSED,
            advice="Some of what was asked for does not exist; check the order's lines in Seller Center.",
        ),
        "INVALID_REQUEST": Meant(
            sense=Sense.REFUSED, advice="The marketplace calls the request invalid; check the row's values."
        ),
        "INVALID_REQUEST_CONTENT": Meant(
            sense=Sense.REFUSED, advice="The marketplace calls a value of the update invalid; check the row's values."
        ),
        "INVALID_REQUEST_PARAM": Meant(
            sense=Sense.REFUSED, advice="The marketplace calls the order's number invalid; check it in the file."
        ),
        "MISSING_REQUEST_PARAM": Meant(sense=Sense.REFUSED, advice=f"The marketplace misses a parameter; {_REPORT}."),
        "MALFORMED_REQUEST_CONTENT": Meant(
            sense=Sense.REFUSED, advice=f"The marketplace cannot read the update; {_REPORT}."
        ),
        "INVALID_REQUEST_HEADER": Meant(
            sense=Sense.FORBIDDEN,
            advice="A header was not accepted; check channel_type, consumer_id, market and service_name.",
        ),
        "MISSING_REQUEST_HEADER": Meant(
            sense=Sense.FORBIDDEN,
            advice="A header is missing; check api, channel_type and consumer_id in the settings.",
        ),
        "UNAUTHORIZED": Meant(
            sense=Sense.UNAUTHORISED,
            advice="The credentials were not accepted; check them, this machine's clock and, with walmart-canada,"
            " channel_type.",
        ),
        "INVALID_TOKEN": Meant(
            sense=Sense.UNAUTHORISED,
            advice="The access token was not accepted; if it happens again, check client_id, client_secret and market.",
        ),
        "FORBIDDEN": Meant(
            sense=Sense.FORBIDDEN,
            advice="The account may not do this; check the key's permissions for orders in the developer portal, and"
            " channel_type.",
        ),
        "CONTENT_NOT_FOUND": Meant(
            sense=Sense.MISSING,
            advice="The marketplace knows no such order; check the number, the account and the market.",
        ),
        "URI_NOT_FOUND": Meant(
            sense=Sense.MISDIRECTED, advice="The marketplace knows no such address; check base_url and api."
        ),
        "METHOD_NOT_ALLOWED": Meant(
            sense=Sense.MISDIRECTED,
            advice="The marketplace does not take this call at this address; check base_url and api.",
        ),
        "INVALID_ACCEPT_TYPE": Meant(
            sense=Sense.MISDIRECTED, advice="The marketplace does not answer in JSON here; check base_url and api."
        ),
        "UNSUPPORTED_MEDIA_TYPE": Meant(
            sense=Sense.MISDIRECTED, advice="The marketplace does not take JSON here; check base_url and api."
        ),
        "RESOURCE_IS_LOCKED": Meant(
            sense=Sense.LOCKED, advice="The marketplace is busy with this order; it is tried again in a minute."
        ),
        "REQUEST_THRESHOLD_VIOLATED": Meant(
            sense=Sense.THROTTLED, advice="The marketplace's limit is reached; it goes on when the limit allows."
        ),
        "INVALID_SYSTEM_STATE": Meant(
            sense=Sense.BROKEN, advice="The marketplace has a fault of its own; try again later."
        ),
        "SYSTEM_ERROR": Meant(sense=Sense.BROKEN, advice="The marketplace has a fault of its own; try again later."),
        "DOWNSTREAM_SYSTEM_TIME_OUT": Meant(
            sense=Sense.BROKEN, advice="A system of the marketplace did not answer in time; try again later."
        ),
    }
)


# Looked for, in this order, in errors about the content of a request; the first that fits is meant.
MESSAGES = (
    (
        re.compile(r"is in (shipped|delivered) status"),
        Meant(
            sense=Sense.REFUSED,
            advice="It is shipped already; compare its tracking number in Seller Center with the file's.",
            already_shipped=True,
        ),
    ),
    (
        re.compile(r"is in cancell?ed status"),
        Meant(sense=Sense.REFUSED, advice="It is cancelled; do not ship it, and stop the parcel if it can be stopped."),
    ),
    (
        re.compile(r"is in created status|not (?:been )?acknowledged"),
        Meant(
            sense=Sense.REFUSED, advice="It is not acknowledged yet; acknowledge the order, then drop the row again."
        ),
    ),
    (
        re.compile(r"higher status"),
        Meant(sense=Sense.REFUSED, advice="It is acknowledged, shipped or cancelled already.", higher_status=True),
    ),
    (
        re.compile(r"overshipped|enough quantity|qtyavailabletoship|more than allowed"),
        Meant(
            sense=Sense.REFUSED,
            advice="More units than are open, or a line that is cancelled, not acknowledged or not there; compare line"
            " number and quantity with the order in Seller Center.",
            over_shipped=True,
        ),
    ),
    (
        re.compile(
            r"intent ?to ?cancel|cancell?ation (?:was |is |has been )?requested|requested (?:to cancel|cancell)"
        ),
        Meant(
            sense=Sense.REFUSED,
            advice="The buyer asked to cancel; cancel it in Seller Center, or ship it with override_intent_to_cancel.",
            intent_to_cancel=True,
        ),
    ),
    (
        re.compile(r"method ?code"),
        Meant(
            sense=Sense.REFUSED,
            advice="The method code was not accepted; use Standard, Express, OneDay, Freight, WhiteGlove or Value.",
        ),
    ),
    (
        re.compile(r"tracking ?url"),
        Meant(
            sense=Sense.REFUSED,
            advice="A carrier that is not on the marketplace's list needs a tracking URL; add it to the row.",
        ),
    ),
    (
        re.compile(r"tracking ?(?:number|no\b|id)"),
        Meant(
            sense=Sense.REFUSED,
            advice="The tracking number was not accepted; check it and its carrier against the label.",
        ),
    ),
    (
        re.compile(r"carrier"),
        Meant(
            sense=Sense.REFUSED,
            advice="The carrier was not accepted; check its name, or map it under [accounts.NAME.carriers].",
        ),
    ),
    (
        re.compile(r"ship ?from ?country"),
        Meant(
            sense=Sense.REFUSED,
            advice="The country that it ships from is missing or wrong; give two letters, as in CA, or set"
            " ship_from_country.",
        ),
    ),
    (
        re.compile(r"ship ?date|date must be|invalid date"),
        Meant(
            sense=Sense.REFUSED,
            advice="The ship time was not accepted; it must lie between the order and now, in UTC.",
        ),
    ),
    (
        re.compile(r"channel\.type"),
        Meant(
            sense=Sense.FORBIDDEN,
            advice="The channel type was not accepted; check channel_type against the developer portal.",
        ),
    ),
    (
        re.compile(r"saxparse|unexpected element|unmarshal"),
        Meant(sense=Sense.REFUSED, advice=f"The marketplace cannot read the update; {_REPORT}."),
    ),
)

# What refusals look like while the marketplace is down, word for word (captured): field, description, info.
VAGUE_WORDS = ("data", "invalid request", "request invalid.")
VAGUE = Meant(
    sense=Sense.VAGUE,
    advice="The marketplace calls the request invalid and says no more, as it does in an outage; try again later.",
)


def meant_by_status(status: int, *, coded: bool) -> Meant:
    """Return what an answer means that bears no code known to us. `coded`: it is an error envelope all the same."""
    if coded and status in _CODED_STATUSES:
        return _CODED_STATUSES[status]
    if status in _STATUSES:
        return _STATUSES[status]
    if coded and status < 500:  # noqa: PLR2004 - where the server's own faults begin
        return Meant(sense=Sense.REFUSED, advice="The marketplace refused it.")
    return next(meant for first, meant in _STATUS_CLASSES if status >= first)


_STATUSES = MappingProxyType(
    {
        401: CODES["UNAUTHORIZED"],
        403: Meant(
            sense=Sense.VAGUE,
            advice="Something in front of the marketplace denies access; check base_url, firewall and proxy.",
        ),
        404: Meant(
            sense=Sense.VAGUE, advice="This address answers, but not as the marketplace; check base_url and api."
        ),
        405: CODES["METHOD_NOT_ALLOWED"],
        406: CODES["INVALID_ACCEPT_TYPE"],
        408: Meant(
            sense=Sense.BROKEN, advice="The marketplace did not get the whole request in time; try again later."
        ),
        413: Meant(sense=Sense.REFUSED, advice="The update is too large; split the order's rows over two files."),
        415: CODES["UNSUPPORTED_MEDIA_TYPE"],
        423: CODES["RESOURCE_IS_LOCKED"],
        425: CODES["RESOURCE_IS_LOCKED"],
        429: CODES["REQUEST_THRESHOLD_VIOLATED"],
        503: Meant(sense=Sense.BROKEN, advice="The marketplace is down or overloaded; try again later."),
        504: CODES["DOWNSTREAM_SYSTEM_TIME_OUT"],
        520: Meant(sense=Sense.BROKEN, advice="The marketplace's gateway had trouble; try again later."),
    }
)
_CODED_STATUSES = MappingProxyType({403: CODES["FORBIDDEN"], 404: CODES["CONTENT_NOT_FOUND"]})
_STATUS_CLASSES = (
    (500, CODES["SYSTEM_ERROR"]),
    (
        400,
        Meant(
            sense=Sense.VAGUE, advice="The marketplace refused it without a reason, as in an outage; try again later."
        ),
    ),
    (
        300,
        Meant(sense=Sense.VAGUE, advice="The marketplace sends us elsewhere, which is never followed; check base_url."),
    ),
    (0, Meant(sense=Sense.BROKEN, advice="The answer cannot be understood; try again later.")),
)
