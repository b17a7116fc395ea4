"""Where each order of a new plan stands, seen from all that was planned and sent before."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import case, insert, select

from batch.journal import tables
from batch.journal.blocks import blocks
from batch.journal.ends import ended_well
from batch.journal.entries import Change, Planned, content_of, fingerprint, parcels_from, parts_from
from batch.journal.states import State
from batch.journal.writing import change_states, standings_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Iterator, Sequence

    from sqlalchemy import ColumnElement, Connection, Row, Select

    from batch.marketplace.orders import Parcel
    from batch.plan import PlannedOrder

_orders = tables.orders

# Of several orders with the same content the one that has come furthest is meant; among equals, the last.
_FURTHEST = (
    State.SENDING,
    State.UNKNOWN,
    State.SHIPPED,
    State.ALREADY_SHIPPED,
    State.PLANNED,
    State.HELD,
    State.REFUSED,
    State.DROPPED,
)
_REPLACED = "A newer file says something else about the same order line, and that is what counts."


class Planning:
    """Records one plan, block by block, in a transaction of the caller's; `Journal.plan` says how."""

    def __init__(self, connection: Connection, seller: str, at: int) -> None:
        self._connection, self._seller, self._at = connection, seller, at
        self._planned: set[int] = set()
        self._replaced: set[int] = set()

    def plan(self, orders: Sequence[PlannedOrder]) -> list[Planned]:
        """Record a block of orders; return where each stands."""
        known = _Known(self._connection, self._seller, orders)
        prints = _fingerprints(orders, self._at)
        same = [known.same(order, print_) for order, print_ in zip(orders, prints, strict=True)]
        new = [(order, print_) for order, print_, row in zip(orders, prints, same, strict=True) if row is None]
        ids = iter(self._insert(new))
        self._plan_held({row.id for row in same if row is not None and row.state == State.HELD})
        planned = [_planned(row) if row is not None else Planned(id=next(ids), state=State.PLANNED) for row in same]
        for order, one in zip(orders, planned, strict=True):
            if one.state is State.PLANNED:
                self._planned.add(one.id)
                self._replaced.update(known.contradicted(order, but=self._planned))
        return planned

    def finish(self) -> None:
        """Hold older orders that still wait to be sent and say something else than this plan. Its own stay."""
        held = sorted(self._replaced - self._planned)
        changes = [Change(order=order, to=State.HELD, at=self._at, reason=_REPLACED) for order in held]
        change_states(self._connection, changes, standings_of(self._connection, held))

    def _plan_held(self, orders: set[int]) -> None:
        again = sorted(orders - self._planned)
        changes = [Change(order=order, to=State.PLANNED, at=self._at) for order in again]
        change_states(self._connection, changes, standings_of(self._connection, again))

    def _insert(self, orders: Sequence[tuple[PlannedOrder, str]]) -> Iterable[int]:
        if not orders:
            return ()
        values = [
            {
                "seller": self._seller,
                "purchase_order_id": order.purchase_order_id,
                "customer_order_id": order.customer_order_id,
                "fingerprint": print_,
                "content": content_of(order.parcels),
                "state": State.PLANNED,
                "reason": "",
                "note": "",
                "due_at": order.due_at,
                "ship_by": 0,
                "correlation_id": "",
                "planned_at": self._at,
                "sent_at": 0,
                "finished_at": 0,
            }
            for order, print_ in orders
        ]
        inserted = insert(_orders).returning(_orders.c.id, sort_by_parameter_order=True)
        return list(self._connection.execute(inserted, values).scalars())


def known_block(connection: Connection, seller: str, orders: Sequence[PlannedOrder], at: int) -> list[Planned | None]:
    """Return where each of a block of orders stands, None where it is new; nothing is written."""
    known = _Known(connection, seller, orders)
    same = [known.same(order, print_) for order, print_ in zip(orders, _fingerprints(orders, at), strict=True)]
    return [_planned(row) if row is not None else None for row in same]


def _fingerprints(orders: Sequence[PlannedOrder], at: int) -> list[str]:
    return [fingerprint(order.parcels, undated_at=at) for order in orders]


class _Known:
    """What the journal has of the purchase orders and customer orders of a block."""

    def __init__(self, connection: Connection, seller: str, orders: Sequence[PlannedOrder]) -> None:
        self._by_purchase_order: defaultdict[str, list[Row[Any]]] = defaultdict(list)
        self._by_customer_order: defaultdict[str, list[Row[Any]]] = defaultdict(list)
        found = {row.id: row for row in _rows(connection, seller, orders)}
        for _, row in sorted(found.items(), reverse=True):
            self._by_purchase_order[row.purchase_order_id].append(row)
            self._by_customer_order[row.customer_order_id].append(row)

    def same(self, order: PlannedOrder, print_: str) -> Row[Any] | None:
        """Return the order of the journal with just this content."""
        if order.purchase_order_id:
            rows = self._by_purchase_order.get(order.purchase_order_id, ())
        else:
            rows = self._by_customer_order.get(order.customer_order_id, ())
        alike = [row for row in rows if row.fingerprint == print_]
        return min(alike, key=lambda row: _FURTHEST.index(row.state)) if alike else None

    def contradicted(self, order: PlannedOrder, *, but: Container[int]) -> Iterator[int]:
        """Return the orders, `but` these, that wait to be sent and say something else about a line of this one."""
        rows = [
            *self._by_purchase_order.get(order.purchase_order_id, ()),
            *(self._by_customer_order.get(order.customer_order_id, ()) if order.customer_order_id else ()),
        ]
        for row in rows:
            other = row.purchase_order_id and order.purchase_order_id not in ("", row.purchase_order_id)
            if (
                row.content
                and row.id not in but
                and not other
                and _contradict(order.parcels, parcels_from(row.content))
            ):
                yield row.id


_SAME: Select[Any] = select(
    _orders.c.id,
    _orders.c.purchase_order_id,
    _orders.c.customer_order_id,
    _orders.c.fingerprint,
    case((_orders.c.state == State.PLANNED, _orders.c.content)).label("content"),  # all that is compared
    _orders.c.state,
    _orders.c.reason,
    _orders.c.parts,
    _orders.c.finished_at,
)


def _rows(connection: Connection, seller: str, orders: Sequence[PlannedOrder]) -> Iterator[Row[Any]]:
    """Return the journal's orders with the same purchase order or customer order id.

    A customer order may have several purchase orders: where the plan names one, those that name another are left out.
    """
    named = {order.purchase_order_id for order in orders}
    unresolved = {order.customer_order_id for order in orders if order.purchase_order_id}
    unnamed = {order.customer_order_id for order in orders if not order.purchase_order_id}
    by_customer: ColumnElement[str] = _orders.c.customer_order_id
    yield from _some(connection, seller, _orders.c.purchase_order_id, named)
    yield from _some(connection, seller, by_customer, unresolved - unnamed, _orders.c.purchase_order_id == "")
    yield from _some(connection, seller, by_customer, unnamed)


def _some(
    connection: Connection, seller: str, column: ColumnElement[str], names: set[str], *more: ColumnElement[bool]
) -> Iterator[Row[Any]]:
    for block in blocks(sorted(names - {""})):
        yield from connection.execute(_SAME.where(_orders.c.seller == seller, column.in_(block), *more)).all()


def _planned(row: Row[Any]) -> Planned:
    state, parts = State(row.state), parts_from(row.parts)
    if state is State.HELD:
        return Planned(id=row.id, state=State.PLANNED, parts=ended_well(parts))
    return Planned(id=row.id, state=state, reason=row.reason, finished_at=row.finished_at, parts=parts)


def _contradict(new: Sequence[Parcel], old: Sequence[Parcel]) -> bool:
    """Whether two orders say something else about the same line; lines that are told in two ways may be the same."""
    if set(new) == set(old):
        return False
    for name in ("line_number", "sku"):
        ours, theirs = _by(name, new), _by(name, old)
        if "" not in ours and "" not in theirs:
            return any(ours[item] != theirs[item] for item in ours.keys() & theirs.keys())
    return True


def _by(name: str, parcels: Sequence[Parcel]) -> dict[str, set[Parcel]]:
    items: defaultdict[str, set[Parcel]] = defaultdict(set)
    for parcel in parcels:
        items[getattr(parcel, name)].add(parcel)
    return items
