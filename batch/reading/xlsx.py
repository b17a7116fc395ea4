"""XLSX: what stands in its sheets' parts that calamine does not tell: a sheet's true extent, and its oddities.

calamine lays a sheet out from its first used cell to its last; two cells far apart would fill the memory. So the parts
are looked through first, piece by piece, and a sheet that is too wide or too large is refused.
"""

from __future__ import annotations

import re
from html import unescape
from typing import IO, TYPE_CHECKING
from xml.etree import ElementTree as ET

import pyarrow as pa
import pyarrow.compute as pc

from batch.reading.number_formats import xlsx_formats
from batch.reading.oddities import Oddities
from batch.reading.parts import pieces, related

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from zipfile import ZipFile

    from batch.reading.grid import Place

_FAR = r"""\br\s*=\s*["'](?:[A-Za-z]{2,}[0-9]|[A-Za-z]*[0-9]{7,}["'])"""  # a cell beyond column Z or row 999,999
_LETTERS = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{2,})[0-9]""")
_ROWS = re.compile(rb"""\br\s*=\s*["'][A-Za-z]*([0-9]{6,})["']""")
_NEAR = 26  # columns of a sheet without such a cell
_ERROR = re.compile(
    rb"""<(?:\w+:)?c\s(?=[^>]*?\bt="e")[^>]*?\br="([A-Z]+)(\d+)"[^>]*>"""
    rb"""(?:<(?:\w+:)?f[^>]*?/>|<(?:\w+:)?f[^>]*>[^<]*</(?:\w+:)?f>)?<(?:\w+:)?v>([^<]{1,40})</"""
)
_FORMULA = re.compile(  # without a value; an empty text is one
    rb"""<(?:\w+:)?c\s(?![^>]*?\bt="str")[^>]*?\br="([A-Z]+)(\d+)"[^>]*>"""
    rb"""<(?:\w+:)?f(?:\s[^>]*)?(?:/>|>([^<]*)</(?:\w+:)?f>)\s*"""
    rb"""(?:<(?:\w+:)?v\s*/>|<(?:\w+:)?v></(?:\w+:)?v>)?\s*</(?:\w+:)?c>"""
)
_HIDDEN = (b'hidden="1"', b'hidden="true"')
_ODD = rf"""{_FAR}|t="e"|[<:]f|hidden="(?:1|true)\""""  # most sheets have none of this: one look tells
_RELATIONSHIPS = "/relationships}id"  # of Office, in its strict or its usual namespace


def xlsx_oddities(place: Place, archive: ZipFile) -> dict[str, Oddities]:
    """Return what is odd in each sheet, by its name; refuse a sheet that is too large."""
    there = set(archive.namelist())
    formats = xlsx_formats(archive)
    found = {}
    for name, part in _sheets(archive).items():
        if part in there:
            with archive.open(part) as stream:
                found[name] = _looked_through(place.within(name), stream, formats)
    return found


def _sheets(archive: ZipFile) -> dict[str, str]:
    """Return each sheet's part by the sheet's name."""
    workbook = ET.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 - expat bounds entities
    names = {
        value: sheet.get("name", "")
        for sheet in workbook.iter()
        if sheet.tag.endswith("}sheet")
        for key, value in sheet.items()
        if key.endswith(_RELATIONSHIPS)
    }
    return related(archive, "xl/_rels/workbook.xml.rels", names)


def _looked_through(place: Place, stream: IO[bytes], formats: Mapping[int, int]) -> Oddities:
    extent, errors, hidden = (_NEAR, 1), {}, False
    formatted: dict[tuple[int, int], int] = {}
    styled = _styled(formats)
    for piece in pieces(stream):
        if styled:
            found = styled.findall(piece)
            formatted.update({_cell(column, row): formats[int(style)] for style, column, row in found})
        if not _holds(piece, _ODD):
            continue
        extent = _extent(piece, extent)
        _check_extent(place, extent)
        if b't="e"' in piece:
            errors.update(_cells(_ERROR.findall(piece)))
        if b"<f" in piece or b":f" in piece:
            errors.update(_cells((column, row, b"=" + text) for column, row, text in _FORMULA.findall(piece)))
        hidden = hidden or any(mark in piece for mark in _HIDDEN)
    listed = tuple((row, column, unescape(text.decode(errors="replace"))) for (row, column), text in errors.items())
    return Oddities(listed, hidden, formatted=tuple((*cell, shown) for cell, shown in formatted.items()))


def _styled(formats: Mapping[int, int]) -> re.Pattern[bytes] | None:
    """Return what finds the cells of these styles: style, column and row; None without any."""
    styles = b"|".join(b"%d" % style for style in formats)
    pattern = rb"""<(?:\w+:)?c\s(?=[^>]*?\bs="(%s)")[^>]*?\br="([A-Z]+)(\d+)\""""
    return re.compile(pattern % styles) if formats else None


def _holds(piece: bytes, pattern: str) -> bool:
    """Tell whether the regular expression (RE2) is found in the piece: one look, where Python takes several."""
    return bool(pc.match_substring_regex(pa.array([piece], pa.binary()), pattern)[0].as_py())


def _cells(found: Iterable[tuple[bytes, bytes, bytes]]) -> dict[tuple[int, int], bytes]:
    """Return texts by row, counted from 1, and column, counted from 0."""
    return {_cell(column, row): text for column, row, text in found}


def _cell(column: bytes, row: bytes) -> tuple[int, int]:
    """Return a cell's row, counted from 1, and column, counted from 0."""
    return int(row), _column_number(column) - 1


def _extent(piece: bytes, extent: tuple[int, int]) -> tuple[int, int]:
    """Return at least how many columns and rows the sheet has, as far as the piece tells; exact where it has many."""
    if not _holds(piece, _FAR):
        return extent
    width = max([extent[0], *map(_column_number, set(_LETTERS.findall(piece)))])
    return width, max([extent[1], *map(int, _ROWS.findall(piece))])


def _check_extent(place: Place, extent: tuple[int, int]) -> None:
    width, height = extent
    if width > place.limits.columns:
        raise place.refused(f"it has {width:,} columns; at most {place.limits.columns} are read.")
    if width * height > place.limits.cells:
        raise place.refused(f"its last cell stands in row {height:,}, column {width}; that is too large a sheet.")


def _column_number(letters: bytes) -> int:
    """Return a column's number, counted from 1."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + letter - ord("A") + 1
    return number
