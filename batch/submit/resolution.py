"""What becomes of an order, and the order while that is being decided."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from msgspec import Struct

from batch.journal.entries import Part

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from zoneinfo import ZoneInfo

    from batch.journal.entries import Claim, Parts
    from batch.marketplace.orders import Order, Parcel, ShippingUpdate
    from batch.outcomes import Outcome
    from batch.settings import Account

Placed = tuple[int, "Parcel"]  # which parcel of the file, and what of it is to be sent

SHIPPED_BEFORE = "It was shipped before, with this tracking number"


class Resolution(Struct, frozen=True, kw_only=True):
    """What becomes of an order. `parts`: beside each parcel of the file its end, None where it goes with the update."""

    parts: Parts
    update: ShippingUpdate | None = None
    indexes: tuple[int, ...] = ()  # beside each parcel of the update: which parcel of the file it comes from
    acknowledge: bool = False
    before: dict[str, int] = {}  # see `standing.remembered`
    note: str = ""  # what was inferred
    stays_open: int = 0  # units of the order that nobody ships yet


class Going(Struct, frozen=True, kw_only=True):
    """A parcel that may go."""

    index: int  # which parcel of the file
    parcel: Parcel
    replaces: str = ""  # an edit: the tracking number that it takes the place of
    shipment_number: str = ""  # one of several packages of the same units


@dataclass(slots=True, kw_only=True)
class Case:
    """An order while it is being decided."""

    parcels: Sequence[Parcel]
    order: Order
    account: Account
    zone: ZoneInfo
    now_ms: int
    claims: Sequence[Claim]  # of other orders
    parts: list[Part | None]
    going: list[Going] = field(default_factory=list)
    inferred: list[str] = field(default_factory=list)

    def end(self, indexes: Iterable[int], outcome: Outcome, reason: str) -> None:
        """Let these parcels end here."""
        for index in indexes:
            self.parts[index] = Part(outcome, reason)
