"""What a file holds: its first bytes decide how it is read, never its name."""

from __future__ import annotations

import io
import tempfile
import zipfile
from dataclasses import replace

from batch.reading.archive import unpacked_gzip, zip_members
from batch.reading.grid import Place
from batch.reading.html import read_html
from batch.reading.spilling import mapped
from batch.reading.table import Limits, Source, Table
from batch.reading.text import read_large_text, read_text
from batch.reading.workbook import read_workbook

_SNIFFED = 4_096  # bytes
_LARGE = 256 << 20  # bytes from which on a text is not read into memory as a whole
_MOST_NESTED = 3  # a .zip in a .zip in a .gz; deeper is refused

# First bytes of what is no table, and what to call it.
_NO_TABLES = {
    b"%PDF": "a PDF",
    b"\x89PNG": "a picture",
    b"\xff\xd8\xff": "a picture",
    b"GIF8": "a picture",
    b"II*\x00": "a picture",
    b"MM\x00*": "a picture",
    b"RIFF": "a picture or a sound",
    b"Rar!": "a RAR archive; unpack it first, or pack it as .zip. It is no spreadsheet",
    b"7z\xbc\xaf": "a 7z archive; unpack it first, or pack it as .zip. It is no spreadsheet",
    b"{\\rtf": "a text document",
    b"\x7fELF": "a program",
    b"MZ\x90\x00": "a program",
    b"BM": "a picture",
}
_ZIP = (b"PK\x03\x04", b"PK\x05\x06")
_BLANKS = b"\xef\xbb\xbf\xff\xfe \t\r\n"  # and byte order marks
_GZIP = b"\x1f\x8b"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"


def read_tables(source: Source, limits: Limits | None = None, known: frozenset[str] = frozenset()) -> tuple[Table, ...]:
    """Return every table of a file: the sheets of a workbook, the members of an archive, or the one of a text.

    `known` are the headers that profiles know (`profiles.vocabulary`), in their compared form: with them a header is
    found below banner lines, and the separator of a text is never mistaken. Raises UnreadableFile with one sentence
    that names the file.
    """
    place = Place(source, "", limits or Limits(), known)
    try:
        size = source.content.stat().st_size
        if size > place.limits.file_bytes:
            raise place.refused(f"it has {size:,} bytes; at most {place.limits.file_bytes:,} are read.")
        if size >= _LARGE and (table := _large_table(place)) is not None:
            return (table,)
        data = source.content.read_bytes()
    except OSError as error:
        raise place.refused(f"it cannot be opened ({error.strerror}).") from None
    return _tables(place, data, depth=0)


def _large_table(place: Place) -> Table | None:
    """Return the table of a large text, whose cells lie in files; None where it is no text, or no regular one."""
    with place.source.content.open("rb") as file:
        content = mapped(file)
    if not may_be_text(content[:_SNIFFED]):
        return None
    try:
        return read_large_text(place, memoryview(content))
    except OSError as error:
        where = tempfile.gettempdir()
        raise place.refused(f"it is large, and its cells cannot be laid into {where} ({error.strerror}).") from None


def may_be_text(head: bytes) -> bool:
    """Whether a file that begins so is none of those that are no text, or are text of another kind."""
    return not (head.startswith((_GZIP, *_ZIP, _OLE, *_NO_TABLES)) or head.lstrip(_BLANKS).startswith(b"<"))


def _tables(place: Place, data: bytes, depth: int) -> tuple[Table, ...]:
    if not data:
        raise place.refused("the file is empty (0 bytes).")
    if data.startswith(_GZIP):
        return _tables(_deeper(place, depth), unpacked_gzip(place, data), depth + 1)
    if data.startswith(_ZIP):
        parts = _zip_parts(data)
        if parts & {"[Content_Types].xml", "mimetype"}:
            return read_workbook(place, data, parts)
        return _archive(_deeper(place, depth), data, depth + 1)
    if data.startswith(_OLE):
        return read_workbook(place, data, frozenset())
    _refuse_no_table(place, data)
    if data[:_SNIFFED].replace(b"\0", b"").lstrip(_BLANKS).startswith(b"<"):
        return read_html(place, data)
    table = read_text(place, data)
    # What comes out of an archive is whole: the archive itself has told so.
    return (replace(table, unterminated=False) if depth else table,)


def _deeper(place: Place, depth: int) -> Place:
    if depth >= _MOST_NESTED:
        raise place.refused("archives lie too deep inside each other; unpack them first.")
    return place


def _zip_parts(data: bytes) -> frozenset[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return frozenset(archive.namelist())
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return frozenset()


def _archive(place: Place, data: bytes, depth: int) -> tuple[Table, ...]:
    """Return the tables of all members; one that cannot be read refuses the whole archive: nothing is half read."""
    tables: list[Table] = []
    for name, content in zip_members(place, data):
        if content:
            tables += _tables(place.within(name), content, depth)
    if not tables:
        raise place.refused("the archive holds no file that could be read.")
    return tuple(tables)


def _refuse_no_table(place: Place, data: bytes) -> None:
    for mark, name in _NO_TABLES.items():
        if data.startswith(mark) and (len(mark) > 2 or b"\0" in data[:64]):  # noqa: PLR2004 - two letters may begin a text
            raise place.refused(f"it is {name}; export the shipments as .csv or .xlsx.")
