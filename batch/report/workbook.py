"""report.xlsx: the same account as a workbook, with the rows to mend ready to be mended in it and dropped again.

Only the sheets to mend have headers that reading knows. All others begin theirs with "_", which reading ignores: a
workbook that is dropped again gives its mended rows, and not once more every row of the run.
"""

from __future__ import annotations

from itertools import chain, islice
from typing import TYPE_CHECKING, TypeAlias

import xlsxwriter  # type: ignore[import-untyped]  # ships no types

from batch.report import cells, figures, moments, todo, wording
from batch.report.bad_cells import WARNING, bad_cells
from batch.report.orders import COLUMNS as ORDER_COLUMNS
from batch.report.orders import times
from batch.report.places import places
from batch.report.rows import ADDED
from batch.report.summary import outcome_totals
from batch.report.to_fix import rows_to_fix

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    import numpy as np
    import pandas as pd
    from xlsxwriter.format import Format  # type: ignore[import-untyped]  # the same
    from xlsxwriter.workbook import Workbook  # type: ignore[import-untyped]  # the same
    from xlsxwriter.worksheet import Worksheet  # type: ignore[import-untyped]  # the same

    from batch.report.account import RunAccount
    from batch.report.bad_cells import BadCell
    from batch.report.todo import Task

MOST_ROWS = 10_000  # of the sheets Orders and Rows
MOST_TO_FIX = 10_000  # rows of one sheet to mend
_MOST_COMMENTS = 500  # a workbook keeps each in memory
_MOST_STRETCHES = 20  # of row numbers in one sheet of the input
_LONGEST = 32_767  # characters of a cell
_MEASURED = 200  # rows that say how wide a column is
_NARROWEST, _WIDEST = 9, 55  # characters
_EXPLANATION = 3  # the column of the summary that explains
_EXPLAINING = 100  # characters in a line of what the summary explains
_LINE_HEIGHT = 15  # points
_LETTER = 1  # the paper's number in Excel

Cell: TypeAlias = str | int  # a text stays one, whatever it looks like
_LineToFix: TypeAlias = "tuple[list[Cell], dict[int, BadCell]]"  # a row to mend, and its bad cells by column


def write_workbook(path: Path, account: RunAccount, found: Sequence[Task]) -> None:
    """Write the workbook, sheet by sheet and row by row; `found` are the account's tasks."""
    options = {"constant_memory": True, "tmpdir": str(path.parent)}
    with xlsxwriter.Workbook(path, options) as book:
        book.set_properties({"title": f"shipbatch {account.run}"})
        _summary(book, account, found)
        _to_fix(book, account)
        _orders(book, account)
        _rows(book, account)


class _Sheet:
    """A sheet that is written from top to bottom, with a frozen header, filters and widths that fit."""

    def __init__(self, book: Workbook, name: str, headers: Sequence[str], first: Iterable[Sequence[Cell]]) -> None:
        self._sheet: Worksheet = book.add_worksheet(name)
        self._text: Format = book.add_format({"num_format": "@"})
        self._next = 0
        self._width = len(headers)
        measured = [headers, *first]
        for column in range(len(headers)):
            longest = max(len(str(line[column])) for line in measured)
            self._sheet.set_column(column, column, min(max(longest + 2, _NARROWEST), _WIDEST), self._text)
        bold = book.add_format({"bold": True, "num_format": "@", "bottom": 1})
        self._sheet.freeze_panes(1, 0)
        self._sheet.repeat_rows(0)
        _on_paper(self._sheet)
        self.add(headers, dict.fromkeys(range(len(headers)), bold))

    def add(self, line: Sequence[Cell], formats: dict[int, Format] | None = None) -> None:
        """Write the next row."""
        for column, cell in enumerate(line):
            form = formats.get(column, self._text) if formats else self._text
            if isinstance(cell, str):
                if cell or form is not self._text:
                    self._sheet.write_string(self._next, column, cell[:_LONGEST], form)
            else:
                self._sheet.write_number(self._next, column, cell)
        self._next += 1

    def remark(self, column: int, text: str) -> None:
        """Put a note to a cell of the row that was written last."""
        self._sheet.write_comment(self._next - 1, column, text, {"x_scale": 2})

    def end(self, more: str) -> None:
        """Set the filters, and say where the rest is; nobody needs to be told that a number is kept as text."""
        self._sheet.autofilter(0, 0, self._next - 1, self._width - 1)
        self._sheet.ignore_errors({"number_stored_as_text": f"A1:{_letters(self._width - 1)}{self._next}"})
        if more:
            self._sheet.write_string(self._next, 0, more)


def _letters(column: int) -> str:
    return xlsxwriter.utility.xl_col_to_name(column)  # type: ignore[no-any-return]  # says str, typed as nothing


def _summary(book: Workbook, account: RunAccount, found: Sequence[Task]) -> None:
    sheet = book.add_worksheet("Summary")
    large = book.add_format({"bold": True, "font_size": 16})
    forms = {
        (heading, explains): book.add_format({"bold": heading, "indent": int(explains), "valign": "top"})
        for heading in (True, False)
        for explains in (True, False)
    }
    forms[False, True].set_text_wrap()
    for column, width in enumerate((18, 11, 11, _EXPLAINING)):
        sheet.set_column(column, column, width)
    sheet.write_string(0, 0, wording.headline(account), large)
    _on_paper(sheet)
    for at, (heading, line) in enumerate(_summary_lines(account, found), 2):
        sheet.set_row(at, _LINE_HEIGHT * max([_lines_in(cell) for cell in line if isinstance(cell, str)], default=1))
        for column, cell in enumerate(line):
            form = forms[heading, column == _EXPLANATION]
            if isinstance(cell, str):
                sheet.write_string(at, column, cell[:_LONGEST], form)
            else:
                sheet.write_number(at, column, cell, form)


def _lines_in(cell: str) -> int:
    """Return how many lines a text takes in the column that explains; only Excel itself sees that by itself."""
    return sum(1 + len(part) // _EXPLAINING for part in cell[:_LONGEST].split("\n"))


def _on_paper(sheet: Worksheet) -> None:
    """Let a sheet be printed across the page, with all of its columns side by side."""
    sheet.set_landscape()
    sheet.set_paper(_LETTER)
    sheet.fit_to_pages(1, 0)


def _summary_lines(account: RunAccount, found: Sequence[Task]) -> Iterator[tuple[bool, Sequence[Cell]]]:
    """Yield the lines under the headline, and whether they are headings."""
    if account.interrupted:
        yield True, ("INTERRUPTED", "", "", "The run was stopped before its end.")
    yield False, ("run", "", "", account.run)
    yield False, ("account", "", "", account.account)
    yield False, ("started", "", "", moments.clock(account.started_at, account.timezone))
    yield False, ("finished", "", "", moments.clock(account.finished_at, account.timezone))
    yield False, ()
    yield True, ("Outcome", "Orders", "Rows", "What it means")
    orders = outcome_totals(account.orders["outcome"], ready=account.ready)
    rows = outcome_totals(account.rows["outcome"], ready=account.ready)
    meaning = {str(outcome): text for outcome, text in todo.MEANING.items()}
    for word, count in orders.items():
        yield False, (wording.said(word), count, rows[word], meaning.get(word, ""))
    yield from _summary_of_deadlines(account)
    yield False, ()
    yield from _summary_of_tasks(account, found)
    yield from _summary_of_warnings(account)
    yield True, ("File", "", "Rows", "Path")
    for file in account.files:
        problem = f": {file.problem}" if file.problem else ""
        yield False, (file.profile or "unreadable", "", int(file.rows), f"{file.path}{problem}")


def _summary_of_tasks(account: RunAccount, found: Sequence[Task]) -> Iterator[tuple[bool, Sequence[Cell]]]:
    if not found:
        return
    yield True, ("What to do", "Orders", "Rows", "Why, how and where")
    for task in found:
        where = "; ".join(map(str, places(account, task.rows, _MOST_STRETCHES)))
        told = f"{task.reason}\n{task.how} {task.command}\n{where}"
        yield False, (wording.said(task.outcome), task.orders, len(task.rows), told)
    yield False, ()


def _summary_of_deadlines(account: RunAccount) -> Iterator[tuple[bool, Sequence[Cell]]]:
    if due := figures.deadlines(account):
        yield False, ()
        yield True, ("Deadlines", "Orders", "", "")
        counts = {"met": due.met, "missed": due.missed, "past and not shipped": due.overdue, "still ahead": due.ahead}
        yield from ((False, (word, count)) for word, count in counts.items())


def _summary_of_warnings(account: RunAccount) -> Iterator[tuple[bool, Sequence[Cell]]]:
    found = todo.remarks(account, WARNING)
    if not found:
        return
    yield True, ("Warnings", "Orders", "Rows", "These stopped no row, but something looks odd")
    for one in found:
        where = "; ".join(map(str, places(account, one.rows, _MOST_STRETCHES)))
        yield False, ("warning", one.orders, len(one.rows), f"{one.reason}\n{where}")
    yield False, ()


def _to_fix(book: Workbook, account: RunAccount) -> None:
    """Write one sheet for each header among the files to mend: two headers side by side would fit no profile."""
    sheets: dict[tuple[cells.ColumnKey, ...], list[int]] = {}
    concerned = rows_to_fix(account)
    for table, positions in enumerate(concerned):
        if len(positions):
            sheets.setdefault(tuple(cells.own_columns(account.tables[table])), []).append(table)
    for number, (keys, tables) in enumerate(sheets.items(), 1):
        name = f"To fix {number}" if number > 1 else "To fix"
        told = {table: concerned[table] for table in tables}
        _sheet_to_fix(book, name, [header for header, _ in keys], account, told)


def _lines_to_fix(account: RunAccount, table: int, positions: np.ndarray) -> Iterator[_LineToFix]:
    """Yield rows to mend of one table, each with its bad cells by column of the sheet."""
    it = account.tables[table]
    rows = sum(len(one.cells) for one in account.tables[:table]) + positions
    own = list(cells.own_columns(it).values())
    place = {column: at for at, column in enumerate(own)}
    bad = bad_cells(account, rows)
    told = account.rows.iloc[rows]
    columns = [it.cells.iloc[positions, column].tolist() for column in own]
    columns += [told[name].tolist() for name in ("outcome", "reason")]
    columns += [[str(it.source.path)] * len(rows), told["row"].tolist()]
    for row, *line in zip(rows.tolist(), *columns, strict=True):
        found = reversed(bad.get(row, []))  # the first found of a cell counts
        yield line, {place[cell.column]: cell for cell in found if cell.column in place}


def _sheet_to_fix(
    book: Workbook, name: str, headers: list[str], account: RunAccount, concerned: dict[int, np.ndarray]
) -> None:
    colours = {
        False: book.add_format({"num_format": "@", "bg_color": "#F8C9C4", "font_color": "#7A1410"}),
        True: book.add_format({"num_format": "@", "bg_color": "#FBE7B2", "font_color": "#6B4A00"}),
    }
    lines: list[_LineToFix] = []
    for table, positions in concerned.items():
        lines += _lines_to_fix(account, table, positions[: MOST_TO_FIX - len(lines)])
    sheet = _Sheet(
        book, name, [*headers, "_outcome", "_reason", "_file", "_row"], [line for line, _ in lines[:_MEASURED]]
    )
    remarks = 0
    for line, found in lines:
        sheet.add(line, {column: colours[cell.warning] for column, cell in found.items()})
        for column, cell in found.items() if remarks < _MOST_COMMENTS else ():
            sheet.remark(column, cell.reason)
            remarks += 1
    left_out = sum(map(len, concerned.values())) - len(lines)
    sheet.end(more=f"{left_out:,} more rows: the files under to_fix have all." if left_out else "")


def _orders(book: Workbook, account: RunAccount) -> None:
    fits = len(account.orders) <= MOST_ROWS
    told = account.orders if fits else account.orders.iloc[:0]
    columns = [_times(told[name]) if write is times else told[name].tolist() for name, write in ORDER_COLUMNS.values()]
    lines = list(zip(*columns, strict=True))
    sheet = _Sheet(book, "Orders", [f"_{header}" for header in ORDER_COLUMNS], lines[:_MEASURED])
    for line in lines:
        sheet.add(line)
    sheet.end(more="" if fits else f"{len(account.orders):,} orders are too many for a sheet: orders.csv has all.")


def _rows(book: Workbook, account: RunAccount) -> None:
    own = cells.union_of_own_columns(account.tables)
    fits = len(account.rows) <= MOST_ROWS
    lines = _lines_of_rows(account, own) if fits else iter(())
    ahead = list(islice(lines, _MEASURED))
    sheet = _Sheet(book, "Rows", [*(f"_{header}" for header, _ in own), *ADDED], ahead)
    for line in chain(ahead, lines):
        sheet.add(line)
    sheet.end(more="" if fits else f"{len(account.rows):,} rows are too many for a sheet: rows.csv has all.")


def _lines_of_rows(account: RunAccount, own: Sequence[cells.ColumnKey]) -> Iterator[Sequence[Cell]]:
    first = 0
    for table in account.tables:
        length = len(table.cells)
        where = cells.own_columns(table)
        told = account.rows.iloc[first : first + length]
        blank = [""] * length
        columns = [table.cells.iloc[:, where[key]].tolist() if key in where else blank for key in own]
        columns += [[str(table.source.path)] * length, [table.sheet] * length, told["row"].tolist()]
        columns += [told[name].tolist() for name in ("outcome", "reason", "purchase_order_id", "correlation_id")]
        yield from zip(*columns, _times(told["finished_at"]), strict=True)
        first += length


def _times(moments_ms: pd.Series) -> list[str]:
    return [text or "" for text in cells.time_column(moments_ms.to_numpy()).to_pylist()]
