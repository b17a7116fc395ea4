"""Matters that need a person: which of them are new, and when the last of them is settled. Pure.

A matter is a row that needs a person, a file that could not be read, or a run that could not go on. Each is told once.
A row is known again by what stands in it, whatever file it comes in and wherever in there, so that last month's row in
an export that only grows is not told of every night.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from batch.errors import Exit
from batch.outcomes import NEEDS_PERSON
from batch.report.cells import own_columns
from batch.report.reasons import kinds
from batch.report.to_fix import stem

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

    from batch.end_of_run import Ended
    from batch.report.account import RunAccount

DAY = 24 * 60 * 60 * 1000  # ms
FORGOTTEN = 7 * DAY  # a matter that was not met again for so long is taken for settled elsewhere
MOST = 100_000  # matters that are remembered for an account

_APART = "\x1f"
_ROW, _FILE, _RUN = "row", "file", "run"
_BROKEN = (Exit.FATAL, Exit.USAGE, Exit.UNREADABLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Matter:
    """Something that needs a person."""

    key: str  # by which it is known again
    kind: str  # row, file or run
    file: str = ""  # its name
    order: str = ""  # the purchase order, where the row names one
    position: int = -1  # of the row in the run's account
    said: str = ""  # of a file or a run: what is wrong


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """A matter that was told of."""

    kind: str
    file: str
    order: str
    met_at: int  # UTC epoch milliseconds, the last time
    open: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Memory:
    """What is known of an account."""

    matters: Mapping[str, Known] = field(default_factory=dict)  # by key
    digested_at: int = 0  # UTC epoch milliseconds

    @property
    def open(self) -> dict[str, Known]:
        """The matters that are not settled; with none the account is well."""
        return {key: known for key, known in self.matters.items() if known.open}


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What is to be told after a run."""

    matters: tuple[Matter, ...] = ()  # those that were never told of
    well_again: bool = False


def matters_of(end: Ended) -> list[Matter]:
    """Return all that needs a person after a run."""
    found = list(_rows(end.account)) + list(_files(end.account)) if end.account is not None else []
    if end.message and end.exit_code in _BROKEN:
        found.append(Matter(key=_key(_RUN, _kind(end.message)), kind=_RUN, said=end.message))
    return found


def after_run(memory: Memory, end: Ended, *, settled_orders: Collection[str], at: int) -> tuple[Memory, News]:
    """Return what is known after a run, and what of it is news.

    `settled_orders`: purchase orders of open matters that are shipped by now, or dropped; `at`: UTC epoch milliseconds.
    """
    met = {matter.key: matter for matter in matters_of(end)}
    new = tuple(matter for key, matter in met.items() if key not in memory.matters)
    well = _whole_files(end) - {matter.file for matter in met.values()}
    broken = any(matter.kind == _RUN for matter in met.values())
    settled = {
        key
        for key, known in memory.open.items()
        if key not in met and _is_settled(known, settled_orders=settled_orders, well=well, broken=broken)
    }
    matters = {
        key: replace(known, open=False) if key in settled or at - known.met_at > FORGOTTEN else known
        for key, known in memory.matters.items()
        if not (key in settled and known.kind == _RUN)  # what broke a run is news when it does so again
    }
    for key, matter in met.items():
        known = matters.get(key)
        still = known.open if known else True
        matters[key] = Known(kind=matter.kind, file=matter.file, order=matter.order, met_at=at, open=still)
    after = replace(memory, matters=_latest(matters))
    return after, News(matters=new, well_again=bool(settled) and not after.open)


def _whole_files(end: Ended) -> set[str]:
    """Return the names of the files that the run was about with all their rows."""
    whole = end.account is not None and end.account.command == "run"
    return {file.path.name for file in end.account.files} if whole and end.account else set()


def _is_settled(known: Known, *, settled_orders: Collection[str], well: Collection[str], broken: bool) -> bool:
    if known.kind == _RUN:
        return not broken
    if known.order:
        return known.order in settled_orders
    return any(name.startswith(stem(known.file)) for name in well)  # mended, it comes under its name or NAME.to_fix.csv


def _latest(matters: Mapping[str, Known]) -> dict[str, Known]:
    latest = sorted(matters.items(), key=lambda one: one[1].met_at, reverse=True)[:MOST]
    return dict(latest)


def _rows(account: RunAccount) -> Iterator[Matter]:
    needing = np.flatnonzero(account.rows["outcome"].isin([str(word) for word in NEEDS_PERSON]).to_numpy())[:MOST]
    rows = account.rows.iloc[needing]
    texts = _texts(account, needing)
    for position, table, outcome, order, text in zip(
        needing.tolist(),
        rows["table"].tolist(),
        rows["outcome"].tolist(),
        rows["purchase_order_id"].tolist(),
        texts,
        strict=True,
    ):
        file = account.tables[table].source.path.name
        yield Matter(key=_key(_ROW, outcome, order, text), kind=_ROW, file=file, order=order, position=position)


def _texts(account: RunAccount, positions: np.ndarray) -> Iterator[str]:
    """Yield what stands in the cells of these rows of the account, ours left out."""
    start = 0
    for table in account.tables:
        end = start + len(table.cells)
        some = positions[(positions >= start) & (positions < end)] - start
        own = table.cells.iloc[some, list(own_columns(table).values())]
        yield from (_APART.join(map(str, row)) for row in own.itertuples(index=False, name=None))
        start = end


def _files(account: RunAccount) -> Iterator[Matter]:
    for file in account.files:
        if file.problem:
            name = file.path.name
            yield Matter(key=_key(_FILE, name, file.sha256), kind=_FILE, file=name, said=file.problem)


def _kind(message: str) -> str:
    return str(kinds(pd.Series([message], dtype="str")).iloc[0])


def _key(*parts: str) -> str:
    return hashlib.sha256(_APART.join(parts).encode(errors="surrogateescape")).hexdigest()[:20]
