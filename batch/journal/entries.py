"""What is written into and read from the journal, as plain records.

Writing is asked for in entries, so that those of many orders can be put into one transaction.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from batch.marketplace.orders import Parcel, ShippingUpdate
from batch.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from batch.journal.states import State


@dataclass(frozen=True, slots=True)
class Part:
    """How one parcel of an order ended, where that is not how the order ended."""

    outcome: Outcome
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """A call is about to leave. The first call of an update claims its parcels and takes the order to `sending`."""

    order: int
    seller: str
    run: int
    kind: str
    correlation_id: str
    at: int  # UTC epoch milliseconds
    update: ShippingUpdate | None = None  # given for the first call of an update: what is claimed
    parts: tuple[int, ...] = ()  # beside each parcel of the update: which parcel of the file it comes from
    before: dict[str, int] | None = None  # units of each line that were shipped beforehand


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """What came of a call."""

    correlation_id: str
    at: int
    status: int
    verdict: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """An order goes to another state."""

    order: int
    to: State
    at: int
    reason: str = ""
    parts: tuple[Part | None, ...] = ()  # beside each parcel of the file; empty: all as the order
    note: str = ""
    ship_by: int = 0
    purchase_order_id: str = ""  # where it was found by the customer order id


Entry = Begin | End | Change


@dataclass(frozen=True, slots=True)
class Claim:
    """A parcel that some order of ours was, is or may have been sent with."""

    line_number: str
    parcel: str
    quantity: int
    order: int
    state: State
    sent_at: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """An order as the journal has it after planning."""

    id: int
    state: State
    reason: str = ""
    finished_at: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalOrder:
    """An order as the journal has it, with all that sending and settling need."""

    id: int
    purchase_order_id: str
    customer_order_id: str
    state: State
    parcels: tuple[Parcel, ...]
    sent: tuple[Parcel, ...] = ()  # what the last update said
    sent_parts: tuple[int, ...] = ()  # beside each of them: which parcel of the file it comes from
    before: dict[str, int] | None = None
    ended: tuple[Part | None, ...] = ()  # parcels of the file that have ended for good, whatever becomes of the others
    claims: tuple[Claim, ...] = ()  # of other orders, on the same purchase order
    due_at: int = 0
    correlation_id: str = ""
    sent_at: int = 0


def fingerprint(parcels: Iterable[Parcel]) -> str:
    """Return what tells the same order from a changed one, whatever file, name or sequence it came in."""
    ordered = sorted(parcels, key=lambda parcel: (parcel.line_number, parcel.sku, parcel.key, parcel.quantity))
    return hashlib.blake2b(orjson.dumps(ordered), digest_size=16).hexdigest()


def parts_from(content: bytes | None) -> tuple[Part | None, ...]:
    """Read parts back from their JSON."""
    if not content:
        return ()
    return tuple(part and Part(Outcome(part["outcome"]), part["reason"]) for part in orjson.loads(content))


def parcels_from(content: bytes | None) -> tuple[Parcel, ...]:
    """Read parcels back from their JSON."""
    return tuple(Parcel(**members) for members in orjson.loads(content)) if content else ()
