"""Where each order of a new plan stands, seen from all that was planned and sent before."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import bindparam, case, func, insert, select

from batch.journal import tables
from batch.journal.database import EntryRefused
from batch.journal.ends import ended_well
from batch.journal.entries import Change, Kept, Planned, kept, parcels_from, parts_from
from batch.journal.many import Lookup, Many
from batch.journal.states import State
from batch.journal.writing import change_states, standings_of

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Sequence

    from sqlalchemy import Connection, Select

    from batch.marketplace.orders import Parcel
    from batch.plan import PlannedOrder

_orders = tables.orders

# Of several orders with the same content the one that has come furthest is meant; among equals, the last.
_FURTHEST = {
    state.value: place
    for place, state in enumerate(
        (
            State.SENDING,
            State.UNKNOWN,
            State.SHIPPED,
            State.ALREADY_SHIPPED,
            State.PLANNED,
            State.HELD,
            State.REFUSED,
            State.DROPPED,
        )
    )
}
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
        all_kept = [kept(order.parcels, undated_at=self._at) for order in orders]
        same = known.same_as(orders, all_kept)
        new = [(order, one) for order, one, row in zip(orders, all_kept, same, strict=True) if row is None]
        ids = iter(self._insert(new))
        self._plan_held({row.id for row in same if row is not None and row.state == State.HELD})
        planned = [
            _planned(row, one.places) if row else Planned(id=next(ids), state=State.PLANNED, places=one.places)
            for row, one in zip(same, all_kept, strict=True)
        ]
        self._planned.update(one.id for one in planned if one.state is State.PLANNED)
        if known:
            for order, one in zip(orders, planned, strict=True):
                if one.state is State.PLANNED:
                    self._replaced.update(known.contradicted(order, but=self._planned))
        return planned

    def finish(self) -> None:
        """Hold older orders that still wait to be sent and say something else than this plan. Its own stay."""
        held = sorted(self._replaced - self._planned)
        changes = [Change(order=order, to=State.HELD, at=self._at, reason=_REPLACED) for order in held]
        change_states(self._connection, changes, standings_of(self._connection, held))

    def _plan_held(self, orders: set[int]) -> None:
        again = sorted(orders)
        changes = [Change(order=order, to=State.PLANNED, at=self._at) for order in again]
        change_states(self._connection, changes, standings_of(self._connection, again))

    def _insert(self, orders: Sequence[tuple[PlannedOrder, Kept]]) -> Sequence[int]:
        """Add new orders; return their numbers, which go up as the orders do.

        Asking for them afterwards saves 10 us an order: with RETURNING, SQLite inserts one by one.
        """
        if not orders:
            return []
        newest = self._connection.execute(select(func.coalesce(func.max(_orders.c.id), 0))).scalar_one()
        _NEW(self._connection, [self._row(order, one) for order, one in orders])
        added = (_orders.c.id > newest, _orders.c.seller == self._seller)
        count, last = self._connection.execute(select(func.count(), func.max(_orders.c.id)).where(*added)).one()
        if count != len(orders):
            raise EntryRefused("Another process plans for this account at the same time; run the command again.")
        if last - newest == count:  # nobody else adds orders meanwhile, as with SQLite always
            return range(newest + 1, last + 1)
        return list(self._connection.execute(select(_orders.c.id).where(*added).order_by(_orders.c.id)).scalars())

    def _row(self, order: PlannedOrder, as_kept: Kept) -> tuple[Any, ...]:
        return (
            self._seller,
            order.purchase_order_id,
            order.customer_order_id,
            as_kept.fingerprint,
            as_kept.content,
            State.PLANNED.value,
            "",
            "",
            order.due_at,
            0,
            "",
            self._at,
            0,
            0,
        )


_NEW = Many(
    insert(_orders),
    *("seller", "purchase_order_id", "customer_order_id", "fingerprint", "content", "state", "reason", "note"),
    *("due_at", "ship_by", "correlation_id", "planned_at", "sent_at", "finished_at"),
)


def known_block(connection: Connection, seller: str, orders: Sequence[PlannedOrder], at: int) -> list[Planned | None]:
    """Return where each of a block of orders stands, None where it is new; nothing is written."""
    known = _Known(connection, seller, orders)
    all_kept = [kept(order.parcels, undated_at=at) for order in orders]
    same = known.same_as(orders, all_kept)
    return [_planned(row, one.places) if row else None for row, one in zip(same, all_kept, strict=True)]


class _Row(NamedTuple):
    """What is looked at of an order of the journal."""

    id: int
    purchase_order_id: str
    customer_order_id: str
    fingerprint: str
    content: bytes | None  # of one that waits to be sent; no other is compared
    state: str
    reason: str
    parts: bytes | None
    finished_at: int


_SAME: Select[Any] = select(
    _orders.c.id,
    _orders.c.purchase_order_id,
    _orders.c.customer_order_id,
    _orders.c.fingerprint,
    case((_orders.c.state == State.PLANNED.value, _orders.c.content)),
    _orders.c.state,
    _orders.c.reason,
    _orders.c.parts,
    _orders.c.finished_at,
).where(_orders.c.seller == bindparam("of_seller"))
_OF_PURCHASE_ORDERS = Lookup(_SAME, _orders.c.purchase_order_id)
_OF_CUSTOMER_ORDERS = Lookup(_SAME, _orders.c.customer_order_id)
_UNRESOLVED = Lookup(_SAME.where(_orders.c.purchase_order_id == ""), _orders.c.customer_order_id)


class _Known:
    """What the journal has of the purchase orders and customer orders of a block."""

    def __init__(self, connection: Connection, seller: str, orders: Sequence[PlannedOrder]) -> None:
        self._by_purchase_order: defaultdict[str, list[_Row]] = defaultdict(list)
        self._by_customer_order: defaultdict[str, list[_Row]] = defaultdict(list)
        for row in sorted(set(_rows(connection, seller, orders)), reverse=True):
            self._by_purchase_order[row.purchase_order_id].append(row)
            self._by_customer_order[row.customer_order_id].append(row)

    def __bool__(self) -> bool:
        """Whether there are any at all."""
        return bool(self._by_purchase_order)

    def same_as(self, orders: Sequence[PlannedOrder], all_kept: Sequence[Kept]) -> list[_Row | None]:
        """Return beside each order that of the journal with just its content, None where it is new."""
        if not self:
            return [None] * len(orders)
        return [self._same(order, one.fingerprint) for order, one in zip(orders, all_kept, strict=True)]

    def _same(self, order: PlannedOrder, print_: str) -> _Row | None:
        rows = self._of_purchase_order(order) if order.purchase_order_id else self._of_customer_order(order)
        alike = [row for row in rows if row.fingerprint == print_]
        return min(alike, key=_how_far) if alike else None

    def contradicted(self, order: PlannedOrder, *, but: Container[int]) -> Iterator[int]:
        """Return the orders, `but` these, that wait to be sent and say something else about a line of this one."""
        for row in (*self._of_purchase_order(order), *self._of_customer_order(order)):
            if not row.content or row.id in but or _are_two(row.purchase_order_id, order.purchase_order_id):
                continue
            if _contradict(order.parcels, parcels_from(row.content)):
                yield row.id

    def _of_purchase_order(self, order: PlannedOrder) -> Sequence[_Row]:
        return self._by_purchase_order.get(order.purchase_order_id, ()) if order.purchase_order_id else ()

    def _of_customer_order(self, order: PlannedOrder) -> Sequence[_Row]:
        return self._by_customer_order.get(order.customer_order_id, ()) if order.customer_order_id else ()


def _how_far(row: _Row) -> int:
    return _FURTHEST[row.state]


def _are_two(one: str, other: str) -> bool:
    """Whether these are two purchase orders; blank: it is not known yet which."""
    return bool(one and other and one != other)


def _rows(connection: Connection, seller: str, orders: Sequence[PlannedOrder]) -> Iterator[_Row]:
    """Return the journal's orders with the same purchase order or customer order id.

    A customer order may have several purchase orders: where the plan names one, those that name another are left out.
    """
    named = {order.purchase_order_id for order in orders}
    unresolved = {order.customer_order_id for order in orders if order.purchase_order_id}
    unnamed = {order.customer_order_id for order in orders if not order.purchase_order_id}
    for find, names in (
        (_OF_PURCHASE_ORDERS, named),
        (_UNRESOLVED, unresolved - unnamed),
        (_OF_CUSTOMER_ORDERS, unnamed),
    ):
        yield from map(_Row._make, find(connection, sorted(names - {""}), of_seller=seller))


def _planned(row: _Row, places: tuple[int, ...]) -> Planned:
    state, parts = State(row.state), parts_from(row.parts)
    if parts and places:
        parts = tuple(parts[place] for place in places)
    if state is State.HELD:
        return Planned(id=row.id, state=State.PLANNED, parts=ended_well(parts), places=places)
    finished_at = row.finished_at
    return Planned(id=row.id, state=state, reason=row.reason, finished_at=finished_at, parts=parts, places=places)


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
