"""Text tables: which separator, where the header stands, then the fast exact way or the slow exact way.

A regular file (every row as wide as the header, quotation marks only around whole cells) is read by pyarrow; any other
by Python's csv module. Both give the same table. Rows are counted as Excel counts them: a line break inside quotation
marks makes no new row, a blank line does, a `sep=;` line does not count.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from batch.reading import grid
from batch.reading.columns import Column, blank_rows, empty_column, kept
from batch.reading.encoding import Undecodable, as_utf8, is_plain_utf8
from batch.reading.headers import find_header
from batch.reading.spilling import spilled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from batch.reading.grid import Place
    from batch.reading.table import Table

    _Keep = Callable[[Iterable[pa.RecordBatch], int], list[Column]]  # record batches and their width ▶ whole columns

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_HEAD = 1 << 18  # bytes looked at to find separator and header
_HEAD_RECORDS = 200
_QUOTE = ord('"')
_ARROW_BLOCK = 1 << 24  # bytes that pyarrow reads together; small blocks leave its memory in shreds
_OFFSETS_END = 1 << 31  # bytes; beyond, a text's place does not fit into 32 bits
_BLOCK = 1 << 24  # bytes looked at together for quotation marks
_SEPARATOR_LINE = re.compile(rb'"?sep=([,;\t|])"?\r?\n', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Text:
    """A text and what was found out about it."""

    data: bytes  # UTF-8; of a large text its beginning
    start: int  # where the first row begins
    separator: str
    notes: tuple[str, ...]

    @property
    def unterminated(self) -> bool:
        return not self.data.endswith((b"\n", b"\r"))


def read_text(place: Place, data: bytes) -> Table:
    """Return the table of a text file: comma-, semicolon-, tab- or pipe-separated, in any of the known encodings."""
    try:
        utf8, encoding = as_utf8(data)
    except Undecodable as error:
        raise place.refused(f"{error}.") from None
    if not _has_text(memoryview(utf8)):
        raise place.refused("the file has nothing but blank lines.")
    text = _understood(utf8, encoding, place.known)
    return _regular(place, text, memoryview(text.data), in_memory) or _irregular(place, text)


def read_large_text(place: Place, data: memoryview) -> Table | None:
    """Return the table of a large text, its cells in files, or None where it is not as regular as most: `read_text` it.

    Both give the same table; this one copies nothing of the text but pieces.
    """
    if not is_plain_utf8(data):
        return None
    head = bytes(data[: 2 * _HEAD])
    text = _understood(head, "", place.known)
    found = _regular(place, text, data, spilled)
    return None if found is None else replace(found, unterminated=bytes(data[-1:]) not in (b"\n", b"\r"))


def _has_text(data: memoryview) -> bool:
    return bool(bytes(data[:_HEAD]).strip() or bytes(data).strip())


def _understood(utf8: bytes, encoding: str, known: frozenset[str]) -> _Text:
    said = _SEPARATOR_LINE.match(utf8)
    start = said.end() if said else 0
    separator = said[1].decode() if said else _separator(utf8, known)
    notes = [encoding] if encoding else []
    if separator != ",":
        notes.append(f"{SEPARATORS[separator]}-separated")
    return _Text(utf8, start, separator, tuple(notes))


def _separator(utf8: bytes, known: frozenset[str]) -> str:
    """Return the separator that shows most known headers, else the most even rows, else the widest."""
    return max(SEPARATORS, key=lambda separator: _evenness(utf8, separator, known))


def _evenness(utf8: bytes, separator: str, known: frozenset[str]) -> tuple[int, float, int]:
    records = [record for record, _ in _head(utf8, 0, separator) if any(record)]
    header = find_header(records, known)
    widths = Counter(map(len, records))
    width, count = max(widths.items(), key=lambda item: (item[1], item[0]), default=(0, 0))
    return header.known if header else 0, count / len(records) if width > 1 else 0.0, width


def _head(utf8: bytes, start: int, separator: str) -> list[tuple[list[str], int]]:
    """Return the first records, each with the offset behind it; a quotation mark without its partner ends them."""
    lines = utf8[start : start + _HEAD].splitlines(keepends=True)
    if len(utf8) > start + _HEAD and len(lines) > 1:
        lines.pop()
    offset = start

    def fed() -> Iterator[str]:
        nonlocal offset
        for line in lines:
            offset += len(line)
            yield line.decode(errors="replace")

    records: list[tuple[list[str], int]] = []
    try:
        for record in csv.reader(fed(), delimiter=separator, strict=True):
            records.append((record, offset))
            if len(records) == _HEAD_RECORDS:
                break
    except csv.Error:
        pass  # the whole text is read later, and says where
    return records


@dataclass(frozen=True, slots=True)
class Layout:
    """What a text's first rows say of all: how cells are parted, where the header stands, where the body begins."""

    separator: str
    notes: tuple[str, ...]
    header_row: int  # as Excel shows it
    names: tuple[str, ...]  # of the columns, as the header has them
    offset: int  # bytes


def layout_of(place: Place, head: bytes, encoding: str) -> Layout | None:
    """Return how a text is laid out of which this is the beginning, None where it has no rows.

    `encoding`: a note on it, "" for none. Raises UnreadableFile where no header is found.
    """
    return _laid_out(place, _understood(head, encoding, place.known))


def _laid_out(place: Place, text: _Text) -> Layout | None:
    head = _head(text.data, text.start, text.separator)
    if not head:
        return None
    records = [record for record, _ in head]
    header = grid.header_of(place, records, range(1, len(records) + 1))
    names, offset = records[header.position], head[header.position][1]
    grid.check_shape(place, 0, len(names))
    return Layout(text.separator, text.notes, header.position + 1, tuple(names), offset)


def _regular(place: Place, text: _Text, data: memoryview, keep: _Keep) -> Table | None:
    """Return the table by the fast way, None where the text is not regular. `data`: all of the text."""
    layout = _laid_out(place, text)
    if layout is None:
        return None
    found = read_body(place, layout, data[layout.offset :], keep=keep, unterminated=text.unterminated)
    return found and found[0]


def read_body(
    place: Place, layout: Layout, body: memoryview, *, unterminated: bool, keep: _Keep | None = None
) -> tuple[Table, int] | None:
    """Return the table of a text's body, or of a part of it, and how many rows it had, blank ones included.

    None where it is not regular. `unterminated`: the text's last line has no line end. `keep`: in memory if none is
    given.
    """
    columns = _arrow_columns(body, len(layout.names), layout.separator, keep or in_memory)
    if columns is None:
        return None
    height = len(columns[0])
    grid.check_shape(place, height, len(columns))
    rows = np.arange(layout.header_row + 1, layout.header_row + 1 + height, dtype=np.int64)
    if (blank := blank_rows(columns, height)).any():
        columns, rows = [kept(column, ~blank) for column in columns], rows[~blank]
    header = layout.header_row, layout.names
    return grid.finished(place, header, columns, rows, notes=layout.notes, unterminated=unterminated), height


def _arrow_columns(body: memoryview, width: int, separator: str, keep: _Keep) -> list[Column] | None:
    """Return the body's columns as text, None where pyarrow might read it otherwise than the csv module."""
    if not _has_text(body):
        return [empty_column(0)] * width
    quoted = _quotes(body, separator)
    if quoted is None:
        return None
    names = [str(position) for position in range(width)]
    try:
        stream = arrow_csv.open_csv(
            pa.BufferReader(pa.py_buffer(body)),
            read_options=arrow_csv.ReadOptions(column_names=names, block_size=_ARROW_BLOCK),
            parse_options=arrow_csv.ParseOptions(
                delimiter=separator, newlines_in_values=quoted, ignore_empty_lines=False
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=False, check_utf8=False
            ),
        )
        return keep(stream, width)
    except pa.ArrowInvalid:
        return None


def in_memory(stream: Iterable[pa.RecordBatch], width: int) -> list[Column]:
    """Return the columns of record batches of text, each in one piece."""
    batches = list(stream)
    parts = [[batch.column(position) for batch in batches] for position in range(width)]
    del batches
    return [_joined(parts) for _ in range(width)]


def _joined(parts: list[list[Column]]) -> Column:
    """Take the first column's parts and return them in one piece; what that frees is given back at once."""
    pieces = parts.pop(0)
    if sum(piece.nbytes for piece in pieces) >= _OFFSETS_END:
        pieces = [piece.cast(pa.large_string()) for piece in pieces]
    column = pa.concat_arrays(pieces)
    del pieces
    pa.default_memory_pool().release_unused()
    return column.cast(pa.large_string())


def _quotes(body: memoryview, separator: str) -> bool | None:
    """Tell whether there are quotation marks; None where one is neither around a whole cell nor doubled inside."""
    if cast("bytes", body.obj).find(b'"') < 0:  # or a file that is mapped, which can find, too
        return False
    marks = np.frombuffer(body, dtype=np.uint8)
    boundary = np.zeros(256, dtype=bool)
    boundary[[ord(separator), ord("\n"), ord("\r"), _QUOTE]] = True
    seen = 0
    for start in range(0, len(marks), _BLOCK):
        quotes = np.flatnonzero(marks[start : start + _BLOCK] == _QUOTE) + start
        opening = quotes[seen % 2 :: 2]
        closing = quotes[1 - seen % 2 :: 2]
        before = opening[opening > 0] - 1
        behind = closing[closing < len(marks) - 1] + 1
        if not (boundary[marks[before]].all() and boundary[marks[behind]].all()):
            return None
        seen += len(quotes)
    return None if seen % 2 else seen > 0


def _irregular(place: Place, text: _Text) -> Table:
    """Return the table by the slow way, which takes rows of any width."""
    read = 0

    def records() -> Iterator[list[str]]:
        nonlocal read
        data = io.BytesIO(text.data)
        data.seek(text.start)
        lines = io.TextIOWrapper(data, encoding="utf-8", newline="")
        for record in csv.reader(lines, delimiter=text.separator, strict=True):
            read += 1
            yield record

    try:
        return grid.text_table(place, records(), notes=text.notes, unterminated=text.unterminated)
    except csv.Error as error:
        raise place.refused(_broken(error, read + 1)) from None


def _broken(error: csv.Error, row: int) -> str:
    if "field limit" in str(error):
        return f"a cell in row {row} is longer than any cell of a spreadsheet."
    return (
        f"a quotation mark in or after row {row} is never closed, or stands inside a value without being doubled; "
        "export the file again."
    )
