"""Small binary files for tests, byte by byte: an XLSB, which no program here writes, and the container of an XLS."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

ERROR_CODES = {"#N/A": 0x2A, "#DIV/0!": 0x07}
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_SHEET = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet"


def record(kind: int, body: bytes = b"") -> bytes:
    return _number(kind) + _number(len(body)) + body


def _number(value: int) -> bytes:
    """Return a number seven bits a byte, the lowest first."""
    low, high = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _number(high) if high else bytes([low])


def _text(text: str) -> bytes:
    return struct.pack("<I", len(text)) + text.encode("utf-16-le")


def _cell(column: int, value: str | float, style: int) -> bytes:
    start = struct.pack("<II", column, style)
    if value in ERROR_CODES:
        return record(3, start + bytes([ERROR_CODES[str(value)]]))
    if isinstance(value, str):
        return record(6, start + _text(value))
    return record(5, start + struct.pack("<d", value))


def binary_workbook(
    rows: Sequence[Sequence[str | float]],
    *,
    hidden: int = -1,
    hidden_column: int = -1,
    merged: tuple[int, int, int, int] | None = None,
    codes: Sequence[str] = (),
) -> bytes:
    """Return an XLSB with one sheet; `hidden` is a row from 0, `merged` top, bottom, left and right.

    `codes`: of number formats, each a style; all cells are of the last.
    """
    style = max(len(codes) - 1, 0)
    sheet = record(129) + record(148, struct.pack("<4I", 0, len(rows) - 1, 0, max(map(len, rows)) - 1))
    if hidden_column >= 0:
        sheet += record(390) + record(60, struct.pack("<4IH", hidden_column, hidden_column, 2304, 0, 1)) + record(391)
    sheet += record(145)
    for number, row in enumerate(rows):
        flags = 0x1000 if number == hidden else 0
        sheet += record(0, struct.pack("<IIHHBI", number, 0, 300, flags, 0, 0))
        sheet += b"".join(_cell(column, value, style) for column, value in enumerate(row))
    sheet += record(146)
    if merged:
        sheet += record(177, struct.pack("<I", 1)) + record(176, struct.pack("<4I", *merged)) + record(178)
    sheets = record(143) + record(156, struct.pack("<II", 0, 1) + _text("rId1") + _text("Sheet1")) + record(144)
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"/>',
        "xl/_rels/workbook.bin.rels": f'<Relationships xmlns="{_PACKAGE}/relationships">'
        f'<Relationship Id="rId1" Type="{_SHEET}" Target="worksheets/sheet1.bin"/></Relationships>',
        "xl/workbook.bin": record(131) + sheets + record(132),
        "xl/worksheets/sheet1.bin": sheet + record(130),
    }
    if codes:
        parts["xl/styles.bin"] = _styles(codes)
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return raw.getvalue()


def _styles(codes: Sequence[str]) -> bytes:
    formats = b"".join(record(44, struct.pack("<H", 164 + place) + _text(code)) for place, code in enumerate(codes))
    used = b"".join(record(47, struct.pack("<HH12x", 0, 164 + place)) for place in range(len(codes)))
    count = struct.pack("<I", len(codes))
    cells = record(617, count) + used + record(618)
    return record(278) + record(615, count) + formats + record(616) + cells + record(279)


NONE, END, TABLE, CHAIN = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD, 0xFFFFFFFC  # in place of the next sector
SECTOR, SMALL, SMALL_BELOW = 512, 64, 4096


def compound_file(streams: dict[str, bytes], *, listed_in_chain: bool = False) -> bytes:
    """Return an OLE compound file; `listed_in_chain`: its table is listed in a sector of its own, as in large files."""
    sectors: list[bytes] = []
    table: list[int] = []

    def add(content: bytes, size: int = SECTOR) -> int:
        first = len(sectors)
        pieces = [content[at : at + size].ljust(size, b"\0") for at in range(0, len(content), size)]
        sectors.extend(pieces)
        table.extend([*range(first + 1, first + len(pieces)), END] if pieces else [])
        return first if pieces else END

    inner, inner_table = b"", list[int]()
    places = {}
    for name, content in streams.items():
        if len(content) >= SMALL_BELOW:
            places[name] = add(content)
            continue
        count = -(-len(content) // SMALL)
        places[name] = len(inner_table) if count else END
        inner_table += [*range(len(inner_table) + 1, len(inner_table) + count), END] if count else []
        inner += content.ljust(count * SMALL, b"\0")
    root = add(inner)
    entries = [_entry("Root Entry", 5, root, len(inner))]
    entries += [_entry(name, 2, places[name], len(content)) for name, content in streams.items()]
    directory = add(b"".join(entries))
    small_table = add(struct.pack(f"<{len(inner_table)}I", *inner_table))
    needed = -(-(len(table) + 64) // (SECTOR // 4))
    places_of_table = list(range(len(sectors), len(sectors) + needed))
    chain = places_of_table[-1] + 1
    table += [TABLE] * needed + [CHAIN] * listed_in_chain
    packed = struct.pack(f"<{len(table)}I", *table).ljust(needed * SECTOR, b"\xff")
    sectors += [packed[at : at + SECTOR] for at in range(0, len(packed), SECTOR)]
    listed = struct.pack(f"<{needed}I", *places_of_table)
    if listed_in_chain:
        sectors.append(listed.ljust(SECTOR - 4, b"\xff") + struct.pack("<I", END))
    header = struct.pack(
        "<8s16xHHHHH6xIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 0x3E, 3, 0xFFFE, 9, 6, 0, needed, directory, 0, SMALL_BELOW,
        small_table, 1, chain if listed_in_chain else END, int(listed_in_chain),
    )  # fmt: skip
    return header + (b"" if listed_in_chain else listed).ljust(436, b"\xff") + b"".join(sectors)


def _entry(name: str, kind: int, start: int, size: int) -> bytes:
    wide = name.encode("utf-16-le")
    return struct.pack("<64sHB49xII4x", wide, len(wide) + 2, kind, start, size)
