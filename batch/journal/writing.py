"""The statements that write: a call begins, a call ends, an order changes its state.

States change only here, as `states.LEGAL` allows (a person's decisions: `BY_DECISION`), in the transaction in which the
orders' states were read and are held. What follows for claims is done in the same transaction.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
from msgspec import Struct
from sqlalchemy import bindparam, insert, select, update

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
_SENDING_STATE = State.SENDING.value
_IN_FLIGHT = "The run ended while its update was under way."


class IllegalChange(EntryRefused):
    """An order was to go to a state that cannot follow its own."""


class Standing(Struct):
    """How an order stands, in the course of a block of changes."""

    seller: str
    epoch: int  # the seller's, in the journal
    purchase_order_id: str
    state: State
    parts: Parts
    note: str
    ship_by: int


Standings = dict[int, Standing]

_STANDING = Lookup(
    select(
        _orders.c.id,
        _orders.c.seller,
        _locks.c.epoch,
        _orders.c.purchase_order_id,
        _orders.c.state,
        _orders.c.parts,
        _orders.c.note,
        _orders.c.ship_by,
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
        order: Standing(seller, epoch, purchase_order_id, NAMED[state], parts_from(parts), note, ship_by)
        for order, seller, epoch, purchase_order_id, state, parts, note, ship_by in _STANDING(connection, wanted)
    }
    if len(found) < len(wanted):
        raise IllegalChange(f"Order number {min(set(wanted) - set(found))} is not in the journal; nothing was changed.")
    return found


def begin_calls(connection: Connection, begins: Sequence[Begin], standings: Standings) -> None:
    """Record the calls; take the orders whose update begins to `sending`. Raises `IllegalChange`."""
    if not begins:
        return
    sending, found = [], []
    for begin in begins:
        standing = standings[begin.order]
        if begin.update is not None:
            found += _found(begin.order, begin.update.purchase_order_id, standing)
            sending.append(_sent(begin, begin.update, standing))
        elif begin.kind in _UPDATES and standing.state is not State.SENDING:
            raise _illegal(standing, State.SENDING)
    attempts = [
        {"order": b.order, "run": b.run, "kind": b.kind, "correlation_id": b.correlation_id, "started_at": b.at}
        for b in begins
    ]
    _BEGIN(connection, attempts)
    _SENDING(connection, sending)
    _PURCHASE_ORDER(connection, found)


def end_calls(connection: Connection, ends: Sequence[End]) -> None:
    """Record what came of the calls. Raises `IllegalChange` for one that never began."""
    values = [
        {
            "of_order": end.order,
            "call": end.correlation_id,
            "at": end.at,
            "status": end.status,
            "verdict": end.verdict,
            "reason": end.reason,
        }
        for end in ends
    ]
    if _END(connection, values) != len(ends):
        raise IllegalChange("A call ended that never began; nothing was changed.")


def change_states(
    connection: Connection, changes: Sequence[Change], standings: Standings, *, by_decision: bool = False
) -> None:
    """Take the orders to their new states, in sequence. Raises `IllegalChange`."""
    values, found, undone, shipped = [], [], [], {}
    for change in changes:
        standing = standings[change.order]
        found += _found(change.order, change.purchase_order_id, standing)
        was, now = standing.state, _followed(standing, change, by_decision=by_decision)
        values.append(_changed(now, standing))
        if was in OPEN and any(part and part.outcome in WELL for part in now.parts):
            shipped[now.order] = now.parts
        if (was in OPEN or by_decision) and now.to in _NOT_DONE:
            undone.append(now.order)
    _STATE(connection, values)
    _PURCHASE_ORDER(connection, found)
    note_shipped(connection, shipped)
    release(connection, undone)


_BEGIN = Many(insert(_attempts), "order", "run", "kind", "correlation_id", "started_at")
_END = Many(
    update(_attempts)
    .where(_attempts.c.order == bindparam("of_order"), _attempts.c.correlation_id == bindparam("call"))
    .values(
        ended_at=bindparam("at"), status=bindparam("status"), verdict=bindparam("verdict"), reason=bindparam("reason")
    )
)
_OF_ORDER = update(_orders).where(_orders.c.id == bindparam("of_order"))
_SENDING = Many(
    _OF_ORDER.values(
        state=bindparam("to"),
        reason=bindparam("why"),
        parts=bindparam("ended"),
        sent=bindparam("what"),
        before=bindparam("units_before"),
        correlation_id=bindparam("call"),
        sent_at=bindparam("at"),
    )
)
_STATE = Many(
    _OF_ORDER.values(
        state=bindparam("to"),
        reason=bindparam("why"),
        parts=bindparam("ended"),
        finished_at=bindparam("at"),
        note=bindparam("said"),
        ship_by=bindparam("deadline"),
    )
)
_PURCHASE_ORDER = Many(_OF_ORDER.values(purchase_order_id=bindparam("found")))


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


def _found(order: int, purchase_order_id: str, standing: Standing) -> list[dict[str, Any]]:
    """Return what to write where a purchase order id became known."""
    if purchase_order_id in ("", standing.purchase_order_id):
        return []
    standing.purchase_order_id = purchase_order_id
    return [{"of_order": order, "found": purchase_order_id}]


def _sent(begin: Begin, update_: ShippingUpdate, standing: Standing) -> dict[str, Any]:
    if standing.state not in LEGAL[State.SENDING]:
        raise _illegal(standing, State.SENDING)
    standing.state, standing.parts = State.SENDING, laid_over(standing.parts, begin.ended)
    return {
        "of_order": begin.order,
        "to": _SENDING_STATE,
        "why": _IN_FLIGHT,
        "ended": to_json(standing.parts),
        "what": sent_as(update_.parcels, begin.parts),
        "units_before": orjson.dumps(begin.before) if begin.before else None,
        "call": begin.correlation_id,
        "at": begin.at,
    }


def _changed(change: Change, standing: Standing) -> dict[str, Any]:
    return {
        "of_order": change.order,
        "to": change.to.value,
        "why": change.reason,
        "ended": to_json(change.parts),
        "at": finished_at(change),
        "said": standing.note,
        "deadline": standing.ship_by,
    }
