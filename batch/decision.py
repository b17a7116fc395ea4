"""A person's decision about an order that no program can settle."""

from __future__ import annotations

import getpass
from contextlib import closing
from enum import StrEnum
from typing import TYPE_CHECKING

from batch.clock import now_ms
from batch.errors import UsageError
from batch.journal.entries import Change
from batch.journal.history import rows_aside_of, stories_of
from batch.journal.journal import Journal
from batch.journal.states import LEGAL, State
from batch.lock import account_lock

if TYPE_CHECKING:
    from sqlalchemy import Row

    from batch.settings import Settings


class Decision(StrEnum):
    """What a person decides."""

    SHIPPED = "shipped"
    SEND = "send"
    DROP = "drop"


_STATES = {Decision.SHIPPED: State.SHIPPED, Decision.SEND: State.PLANNED, Decision.DROP: State.DROPPED}
_DECIDABLE = (State.HELD, State.UNKNOWN, State.SENDING, State.PLANNED, State.REFUSED)
_SAID = {
    State.SHIPPED: "counts as shipped from now on",
    State.PLANNED: "is sent by the next `shipbatch resume`",
    State.DROPPED: "is not sent any more",
}


def settle_order(
    settings: Settings, order: str, decision: Decision, note: str, *, account: str | None = None, wait: bool = False
) -> list[str]:
    """Record the decision about an order and carry it out; return what to say of it.

    Raises UsageError where the journal has no such order, or none that this can be decided of, and AccountBusy while a
    run holds the account.
    """
    journal = Journal.open_existing(settings.journal)
    if journal is None:
        raise UsageError("There is no journal yet, so there is no order to settle.")
    with closing(journal):
        return _settle(settings, journal, order, decision, note, account=account, wait=wait)


def _settle(
    settings: Settings, journal: Journal, order: str, decision: Decision, note: str, *, account: str | None, wait: bool
) -> list[str]:
    sellers = {one.seller: name for name, one in settings.accounts.items() if account in (None, name)}
    found = [story.order for story in stories_of(journal.database, order) if story.order.seller in sellers]
    if not found and (aside := rows_aside_of(journal.database, order)):
        reason = aside[-1].reason.removesuffix(".")
        mend = "Mend the file, or delete the bad rows from its copy under to_fix, and drop that."
        raise UsageError(f"Order {order} never came so far as to be sent: {reason}. {mend}")
    if not found:
        raise UsageError(f"The journal knows no order {order}" + (f" of account {account}." if account else "."))
    if len({one.seller for one in found}) > 1:
        raise UsageError(f"Several accounts have an order {order}; name one with --account.")
    seller = found[0].seller
    with account_lock(seller, account=sellers[seller], command="settle", journal=journal, wait=wait):
        meant = [story.order for story in stories_of(journal.database, order, seller=seller)]
        meant = [one for one in meant if State(one.state) in _DECIDABLE]
        if not meant:
            raise UsageError(f"Order {order} is {found[-1].state}; there is nothing left to decide.")
        return [_decide(journal, one, decision, note) for one in meant]


def _decide(journal: Journal, order: Row[tuple[object, ...]], decision: Decision, note: str) -> str:
    to, state = _STATES[decision], State(order.state)
    name = order.purchase_order_id or order.customer_order_id
    if state is to:
        return f"Order {name} {_SAID[to]} already."
    if state is State.SENDING and state not in LEGAL[to]:
        journal.apply([Change(order=order.id, to=State.UNKNOWN, at=now_ms(), reason=order.reason)])
    change = Change(order=order.id, to=to, at=now_ms(), reason=f"Settled by hand: {note}")
    journal.decide(order.id, decision=decision, user=getpass.getuser(), note=note, change=change)
    return f"Order {name} {_SAID[to]}."
