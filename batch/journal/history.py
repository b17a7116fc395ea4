"""What the journal remembers: runs, the ends of their rows, and all that happened to one order."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, repeat
from typing import TYPE_CHECKING, Any

import orjson
import pandas as pd
import pyarrow as pa
from sqlalchemy import Integer, Text, bindparam, case, exists, func, or_, select, update

from batch.errors import UsageError
from batch.journal import tables
from batch.journal.blocks import blocks
from batch.journal.database import lasting
from batch.journal.entries import parts_from
from batch.journal.many import Lookup, Many, pieces
from batch.journal.states import OUTCOMES
from batch.reading.columns import column_of
from schemas.characters import text_series

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from sqlalchemy import ColumnElement, Row, Select

    from batch.journal.database import Database
    from batch.journal.entries import Part, Parts

_runs, _files, _rows = tables.runs, tables.files, tables.rows
_orders, _attempts, _decisions = tables.orders, tables.attempts, tables.decisions
_PIECE = 50_000  # rows that are read at once


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run as the journal has it. `summary` is None for one that did not come to its end."""

    number: int
    run: str
    seller: str
    account: str
    command: str
    started_at: int
    finished_at: int | None
    summary: dict[str, Any] | None


@dataclass(frozen=True, slots=True)
class Story:
    """Everything about one order of the journal: its row there, its calls, where it came from, what people decided."""

    order: Row[Any]
    attempts: Sequence[Row[Any]]
    origins: Sequence[Row[Any]]
    decisions: Sequence[Row[Any]]


def runs(
    database: Database,
    *,
    account: str | None = None,
    since: int = 0,
    before: int | None = None,
    exit_codes: Collection[int] = (),
    most: int = 20,
) -> list[Run]:
    """Return the latest runs that began from `since` on and before `before` (UTC epoch ms), the newest first.

    `exit_codes`: only runs that ended with one of them.
    """
    wanted = select(_runs).where(_runs.c.started_at >= since).order_by(_runs.c.number.desc())
    if account:
        wanted = wanted.where(_runs.c.account == account)
    if before is not None:
        wanted = wanted.where(_runs.c.started_at < before)
    if not exit_codes:
        wanted = wanted.limit(most)
    with database.reading() as connection:
        found = map(_run, connection.execute(wanted))
        ended_so = (run for run in found if not exit_codes or (run.summary or {}).get("exit_code") in exit_codes)
        return list(islice(ended_so, most))


@lasting
def run_named(database: Database, run: str) -> Run:
    """Return one run. Raises `UsageError` where there is none of that name."""
    with database.reading() as connection:
        row = connection.execute(select(_runs).where(_runs.c.run == run)).one_or_none()
    if row is None:
        raise UsageError(f"There is no run {run}; `shipbatch history` lists them.")
    return _run(row)


@lasting
def files_of(database: Database, run: int) -> Sequence[Row[Any]]:
    """Return the input files of a run, in input order."""
    with database.reading() as connection:
        return connection.execute(select(_files).where(_files.c.run == run).order_by(_files.c.file)).all()


@lasting
def rows_of(database: Database, run: int) -> pd.DataFrame:
    """Return the rows of a run as they ended, or stand now, in input order, and beside each what is told of its order.

    Columns: position, row, purchase_order_id, order (the journal's, -1 for none), outcome, reason; of the order, blank
    or 0 where there is none: correlation_id, note, ship_by, sent_at, finished_at.
    """
    ended = _rows.c.outcome.is_not(None)
    wanted = (
        select(
            _rows.c.position,
            _rows.c.row,
            func.coalesce(func.nullif(_orders.c.purchase_order_id, "", type_=Text), _rows.c.purchase_order_id).label(
                "purchase_order_id"
            ),
            func.coalesce(_rows.c.order, -1).label("order"),
            func.coalesce(_rows.c.part, -1).label("part"),
            func.coalesce(_rows.c.outcome, case(_NOW, value=_orders.c.state), type_=Text).label("outcome"),
            func.coalesce(case((ended, _rows.c.reason), else_=_orders.c.reason), "", type_=Text).label("reason"),
            case((~ended, _orders.c.parts)).label("parts"),
            *(func.coalesce(_orders.c[name], "", type_=Text).label(name) for name in ("correlation_id", "note")),
            *(func.coalesce(_orders.c[name], 0).label(name) for name in ("ship_by", "sent_at", "finished_at")),
        )
        .outerjoin(_orders, _orders.c.id == _rows.c.order)
        .where(_rows.c.run == run)
        .order_by(_rows.c.position)
    )
    frame = _frame(database, wanted)
    apart = frame.index[frame["parts"].notna()]
    ends = _ends_apart(frame["parts"][apart], frame["part"][apart])
    told = [place for place, end in zip(apart, ends, strict=True) if end]
    frame.loc[told, "outcome"] = [str(end.outcome) for end in ends if end]
    frame.loc[told, "reason"] = [end.reason for end in ends if end]
    return frame.drop(columns=["parts", "part"])


_NOW = {state.value: outcome.value for state, outcome in OUTCOMES.items()}


def _ends_apart(contents: Iterable[bytes], places: Iterable[int]) -> list[Part | None]:
    """Return how parcels ended, None for those that ended as their order. Many orders say the same of theirs."""
    read: dict[bytes, Parts] = {}
    for content in contents:
        if content not in read:
            read[content] = parts_from(content)
    return [read[content][place] for content, place in zip(contents, places, strict=True)]


@lasting
def keep_rows(database: Database, run: int, rows: pd.DataFrame) -> None:
    """Write down how the rows of a run ended, whatever becomes of their orders later."""
    ends = zip(repeat(run), rows["position"].tolist(), rows["outcome"].tolist(), rows["reason"].tolist())
    with database.writing() as connection:
        _KEEP(connection, list(ends))


_KEEP = Many(
    update(_rows)
    .where(_rows.c.run == bindparam("of_run"), _rows.c.position == bindparam("at"), _rows.c.outcome.is_(None))
    .values(outcome=bindparam("how"), reason=bindparam("why")),
    *("of_run", "at", "how", "why"),
)


@lasting
def attempts_of(database: Database, run: int) -> pd.DataFrame:
    """Return the calls that a run made for orders, in their order.

    Columns: kind, started_at, ended_at, status, verdict, order.
    """
    wanted = (
        select(
            _attempts.c.kind,
            _attempts.c.started_at,
            func.coalesce(_attempts.c.ended_at, 0).label("ended_at"),
            func.coalesce(_attempts.c.status, 0).label("status"),
            func.coalesce(_attempts.c.verdict, "unknown").label("verdict"),
            _attempts.c.order,
        )
        .where(_attempts.c.run == run)
        .order_by(_attempts.c.id)
    )
    return _frame(database, wanted)


def stories_of(database: Database, order: str, *, seller: str | None = None) -> list[Story]:
    """Return all that happened to a purchase order (or customer order), oldest first."""
    wanted = select(_orders).where(or_(_orders.c.purchase_order_id == order, _orders.c.customer_order_id == order))
    if seller:
        wanted = wanted.where(_orders.c.seller == seller)
    with database.reading() as connection:
        return [
            Story(
                row,
                connection.execute(select(_attempts).where(_attempts.c.order == row.id).order_by(_attempts.c.id)).all(),
                connection.execute(
                    select(_rows, _files.c.path, _runs.c.run.label("run_name"), _runs.c.account, _runs.c.started_at)
                    .join(_runs, _runs.c.number == _rows.c.run)
                    .join(_files, (_files.c.run == _rows.c.run) & (_files.c.file == _rows.c.file))
                    .where(_rows.c.order == row.id)
                    .order_by(_rows.c.run, _rows.c.position)
                ).all(),
                connection.execute(
                    select(_decisions).where(_decisions.c.order == row.id).order_by(_decisions.c.id)
                ).all(),
            )
            for row in connection.execute(wanted.order_by(_orders.c.id)).all()
        ]


def rows_aside_of(database: Database, order: str) -> Sequence[Row[Any]]:
    """Return the rows that name this order and never became part of one in the journal, oldest first.

    Columns: sheet, row, outcome, reason, path, run_name, account, started_at.
    """
    wanted = (
        select(
            _rows.c.sheet,
            _rows.c.row,
            _rows.c.outcome,
            _rows.c.reason,
            _files.c.path,
            _runs.c.run.label("run_name"),
            _runs.c.account,
            _runs.c.started_at,
        )
        .join(_runs, _runs.c.number == _rows.c.run)
        .join(_files, (_files.c.run == _rows.c.run) & (_files.c.file == _rows.c.file))
        .where(_rows.c.purchase_order_id == order, tables.aside)
        .order_by(_rows.c.run, _rows.c.position)
    )
    with database.reading() as connection:
        return list(connection.execute(wanted))


def last_rows_of(database: Database, orders: Iterable[int]) -> pd.DataFrame:
    """Return where orders come from: their rows in the last run that had any, by order of those runs and their input.

    Columns: order, part, purchase_order_id, sheet, row, path, sha256, profile.
    """
    with database.reading() as connection:
        found = [_columns(_LAST_ROWS, [*_OF_ORDERS(connection, block)]) for block in blocks(orders)]
    rows = pd.concat(found or [_columns(_LAST_ROWS, [])], ignore_index=True)
    return rows.sort_values(["run", "position"], ignore_index=True).drop(columns=["run", "position"])


_later = _rows.alias()
_LAST_ROWS = (
    select(
        _rows.c.run,
        _rows.c.position,
        _rows.c.order,
        _rows.c.part,
        _rows.c.purchase_order_id,
        _rows.c.sheet,
        _rows.c.row,
        _files.c.path,
        _files.c.sha256,
        _files.c.profile,
    )
    .join(_files, (_files.c.run == _rows.c.run) & (_files.c.file == _rows.c.file))
    .where(~exists().where(_later.c.order == _rows.c.order, _later.c.run > _rows.c.run))
)
_OF_ORDERS = Lookup(_LAST_ROWS, _rows.c.order)


def places_of(database: Database, run: int) -> pd.DataFrame:
    """Return where the rows of a run stand in its files, in input order.

    Columns: order (-1 for none), part, purchase_order_id, sheet, row, path, sha256, profile.
    """
    wanted = (
        select(
            func.coalesce(_rows.c.order, -1).label("order"),
            _rows.c.part,
            _rows.c.purchase_order_id,
            _rows.c.sheet,
            _rows.c.row,
            _files.c.path,
            _files.c.sha256,
            _files.c.profile,
        )
        .join(_files, (_files.c.run == _rows.c.run) & (_files.c.file == _rows.c.file))
        .where(_rows.c.run == run)
        .order_by(_rows.c.position)
    )
    return _frame(database, wanted)


def unfinished(database: Database, seller: str) -> int:
    """Return how many orders of a seller are planned, being sent or unknown."""
    wanted = select(func.count()).select_from(_orders).where(_orders.c.seller == seller, tables.unfinished)
    with database.reading() as connection:
        return int(connection.execute(wanted).scalar_one())


def _run(row: Row[Any]) -> Run:
    return Run(
        number=row.number,
        run=row.run,
        seller=row.seller,
        account=row.account,
        command=row.command,
        started_at=row.started_at,
        finished_at=row.finished_at,
        summary=orjson.loads(row.summary) if row.summary else None,
    )


def _frame(database: Database, wanted: Select[Any]) -> pd.DataFrame:
    """Return what is selected, in pieces of bounded size until it is columns; absent text is NaN."""
    with database.reading() as connection:
        frames = [_columns(wanted, piece) for piece in pieces(connection, wanted, _PIECE)]
    return pd.concat(frames or [_columns(wanted, [])], ignore_index=True)


def _columns(wanted: Select[Any], rows: Sequence[Sequence[Any]]) -> pd.DataFrame:
    """Return rows as columns; pandas itself takes three times as long for it."""
    columns = wanted.selected_columns
    values = zip(*rows, strict=True) if rows else repeat((), len(columns))
    return pd.DataFrame({column.name: _column(column, of_all) for column, of_all in zip(columns, values, strict=True)})


def _column(column: ColumnElement[Any], values: Sequence[Any]) -> pd.Series:
    if isinstance(column.type, Text):
        return text_series(column_of(values))
    kind = pa.int64() if isinstance(column.type, Integer) else pa.large_binary()
    return pa.array(values, kind).to_pandas()  # type: ignore[no-any-return]  # pyarrow ships no types
