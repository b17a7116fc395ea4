"""The statements that write: a call begins, a call ends, an order changes its state.

States change in one function, `change_states`; no change but those of `states.LEGAL` gets through.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import bindparam, case, insert, update

from batch.errors import JournalFailed
from batch.journal import tables
from batch.journal.states import LEGAL, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Update

    from batch.journal.entries import Begin, Change, End

_orders, _attempts = tables.orders, tables.attempts


class IllegalChange(JournalFailed):
    """An order was to go to a state that cannot follow its own."""


def begin_calls(connection: Connection, begins: Sequence[Begin]) -> None:
    """Record the calls; take the orders whose update begins to `sending`."""
    if not begins:
        return
    attempts = [
        {"order": b.order, "run": b.run, "kind": b.kind, "correlation_id": b.correlation_id, "started_at": b.at}
        for b in begins
    ]
    connection.execute(insert(_attempts), attempts)
    _update(connection, State.SENDING, _TO_SENDING, [_sending(begin) for begin in begins if begin.update is not None])


def end_calls(connection: Connection, ends: Sequence[End]) -> None:
    """Record what came of the calls."""
    if ends:
        connection.execute(
            _END,
            [
                {"call": e.correlation_id, "at": e.at, "status": e.status, "verdict": e.verdict, "reason": e.reason}
                for e in ends
            ],
        )


def change_states(connection: Connection, changes: Sequence[Change]) -> None:
    """Take the orders to their new states. Raises `IllegalChange`."""
    by_state: defaultdict[State, list[Change]] = defaultdict(list)
    for change in changes:
        by_state[change.to].append(change)
    for state, same in by_state.items():
        _update(connection, state, _TO_STATE, [_changed(change) for change in same])


_END = (
    update(_attempts)
    .where(_attempts.c.correlation_id == bindparam("call"))
    .values(
        ended_at=bindparam("at"), status=bindparam("status"), verdict=bindparam("verdict"), reason=bindparam("reason")
    )
)
_TO_SENDING = update(_orders).values(
    state=State.SENDING,
    sent=bindparam("sent_parcels"),
    before=bindparam("units_before"),
    correlation_id=bindparam("call"),
    sent_at=bindparam("at"),
    purchase_order_id=bindparam("purchase_order"),
)
_TO_STATE = update(_orders).values(
    state=bindparam("to"),
    reason=bindparam("why"),
    parts=case((bindparam("to_be_sent"), _orders.c.parts), else_=bindparam("outcomes")),
    finished_at=bindparam("at"),
    note=case((bindparam("said") == "", _orders.c.note), else_=bindparam("said")),
    ship_by=case((bindparam("deadline") == 0, _orders.c.ship_by), else_=bindparam("deadline")),
    purchase_order_id=case(
        (bindparam("purchase_order") == "", _orders.c.purchase_order_id), else_=bindparam("purchase_order")
    ),
)


def _sending(begin: Begin) -> dict[str, Any]:
    assert begin.update is not None  # noqa: S101 - only updates are claimed
    return {
        "of_order": begin.order,
        "sent_parcels": orjson.dumps({"parcels": begin.update.parcels, "parts": begin.parts}),
        "units_before": orjson.dumps(begin.before) if begin.before else None,
        "call": begin.correlation_id,
        "at": begin.at,
        "purchase_order": begin.update.purchase_order_id,
    }


def _changed(change: Change) -> dict[str, Any]:
    return {
        "of_order": change.order,
        "to": change.to,
        "why": change.reason,
        "to_be_sent": change.to is State.PLANNED,  # parcels that ended for good stay so
        "outcomes": orjson.dumps(change.parts) if any(change.parts) else None,
        "at": change.at,
        "said": change.note,
        "deadline": change.ship_by,
        "purchase_order": change.purchase_order_id,
    }


def _update(connection: Connection, to: State, statement: Update, orders: Sequence[dict[str, Any]]) -> None:
    if not orders:
        return
    legal = statement.where(_orders.c.id == bindparam("of_order"), _orders.c.state.in_(LEGAL[to]))
    changed = connection.execute(legal, orders).rowcount
    if changed != len(orders):
        raise IllegalChange(
            f"{len(orders) - changed} of {len(orders)} orders cannot go to '{to}'; nothing was changed."
        )
