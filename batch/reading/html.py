"""Tables in web pages: many exports called .xls are one."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import TYPE_CHECKING

from batch.reading import grid
from batch.reading.encoding import Undecodable, as_utf8

if TYPE_CHECKING:
    from batch.reading.grid import Place
    from batch.reading.table import Table

_SPACES = re.compile(r"[ \t\r\n\f]+")
_MOST_SPAN = 1_000
_SPREADSHEET_XML = b"urn:schemas-microsoft-com:office:spreadsheet"
_SNIFFED = 4_096


def read_html(place: Place, data: bytes) -> tuple[Table, ...]:
    """Return every table of the page that has a header and a row or more."""
    if _SPREADSHEET_XML in data[:_SNIFFED]:
        raise place.refused("it is an Excel 2003 XML file; save it as .xlsx or .csv.")
    try:
        utf8, encoding = as_utf8(data)
    except Undecodable as error:
        raise place.refused(f"{error}.") from None
    page = _Page(place.limits.columns)
    page.feed(utf8.decode())
    page.close()
    if page.is_cut_off:
        raise place.refused("the web page ends before its table does: it was cut off; export or copy it again.")
    tables = [(table, spans) for table, spans in zip(page.tables, page.spans, strict=True) if any(map(any, table))]
    if not tables:
        raise place.refused("it is a web page or XML without a table; export the shipments as .csv or .xlsx.")
    notes = ("a web page's table", *filter(None, [encoding]))
    return tuple(
        grid.text_table(
            place.within(f"table {number}") if len(tables) > 1 else place,
            records,
            notes=notes,
            spans=spans,
        )
        for number, (records, spans) in enumerate(tables, start=1)
    )


class _Page(HTMLParser):
    """Collects the cells of all tables; a table inside a cell is text of that cell."""

    def __init__(self, most_columns: int) -> None:
        super().__init__(convert_charrefs=True)
        self._most_columns = most_columns
        self.tables: list[list[list[str]]] = []
        self.spans: list[list[tuple[int, int]]] = []  # beside each table, the first and last row of its tall cells
        self._unended = False  # the page says where it begins, and has not said that it ends
        self._depth = 0
        self._cell: list[str] | None = None
        self._across = 1
        self._down: dict[int, int] = {}  # column -> further rows that a cell above covers

    @property
    def is_cut_off(self) -> bool:
        """Whether a table, or the page itself, was begun and never ended."""
        return self._depth > 0 or self._unended

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "html":
            self._unended = True
        elif tag == "table":
            self._depth += 1
            if self._depth == 1:
                self.tables.append([])
                self.spans.append([])
                self._down = {}
        elif self._depth == 1 and tag == "tr":
            self._end_cell()
            self._end_row()
            self.tables[-1].append([])
        elif self._depth == 1 and tag in ("td", "th"):
            self._start_cell(dict(attrs))
        elif tag == "br" and self._cell is not None:
            self._cell.append(" ")

    def handle_endtag(self, tag: str) -> None:
        if tag == "html":
            self._unended = False
        elif tag == "table" and self._depth:
            if self._depth == 1:
                self._end_cell()
            self._depth -= 1
        elif self._depth == 1 and tag in ("td", "th", "tr"):
            self._end_cell()

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)

    def _start_cell(self, attributes: dict[str, str | None]) -> None:
        self._end_cell()
        if not self.tables[-1]:
            self.tables[-1].append([])
        self._skip_covered()
        self._cell = []
        self._across = _span(attributes.get("colspan"))
        if (down := _span(attributes.get("rowspan"))) > 1:
            row, column = len(self.tables[-1]) - 1, len(self.tables[-1][-1])
            self.spans[-1].append((row, row + down - 1))
            self._down.update(dict.fromkeys(range(column, column + self._across), down - 1))

    def _skip_covered(self) -> None:
        """Leave blank what a cell of a row above covers."""
        row = self.tables[-1][-1]
        while self._down.get(len(row), 0) > 0:
            self._down[len(row)] -= 1
            row.append("")

    def _end_row(self) -> None:
        """Leave blank what cells of rows above cover behind the row's last cell."""
        row = self.tables[-1][-1] if self.tables[-1] else []
        for column in range(len(row), max((column for column, down in self._down.items() if down), default=-1) + 1):
            self._down[column] = max(self._down.get(column, 0) - 1, 0)
            row.append("")

    def _end_cell(self) -> None:
        if self._cell is None:
            return
        text = _SPACES.sub(" ", "".join(self._cell)).strip(" ")
        if len(row := self.tables[-1][-1]) <= self._most_columns:  # one too many is enough to be refused
            row += [text, *[""] * (self._across - 1)]
        self._cell = None


def _span(value: str | None) -> int:
    return min(int(value), _MOST_SPAN) if value and value.isascii() and value.isdigit() and int(value) > 0 else 1
