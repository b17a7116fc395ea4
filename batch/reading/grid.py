"""From rows of cells to a table: the header found, widths made even, blank rows passed over."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain, islice, zip_longest
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from batch.errors import UnreadableFile
from batch.reading.columns import (
    Column,
    beyond,
    blank_rows,
    column_of,
    empty_column,
    frame_of,
    is_filled,
    kept,
    without_apostrophe,
)
from batch.reading.headers import Header, find_header
from batch.reading.table import Limits, Source, Table, cell_address

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

HEAD = 200  # rows in which the header is looked for, so that one too far down can be named
_BLOCK = 20_000  # records made into columns together: millions of lists at once cost the garbage collector's time
TOO_MANY_CELLS = "the row has more cells than the header; a separator inside a value must stand in quotation marks"
MERGED = (
    "cells are merged over several rows here, so what each row says is not sure; unmerge them and fill in every row"
)
CUT_OFF = "the file ends in the middle of this row, without a line end: it was cut off; export or copy it again"

Fault = tuple[int, str]
"""A row that was not read whole: its position and the reason."""


class NoHeader(UnreadableFile):
    """The table has no header row."""


@dataclass(frozen=True, slots=True)
class Place:
    """What is being read: the file, the sheet in it, the limits, and the headers that profiles know."""

    source: Source
    sheet: str
    limits: Limits
    known: frozenset[str]

    @property
    def name(self) -> str:
        """The place for sentences."""
        return f"{self.source.path}, '{self.sheet}'" if self.sheet else str(self.source.path)

    def refused(self, reason: str) -> UnreadableFile:
        """Return the one sentence that says why the file is not read."""
        return UnreadableFile(f"{self.name}: {reason}")

    def within(self, sheet: str) -> Place:
        """Return the same place, one step deeper."""
        name = f"{self.sheet}/{sheet}" if self.sheet and sheet else self.sheet or sheet
        return Place(self.source, name, self.limits, self.known)


def header_of(place: Place, rows: Sequence[Sequence[str]], numbers: Sequence[int]) -> Header:
    """Return the header among the first rows, or refuse the file."""
    header = find_header(rows[:HEAD], place.known)
    if header is None:
        raise NoHeader(f"{place.name}: no header row found; the first row must name the columns.")
    row = numbers[header.position]
    if row > place.limits.header_row:
        raise place.refused(
            f"the header stands in row {row}; it must be one of the first {place.limits.header_row} rows: "
            "remove the lines above it."
        )
    return header


def check_shape(place: Place, rows: int, columns: int) -> None:
    """Refuse a table that is too large."""
    if columns > place.limits.columns:
        raise place.refused(f"it has {columns:,} columns; at most {place.limits.columns} are read.")
    if rows > place.limits.rows:
        raise place.refused(f"it has {rows:,} rows; at most {place.limits.rows:,} are read.")


def text_table(
    place: Place,
    records: Iterable[Sequence[str]],
    *,
    notes: tuple[str, ...],
    spans: Sequence[tuple[int, int]] = (),
    unterminated: bool = False,
) -> Table:
    """Return a table of records of any widths, counted from 1 as Excel counts rows.

    Records that are too short are blank at their end. Those that are too long keep their further cells in columns
    without a name, and are faults; so are those below the header that one cell spans (`spans`: first and last record).
    """
    stream = iter(records)
    head = list(islice(stream, HEAD))
    header = header_of(place, head, range(1, len(head) + 1))
    names = head[header.position]
    check_shape(place, 0, len(names))
    body = _Body(place, len(names))
    for block in _blocks(chain(head[header.position + 1 :], stream)):
        body.add(block)
    if unterminated:
        body.cut_off()
    body.spanned(spans, header.position + 1)
    columns, blank, faults = body.columns(), body.blank(), body.faults
    rows = np.arange(header.position + 2, header.position + 2 + body.height, dtype=np.int64)
    if blank.any():
        columns, rows = [kept(column, ~blank) for column in columns], rows[~blank]
        passed = np.cumsum(blank)
        faults = [(position - int(passed[position]), reason) for position, reason in faults if not blank[position]]
    return finished(
        place,
        (header.position + 1, names),
        columns,
        rows,
        notes=notes,
        faults=tuple(faults),
        unterminated=unterminated,
    )


def _blocks(records: Iterator[Sequence[str]]) -> Iterator[list[Sequence[str]]]:
    while block := list(islice(records, _BLOCK)):
        yield block


class _Body:
    """The rows below the header, made into columns block by block."""

    def __init__(self, place: Place, width: int) -> None:
        self.height = 0
        self.faults: list[Fault] = []
        self._place = place
        self._width = width  # of the header
        self._blocks: list[tuple[int, list[Column]]] = []  # height and columns of each
        self._last_width = width

    def add(self, block: list[Sequence[str]]) -> None:
        columns = [column_of(column) for column in zip_longest(*block, fillvalue="")]
        self.faults += [
            (self.height + position, TOO_MANY_CELLS)
            for position, row in enumerate(block)
            if len(row) > self._width and any(cell.strip() for cell in row[self._width :])
        ]
        self._blocks.append((len(block), columns))
        self.height += len(block)
        self._last_width = len(block[-1])
        check_shape(self._place, self.height, len(columns))

    def spanned(self, spans: Iterable[tuple[int, int]], start: int) -> None:
        """Note the rows that share a cell. `start`: the record in which the body begins."""
        shared = {row - start for first, last in spans if first >= start for row in range(first, last + 1)}
        self.faults += [(row, MERGED) for row in sorted(shared) if row < self.height]

    def cut_off(self) -> None:
        """Note that the last row is not whole, if it has too few cells."""
        if self._last_width < self._width:
            self.faults.append((self.height - 1, CUT_OFF))

    def columns(self) -> list[Column]:
        width = max([self._width, *(len(columns) for _, columns in self._blocks)])
        return [self._column(position) for position in range(width)]

    def _column(self, position: int) -> Column:
        parts = [
            columns[position] if position < len(columns) else empty_column(height) for height, columns in self._blocks
        ]
        return pa.concat_arrays(parts) if parts else empty_column(0)

    def blank(self) -> np.ndarray:
        blocks = [blank_rows(columns, height) for height, columns in self._blocks]
        return np.concatenate(blocks) if blocks else np.zeros(0, dtype=bool)


def finished(
    place: Place,
    header: tuple[int, Sequence[str]],
    columns: Sequence[Column],
    rows: np.ndarray,
    *,
    notes: tuple[str, ...],
    kinds: np.ndarray | None = None,
    faults: tuple[Fault, ...] = (),
    unterminated: bool = False,
) -> Table:
    """Return the table, without the empty columns at its right end that have no name.

    `header` is its row as Excel shows it, and its cells. Refuses a table with a cell that is too long.
    """
    header_row, names = header
    _check_cells(place, columns, rows)
    headers = [name.strip() for name in names] + [""] * (len(columns) - len(names))
    width = len(columns)
    while width and not headers[width - 1] and not is_filled(columns[width - 1]):
        width -= 1
    return Table(
        source=place.source,
        sheet=place.sheet,
        header_row=header_row,
        columns=tuple(headers[:width]),
        cells=frame_of([without_apostrophe(column) for column in columns[:width]], len(rows)),
        kinds=None if kinds is None else kinds[:, :width],
        rows=rows,
        notes=notes,
        faults=faults,
        unterminated=unterminated,
    )


def _check_cells(place: Place, columns: Sequence[Column], rows: np.ndarray) -> None:
    limit = place.limits.cell_characters
    for position, column in enumerate(columns):
        if too_long := beyond(column, limit):
            at, characters = too_long
            cell = cell_address(position, int(rows[at]))
            raise place.refused(f"the cell {cell} has {characters:,} characters; at most {limit:,} fit into one.")
