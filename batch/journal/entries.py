"""What is written into and read from the journal, as plain records.

Writing is asked for in entries, so that those of many orders can be put into one transaction.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, NamedTuple, final

import orjson
from msgspec import Struct
from msgspec.json import Decoder, encode

from batch.marketplace.orders import Parcel, ShippingUpdate
from batch.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from batch.journal.states import State


@dataclass(frozen=True, slots=True)
class Part:
    """How one parcel of an order ended, where that is not how the order ended."""

    outcome: Outcome
    reason: str


Parts = tuple[Part | None, ...]  # beside each parcel of the file


@final
class Begin(Struct, frozen=True, kw_only=True):
    """A call is about to leave. The first call of an update claims its parcels and takes the order to `sending`."""

    order: int
    seller: str
    run: int
    kind: str
    correlation_id: str
    at: int  # UTC epoch milliseconds
    update: ShippingUpdate | None = None  # given for the first call of an update: what is claimed
    parts: tuple[int, ...] = ()  # beside each parcel of the update: which parcel of the file it comes from
    ended: Parts = ()  # beside each parcel of the file: how it ended, None where it goes with the update
    before: dict[str, int] | None = None  # units of each line that were shipped beforehand


@final
class End(Struct, frozen=True, kw_only=True):
    """What came of a call."""

    order: int
    correlation_id: str
    at: int
    status: int
    verdict: str
    reason: str


@final
class Change(Struct, frozen=True, kw_only=True):
    """An order goes to another state."""

    order: int
    to: State
    at: int
    reason: str = ""
    parts: Parts = ()  # beside each parcel of the file; empty: all as the order
    note: str = ""
    ship_by: int = 0
    purchase_order_id: str = ""  # where it was found by the customer order id


Entry = Begin | End | Change


class Claim(Struct, frozen=True):
    """A parcel that some order of ours was, is or may have been sent with. It stands for as long as it is there."""

    line_number: str  # without leading zeros
    parcel: str
    quantity: int
    order: int
    state: State  # the order's; shipped, too, for a parcel that is known to be shipped, whatever became of its order
    sent_at: int


class Planned(Struct, frozen=True, kw_only=True):
    """An order as the journal has it after planning."""

    id: int
    state: State
    reason: str = ""
    finished_at: int = 0
    parts: Parts = ()  # beside each parcel of the plan how it ended, where that is not how the order did
    places: tuple[int, ...] = ()  # beside each parcel of the plan its place in the journal's order; blank: the same


class JournalOrder(Struct, frozen=True, kw_only=True):
    """An order as the journal has it, with all that sending and settling need."""

    id: int
    purchase_order_id: str
    customer_order_id: str
    state: State
    parcels: tuple[Parcel, ...]
    sent: tuple[Parcel, ...] = ()  # what the last update said
    sent_parts: tuple[int, ...] = ()  # beside each of them: which parcel of the file it comes from
    before: dict[str, int] | None = None
    ended: Parts = ()  # parcels of the file that have ended for good, whatever becomes of the others
    doubtful: bool = False  # its last update may have been made, and nobody has said what became of it
    claims: tuple[Claim, ...] = ()  # of other orders, on the same purchase order
    due_at: int = 0
    correlation_id: str = ""
    sent_at: int = 0
    note: str = ""  # what was inferred


# The members of a parcel, as the journal keeps them. One that comes later joins at the end, and as what tells parcels
# apart only where it means that the order changed: a refused order is sent again when its fingerprint becomes another.
_MEMBERS = (
    "line_number",
    "sku",
    "quantity",
    "carrier",
    "other_carrier",
    "method_code",
    "tracking_number",
    "tracking_url",
    "shipped_at",
    "date_only",
    "ship_from_country",
    "seller_order_id",
)
_members: Callable[[Parcel], tuple[Any, ...]] = attrgetter(*_MEMBERS)
_SHIPPED_AT, _DATE_ONLY = _MEMBERS.index("shipped_at"), _MEMBERS.index("date_only")
_DAY = 86_400_000  # ms


class Kept(NamedTuple):
    """The parcels of a file's order as the journal keeps them: in one sequence, whatever the file's is."""

    fingerprint: str  # what tells the same order from a changed one, whatever file or name it came in
    content: bytes  # the parcels as JSON
    places: tuple[int, ...]  # beside each parcel of the file its place among those that are kept; blank: the same


def kept(parcels: Sequence[Parcel], *, undated_at: int = 0) -> Kept:
    """Return a file's parcels as the journal keeps them.

    `undated_at` (UTC epoch milliseconds): the ship time that reading gave to rows of a file without ship times, which
    is another each time the file is read.
    """
    members, places = list(map(_members, parcels)), tuple[int, ...]()
    told = [_told(one, undated_at) for one in members]
    if len(told) > 1:
        sequence = sorted(range(len(told)), key=told.__getitem__)
        members, told = [members[place] for place in sequence], [told[place] for place in sequence]
        places = _turned_round(sequence)
    content = orjson.dumps(members)
    said = content if told == members else orjson.dumps(told)
    return Kept(hashlib.blake2b(said, digest_size=16).hexdigest(), content, places)


def _told(members: tuple[Any, ...], undated_at: int) -> tuple[Any, ...]:
    """Return what the file says of a parcel; of a day without a time, which is noon or by then now, the day alone."""
    if members[_DATE_ONLY]:
        return *members[:_SHIPPED_AT], members[_SHIPPED_AT] // _DAY, *members[_SHIPPED_AT + 1 :]
    if members[_SHIPPED_AT] == undated_at:
        return *members[:_SHIPPED_AT], 0, *members[_SHIPPED_AT + 1 :]
    return members


def _turned_round(sequence: list[int]) -> tuple[int, ...]:
    """Return beside each place where it stands in the sequence; nothing where that is at its own."""
    own = list(range(len(sequence)))
    return () if sequence == own else tuple(sorted(own, key=sequence.__getitem__))


def to_json(parts: Parts) -> bytes | None:
    """Return parts as JSON, None where all have ended as their order."""
    return orjson.dumps(parts) if parts and any(parts) else None


def content_of(parcels: Iterable[Parcel]) -> bytes:
    """Return parcels as JSON: a list of each one's members."""
    return orjson.dumps(list(map(_members, parcels)))


def sent_as(parcels: tuple[Parcel, ...], parts: tuple[int, ...], *, content: bytes) -> bytes | None:
    """Return what an update says as JSON: its parcels, and beside each which parcel of the file it comes from.

    None where it says just what the file says, whose parcels are `content`.
    """
    said = encode(parcels)
    if said == content and parts == tuple(range(len(parcels))):
        return None
    return b"[%b,%b]" % (said, encode(parts))


def parts_from(content: bytes | None) -> Parts:
    """Read parts back from their JSON."""
    if not content:
        return ()
    return tuple(part and Part(Outcome(part["outcome"]), part["reason"]) for part in orjson.loads(content))


def parcels_from(content: bytes | None) -> tuple[Parcel, ...]:
    """Read parcels back from their JSON."""
    return _PARCELS.decode(content) if content else ()


def sent_from(sent: bytes | None, parcels: tuple[Parcel, ...]) -> tuple[tuple[Parcel, ...], tuple[int, ...]]:
    """Read back what an update said, where the file says `parcels`; beside each of its own, which of these it is."""
    if sent is None:
        return parcels, tuple(range(len(parcels)))
    return _SENT.decode(sent)


_PARCELS = Decoder(tuple[Parcel, ...])  # an older journal's have fewer members
_SENT = Decoder(tuple[tuple[Parcel, ...], tuple[int, ...]])
