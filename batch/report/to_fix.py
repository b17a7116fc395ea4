"""to_fix/NAME.csv: what a person has to mend, as the file had it, ready to be dropped again.

For each input file with rows that need a person there is one such file, with all rows of the orders concerned.
A workbook whose sheets have different headers gives one for each header: two side by side would fit no profile.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from batch.outcomes import NEEDS_PERSON
from batch.report import cells

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from batch.reading.table import Table
    from batch.report.account import RunAccount

FOLDER = "to_fix"
_LONGEST_NAME = 200  # bytes of a file's name, without the ending
_ADDED = ("_outcome", "_reason")
_PACKED = re.compile(r"\.(gz|zip)$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ToFix:
    """One file to mend: its name, and the rows in it by table."""

    name: str  # below `to_fix/`
    source: Path  # the input file
    rows: dict[int, np.ndarray]  # table ▶ positions of its rows, in order


def plan_to_fix(account: RunAccount) -> list[ToFix]:
    """Return the files to mend, in input order; no two of the same name."""
    taken: set[str] = set()
    files: list[ToFix] = []
    for group in _tables_by_file_and_header(account.tables, rows_to_fix(account)):
        first = account.tables[next(iter(group))]
        several = any(other.source == first.source.path for other in files)
        wanted = stem(first.source.path.name) + (f".{_plain(first.sheet)}" if several else "")
        files.append(ToFix(_untaken(wanted, taken), first.source.path, group))
    return files


def write_to_fix(folder: Path, account: RunAccount) -> None:
    """Write the files to mend into the folder, which is made if there is any."""
    files = plan_to_fix(account)
    if files:
        folder.mkdir()
    for file in files:
        _write(folder / file.name, file, account)


def rows_to_fix(account: RunAccount) -> list[np.ndarray]:
    """Return for each table the positions of its rows to mend, none where no row of its file needs a person."""
    needs = account.rows["outcome"].isin([str(outcome) for outcome in NEEDS_PERSON]).to_numpy()
    order = account.rows["order"].to_numpy()
    concerned = np.zeros(len(account.orders) + 1, dtype=bool)  # the last for rows without an order
    concerned[order[needs]] = True
    concerned[-1] = False
    lengths = np.array([len(table.cells) for table in account.tables], np.int64)
    ends = np.cumsum(lengths)
    starts = ends - lengths
    in_need = {
        table.source.path
        for table, start, end in zip(account.tables, starts, ends, strict=True)
        if needs[start:end].any()
    }
    wanted = needs | concerned[order]
    return [
        np.flatnonzero(wanted[start:end]) if table.source.path in in_need else np.empty(0, np.int64)
        for table, start, end in zip(account.tables, starts, ends, strict=True)
    ]


def _tables_by_file_and_header(tables: tuple[Table, ...], rows: list[np.ndarray]) -> Iterable[dict[int, np.ndarray]]:
    groups: dict[tuple[Path, tuple[cells.ColumnKey, ...]], dict[int, np.ndarray]] = {}
    for index, (table, positions) in enumerate(zip(tables, rows, strict=True)):
        if len(positions):
            groups.setdefault((table.source.path, tuple(cells.own_columns(table))), {})[index] = positions
    return groups.values()


def _write(path: Path, file: ToFix, account: RunAccount) -> None:
    own = cells.union_of_own_columns(account.tables[index] for index in file.rows)
    headers = [header for header, _ in own] + list(_ADDED)
    starts = np.cumsum([0, *(len(table.cells) for table in account.tables)])
    # Without a byte order mark Excel reads accents wrongly, and then saves them so.
    accents = any(_has_accents(account.tables[index]) for index in file.rows)
    with cells.CsvFile(path, headers, [cells.TEXT] * len(headers), marked=accents) as written:
        for index, positions in file.rows.items():
            table = account.tables[index]
            for block in cells.blocks(len(positions)):
                told = account.rows.iloc[starts[index] + positions[block]]
                own_cells = cells.own_cells(table, own, table.cells.iloc[positions[block]])
                written.write([*own_cells, *(cells.text_column(told[name[1:]]) for name in _ADDED)])


def _has_accents(table: Table) -> bool:
    if not "".join(table.columns).isascii():
        return True
    columns = (pa.array(table.cells[index], cells.TEXT) for index in cells.own_columns(table).values())
    return not all(pc.all(pc.string_is_ascii(column)).as_py() for column in columns)


def stem(name: str) -> str:
    """Return a file's name without its ending, and without that of its packing."""
    unpacked = _PACKED.sub("", name)
    without = unpacked.rpartition(".")[0] or unpacked
    return without.encode(errors="surrogateescape")[:_LONGEST_NAME].decode(errors="ignore")


def _plain(sheet: str) -> str:
    return re.sub(r"[^\w .-]+", "_", sheet)[: _LONGEST_NAME // 8]


def _untaken(wanted: str, taken: set[str]) -> str:
    name, again = f"{wanted}.csv", 1
    while name.casefold() in taken:  # some file systems know no difference between the cases
        again += 1
        name = f"{wanted}-{again}.csv"
    taken.add(name.casefold())
    return name
