"""What has become since of what earlier runs left: of the rows of a file, and of orders that needed a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pandas as pd
from sqlalchemy import bindparam, func, or_, select, update

from batch.journal import tables
from batch.journal.blocks import blocks
from batch.journal.entries import parts_from
from batch.journal.states import OUTCOMES, UNFINISHED, State
from batch.outcomes import WELL, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Column, ColumnElement, Select

    from batch.journal.database import Database

_runs, _files, _rows, _orders = tables.runs, tables.files, tables.rows, tables.orders
_WELL = [state for state, outcome in OUTCOMES.items() if outcome in WELL]
_STILL_OPEN = (Outcome.NOT_ATTEMPTED, Outcome.UNKNOWN)  # of a row when its run ended: its order may have ended since


@dataclass(frozen=True, slots=True)
class Standing:
    """The last run that was about the whole of a file, and how many of the file's rows have not ended yet."""

    number: int
    run: str
    file: int  # its place among the run's files
    unended: int


def standing_of(database: Database, seller: str, path: str, sha256: str) -> Standing | None:
    """Return where a file stands that lay at this path with this content, None where no run was about it."""
    last = (
        select(_runs.c.number, _runs.c.run, _files.c.file)
        .join(_files, _files.c.run == _runs.c.number)
        .where(_files.c.sha256 == sha256, _files.c.path == path, _runs.c.seller == seller, _runs.c.command == "run")
        .order_by(_runs.c.number.desc())
        .limit(1)
    )
    with database.reading() as connection:
        found = connection.execute(last).one_or_none()
        if found is None:
            return None
        unended = (
            select(func.count())
            .select_from(_rows.join(_orders, _orders.c.id == _rows.c.order))
            .where(_rows.c.run == found.number, _rows.c.file == found.file, _may_go_on())
            .where(_orders.c.state.in_(UNFINISHED))
        )
        return Standing(found.number, found.run, found.file, int(connection.execute(unended).scalar_one()))


def ended_since(database: Database, run: int) -> pd.DataFrame:
    """Return the rows of a run that were open at its end, as their orders stand now, by their position in the run.

    Columns: outcome, reason, correlation_id, finished_at.
    """
    wanted = (
        select(
            _rows.c.position,
            _rows.c.part,
            _orders.c.state,
            _orders.c.reason,
            _orders.c.parts,
            _orders.c.correlation_id,
            _orders.c.finished_at,
        )
        .join(_orders, _orders.c.id == _rows.c.order)
        .where(_rows.c.run == run, _may_go_on())
        .order_by(_rows.c.position)
    )
    with database.reading() as connection:
        found = connection.execute(wanted).all()
    told = [(*_end(row.state, row.reason, row.parts, row.part), row.correlation_id, row.finished_at) for row in found]
    columns = ["outcome", "reason", "correlation_id", "finished_at"]
    return pd.DataFrame(told, index=[row.position for row in found], columns=columns)


def open_again(database: Database, run: int, orders: Iterable[int]) -> None:
    """Let a run's rows that were open at its end be told by how these orders end: it goes on with them itself."""
    again = (
        update(_rows)
        .where(_rows.c.run == run, _rows.c.order.in_(bindparam("orders", expanding=True)))
        .where(_rows.c.outcome.in_(_STILL_OPEN))
        .values(outcome=None, reason=None)
    )
    with database.writing() as connection:
        for block in blocks(orders):
            connection.execute(again, {"orders": block})


def orders_that_are_well(database: Database, seller: str, orders: Iterable[str]) -> set[str]:
    """Return which of these orders are shipped by now, or were dropped: the last that is known of each.

    `orders`: purchase orders, or customer orders where that is all that a row named.
    """
    wanted = [
        _last_that_is_well(seller, number) for number in (_orders.c.purchase_order_id, _orders.c.customer_order_id)
    ]
    with database.reading() as connection:
        return {
            order
            for block in blocks(orders)
            for statement in wanted
            for order in connection.execute(statement, {"asked_for": block}).scalars()
        }


def _last_that_is_well(seller: str, number: Column[str]) -> Select[str]:
    asked_for = number.in_(bindparam("asked_for", expanding=True))
    last = select(func.max(_orders.c.id)).where(_orders.c.seller == seller, asked_for).group_by(number)
    return select(number).where(_orders.c.id.in_(last), _orders.c.state.in_(_WELL))


def _may_go_on() -> ColumnElement[bool]:
    return or_(_rows.c.outcome.is_(None), _rows.c.outcome.in_(_STILL_OPEN))


def _end(state: str, reason: str, parts: bytes | None, place: int | None) -> tuple[str, str]:
    """Return how a row ended: as its parcel did, where that is not as its order."""
    part = parts_from(parts)[place] if parts and place is not None else None
    return (str(part.outcome), part.reason) if part else (str(OUTCOMES[State(state)]), reason)
