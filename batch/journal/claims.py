"""Claims: which parcel of which order line was, is or may have been sent: the second barrier against sending twice.

A claim stands for as long as its row is there. It goes where an update turns out to have done nothing, or where a
person decides about its order; what is known to be shipped stays, whatever becomes of its order.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import and_, bindparam, case, delete, insert, select, update

from batch.journal import tables
from batch.journal.blocks import blocks
from batch.journal.entries import Claim, parcels_from, sent_from
from batch.journal.many import Lookup, Many
from batch.journal.states import NAMED, OPEN, State
from batch.outcomes import WELL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from batch.journal.entries import Begin, Parts
    from batch.marketplace.orders import Parcel, ShippingUpdate

_claims, _orders = tables.claims, tables.orders

_FIND = Lookup(
    select(
        _claims.c.purchase_order_id,
        _claims.c.line_number,
        _claims.c.parcel,
        _claims.c.quantity,
        _claims.c.order,
        case((_claims.c.shipped, State.SHIPPED.value), else_=_orders.c.state).label("state"),
        _orders.c.sent_at,
    )
    .join(_orders, _orders.c.id == _claims.c.order)
    .where(_claims.c.seller == bindparam("of_seller"))
    .order_by(_claims.c.purchase_order_id, _claims.c.line_number, _claims.c.parcel),
    _claims.c.purchase_order_id,
)
_OURS = and_(
    _claims.c.seller == bindparam("of_seller"),
    _claims.c.purchase_order_id == bindparam("of_purchase_order"),
    _claims.c.line_number == bindparam("of_line"),
    _claims.c.parcel == bindparam("of_parcel"),
    _claims.c.order == bindparam("of_order"),
)
_NEW = Many(insert(_claims), "seller", "purchase_order_id", "line_number", "parcel", "quantity", "order", "shipped")
_PLACE = ("of_seller", "of_purchase_order", "of_line", "of_parcel", "of_order")
_AGAIN = Many(update(_claims).where(_OURS).values(quantity=bindparam("units")), *_PLACE, "units")
_SENT = Lookup(
    select(_orders.c.id, _orders.c.seller, _orders.c.purchase_order_id, _orders.c.sent, _orders.c.content), _orders.c.id
)
_IS_SHIPPED = Many(update(_claims).where(_OURS).values(shipped=bindparam("it_is")), *_PLACE, "it_is")


def claims_of(connection: Connection, seller: str, purchase_orders: Iterable[str]) -> dict[str, list[Claim]]:
    """Return the claims on each of these purchase orders; those that have none are left out."""
    found: defaultdict[str, list[Claim]] = defaultdict(list)
    for purchase_order, line, parcel, units, order, state, sent_at in _FIND(
        connection, purchase_orders, of_seller=seller
    ):
        found[purchase_order].append(Claim(line, parcel, units, order, NAMED[state], sent_at))
    return found


def claim(connection: Connection, begins: Sequence[Begin]) -> dict[int, tuple[Claim, ...]]:
    """Claim the parcels of updates for their orders, first come, first served.

    Returns, by the `id` of the entry, the claims of other orders that stand against an update; it has claimed nothing.
    A claim on one of its parcels stands against it, and one on any parcel of the same line that is not settled.
    """
    updates = [(begin, begin.update) for begin in begins if begin.update is not None]
    book = _Book(connection, updates)
    against = {id(begin): claims for begin, update_ in updates if (claims := book.claim(begin, update_))}
    _NEW(connection, sorted(book.new))  # in one sequence, so that two processes never wait for each other
    _AGAIN(connection, book.again)
    return against


class _Book:
    """The claims on the purchase orders of a block of updates, as the block goes on."""

    def __init__(self, connection: Connection, updates: Sequence[tuple[Begin, ShippingUpdate]]) -> None:
        self.new: list[tuple[str, str, str, str, int, int, bool]] = []
        self.again: list[tuple[str, str, str, str, int, int]] = []
        self._known: defaultdict[tuple[str, str], dict[tuple[str, str], Claim]] = defaultdict(dict)
        named: defaultdict[str, set[str]] = defaultdict(set)
        for begin, update_ in updates:
            named[begin.seller].add(update_.purchase_order_id)
        self._meet = sum(map(len, named.values())) < len(updates)  # several are for one purchase order
        for seller, purchase_orders in named.items():
            for purchase_order, claims in claims_of(connection, seller, purchase_orders).items():
                self._known[seller, purchase_order] = {(one.line_number, one.parcel): one for one in claims}

    def claim(self, begin: Begin, update_: ShippingUpdate) -> tuple[Claim, ...]:
        order, seller, purchase_order = begin.order, begin.seller, update_.purchase_order_id
        wanted = _wanted(update_.parcels)
        known = self._known.get((seller, purchase_order))
        if known and (against := tuple(_against(known.values(), wanted, order))):
            return against
        for place, units in wanted.items():
            if known and place in known:
                self.again.append((seller, purchase_order, *place, order, units))
            else:
                self.new.append((seller, purchase_order, *place, units, order, False))
            if self._meet:
                claimed = Claim(*place, units, order, State.SENDING, begin.at)
                self._known[seller, purchase_order][place] = claimed
        return ()


def _against(known: Iterable[Claim], wanted: Mapping[tuple[str, str], int], order: int) -> Iterator[Claim]:
    lines = {line for line, _ in wanted}
    for one in known:
        same = (one.line_number, one.parcel) in wanted
        if one.order != order and (same or (one.line_number in lines and one.state in OPEN)):
            yield one


def release(connection: Connection, orders: Sequence[int]) -> None:
    """Take back these orders' claims but on what is known to be shipped: nothing was done, or a person decided."""
    for block in blocks(orders):
        connection.execute(delete(_claims).where(_claims.c.order.in_(block), ~_claims.c.shipped))


def note_shipped(connection: Connection, ends: Mapping[int, Parts]) -> None:
    """Note which parcels of their last update are known to be shipped, for orders that did not go as a whole."""
    places = [
        (seller, purchase_order, _line(parcel), parcel.key, order, True)
        for order, seller, purchase_order, sent, content in _SENT(connection, ends)
        for parcel, index in zip(*sent_from(sent, parcels_from(content)), strict=True)
        if (part := ends[order][index]) and part.outcome in WELL
    ]
    _IS_SHIPPED(connection, places)


def _wanted(parcels: Sequence[Parcel]) -> dict[tuple[str, str], int]:
    units: dict[tuple[str, str], int] = {}
    for parcel in parcels:
        place = _line(parcel), parcel.key
        units[place] = units.get(place, 0) + parcel.quantity
    return units


def _line(parcel: Parcel) -> str:
    return parcel.line_number.lstrip("0") or "0"


def units_by_parcel(parcels: Sequence[Parcel]) -> Counter[tuple[str, str]]:
    """Return the units of each (line number, parcel key)."""
    units: Counter[tuple[str, str]] = Counter()
    for parcel in parcels:
        units[parcel.line_number, parcel.key] += parcel.quantity
    return units
