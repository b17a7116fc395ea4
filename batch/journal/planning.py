"""Where each order of a new plan stands, seen from all that was planned and sent before."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import insert, or_, select

from batch.journal import tables
from batch.journal.entries import Change, Planned, fingerprint, parcels_from
from batch.journal.states import State
from batch.journal.writing import change_states

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from sqlalchemy import Connection, Row

    from batch.marketplace.orders import Parcel
    from batch.plan import PlannedOrder

_orders = tables.orders
_Key = tuple[str, str]  # purchase order id, customer order id; one of the two may be blank


def plan_block(connection: Connection, seller: str, orders: Sequence[PlannedOrder], at: int) -> list[Planned]:
    """Record a block of orders; return where each stands. See `Journal.plan`."""
    fingerprints = [fingerprint(order.parcels) for order in orders]
    known = _known(connection, seller, orders)
    same = _same(orders, fingerprints, known)
    new = [(order, print_) for order, print_, row in zip(orders, fingerprints, same, strict=True) if row is None]
    ids = iter(_insert(connection, seller, new, at))
    held = [row.id for row in same if row is not None and row.state == State.HELD]
    change_states(connection, [Change(order=order, to=State.PLANNED, at=at) for order in held])
    _hold_replaced(connection, [(order, known[_key(order)]) for order, _ in new if _key(order) in known], at)
    return [_planned(row) if row is not None else Planned(id=next(ids), state=State.PLANNED) for row in same]


def known_block(connection: Connection, seller: str, orders: Sequence[PlannedOrder]) -> list[Planned | None]:
    """Return where each of a block of orders stands, None where it is new; nothing is written."""
    fingerprints = [fingerprint(order.parcels) for order in orders]
    same = _same(orders, fingerprints, _known(connection, seller, orders))
    return [_planned(row) if row is not None else None for row in same]


def _same(
    orders: Sequence[PlannedOrder], fingerprints: Sequence[str], known: Mapping[_Key, Sequence[Row[Any]]]
) -> list[Row[Any] | None]:
    return [
        next((row for row in known.get(_key(order), ()) if row.fingerprint == print_), None)
        for order, print_ in zip(orders, fingerprints, strict=True)
    ]


def _key(order: PlannedOrder | Row[Any]) -> _Key:
    return order.purchase_order_id, order.customer_order_id


def _known(connection: Connection, seller: str, orders: Sequence[PlannedOrder]) -> dict[_Key, list[Row[Any]]]:
    by_purchase_order = sorted({order.purchase_order_id for order in orders} - {""})
    by_customer_order = sorted({order.customer_order_id for order in orders if not order.purchase_order_id})
    wanted = select(_orders).where(
        _orders.c.seller == seller,
        or_(_orders.c.purchase_order_id.in_(by_purchase_order), _orders.c.customer_order_id.in_(by_customer_order)),
    )
    found: defaultdict[_Key, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(wanted):
        for key in {_key(row), (row.purchase_order_id, ""), ("", row.customer_order_id)}:
            found[key].append(row)
    return found


def _insert(connection: Connection, seller: str, orders: Sequence[tuple[PlannedOrder, str]], at: int) -> Iterable[int]:
    if not orders:
        return ()
    values = [
        {
            "seller": seller,
            "purchase_order_id": order.purchase_order_id,
            "customer_order_id": order.customer_order_id,
            "fingerprint": print_,
            "content": orjson.dumps(order.parcels),
            "state": State.PLANNED,
            "reason": "",
            "note": "",
            "due_at": order.due_at,
            "ship_by": 0,
            "correlation_id": "",
            "planned_at": at,
            "sent_at": 0,
            "finished_at": 0,
        }
        for order, print_ in orders
    ]
    inserted = insert(_orders).returning(_orders.c.id, sort_by_parameter_order=True)
    return list(connection.execute(inserted, values).scalars())


def _planned(row: Row[Any]) -> Planned:
    state = State.PLANNED if row.state == State.HELD else State(row.state)
    return Planned(id=row.id, state=state, reason=row.reason, finished_at=row.finished_at)


def _hold_replaced(connection: Connection, news: Sequence[tuple[PlannedOrder, Sequence[Row[Any]]]], at: int) -> None:
    """Hold older orders that wait to be sent and say something else about a line that the new one names."""
    replaced = {
        row.id
        for order, rows in news
        for row in rows
        if row.state == State.PLANNED and _contradicts(order.parcels, parcels_from(row.content))
    }
    reason = "a newer file says something else about the same order line, and that is what counts"
    change_states(connection, [Change(order=i, to=State.HELD, at=at, reason=reason) for i in sorted(replaced)])


def _contradicts(new: Sequence[Parcel], old: Sequence[Parcel]) -> bool:
    lines = {parcel.line_number for parcel in new} & {parcel.line_number for parcel in old} - {""}
    return any(_of_line(new, line) != _of_line(old, line) for line in lines)


def _of_line(parcels: Sequence[Parcel], line: str) -> set[tuple[str, int]]:
    return {(parcel.key, parcel.quantity) for parcel in parcels if parcel.line_number == line}
