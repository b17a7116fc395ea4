"""Number formats that show more than the number: a person sees 000123456785 or RB123456785CA, the file has 123456785.

What such a cell says is neither the one nor the other for certain, so only its being so is told.
"""

from __future__ import annotations

import re
import struct
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zipfile import ZipFile

LETTERED = 1_000  # digits: more than any number has, for formats that show letters or digits of their own

_FORMAT, _STYLE, _OLD_HEAD = 0x41E, 0xE0, 5  # records of an XLS; bytes before a format's letters
_WIDE_FORMAT, _WIDE_STYLE, _WIDE_CELL_STYLES = 44, 47, (617, 618)  # of an XLSB; where those of cells begin and end
_LITERAL = re.compile(r'"([^"]*)"|\\(.)')
_SILENT = re.compile(r'"[^"]*"|\\.|[_*].|\[[^\]]*\]')  # literals, blanks as wide as a letter, fillings, colours
_DATED = re.compile(r"[ymdhs]", re.IGNORECASE)


def digits_shown(code: str) -> int:
    """Return how many digits a number format shows at least, 0 for no more than the number has.

    A number with fewer digits is shown with noughts before it. `LETTERED`: the format adds letters or digits.
    """
    section = code.partition(";")[0]
    bare = _SILENT.sub("", section)
    if _DATED.search(bare):
        return 0
    literals = "".join(quoted or escaped for quoted, escaped in _LITERAL.findall(section))
    if any(letter.isalnum() for letter in literals):
        return LETTERED
    noughts = re.split("[.eE/]", bare)[0].count("0")
    return noughts if noughts > 1 else 0


def telling(codes: Iterable[str]) -> dict[int, int]:
    """Return what formats show at least (`digits_shown`), by their places; those that show no more are left out."""
    return {place: shown for place, code in enumerate(codes) if (shown := digits_shown(code))}


def xlsx_formats(archive: ZipFile) -> dict[int, int]:
    """Return the styles of an XLSX whose number format shows more than the number, as `telling` does."""
    if "xl/styles.xml" not in archive.namelist():
        return {}
    styles = ET.fromstring(archive.read("xl/styles.xml"))  # noqa: S314 - expat bounds entities
    codes = {one.get("numFmtId", ""): one.get("formatCode", "") for one in styles.iter() if _is(one, "numFmt")}
    used = (one.get("numFmtId", "") for part in styles if _is(part, "cellXfs") for one in part if _is(one, "xf"))
    return telling(codes.get(number, "") for number in used)


def old_formats(records: Iterable[tuple[int, bytes]]) -> dict[int, int]:
    """Return the styles of an XLS whose number format shows more, as `telling` does. `records`: of its first part."""
    codes: dict[int, str] = {}
    used: list[int] = []
    for kind, body in records:
        if kind == _FORMAT and len(body) > _OLD_HEAD:
            codes[struct.unpack_from("<H", body)[0]] = _old_code(body)
        elif kind == _STYLE and len(body) >= 4:  # noqa: PLR2004 - the record's own layout
            used.append(struct.unpack_from("<H", body, 2)[0])
    return telling(codes.get(number, "") for number in used)


def _old_code(body: bytes) -> str:
    """Return a format's code: behind its number and length a byte tells how wide its letters are."""
    length, wide = struct.unpack_from("<HB", body, 2)
    if length << (wide & 1) == len(body) - _OLD_HEAD:
        return body[_OLD_HEAD:].decode("utf-16-le" if wide & 1 else "latin-1", "replace")
    return body[3:].decode("latin-1")  # before Excel 97 the length has one byte, and all letters are narrow


def wide_formats(records: Iterable[tuple[int, bytes]]) -> dict[int, int]:
    """Return the styles of an XLSB whose number format shows more, as `telling` does. `records`: of its styles."""
    codes: dict[int, str] = {}
    used: list[int] = []
    of_cells = False
    for kind, body in records:
        if kind == _WIDE_FORMAT:
            number, letters = struct.unpack_from("<HI", body)
            codes[number] = body[6 : 6 + 2 * letters].decode("utf-16-le", "replace")
        elif kind in _WIDE_CELL_STYLES:
            of_cells = kind == _WIDE_CELL_STYLES[0]
        elif kind == _WIDE_STYLE and of_cells:
            used.append(struct.unpack_from("<H", body, 2)[0])
    return telling(codes.get(number, "") for number in used)


def _is(element: ET.Element, name: str) -> bool:
    return element.tag.rpartition("}")[2] == name
