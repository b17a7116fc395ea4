"""Claims: which parcel of which order line was, is or may have been sent: the second barrier against sending twice.

A claim stands for as long as its row is there. It goes where an update turns out to have done nothing, or where a
person decides about its order; what is known to be shipped stays, whatever becomes of its order.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, bindparam, case, delete, insert, select, update

from batch.journal import tables
from batch.journal.blocks import blocks
from batch.journal.entries import Claim, sent_from
from batch.journal.many import Lookup, Many
from batch.journal.states import NAMED, OPEN, State
from batch.outcomes import WELL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from sqlalchemy import Connection

    from batch.journal.entries import Begin, Parts
    from batch.marketplace.orders import Parcel

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
_AGAIN = Many(update(_claims).where(_OURS).values(quantity=bindparam("units")))
_SENT = Lookup(select(_orders.c.id, _orders.c.seller, _orders.c.purchase_order_id, _orders.c.sent), _orders.c.id)
_IS_SHIPPED = Many(update(_claims).where(_OURS).values(shipped=bindparam("it_is")))


def claims_of(connection: Connection, seller: str, purchase_orders: Iterable[str]) -> dict[str, list[Claim]]:
    """Return the claims on each of these purchase orders; those that have none are left out."""
    found: defaultdict[str, list[Claim]] = defaultdict(list)
    for purchase_order, line, parcel, units, order, state, sent_at in _FIND(
        connection, purchase_orders, of_seller=seller
    ):
        found[purchase_order].append(Claim(line, parcel, units, order, NAMED[state], sent_at))
    return found


def claim(connection: Connection, begins: Sequence[Begin]) -> list[tuple[Claim, ...]]:
    """Claim the parcels of updates for their orders, first come, first served.

    Returns beside each update the claims of other orders that stand against it; one with any has claimed nothing. A
    claim on one of its parcels stands against it, and one on any parcel of the same line that is not settled.
    """
    book = _Book(connection, begins)
    against = [book.claim(begin) for begin in begins]
    _NEW(connection, sorted(book.new, key=_key))  # in one sequence, so that two processes never wait for each other
    _AGAIN(connection, book.again)
    return against


class _Book:
    """The claims on the purchase orders of a block of updates, as the block goes on."""

    def __init__(self, connection: Connection, begins: Sequence[Begin]) -> None:
        self.new: list[dict[str, Any]] = []
        self.again: list[dict[str, Any]] = []
        self._known: defaultdict[tuple[str, str], dict[tuple[str, str], Claim]] = defaultdict(dict)
        named = Counter((begin.seller, _purchase_order(begin)) for begin in begins)
        self._several = {place for place, count in named.items() if count > 1}
        for seller in {seller for seller, _ in named}:
            ours = [purchase_order for of_seller, purchase_order in named if of_seller == seller]
            for purchase_order, claims in claims_of(connection, seller, ours).items():
                self._known[seller, purchase_order] = {(one.line_number, one.parcel): one for one in claims}

    def claim(self, begin: Begin) -> tuple[Claim, ...]:
        assert begin.update is not None  # noqa: S101 - the caller's condition
        place = begin.seller, begin.update.purchase_order_id
        wanted = _wanted(begin.update.parcels)
        known = self._known.get(place, {})
        if known and (against := tuple(_against(known.values(), wanted, begin.order))):
            return against
        for (line, parcel), units in wanted.items():
            if (line, parcel) in known:
                self.again.append({**_place(*place, line, parcel, begin.order), "units": units})
            else:
                self.new.append(_claimed(*place, line, parcel, begin.order, units))
            if place in self._several:
                self._known[place][line, parcel] = Claim(line, parcel, units, begin.order, State.SENDING, begin.at)
        return ()


_key = itemgetter("seller", "purchase_order_id", "line_number", "parcel")


def _purchase_order(begin: Begin) -> str:
    return begin.update.purchase_order_id if begin.update is not None else ""


def _claimed(seller: str, purchase_order: str, line: str, parcel: str, order: int, units: int) -> dict[str, Any]:
    return {
        "seller": seller,
        "purchase_order_id": purchase_order,
        "line_number": line,
        "parcel": parcel,
        "quantity": units,
        "order": order,
        "shipped": False,
    }


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
        {**_place(seller, purchase_order, _line(parcel), parcel.key, order), "it_is": True}
        for order, seller, purchase_order, sent in _SENT(connection, ends)
        for parcel, index in zip(*sent_from(sent), strict=True)
        if (part := ends[order][index]) and part.outcome in WELL
    ]
    _IS_SHIPPED(connection, places)


def _place(seller: str, purchase_order: str, line: str, parcel: str, order: int) -> dict[str, Any]:
    return {
        "of_seller": seller,
        "of_purchase_order": purchase_order,
        "of_line": line,
        "of_parcel": parcel,
        "of_order": order,
    }


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
