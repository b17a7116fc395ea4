"""Cells of a CSV report: the input's own columns untouched, but harmless when a spreadsheet program opens them."""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING, Self, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    import pandas as pd

    from batch.reading.table import Table

BLOCK = 65_536  # rows written at a time

# A spreadsheet program takes a cell that begins so for a formula, or splits it.
FORMULA_BEGINNINGS = ("=", "+", "-", "@", "\t", "\r")
_BEGINNINGS = pa.array([character.encode() for character in FORMULA_BEGINNINGS], pa.large_binary())

TEXT = pa.large_string()
_ABSENT = pa.scalar(None, TEXT)
_NOTHING = pa.scalar("", TEXT)
_APOSTROPHE = pa.scalar("'", TEXT)
_UTC = pa.scalar("Z", TEXT)
Column: TypeAlias = pa.Array | pa.ChunkedArray

# A header and which of several alike it is, from 0: what makes a column the same in two files.
ColumnKey: TypeAlias = tuple[str, int]


def neutralised(text: str) -> str:
    """Return the text with one leading apostrophe where a spreadsheet program would take it for a formula."""
    return f"'{text}" if text.startswith(FORMULA_BEGINNINGS) else text


def neutralised_column(column: Column) -> Column:
    """Return `neutralised` of every cell of a text column."""
    dangerous = pc.is_in(pc.binary_slice(column.cast(pa.large_binary()), 0, 1), value_set=_BEGINNINGS)
    if not pc.any(dangerous).as_py():
        return column
    return pc.if_else(dangerous, pc.binary_join_element_wise(_APOSTROPHE, column, _NOTHING), column)


def text_column(values: pd.Series) -> Column:
    """Return text as a column to write: formulas neutralised, "" as no value at all."""
    column = neutralised_column(pa.array(values.astype("str"), TEXT))
    return pc.if_else(pc.equal(column, _NOTHING), _ABSENT, column)


def time_column(moments: np.ndarray) -> Column:
    """Return UTC epoch milliseconds, 0 for none, as RFC 3339 with milliseconds."""
    stamps = pa.array(moments).cast(pa.timestamp("ms")).cast(TEXT)  # without a zone: thirty times as fast as with one
    written = pc.binary_join_element_wise(pc.utf8_replace_slice(stamps, 10, 11, "T"), _UTC, _NOTHING)
    return pc.if_else(pa.array(moments == 0), _ABSENT, written)


def constant_column(text: str, length: int) -> Column:
    """Return a text column that says the same in each row."""
    return pa.repeat(pa.scalar(neutralised(text) or None, TEXT), length)


def own_columns(table: Table) -> dict[ColumnKey, int]:
    """Return the table's own columns and where they are: all but those that an earlier report put there."""
    found: dict[ColumnKey, int] = {}
    seen: dict[str, int] = {}
    for index, header in enumerate(table.columns):
        which = seen[header] = seen.get(header, -1) + 1
        if not header.startswith("_"):
            found[header, which] = index
    return found


def union_of_own_columns(tables: Iterable[Table]) -> list[ColumnKey]:
    """Return every own column of the tables once, in order of first appearance."""
    return list(dict.fromkeys(key for table in tables for key in own_columns(table)))


def own_cells(table: Table, keys: Sequence[ColumnKey], cells: pd.DataFrame) -> list[Column]:
    """Return the cells (rows of `table.cells`) under each of the columns, none where the table lacks the column."""
    where = own_columns(table)
    nothing = pa.nulls(len(cells), TEXT)
    return [text_column(cells.iloc[:, where[key]]) if key in where else nothing for key in keys]


def blocks(length: int) -> Iterator[slice]:
    """Cut so many rows into slices of at most `BLOCK`."""
    for start in range(0, length, BLOCK):
        yield slice(start, min(start + BLOCK, length))


class CsvFile:
    """A CSV file that is written block by block: UTF-8, commas, text in quotation marks, every line ended by LF."""

    def __init__(
        self, path: Path, headers: Sequence[str], types: Sequence[pa.DataType], *, marked: bool = False
    ) -> None:
        """Begin the file with its header, `marked` with a byte order mark before it."""
        names = [neutralised(header) for header in headers]
        self._schema = pa.schema([pa.field(name, kind) for name, kind in zip(names, types, strict=True)])
        self._file = path.open("wb")
        self._file.write(codecs.BOM_UTF8 * marked)
        self._writer = pyarrow.csv.CSVWriter(self._file, self._schema)

    def write(self, columns: Sequence[Column]) -> None:
        """Add rows: one column for each header, all of one length."""
        self._writer.write_table(pa.Table.from_arrays(list(columns), schema=self._schema))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        try:
            self._writer.close()
        finally:
            self._file.close()
