"""Records of Excel's binary workbooks, XLS and XLSB: where error cells stand, what is hidden, merged or formatted.

Both are a row of records, each with its kind and length before it. Kinds and layouts: [MS-XLS] and [MS-XLSB] of
Microsoft's open specifications. Only records that calamine could read come here; what makes no sense is passed over.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from batch.reading.compound import stream
from batch.reading.number_formats import old_formats, wide_formats
from batch.reading.oddities import ERROR_TEXTS, Oddities, Range
from batch.reading.parts import related

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from zipfile import ZipFile

# XLS
_SHEET, _START, _END, _PASSWORD = 0x85, 0x809, 0x0A, 0x2F
_ERROR_OR_BOOLEAN, _FORMULA, _ROW, _COLUMNS = 0x205, 0x06, 0x208, 0x7D
_NUMBER, _SHORT, _SHORTS = 0x203, 0x27E, 0xBD  # the last are several in one row
# XLSB
_WIDE_ROW, _WIDE_ERRORS, _WIDE_COLUMNS, _WIDE_SHEET, _WIDE_MERGED = 0, (3, 11), 60, 156, 176
_WIDE_NUMBERS = (2, 5, 9)


def needs_password(data: bytes) -> bool:
    """Tell whether an XLS is encrypted."""
    workbook = stream(data, "Workbook", "Book")
    return workbook is not None and any(kind == _PASSWORD for kind, _ in _until_end(workbook, 0))


def old_oddities(data: bytes) -> list[Oddities]:
    """Return what is odd in each sheet of an XLS, in its order."""
    workbook = stream(data, "Workbook", "Book")
    if workbook is None:
        return []
    everywhere = list(_until_end(workbook, 0))
    starts = [struct.unpack_from("<I", body)[0] for kind, body in everywhere if kind == _SHEET]
    formats = old_formats(everywhere)
    return [_old_sheet(workbook, start, formats) for start in starts]


def _until_end(workbook: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    """Yield the records of one part, from its start on; charts lie in it with a start and an end of their own."""
    depth = 0
    while at + 4 <= len(workbook):
        kind, length = struct.unpack_from("<HH", workbook, at)
        yield kind, workbook[at + 4 : at + 4 + length]
        depth += (kind == _START) - (kind == _END)
        if depth <= 0:
            return
        at += 4 + length


def _old_sheet(workbook: bytes, start: int, formats: Mapping[int, int]) -> Oddities:
    errors: list[tuple[int, int, str]] = []
    formatted: list[tuple[int, int, int]] = []
    hidden = False
    for kind, body in _until_end(workbook, start):
        if formats and kind in (_NUMBER, _SHORT, _SHORTS, _FORMULA):
            styled = _styles(body, several=kind == _SHORTS)
            formatted += [(row + 1, column, formats[style]) for row, column, style in styled if style in formats]
        if kind == _ERROR_OR_BOOLEAN and len(body) >= 8 and body[7]:  # noqa: PLR2004 - the record's own layout
            errors.append(_error(_cell(body), body[6]))
        elif kind == _FORMULA and body[6:7] == b"\x02" and body[12:14] == b"\xff\xff":
            errors.append(_error(_cell(body), body[8]))
        elif kind == _ROW:
            hidden = hidden or bool(body[12:13] and body[12] & 0x20)
        elif kind == _COLUMNS:
            hidden = hidden or bool(body[8:9] and body[8] & 0x01)
    return Oddities(tuple(errors), hidden, formatted=tuple(formatted))


def _styles(body: bytes, *, several: bool) -> Iterator[tuple[int, int, int]]:
    """Yield row, column and style of a record's cells; `several`: it holds a row of numbers, six bytes each."""
    count = (len(body) - 6) // 6 if several else min(len(body) // 6, 1)
    for place in range(count):
        row, column = _cell(body)
        yield row, column + place, struct.unpack_from("<H", body, 4 + 6 * place)[0]


def _cell(body: bytes) -> tuple[int, int]:
    row, column = struct.unpack_from("<HH", body)
    return row, column


def _error(cell: tuple[int, int], code: int) -> tuple[int, int, str]:
    return cell[0] + 1, cell[1], ERROR_TEXTS.get(code, "#N/A")


def wide_oddities(archive: ZipFile) -> dict[str, Oddities]:
    """Return what is odd in each sheet of an XLSB, by its name."""
    there = set(archive.namelist())
    parts = related(archive, "xl/_rels/workbook.bin.rels", _wide_sheets(archive.read("xl/workbook.bin")))
    formats = wide_formats(_wide_records(archive.read("xl/styles.bin"))) if "xl/styles.bin" in there else {}
    return {name: _wide_sheet(archive.read(part), formats) for name, part in parts.items() if part in there}


def _wide_sheets(workbook: bytes) -> dict[str, str]:
    """Return the sheets' names by the relations through which their parts are found."""
    sheets = {}
    for kind, body in _wide_records(workbook):
        if kind == _WIDE_SHEET:
            relation, behind = _wide_text(body, 8)
            sheets[relation] = _wide_text(body, behind)[0]
    return sheets


def _wide_sheet(part: bytes, formats: Mapping[int, int]) -> Oddities:
    errors: list[tuple[int, int, str]] = []
    formatted: list[tuple[int, int, int]] = []
    merged: list[Range] = []
    hidden, row = False, 0
    for kind, body in _wide_records(part):
        if kind == _WIDE_ROW:
            (row,) = struct.unpack_from("<I", body)
            hidden = hidden or bool(body[11] & 0x10)
        elif formats and kind in _WIDE_NUMBERS:
            column, style = struct.unpack_from("<II", body)
            formatted += [(row + 1, column, shown)] if (shown := formats.get(style & 0xFFFFFF)) else []
        elif kind in _WIDE_ERRORS:
            errors.append(_error((row, struct.unpack_from("<I", body)[0]), body[8]))
        elif kind == _WIDE_COLUMNS:
            hidden = hidden or bool(body[16] & 0x01)
        elif kind == _WIDE_MERGED:
            top, bottom, left, right = struct.unpack_from("<4I", body)
            merged.append(((top, left), (bottom, right)))
    return Oddities(tuple(errors), hidden, tuple(merged), tuple(formatted))


def _wide_text(body: bytes, at: int) -> tuple[str, int]:
    (count,) = struct.unpack_from("<I", body, at)
    end = at + 4 + 2 * count
    return body[at + 4 : end].decode("utf-16-le"), end


def _wide_records(data: bytes) -> Iterator[tuple[int, bytes]]:
    at = 0
    while at < len(data):
        kind, at = _wide_number(data, at, 2)
        length, at = _wide_number(data, at, 4)
        yield kind, data[at : at + length]
        at += length


def _wide_number(data: bytes, at: int, most: int) -> tuple[int, int]:
    """Return a number of up to `most` bytes, seven bits in each, and the place behind it."""
    number = 0
    for place in range(most):
        byte = data[at + place]
        number |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:  # noqa: PLR2004 - the last byte has no eighth bit
            return number, at + place + 1
    return number, at + most
