"""Rows of earlier runs, read again from the copies of their files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from batch.errors import UnreadableFile
from batch.inputs import read_source
from batch.journal import history
from batch.reading.profiles import load_profiles
from batch.reading.table import Source, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batch.journal.database import Database
    from batch.reading.declaration import Profile
    from batch.reading.shipments import Shipments
    from batch.settings import Settings


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Rows of earlier runs, as they stand in the copies of their files."""

    tables: tuple[Table, ...]
    files: tuple[dict[str, Any], ...]
    rows: tuple[dict[str, Any], ...]  # position, file, sheet, row, purchase_order_id, order, part
    shipments: tuple[Shipments | None, ...]  # beside each of the tables: whole, as it was read; None where it is gone


def read_leftovers(database: Database, orders: Sequence[int], settings: Settings, *, now_ms: int) -> Leftovers:
    """Return the rows of these orders of the journal, each order's from the last run that had any."""
    return _read_rows(history.last_rows_of(database, orders), settings, now_ms=now_ms)


def read_rows_of(database: Database, run: int, settings: Settings, *, now_ms: int) -> Leftovers:
    """Return the rows of an earlier run, as they stand in the copies of its files."""
    return _read_rows(history.places_of(database, run), settings, now_ms=now_ms)


def _read_rows(wanted: pd.DataFrame, settings: Settings, *, now_ms: int) -> Leftovers:
    profiles = load_profiles(settings.profiles)
    tables: list[Table] = []
    files: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    shipments: list[Shipments | None] = []
    for key, of_file in wanted.groupby(["path", "sha256", "profile"], sort=False):
        path, sha256, profile = cast("tuple[str, str, str]", key)
        source = Source(Path(path), sha256, settings.state / "inputs" / sha256)
        read = {one.table.sheet: one for one in _read_again(source, profiles, settings, profile, now_ms)}
        for name, of_sheet in of_file.groupby("sheet", sort=False):
            sheet = str(name)
            shipments.append(one := read.get(sheet))
            table = one.table if one else _without_cells(source, sheet, of_sheet["row"].to_numpy(np.int64))
            chosen = of_sheet[of_sheet["row"].isin(table.rows)].sort_values("row")
            tables.append(some_rows(table, np.searchsorted(table.rows, chosen["row"].to_numpy(np.int64))))
            told = chosen[["sheet", "row", "purchase_order_id", "order", "part"]].to_dict("records")
            rows.extend(
                {"position": place, "file": len(files), **{str(column): value for column, value in row.items()}}
                for place, row in enumerate(told, len(rows))
            )
        files.append({"path": path, "sha256": sha256, "profile": profile, "rows": len(of_file), "problem": ""})
    nothing = {"outcome": None, "reason": None}
    return Leftovers(tuple(tables), tuple(files), tuple({**row, **nothing} for row in rows), tuple(shipments))


def _read_again(
    source: Source, profiles: Sequence[Profile], settings: Settings, profile: str, now_ms: int
) -> tuple[Shipments, ...]:
    """Read the copy of an earlier run's file.

    Nothing where it is gone or no longer understood: then its rows go without their cells.
    """
    name = profile if any(one.name == profile for one in profiles) else None
    try:
        return read_source(source, profiles, settings, name, now_ms)
    except UnreadableFile:
        return ()


def _without_cells(source: Source, sheet: str, rows: np.ndarray) -> Table:
    cells = pd.DataFrame(index=pd.RangeIndex(len(rows)))
    numbers = np.sort(rows)
    return Table(source=source, sheet=sheet, header_row=0, columns=(), cells=cells, kinds=None, rows=numbers, notes=())


def some_rows(table: Table, positions: np.ndarray) -> Table:
    """Return the table with only the rows at these positions."""
    return replace(
        table,
        cells=table.cells.iloc[positions].reset_index(drop=True),
        kinds=None if table.kinds is None else table.kinds[positions],
        rows=table.rows[positions],
    )
