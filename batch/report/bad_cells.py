"""Which cells of the input are bad, so that a workbook can show them in colour."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from batch.outcomes import NEEDS_PERSON
from batch.report.reasons import names_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batch.reading.table import Table
    from batch.report.account import RunAccount

WARNING = "warning"


@dataclass(frozen=True, slots=True)
class BadCell:
    """One cell that is to be mended, or looked at."""

    column: int  # of the table's own columns
    warning: bool  # the row goes all the same
    reason: str


def bad_cells(account: RunAccount, rows: np.ndarray) -> dict[int, list[BadCell]]:
    """Return the bad cells of these rows (positions in `account.rows`): those that reasons name, then warnings."""
    by_row: dict[int, list[BadCell]] = {}
    for row, cell in chain(_named(account, rows), _warned_of(account, rows)):
        by_row.setdefault(row, []).append(cell)
    return by_row


def _named(account: RunAccount, rows: np.ndarray) -> Iterator[tuple[int, BadCell]]:
    told = account.rows.iloc[rows]
    columns = (told[name].tolist() for name in ("table", "row", "outcome", "reason"))
    addresses = [_address(table) for table in account.tables]
    for position, table, row, outcome, reason in zip(rows.tolist(), *columns, strict=True):
        for letters, number, single in _cells_of(reason, addresses[table]) if outcome in NEEDS_PERSON else ():
            if number == row:
                yield position, BadCell(_column(letters), warning=False, reason=single)


def _cells_of(reason: str, address: re.Pattern[str]) -> Iterator[tuple[str, int, str]]:
    """Yield the cells that a row's reason names, each with what is said of it alone."""
    found = list(address.finditer(reason))
    ends = [*(one.start() for one in found[1:]), len(reason)]
    for one, end in zip(found, ends, strict=False):  # where nothing is found, there is an end without a beginning
        yield one[1], int(one[2]), reason[one.start() : end].removeprefix("; ")


def _warned_of(account: RunAccount, rows: np.ndarray) -> Iterator[tuple[int, BadCell]]:
    starts = np.cumsum([0, *(len(table.cells) for table in account.tables)])
    warned = account.findings[(account.findings["effect"] == WARNING).to_numpy()]
    position = starts[warned["table"].to_numpy()] + warned["row"].to_numpy()
    telling = np.isin(position, rows)
    columns = (warned[name].to_numpy()[telling].tolist() for name in ("column", "reason"))
    for row, column, reason in zip(position[telling].tolist(), *columns, strict=True):
        yield row, BadCell(column, warning=True, reason=reason)


def _address(table: Table) -> re.Pattern[str]:
    """Return what finds the table's cells at the beginning of a reason, as in `march.csv B17 `."""
    names = "|".join(map(re.escape, names_of([table])))
    return re.compile(rf"(?:^|; )(?:(?:{names}) )?([A-Z]{{1,3}})([1-9][0-9]*)[ :]")


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number - 1
