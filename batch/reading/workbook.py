"""Workbooks: XLSX, XLSM, XLSB, XLS and ODS, read by calamine, each cell as the file stores it.

A cell becomes the text that a person sees, and its kind says what the file stores: in a NUMBER of more than 15 digits
some are lost, and only the kind tells. Numbers up to 15 digits are written out; larger ones keep their E-notation.
"""

from __future__ import annotations

import gc
import io
import re
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from python_calamine import (
    CalamineError,
    CalamineSheet,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from batch.reading import grid, probe
from batch.reading.columns import Column, blank_rows, column_of, empty_column, kept
from batch.reading.oddities import Oddities, Range
from batch.reading.open_document import check_open_document, open_document_oddities
from batch.reading.parts import check_parts, opened
from batch.reading.records import needs_password, old_oddities, wide_oddities
from batch.reading.table import Kind, Table
from batch.reading.xlsx import xlsx_oddities
from schemas.characters import lengths, replaced

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from batch.reading.grid import Place

_BLOCK = 8_000  # rows made into columns together
_EXACT = 1e15  # Excel keeps 15 digits
_MOST_SECONDS = 120  # for another process to open a workbook
_NO_SUCH_TIME = (
    "a number in it is formatted as a length of time that no clock can show; make that column text, and export again."
)
_LOCKED = "the workbook is protected by a password; save it without one."
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_ENCRYPTED_PARTS = frozenset({"EncryptedPackage", "encrypted-package"})
_LITERAL = re.compile(r'="[^"]*"')  # a formula that is its own value
_KINDS = {
    "str": Kind.TEXT,
    "int": Kind.NUMBER,
    "float": Kind.NUMBER,
    "bool": Kind.BOOLEAN,
    "date": Kind.DATE,
    "datetime": Kind.DATE,
    "time": Kind.DATE,
    "timedelta": Kind.DURATION,
}


def read_workbook(place: Place, data: bytes, parts: frozenset[str]) -> tuple[Table, ...]:
    """Return a table for every worksheet that has a header. `parts` are the names inside a zipped workbook."""
    if _ENCRYPTED in data or parts & _ENCRYPTED_PARTS or (not parts and needs_password(data)):
        raise place.refused(_LOCKED)
    if parts:
        check_parts(place, data, parts)
    if "content.xml" in parts:
        with opened(place, data) as archive:
            check_open_document(place, archive)
    if "xl/workbook.xml" not in parts and not _survives(data):
        raise place.refused("the workbook is damaged; save it anew as .xlsx.")
    try:
        with _uncollected(), CalamineWorkbook.from_filelike(io.BytesIO(data)) as workbook:
            return _tables(place, workbook, _oddities(place, data, parts, workbook.sheet_names))
    except PasswordError:
        raise place.refused(_LOCKED) from None
    except OverflowError:
        raise place.refused(_NO_SUCH_TIME) from None
    except (CalamineError, OSError, ValueError):
        raise place.refused("it is no workbook that can be read, or it is damaged; save it anew as .xlsx.") from None
    except BaseException as error:  # a panic inside calamine is no Exception
        if type(error).__name__ != "PanicException":
            raise
        raise place.refused("the workbook is damaged; save it anew as .xlsx.") from None


@contextmanager
def _uncollected() -> Iterator[None]:
    """Keep Python from looking for cycles among the cells: there are none, and a look at millions takes its time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()


def _oddities(place: Place, data: bytes, parts: frozenset[str], sheets: Sequence[str]) -> dict[str, Oddities]:
    """Return what is odd in each sheet, by its name; refuse a sheet that is too large. `sheets` are all, in order."""
    if not parts:
        return dict(zip(sheets, old_oddities(data), strict=False))
    with opened(place, data) as archive:
        if "content.xml" in parts:
            return open_document_oddities(archive)
        if "xl/workbook.bin" in parts:
            return wide_oddities(archive)
        return xlsx_oddities(place, archive) if "xl/workbook.xml" in parts else {}


def _survives(data: bytes) -> bool:
    """Tell whether another process can open the workbook (`probe`). An XLSX is looked through instead (`parts`)."""
    command = [sys.executable, "-I", probe.__file__]  # our own script, and nothing of the user's
    try:
        done = subprocess.run(command, input=data, capture_output=True, check=False, timeout=_MOST_SECONDS)  # noqa: S603
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _tables(place: Place, workbook: CalamineWorkbook, odd: dict[str, Oddities]) -> tuple[Table, ...]:
    sheets = [sheet for sheet in workbook.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
    if len(sheets) > place.limits.sheets:
        raise place.refused(f"it has {len(sheets)} sheets; at most {place.limits.sheets} are read.")
    tables: list[Table] = []
    headless: list[grid.NoHeader] = []
    for metadata in sheets:
        notes = () if metadata.visible == SheetVisibleEnum.Visible else (f"the sheet '{metadata.name}' is hidden",)
        sheet = workbook.get_sheet_by_name(metadata.name)
        try:
            tables += _table(place.within(metadata.name), sheet, odd.get(metadata.name, Oddities()), notes)
        except grid.NoHeader as error:
            headless.append(error)  # notes or a drawing; other sheets may hold the shipments
    if not tables:
        raise headless[0] if headless else place.refused("the workbook is empty.")
    return tuple(tables)


def _table(place: Place, sheet: CalamineSheet, odd: Oddities, notes: tuple[str, ...]) -> tuple[Table, ...]:
    """Return the sheet's table, none for an empty sheet."""
    if sheet.end is None or sheet.start is None:
        return ()
    grid.check_shape(place, sheet.end[0] + 1, sheet.end[1] + 1)
    first = sheet.start[0]
    left = [""] * sheet.start[1]
    rows = sheet.to_python(skip_empty_area=True)
    if left:
        rows = [left + row for row in rows]
    head = [[_shown(cell) for cell in row] for row in rows[: grid.HEAD]]
    merged = sheet.merged_cell_ranges or odd.merged
    _fill_merged(head, merged, first)
    header = grid.header_of(place, head, range(first + 1, first + 1 + len(head)))
    body = rows[header.position + 1 :]
    numbers = np.arange(first + header.position + 2, first + 1 + len(rows), dtype=np.int64)
    columns, kinds = _columns(body, len(head[header.position]))
    _restore_errors(columns, kinds, odd, first + header.position + 1)
    _mark_formatted(columns, kinds, odd, first + header.position + 1)
    if (blank := blank_rows(columns, len(body))).any():
        columns, kinds, numbers = [kept(column, ~blank) for column in columns], kinds[~blank], numbers[~blank]
    if odd.hidden:
        notes = (*notes, "hidden rows or columns are read too")
    names = (first + header.position + 1, head[header.position])
    faults = _merged_rows(merged, columns, numbers)
    return (grid.finished(place, names, columns, numbers, kinds=kinds, notes=notes, faults=faults),)


def _fill_merged(head: list[list[str]], ranges: Sequence[Range], first: int) -> None:
    """Write a header that is merged over several rows into each of them."""
    for (top, left), (bottom, right) in ranges:
        rows = head[max(top - first, 0) : bottom - first + 1]
        if left == right and top < bottom and top >= first and rows and left < len(rows[0]):
            text = rows[0][left]
            for row in rows:
                row[left] = row[left] or text


def _merged_rows(ranges: Sequence[Range], columns: Sequence[Column], numbers: np.ndarray) -> tuple[grid.Fault, ...]:
    """Return the rows below the header that a cell with a value spans together with others."""
    merged: set[int] = set()
    for (top, left), (bottom, _) in ranges:
        low, high = np.searchsorted(numbers, (top + 1, bottom + 2)).tolist()
        if high - low > 1 and left < len(columns) and columns[left][low].as_py():
            merged.update(range(low, high))
    return tuple((position, grid.MERGED) for position in sorted(merged))


def _restore_errors(columns: list[Column], kinds: np.ndarray, odd: Oddities, header_row: int) -> None:
    """Write back what calamine hands out as empty: error cells, such as #N/A, and formulas without a value."""
    found: dict[int, dict[int, str]] = {}
    for row, column, text in odd.errors:
        position = row - header_row - 1
        if 0 <= position < len(kinds) and column < len(columns):
            found.setdefault(column, {})[position] = text
            kinds[position, column] = Kind.TEXT if _LITERAL.fullmatch(text) else Kind.ERROR
    for column, texts in found.items():
        positions = sorted(texts)
        restored = column_of([texts[position] for position in positions])
        columns[column] = replaced(columns[column], np.array(positions), restored)


def _mark_formatted(columns: Sequence[Column], kinds: np.ndarray, odd: Oddities, header_row: int) -> None:
    """Mark the numbers that are shown with noughts or letters which they do not have."""
    cells = np.array(odd.formatted, dtype=np.int64).reshape(-1, 3)
    cells[:, 0] -= header_row + 1
    inside = (cells[:, 0] >= 0) & (cells[:, 0] < len(kinds)) & (cells[:, 1] < len(columns))
    for column in np.unique(cells[inside, 1]).tolist():
        positions, _, shown = cells[inside & (cells[:, 1] == column)].T
        more = (kinds[positions, column] == Kind.NUMBER) & (lengths(columns[column])[positions] < shown)
        kinds[positions[more], column] = Kind.FORMATTED


def _columns(body: Sequence[Sequence[Any]], width: int) -> tuple[list[Column], np.ndarray]:
    """Return the columns, and the kind of every cell as uint8 (rows, columns).

    In blocks: cells that came together lie together in memory, which is a third of the time for them all.
    """
    kinds = np.zeros((len(body), width), dtype=np.uint8)
    parts: list[list[Column]] = [[empty_column(0)] for _ in range(width)]
    for start in range(0, len(body), _BLOCK):
        block = body[start : start + _BLOCK]
        for position, cells in enumerate(zip(*block, strict=True)):
            part, kinds[start : start + len(block), position] = _column(cells)
            parts[position].append(part)
    return [pa.concat_arrays(column) for column in parts], kinds


def _column(cells: tuple[Any, ...]) -> tuple[Column, np.ndarray]:
    """Return one column and its kinds. A column of text alone, the usual one, costs no work for each cell."""
    types = set(map(type, cells))
    if types <= {str}:
        column = column_of(cells)
        return column, np.where(lengths(column) > 0, np.uint8(Kind.TEXT), np.uint8(Kind.EMPTY))
    kind_of: Callable[[Any], int] = {kind: int(_KINDS[kind.__name__]) for kind in types}.__getitem__
    kinds = np.fromiter(map(kind_of, map(type, cells)), dtype=np.uint8, count=len(cells))
    column = column_of(_numbers(cells) if types <= {int, float} else list(map(_shown, cells)))
    kinds[lengths(column) == 0] = Kind.EMPTY
    return column, kinds


def _numbers(cells: tuple[float, ...]) -> list[str]:
    """Return a column of numbers alone as `_shown` shows them."""
    values = np.array(cells, dtype=np.float64)
    whole = (np.abs(values) < _EXACT) & (values == np.floor(values))
    texts: list[str] = pa.array(np.where(whole, values, 0).astype(np.int64)).cast(pa.string()).to_pylist()
    for position in np.flatnonzero(~whole):
        texts[position] = _shown(cells[position])
    return texts


def _shown(cell: Any) -> str:  # noqa: ANN401 - whatever calamine hands out
    """Return the cell as a person recognises it."""
    kind = type(cell)
    if kind is str:
        return str(cell)
    if kind is bool:
        return "TRUE" if cell else "FALSE"
    if kind is int or kind is float:
        return str(int(cell)) if abs(cell) < _EXACT and cell == int(cell) else f"{cell:.15G}"
    return str(cell.isoformat()) if hasattr(cell, "isoformat") else str(cell)
