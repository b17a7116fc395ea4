"""Orders of the journal that turn out to be about one purchase order: they become one before anything is sent.

Rows that name a customer order and rows that name its purchase order, or the files of two days, may be about the same
purchase order. It is the unit of sending, so their parcels go together.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, select, update

from batch.journal import tables
from batch.journal.database import EntryRefused, lasting
from batch.journal.entries import content_of, parcels_from, parts_from, to_json
from batch.journal.states import UNFINISHED, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection, Row

    from batch.journal.database import Database

_orders, _rows = tables.orders, tables.rows
_POINTING = (tables.attempts, tables.claims, tables.decisions)  # at orders, besides the rows


@lasting
def unnamed(database: Database, seller: str) -> dict[str, list[int]]:
    """Return the seller's planned orders that name no purchase order, by customer order id."""
    wanted = (
        select(_orders.c.customer_order_id, _orders.c.id)
        .where(_orders.c.purchase_order_id == "", _orders.c.seller == seller, _orders.c.state == State.PLANNED)
        .order_by(_orders.c.id)
    )
    return _by_name(database, wanted)


@lasting
def sharing(database: Database, seller: str) -> dict[str, list[int]]:
    """Return the seller's unfinished orders by purchase order id, where several have the same."""
    of_seller = (_orders.c.seller == seller, tables.unfinished, _orders.c.purchase_order_id != "")
    several = select(_orders.c.purchase_order_id).where(*of_seller).group_by(_orders.c.purchase_order_id)
    wanted = (
        select(_orders.c.purchase_order_id, _orders.c.id)
        .where(*of_seller, _orders.c.purchase_order_id.in_(several.having(func.count() > 1)))
        .order_by(_orders.c.id)
    )
    return _by_name(database, wanted)


@lasting
def naming(database: Database, seller: str, purchase_order_id: str) -> list[int]:
    """Return the seller's unfinished orders that name this purchase order."""
    wanted = select(_orders.c.id).where(
        _orders.c.purchase_order_id == purchase_order_id,
        _orders.c.seller == seller,
        _orders.c.state.in_(UNFINISHED),
    )
    with database.reading() as connection:
        return list(connection.execute(wanted.order_by(_orders.c.id)).scalars())


@lasting
def merge(database: Database, into: int, others: Sequence[int]) -> None:
    """Make planned orders one: its parcels, rows, calls and claims are those of all of them.

    Raises `EntryRefused` where one of them is not planned any more; then nothing was changed.
    """
    with database.writing() as connection:
        first, *rest = _planned(connection, [into, *others])
        parcels, parts = list(parcels_from(first.content)), _parts(first)
        for other in rest:
            _point_at(connection, other.id, into, len(parcels))
            parcels += parcels_from(other.content)
            parts += _parts(other)
        merged = {
            "content": content_of(parcels),
            "parts": to_json(tuple(parts)),
            "customer_order_id": next((one.customer_order_id for one in (first, *rest) if one.customer_order_id), ""),
        }
        connection.execute(update(_orders).where(_orders.c.id == into).values(merged))
        connection.execute(delete(_orders).where(_orders.c.id.in_([one.id for one in rest])))


def _planned(connection: Connection, wanted: Sequence[int]) -> list[Row[Any]]:
    found = {
        row.id: row
        for row in connection.execute(select(_orders).where(_orders.c.id.in_(wanted)).with_for_update())
        if row.state == State.PLANNED
    }
    if len(found) < len(wanted):
        raise EntryRefused("An order that is not planned cannot be made one with another; nothing was changed.")
    return [found[order] for order in wanted]


def _parts(row: Row[Any]) -> list[Any]:
    return list(parts_from(row.parts)) or [None] * len(parcels_from(row.content))


def _point_at(connection: Connection, order: int, into: int, place: int) -> None:
    """Let all that belongs to an order belong to another, whose parcels it gets from this place on."""
    for table in _POINTING:
        connection.execute(update(table).where(table.c.order == order).values({"order": into}))
    moved = update(_rows).where(_rows.c.order == order)
    connection.execute(moved.values({"order": into, "part": _rows.c.part + place}))


def _by_name(database: Database, wanted: Any) -> dict[str, list[int]]:  # noqa: ANN401 - a select of two columns
    found: defaultdict[str, list[int]] = defaultdict(list)
    with database.reading() as connection:
        for name, order in connection.execute(wanted):
            found[name].append(order)
    return dict(found)
