"""What one HTTP exchange meant: one pure function, `read_verdict`.

Error codes decide before HTTP statuses. An answer that may hide a change that was made is never taken for a refusal: it
is UNKNOWN, and is settled by reading the order. What a server's gateway refuses was certainly not done.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from batch.marketplace.answer import ErrorEntry, read_document, read_errors, read_order, read_orders
from batch.marketplace.call import Answer, Call, Kind, NoAnswer
from batch.marketplace.codes import (
    CODES,
    GRAVEST_FIRST,
    MESSAGES,
    VAGUE,
    VAGUE_WORDS,
    Meant,
    Sense,
    meant_by_status,
)
from batch.marketplace.usual import usual_order

if TYPE_CHECKING:
    from batch.marketplace.orders import Order

LOCKED_WAIT = 20.0  # seconds; clients in the wild wait 20 to 60 for a locked order
_OK, _REDIRECT, _BAD_REQUEST, _SERVER_FAULT = 200, 300, 400, 500
_NOT_BLOCKING = frozenset({"INFO", "WARN"})  # severities that an order may come with
_LONGEST_QUOTE = 200  # characters
_MOST_ADVICE = 3  # sentences; an answer may hold an error for each of hundreds of lines

# Senses in which a gateway turned the call away before any system of the marketplace saw it, whatever the status says.
_TURNED_AWAY = frozenset({Sense.UNAUTHORISED, Sense.FORBIDDEN, Sense.THROTTLED, Sense.LOCKED})
_WITH_MESSAGES = frozenset({"", "INVALID_REQUEST", "INVALID_REQUEST_CONTENT", "INVALID_REQUEST_PARAM"})
_LINE_NAMED = re.compile(r"\bline(?:\s+number)?\s*[:#]?\s*(\d{1,6})\b", re.IGNORECASE)
_NEVER_QUOTED = re.compile(
    r"\S+@\S+"  # e-mail addresses
    r"|\+?\d[\d\s().-]{7,}\d"  # telephone numbers
    r"|\b[A-Za-z]\d[A-Za-z][ -]?\d[A-Za-z]\d\b"  # Canadian postal codes
    r"|\S{32,}"  # tokens, signatures
)


class Meaning(StrEnum):
    """What an exchange meant for the call."""

    ACCEPTED = "accepted"
    REFUSED = "refused"  # no, for a reason that trying again does not mend
    THROTTLED = "throttled"  # certainly not done: wait for the limit
    UNAUTHORISED = "unauthorised"  # certainly not done: not who we say we are
    UNAVAILABLE = "unavailable"  # certainly not done, or a mere reading: may be tried again
    UNKNOWN = "unknown"  # a change that may have been made: find out first


class Verdict(Struct, frozen=True, kw_only=True):
    """What an exchange meant, without anything about the buyer. `reason` is for the seller and says what to do."""

    meaning: Meaning
    reason: str = ""  # sentences; blank where accepted
    status: int = 0  # HTTP; 0: no answer
    codes: tuple[str, ...] = ()  # as the server wrote them
    order: Order | None = None  # where accepted: as answered, which may be older than the call itself
    orders: tuple[Order, ...] = ()  # of a search
    lines: tuple[str, ...] = ()  # line numbers that the errors name
    wait: float = 0.0  # seconds that should pass at least before another attempt
    fatal: bool = False  # no call can succeed before the settings change: end the run, mark no order as refused
    missing: bool = False  # no such order
    already_shipped: bool = False  # the server says that a line is shipped: compare the tracking before calling it well
    over_shipped: bool = False  # more units than are open, or a line that is not there
    intent_to_cancel: bool = False  # the buyer asked to cancel
    maybe_transient: bool = False  # refused as in an outage: try again later before believing it
    harmless: bool = False  # refused, but what was wanted is so: an order that is further on needs no acknowledging

    @property
    def done(self) -> bool:
        """Whether what the call wanted is so."""
        return self.meaning is Meaning.ACCEPTED or self.harmless

    @property
    def renewable(self) -> bool:
        """Whether a fresh token or signature, once, is worth another attempt."""
        return self.meaning is Meaning.UNAUTHORISED and not self.fatal


def read_verdict(call: Call, answer: Answer | NoAnswer) -> Verdict:
    """Return what the exchange meant for this call. Never raises, whatever the bytes.

    A call is accepted only with an order of its own purchase order id in the answer (a search: with a list of orders,
    or the marketplace's word that there are none).
    """
    if isinstance(answer, NoAnswer):
        return _without_answer(call, answer)
    well = _OK <= answer.status < _REDIRECT
    if well and call.kind is not Kind.FIND and (order := usual_order(answer.body, call.purchase_order_id)):
        return Verdict(meaning=Meaning.ACCEPTED, status=answer.status, order=order)
    document = read_document(answer.body)
    errors = read_errors(document)
    if not well:
        return _erroneous(call, answer.status, errors)
    blocking = [error for error in errors if error.severity not in _NOT_BLOCKING]
    if call.kind is Kind.FIND:
        orders, order = read_orders(document, call.customer_order_id), None
    else:
        orders, order = (), read_order(document, call.purchase_order_id)
    shown = order is not None or (call.kind is Kind.FIND and orders is not None)
    if shown and not blocking:
        return Verdict(meaning=Meaning.ACCEPTED, status=answer.status, order=order, orders=orders or ())
    if errors and not shown:
        return _erroneous(call, answer.status, errors)
    return _unreadable(call, answer.status, errors)


def _without_answer(call: Call, answer: NoAnswer) -> Verdict:
    if not answer.sent:
        return Verdict(meaning=Meaning.UNAVAILABLE, reason=f"Nothing was sent: {answer.reason}.")
    if not call.changes:
        return Verdict(meaning=Meaning.UNAVAILABLE, reason=f"No answer: {answer.reason}.")
    reason = f"The answer was lost: {answer.reason}; look at the order before sending anything again."
    return Verdict(meaning=Meaning.UNKNOWN, reason=reason)


def _unreadable(call: Call, status: int, errors: tuple[ErrorEntry, ...]) -> Verdict:
    """Judge a success that shows no order of ours, or an order and errors at once."""
    said = "shows errors beside the order" if errors else "does not show the order"
    reason = f"The marketplace answered {status}, but the answer {said}"
    if call.changes:
        reason, meaning = f"{reason}; look at the order before sending anything again.", Meaning.UNKNOWN
    else:
        reason, meaning = f"{reason}; try again later.", Meaning.UNAVAILABLE
    return Verdict(meaning=meaning, reason=reason, status=status, codes=_codes(errors))


def _erroneous(call: Call, status: int, errors: tuple[ErrorEntry, ...]) -> Verdict:
    """Judge an answer by its errors or, where it has none, by its status."""
    meants = tuple(_meant(error, status) for error in errors) or (meant_by_status(status, coded=False),)
    verdict = Verdict(
        meaning=Meaning.REFUSED,
        reason=_reason(errors, meants),
        status=status,
        codes=_codes(errors),
        lines=_lines(errors),
        already_shipped=any(meant.already_shipped for meant in meants),
        over_shipped=any(meant.over_shipped for meant in meants),
        intent_to_cancel=any(meant.intent_to_cancel for meant in meants),
        harmless=call.kind is Kind.ACKNOWLEDGE and all(meant.higher_status for meant in meants),
    )
    return _with_sense(verdict, call, min((meant.sense for meant in meants), key=GRAVEST_FIRST.index))


def _with_sense(verdict: Verdict, call: Call, sense: Sense) -> Verdict:
    """Give the verdict its meaning: what the gravest of the errors means for this kind of call."""
    if sense is Sense.BROKEN and call.changes:
        reason = f"{verdict.reason} Look at the order before sending anything again."
        return replace(verdict, meaning=Meaning.UNKNOWN, reason=reason)
    if sense is Sense.MISDIRECTED and call.unproved:
        reason = "The marketplace does not take several packages for the same units here; ship them in Seller Center."
        return replace(verdict, reason=reason)
    if sense is Sense.MISSING and call.kind is Kind.FIND:
        return replace(verdict, meaning=Meaning.ACCEPTED, missing=True)
    return replace(verdict, **_EFFECTS[sense])


_EFFECTS: dict[Sense, dict[str, Any]] = {
    Sense.BROKEN: {"meaning": Meaning.UNAVAILABLE},
    Sense.UNAUTHORISED: {"meaning": Meaning.UNAUTHORISED},
    Sense.FORBIDDEN: {"meaning": Meaning.UNAUTHORISED, "fatal": True},
    Sense.MISDIRECTED: {"meaning": Meaning.UNAVAILABLE, "fatal": True},
    Sense.THROTTLED: {"meaning": Meaning.THROTTLED},
    Sense.LOCKED: {"meaning": Meaning.UNAVAILABLE, "wait": LOCKED_WAIT},
    Sense.VAGUE: {"meaning": Meaning.UNAVAILABLE, "maybe_transient": True},
    Sense.MISSING: {"missing": True},
    Sense.REFUSED: {},
}


def _meant(error: ErrorEntry, status: int) -> Meant:
    meant = _meant_by_words(error, status)
    if status >= _SERVER_FAULT and meant.sense not in _TURNED_AWAY:
        return replace(meant_by_status(status, coded=True), sense=Sense.BROKEN)
    return meant


def _meant_by_words(error: ErrorEntry, status: int) -> Meant:
    known = CODES.get(error.name)
    words = (error.field.lower(), error.description.lower(), error.info.lower())
    if status == _BAD_REQUEST and error.name == "INVALID_REQUEST" and words == VAGUE_WORDS and not error.has_causes:
        return VAGUE
    if known is None or error.name in _WITH_MESSAGES:
        text = error.text
        if message := next((meant for pattern, meant in MESSAGES if pattern.search(text)), None):
            return message
    return known or meant_by_status(status, coded=True)


def _reason(errors: tuple[ErrorEntry, ...], meants: tuple[Meant, ...]) -> str:
    """Return what to do about each error, once, and the server's words where a code alone says too little."""
    if not errors:
        return meants[0].advice
    sentences: dict[str, None] = {}
    for error, meant in zip(errors, meants, strict=True):
        lines = ", ".join(_lines((error,)))
        quote = _quotable(error.description or error.info) if _says_too_little(meant) else ""
        sentence = f"Line {lines}: {meant.advice}" if lines else meant.advice
        sentences[f'{sentence} The marketplace says: "{quote}".' if quote else sentence] = None
    more = len(sentences) - _MOST_ADVICE
    return " ".join([*sentences][:_MOST_ADVICE]) + (f" And {more} more." if more > 0 else "")


def _says_too_little(meant: Meant) -> bool:
    return meant.sense in {Sense.REFUSED, Sense.FORBIDDEN} and all(meant is not message for _, message in MESSAGES)


def _quotable(words: str) -> str:
    """Return the server's words on one line, without what may be a person's or a secret."""
    printable = "".join(character if character.isprintable() else " " for character in words[: 4 * _LONGEST_QUOTE])
    quote = " ".join(_NEVER_QUOTED.sub("…", printable).replace('"', "'").split())
    return quote if len(quote) <= _LONGEST_QUOTE else quote[:_LONGEST_QUOTE] + "…"


def _codes(errors: tuple[ErrorEntry, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(error.code for error in errors if error.code))


def _lines(errors: tuple[ErrorEntry, ...]) -> tuple[str, ...]:
    words = (f"{error.description} {error.info}" for error in errors)
    return tuple(dict.fromkeys(number for text in words for number in _LINE_NAMED.findall(text)))
