"""Retention: what is older goes, but never an unfinished order, nor what it needs to be gone on with.

An order stays while it is unfinished, or ended since. A run stays while it is younger, or has rows or
calls of an order that stays for its own sake; then it stays whole, so that its report can be written again. Each run
goes in a transaction of its own, so that whatever is sending meanwhile never waits for long.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import and_, delete, exists, func, or_, select

from batch.journal import tables
from batch.journal.blocks import blocks

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import ColumnElement, Connection, Select

    from batch.journal.database import Database

_runs, _files, _rows, _orders = tables.runs, tables.files, tables.rows, tables.orders
_claims, _attempts, _decisions = tables.claims, tables.attempts, tables.decisions


@dataclass(frozen=True, slots=True, kw_only=True)
class Pruned:
    """What was removed."""

    runs: tuple[str, ...] = ()  # their names, which are those of their report folders, too
    rows: int = 0
    orders: int = 0


def prune(database: Database, before: int) -> Pruned:
    """Remove what ended before a moment, UTC epoch milliseconds. Raises `JournalFailed`."""
    runs, rows, orders = [], 0, 0
    for number in _found(database, select(_runs.c.number).where(_is_old_run(before)).order_by(_runs.c.number)):
        with database.writing() as connection:
            wanted = select(_runs.c.run).where(_runs.c.number == number, _is_old_run(before))
            if run := connection.execute(wanted).scalar_one_or_none():
                rows += _remove_run(connection, number)
                runs.append(run)
    for block in blocks(_found(database, select(_orders.c.id).where(_is_unneeded(before)))):
        with database.writing() as connection:
            orders += _remove_orders(connection, block, before)
    return Pruned(runs=tuple(runs), rows=rows, orders=orders)


def _found(database: Database, wanted: Select[Any]) -> list[int]:
    with database.reading() as connection:
        return list(connection.execute(wanted).scalars())


def unneeded_copies(database: Database, names: Iterable[str]) -> list[str]:
    """Return which of these copies of input files, each named by its SHA-256, belong to no run that is left."""
    there = list(names)
    with database.reading() as connection:
        needed = {
            name
            for block in blocks(there)
            for name in connection.execute(select(_files.c.sha256).where(_files.c.sha256.in_(block))).scalars()
        }
    return [name for name in there if name not in needed]


def known_runs(database: Database, runs: Iterable[str]) -> set[str]:
    """Return which of these runs are in the journal."""
    with database.reading() as connection:
        return {
            run
            for block in blocks(runs)
            for run in connection.execute(select(_runs.c.run).where(_runs.c.run.in_(block))).scalars()
        }


def _stays(before: int) -> ColumnElement[bool]:
    """Whether an order stays for its own sake."""
    return or_(_orders.c.finished_at == 0, _orders.c.finished_at >= before)


def _is_old_run(before: int) -> ColumnElement[bool]:
    rows = exists().where(_rows.c.run == _runs.c.number, _orders.c.id == _rows.c.order, _stays(before))
    calls = exists().where(_attempts.c.run == _runs.c.number, _orders.c.id == _attempts.c.order, _stays(before))
    return and_(func.coalesce(_runs.c.finished_at, _runs.c.started_at) < before, ~rows, ~calls)


def _is_unneeded(before: int) -> ColumnElement[bool]:
    rows = exists().where(_rows.c.order == _orders.c.id)
    calls = exists().where(_attempts.c.order == _orders.c.id)
    return and_(~_stays(before), ~rows, ~calls)


def _remove_run(connection: Connection, run: int) -> int:
    rows = connection.execute(delete(_rows).where(_rows.c.run == run)).rowcount
    for table in (_attempts, _files):
        connection.execute(delete(table).where(table.c.run == run))
    connection.execute(delete(_runs).where(_runs.c.number == run))
    return rows


def _remove_orders(connection: Connection, orders: list[int], before: int) -> int:
    """Remove those of the orders that are still unneeded, with what belongs to them alone."""
    wanted = select(_orders.c.id).where(_orders.c.id.in_(orders), _is_unneeded(before)).with_for_update()
    unneeded = list(connection.execute(wanted).scalars())
    for table in (_claims, _decisions):
        connection.execute(delete(table).where(table.c.order.in_(unneeded)))
    return connection.execute(delete(_orders).where(_orders.c.id.in_(unneeded))).rowcount
