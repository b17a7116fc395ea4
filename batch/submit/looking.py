"""Reading one order, by its own number or by the customer order's, and what the answer says of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from batch.journal.entries import Part
from batch.marketplace.verdict import Meaning
from batch.outcomes import Outcome

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batch.marketplace.call import Call
    from batch.marketplace.dialect import Dialect
    from batch.marketplace.orders import Order
    from batch.marketplace.verdict import Verdict

NOT_FOUND = (
    "The marketplace does not know this order for this account; check the number, and whether it is another account's."
)
ALL_MISSING = 20  # first orders; then it is the account that is wrong, not the file


@dataclass(frozen=True, slots=True)
class Shown:
    """What an answer shows: the order, or that there is none, or why it can go no further."""

    order: Order | None = None
    missing: bool = False
    end: Part | None = None

    @property
    def account_is_right(self) -> bool:
        """Whether the marketplace knows any order of ours by that number."""
        return self.order is not None or (self.end is not None and self.end.outcome is Outcome.HELD)


def reading_of(dialect: Dialect, purchase_order_id: str, customer_order_id: str) -> Call:
    """Return the call that shows the order."""
    return dialect.read(purchase_order_id) if purchase_order_id else dialect.find(customer_order_id)


def shown_by(verdict: Verdict) -> Shown:
    """Say what the answer shows, where it was answered at all."""
    found = _ours((verdict.order,) if verdict.order is not None else verdict.orders)
    if len(found) == 1:
        return Shown(found[0])
    if found:
        numbers = ", ".join(one.purchase_order_id for one in found)
        reason = f"The customer order has several purchase orders ({numbers}); write the purchase order id."
        return Shown(end=Part(Outcome.HELD, reason))
    if verdict.missing or verdict.meaning is Meaning.ACCEPTED:
        return Shown(missing=True)
    return Shown(end=Part(Outcome.REFUSED, verdict.reason))


def _ours(found: Sequence[Order]) -> Sequence[Order]:
    """Leave out what Walmart fulfils, where that leaves something."""
    return [order for order in found if not order.fulfilled_by_walmart] or found[:1]
