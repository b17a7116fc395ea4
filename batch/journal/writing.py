"""The statements that write: a call begins, a call ends, an order changes its state.

States change only here, as `states.LEGAL` allows (a person's decisions: `BY_DECISION`), in the transaction in which the
orders' states were read and are held. What follows for claims is done in the same transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from msgspec import Struct
from sqlalchemy import BigInteger, Text, bindparam, func, insert, select, update

from batch.journal import tables
from batch.journal.claims import note_shipped, release
from batch.journal.database import EntryRefused
from batch.journal.ends import completed, finished_at, laid_over
from batch.journal.entries import Change, Parts, parts_from, sent_as, to_json
from batch.journal.many import Lookup, Many
from batch.journal.states import BY_DECISION, LEGAL, NAMED, OPEN, State
from batch.marketplace.call import Kind
from batch.outcomes import WELL

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from sqlalchemy import Connection

    from batch.journal.entries import Begin, End
    from batch.marketplace.orders import ShippingUpdate

_orders, _attempts, _locks = tables.orders, tables.attempts, tables.locks
_UPDATES = (Kind.SHIP, Kind.EDIT)
_NOT_DONE = (State.PLANNED, State.REFUSED, State.DROPPED)
_SENT, _TO_BE_SENT = State.SENDING, LEGAL[State.SENDING]  # a look into a class of states costs as much as a call


class IllegalChange(EntryRefused):
    """An order was to go to a state that cannot follow its own."""


class Standing(Struct):
    """How an order stands, in the course of a block of changes."""

    seller: str
    epoch: int  # the seller's, in the journal
    purchase_order_id: str
    state: State
    parts: Parts
    content: bytes
    note: str = ""  # what this block says of it
    ship_by: int = 0


Standings = dict[int, Standing]

_STANDING = Lookup(
    select(
        _orders.c.id,
        _orders.c.seller,
        _locks.c.epoch,
        _orders.c.purchase_order_id,
        _orders.c.state,
        _orders.c.parts,
        _orders.c.content,
    )
    .join(_locks, _locks.c.seller == _orders.c.seller)
    .order_by(_orders.c.id)
    .with_for_update(),
    _orders.c.id,
)


def standings_of(connection: Connection, orders: Iterable[int]) -> Standings:
    """Return how these orders stand, and hold them, and their sellers' epochs, until the transaction ends.

    Raises `IllegalChange` for one that is unknown.
    """
    wanted = sorted(set(orders))
    found = {
        order: Standing(seller, epoch, purchase_order_id, NAMED[state], parts_from(parts) if parts else (), content)
        for order, seller, epoch, purchase_order_id, state, parts, content in _STANDING(connection, wanted)
    }
    if len(found) < len(wanted):
        raise IllegalChange(f"Order number {min(set(wanted) - set(found))} is not in the journal; nothing was changed.")
    return found


def begin_calls(connection: Connection, begins: Sequence[Begin], standings: Standings) -> None:
    """Record the calls; take the orders whose update begins to `sending`. Raises `IllegalChange`."""
    if not begins:
        return
    sending, found = [], dict[int, str]()
    for begin in begins:
        standing = standings[begin.order]
        if begin.update is not None:
            _find(found, begin.order, begin.update.purchase_order_id, standing)
            sending.append(_sent(begin, begin.update, standing))
        elif begin.kind in _UPDATES and standing.state is not State.SENDING:
            raise _illegal(standing, State.SENDING)
    _BEGIN(connection, [(one.order, one.run, one.kind, one.correlation_id, one.at) for one in begins])
    _SENDING(connection, sending)
    _PURCHASE_ORDER(connection, list(found.items()))


def end_calls(connection: Connection, ends: Sequence[End]) -> None:
    """Record what came of the calls. Raises `IllegalChange` for one that never began."""
    values = {
        (end.order, end.correlation_id): (end.order, end.correlation_id, end.at, end.status, end.verdict, end.reason)
        for end in ends
    }
    if _END(connection, list(values.values())) != len(values):
        raise IllegalChange("A call ended that never began; nothing was changed.")


def change_states(
    connection: Connection, changes: Sequence[Change], standings: Standings, *, by_decision: bool = False
) -> None:
    """Take the orders to their new states, in sequence. Raises `IllegalChange`."""
    values, found, undone, shipped = dict[int, tuple[Any, ...]](), dict[int, str](), [], {}
    for change in changes:
        standing = standings[change.order]
        _find(found, change.order, change.purchase_order_id, standing)
        was, now = standing.state, _followed(standing, change, by_decision=by_decision)
        values[now.order] = _changed(now, standing)
        if now.parts and was in OPEN and any(part and part.outcome in WELL for part in now.parts):
            shipped[now.order] = now.parts
        if now.to in _NOT_DONE and (was in OPEN or by_decision):
            undone.append(now.order)
    _STATE(connection, list(values.values()))
    _PURCHASE_ORDER(connection, list(found.items()))
    note_shipped(connection, shipped)
    release(connection, undone)


_BEGIN = Many(insert(_attempts), "order", "run", "kind", "correlation_id", "started_at")
_END = Many(
    update(_attempts)
    .where(_attempts.c.order == bindparam("of_order"), _attempts.c.correlation_id == bindparam("call"))
    .values(ended_at=bindparam("at"), status=bindparam("how"), verdict=bindparam("meaning"), reason=bindparam("why")),
    *("of_order", "call", "at", "how", "meaning", "why"),
)
_OF_ORDER = update(_orders).where(_orders.c.id == bindparam("of_order"))
_SENDING = Many(
    _OF_ORDER.values(
        state=State.SENDING.value,
        reason="The run ended while its update was under way.",
        parts=bindparam("ended"),
        sent=bindparam("what"),
        before=bindparam("units_before"),
        correlation_id=bindparam("call"),
        sent_at=bindparam("at"),
    ),
    *("of_order", "ended", "what", "units_before", "call", "at"),
)
_STATE = Many(
    _OF_ORDER.values(
        state=bindparam("to"),
        reason=bindparam("why"),
        parts=bindparam("ended"),
        finished_at=bindparam("at"),
        note=func.coalesce(func.nullif(bindparam("said", type_=Text), ""), _orders.c.note),
        ship_by=func.coalesce(func.nullif(bindparam("deadline", type_=BigInteger), 0), _orders.c.ship_by),
    ),
    *("of_order", "to", "why", "ended", "at", "said", "deadline"),
)
_PURCHASE_ORDER = Many(_OF_ORDER.values(purchase_order_id=bindparam("found")), "of_order", "found")


def _followed(standing: Standing, change: Change, *, by_decision: bool = False) -> Change:
    """Let an order's standing follow the change, and return it completed. Raises `IllegalChange`."""
    legal = BY_DECISION if by_decision else LEGAL
    if standing.state not in legal.get(change.to, ()):
        raise _illegal(standing, change.to)
    change = completed(change, standing.state, standing.parts, by_decision=by_decision)
    standing.state, standing.parts = change.to, change.parts
    standing.note = change.note or standing.note
    standing.ship_by = change.ship_by or standing.ship_by
    return change


def _illegal(standing: Standing, to: State) -> IllegalChange:
    name = standing.purchase_order_id or "without purchase order id"
    return IllegalChange(f"Order {name} is '{standing.state}' and cannot become '{to}'; nothing was changed.")


def _find(found: dict[int, str], order: int, purchase_order_id: str, standing: Standing) -> None:
    """Note a purchase order id that became known."""
    if purchase_order_id and purchase_order_id != standing.purchase_order_id:
        standing.purchase_order_id = found[order] = purchase_order_id


def _sent(begin: Begin, update_: ShippingUpdate, standing: Standing) -> tuple[Any, ...]:
    if standing.state not in _TO_BE_SENT:
        raise _illegal(standing, _SENT)
    standing.state, standing.parts = _SENT, laid_over(standing.parts, begin.ended)
    return (
        begin.order,
        to_json(standing.parts),
        sent_as(update_.parcels, begin.parts, content=standing.content),
        orjson.dumps(begin.before) if begin.before else None,
        begin.correlation_id,
        begin.at,
    )


def _changed(change: Change, standing: Standing) -> tuple[Any, ...]:
    return (
        change.order,
        str(change.to),
        change.reason,
        to_json(change.parts),
        finished_at(change),
        standing.note,
        standing.ship_by,
    )
