"""What stands in a workbook's parts that calamine does not tell: its true extent, error cells, hidden rows and columns.

calamine lays a sheet out from its first used cell to its last; two cells far apart would fill the memory. So the parts
are looked through first, piece by piece, and a sheet that is too wide or too large is refused.
"""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
import zlib
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING
from xml.etree import ElementTree as ET

import pyarrow as pa
import pyarrow.compute as pc

from batch.reading.archive import check_members

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batch.reading.grid import Place

_PIECE = 1 << 22  # bytes looked at together
_OVERLAP = 512  # bytes kept, so that nothing is cut in two
_FAR = r"""\br\s*=\s*["'](?:[A-Za-z]{2,}[0-9]|[A-Za-z]*[0-9]{7,}["'])"""  # a cell beyond column Z or row 999,999
_LETTERS = re.compile(rb"""\br\s*=\s*["']([A-Za-z]{2,})[0-9]""")
_ROWS = re.compile(rb"""\br\s*=\s*["'][A-Za-z]*([0-9]{6,})["']""")
_NEAR = 26  # columns of a sheet without such a cell
_ERROR = re.compile(
    rb"""<c\s[^>]*?\br="([A-Z]+)(\d+)"[^>]*?\bt="e"[^>]*>(?:<f[^>]*/>|<f[^>]*>[^<]*</f>)?<v>([^<]{1,40})</v>"""
)
_HIDDEN = (b'hidden="1"', b'hidden="true"')
_REPEATED = re.compile(
    rb"""<table:table-(row|cell)\b[^>]*?number-(?:rows|columns)-repeated\s*=\s*["'](\d+)["'][^>]*>"""
)
_RELATIONSHIP = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_MOST_REPEATED = 16_384  # a repeated cell that holds a value
_BROKEN = (zipfile.BadZipFile, EOFError, zlib.error, OSError, NotImplementedError, ValueError, RuntimeError, KeyError)


@dataclass(frozen=True, slots=True)
class Oddities:
    """What is odd in one sheet."""

    errors: tuple[tuple[int, int, str], ...] = ()  # row as Excel shows it, column from 0, the error's text
    hidden: bool = False  # some rows or columns are


def check_parts(place: Place, data: bytes, parts: frozenset[str]) -> None:
    """Refuse a zipped workbook that unpacks to too much, or that is a document of another kind."""
    if not parts:
        return
    if any(name.startswith(("word/", "ppt/")) for name in parts):
        raise place.refused("it is a text document or a presentation, no spreadsheet.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            check_members(place, archive.infolist(), len(data))
    except _BROKEN:
        raise place.refused("the workbook is damaged or was cut off; copy or save it again.") from None


def oddities(place: Place, data: bytes) -> dict[str, Oddities]:
    """Return what is odd in each sheet of an XLSX, by the sheet's name; refuse a sheet that is too large.

    Other kinds of workbooks give nothing.
    """
    if not data.startswith(b"PK"):
        return {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist())
            sheets = _sheets(archive) if "xl/workbook.xml" in names else {}
            found = {}
            for name, part in sheets.items():
                if part in names:
                    with archive.open(part) as stream:
                        found[name] = _looked_through(place.within(name), stream)
            return found
    except (*_BROKEN, ET.ParseError):
        raise place.refused("the workbook is damaged or was cut off; copy or save it again.") from None


def _sheets(archive: zipfile.ZipFile) -> dict[str, str]:
    """Return each sheet's part by the sheet's name."""
    relations = ET.fromstring(archive.read("xl/_rels/workbook.xml.rels"))  # noqa: S314 - expat bounds entities
    targets = {relation.get("Id"): relation.get("Target", "") for relation in relations}
    workbook = ET.fromstring(archive.read("xl/workbook.xml"))  # noqa: S314 - the same
    return {
        sheet.get("name", ""): _part(targets.get(sheet.get(_RELATIONSHIP), ""))
        for sheet in workbook.iter()
        if sheet.tag.endswith("}sheet")
    }


def _part(target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join("xl", target))


def _pieces(stream: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while piece := stream.read(_PIECE):
        whole = rest + piece
        yield whole
        rest = whole[-_OVERLAP:]


def _looked_through(place: Place, stream: IO[bytes]) -> Oddities:
    extent, errors, hidden = (1, 1), {}, False
    for piece in _pieces(stream):
        extent = _extent(piece, extent)
        _check_extent(place, extent)
        if b't="e"' in piece:
            errors.update({(int(row), _column_number(column) - 1): text for column, row, text in _ERROR.findall(piece)})
        hidden = hidden or any(mark in piece for mark in _HIDDEN)
    listed = tuple((row, column, text.decode(errors="replace")) for (row, column), text in errors.items())
    return Oddities(listed, hidden)


def _extent(piece: bytes, extent: tuple[int, int]) -> tuple[int, int]:
    """Return at least how many columns and rows the sheet has, as far as the piece tells; exact where it has many."""
    width, height = max(extent[0], _NEAR), extent[1]
    if not pc.match_substring_regex(pa.array([piece], pa.binary()), _FAR)[0].as_py():
        return width, height
    width = max([width, *map(_column_number, set(_LETTERS.findall(piece)))])
    return width, max([height, *map(int, _ROWS.findall(piece))])


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


def check_open_document(place: Place, data: bytes) -> None:
    """Refuse an ODS whose cells with values are repeated beyond any real sheet."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive, archive.open("content.xml") as stream:
            for piece in _pieces(stream):
                for match in _REPEATED.finditer(piece):
                    valued = b"value" in match[0] and match[1] == b"cell"
                    if valued and int(match[2]) > _MOST_REPEATED:
                        raise place.refused("a cell is repeated beyond any real sheet; it is refused as a danger.")
    except _BROKEN:
        raise place.refused("the workbook is damaged or was cut off; copy or save it again.") from None
