"""Where rows lie, as a person finds them again: file, sheet and row numbers, neighbours drawn together."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from itertools import islice, pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from batch.reading.table import Table
    from batch.report.account import RunAccount


@dataclass(frozen=True, slots=True)
class Place:
    """Rows of one table."""

    table: str
    rows: str  # "12, 17-19", perhaps with how many more there are

    def __str__(self) -> str:
        return f"{self.table} {'rows' if {',', '-'} & set(self.rows) else 'row'} {self.rows}"


def shortest(path: Path) -> str:
    """Return the path as it is soonest typed: from the working folder where that is shorter."""
    try:
        return min(str(path), os.path.relpath(path), key=len)
    except (OSError, ValueError):  # the working folder is gone, or the path is on another drive
        return str(path)


def places(account: RunAccount, positions: np.ndarray, most: int) -> list[Place]:
    """Return where the rows at these positions (in order) of `account.rows` lie; at most so many stretches a sheet."""
    told = account.rows.iloc[positions]
    return places_of(table_names(account.tables), told["table"].to_numpy(), told["row"].to_numpy(), most)


def table_names(tables: Sequence[Table]) -> list[str]:
    """Return what people call the tables: the file's name, its path where two names are alike, and the sheet."""
    alike = Counter(path.name for path in {table.source.path for table in tables})
    return [
        (str(table.source.path) if alike[table.source.path.name] > 1 else table.source.path.name)
        + (f" '{table.sheet}'" if table.sheet else "")
        for table in tables
    ]


def places_of(names: Sequence[str], table: np.ndarray, numbers: np.ndarray, most: int) -> list[Place]:
    """Return where rows lie, given the tables' names and, beside each other, their tables and row numbers."""
    if len(numbers) == 1:  # most orders have one row, and a report has a great many orders
        return [Place(names[table[0]], str(numbers[0]))]
    cuts = [0, *(np.flatnonzero(table[1:] != table[:-1]) + 1).tolist(), len(table)]
    found = []
    for start, end in pairwise(cuts):
        found.append(Place(names[table[start]], stretches(numbers[start:end], most)))
    return found


def stretches(numbers: np.ndarray, most: int) -> str:
    """Return rising numbers as "12, 17-19", at most so many stretches, then how many numbers more."""
    if len(numbers) == 1:
        return str(numbers[0])
    cuts = [0, *(np.flatnonzero(numbers[1:] - numbers[:-1] != 1) + 1).tolist(), len(numbers)]
    told = [
        f"{numbers[start]}" if end - start == 1 else f"{numbers[start]}-{numbers[end - 1]}"
        for start, end in islice(pairwise(cuts), most)
    ]
    more = len(numbers) - cuts[: most + 1][-1]
    return ", ".join(told) + (f" and {more:,} more" if more else "")
