"""ODS: what stands in it that calamine does not tell, and what would do harm.

calamine hands out error cells as blank. So the content is looked at for signs of anything odd, and only where there are
some it is gone through cell by cell.
"""

from __future__ import annotations

import re
from typing import IO, TYPE_CHECKING
from xml.parsers import expat

from batch.reading.number_formats import LETTERED
from batch.reading.oddities import Oddities, Range
from batch.reading.parts import pieces

if TYPE_CHECKING:
    from zipfile import ZipFile

    from batch.reading.grid import Place

_REPEATED = re.compile(
    rb"""<table:table-(row|cell)\b[^>]*?number-(?:rows|columns)-repeated\s*=\s*["'](\d+)["'][^>]*>"""
)
_MOST_REPEATED = 16_384  # a repeated cell that holds a value
_ODD = re.compile(
    rb"""value-type="error"|visibility="(?:collapse|filter)"|rows-spanned="(?!1")|>(?:#[A-Z/0]+[!?]?|Err:\d+)<"""
    rb"""|table:formula=|"float"[^>]*><text:p>(?:0[\d \-]|[^<]*[A-Za-z])"""
)
_ERROR = re.compile(r"#[A-Z/0]+[!?]?|Err:\d{3}")
_PADDED = re.compile(r"\D*0[\d \-]*\d\D*")
_LETTER = re.compile(r"[^\W\d_]")
_SHORTENED = re.compile(r"-?\d+(?:[.,]\d+)?E[+-]\d+")
_CELLS = ("table:table-cell", "table:covered-table-cell")


def check_open_document(place: Place, archive: ZipFile) -> None:
    """Refuse an ODS that is encrypted, or whose cells with values are repeated beyond any real sheet."""
    manifest = "META-INF/manifest.xml"
    if manifest in archive.namelist() and b"encryption-data" in archive.read(manifest):
        raise place.refused("the workbook is protected by a password; save it without one.")
    with archive.open("content.xml") as stream:
        for piece in pieces(stream):
            for match in _REPEATED.finditer(piece):
                valued = b"value" in match[0] and match[1] == b"cell"
                if valued and int(match[2]) > _MOST_REPEATED:
                    raise place.refused("a cell is repeated beyond any real sheet; it is refused as a danger.")


def open_document_oddities(archive: ZipFile) -> dict[str, Oddities]:
    """Return what is odd in each sheet, by its name."""
    with archive.open("content.xml") as stream:
        if not any(_ODD.search(piece) for piece in pieces(stream)):
            return {}
    with archive.open("content.xml") as stream:
        return _Content().read(stream)


class _Content:
    """Goes through the content and keeps count of rows and columns."""

    def __init__(self) -> None:
        self._found: dict[str, Oddities] = {}
        self._sheet = ""
        self._row = self._column = 0  # from 0
        self._rows = self._columns = 1  # how often the row, the cell stands there
        self._cell: dict[str, str] = {}
        self._text: list[str] | None = None  # of the cell; None: we are in none, or in its comment
        self._errors: list[tuple[int, int, str]] = []
        self._merged: list[Range] = []
        self._formatted: list[tuple[int, int, int]] = []
        self._hidden = False

    def read(self, stream: IO[bytes]) -> dict[str, Oddities]:
        """Return what is odd in each sheet, by its name."""
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.ParseFile(stream)
        return self._found

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "table:table":
            self._sheet = attributes.get("table:name", "")
            self._row, self._errors, self._merged, self._formatted, self._hidden = 0, [], [], [], False
        elif tag == "table:table-row":
            self._column, self._rows = 0, int(attributes.get("table:number-rows-repeated", 1))
            self._hidden = self._hidden or "table:visibility" in attributes
        elif tag == "table:table-column":
            self._hidden = self._hidden or "table:visibility" in attributes
        elif tag in _CELLS:
            self._cell, self._text = attributes, []
            self._columns = int(attributes.get("table:number-columns-repeated", 1))
        elif tag == "office:annotation":
            self._text = None

    def _characters(self, text: str) -> None:
        if self._text is not None:
            self._text.append(text)

    def _end(self, tag: str) -> None:
        if tag in _CELLS:
            self._judge("".join(self._text or ()))
            self._column += self._columns
            self._text = None
        elif tag == "office:annotation":
            self._text = []
        elif tag == "table:table-row":
            self._row += self._rows
        elif tag == "table:table":
            told = tuple(self._errors), self._hidden, tuple(self._merged), tuple(self._formatted)
            self._found[self._sheet] = Oddities(*told)

    def _judge(self, text: str) -> None:
        formula = self._cell.get("table:formula", "")
        if self._cell.get("calcext:value-type") == "error" or _ERROR.fullmatch(text):
            self._note(text or "#N/A")
        elif formula and "office:value-type" not in self._cell:
            self._note(f"={formula.partition('=')[2]}")
        if self._cell.get("office:value-type") == "float" and (shown := _digits_shown(text)):
            self._formatted += [(row, column, shown) for row, column in self._places()]
        down = int(self._cell.get("table:number-rows-spanned", 1))
        if down > 1 and text:
            across = int(self._cell.get("table:number-columns-spanned", 1))
            self._merged.append(((self._row, self._column), (self._row + down - 1, self._column + across - 1)))

    def _note(self, text: str) -> None:
        self._errors += [(row, column, text) for row, column in self._places()]

    def _places(self) -> list[tuple[int, int]]:
        """Return where the cell stands, row and column; where it is repeated, each of them, within reason."""
        columns = min(self._columns, _MOST_REPEATED)
        rows = min(self._rows, _MOST_REPEATED // columns)
        return [(self._row + down + 1, self._column + across) for down in range(rows) for across in range(columns)]


def _digits_shown(text: str) -> int:
    """Return how many digits the text of a number has, where noughts or letters are shown that the number has not."""
    if _LETTER.search(text) and not _SHORTENED.fullmatch(text):
        return LETTERED
    return sum(map(str.isdigit, text)) if _PADDED.fullmatch(text) else 0
