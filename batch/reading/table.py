"""What reading hands on: tables of text, each cell with its kind, each row with the number that Excel shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from schemas.cells import Kind

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["TEXT", "Kind", "Limits", "Source", "Table", "cell_address", "column_letters"]

TEXT = pd.StringDtype(storage="pyarrow", na_value=np.nan)
"""The type of every column of text: pandas' own `str`, kept by pyarrow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Beyond these a file is refused: it is a mistake, or made to hurt."""

    file_bytes: int = 4 << 30
    unpacked_bytes: int = 4 << 30  # all members of an archive, all parts of a workbook
    ratio: int = 250  # unpacked to packed bytes; real tables stay far below
    members: int = 1_000  # files in an archive
    sheets: int = 250
    rows: int = 20_000_000
    columns: int = 500
    cells: int = 64_000_000  # of one sheet of a workbook, the empty ones between counted
    cell_characters: int = 32_767  # what one cell of Excel can hold
    header_row: int = 20  # the header stands in one of the first so many rows


@dataclass(frozen=True, slots=True)
class Source:
    """One input file."""

    path: Path  # as the user gave it: reports name it so
    sha256: str  # of its bytes
    content: Path  # where to read the bytes: a private copy, or the path itself


@dataclass(frozen=True, slots=True)
class Table:
    """One sheet of one file, or one member of an archive."""

    source: Source
    sheet: str  # "" for text files; "member" or "member/sheet" for archives
    header_row: int  # as Excel shows it, counted from 1
    columns: tuple[str, ...]  # headers as the file has them
    cells: pd.DataFrame  # text, "" where empty; column labels 0..n-1, a RangeIndex
    kinds: np.ndarray | None  # uint8 (rows, columns) of Kind; None: a text file, all TEXT or EMPTY
    rows: np.ndarray  # int64, the row numbers as Excel shows them
    notes: tuple[str, ...] = ()  # what was found out and is worth saying
    faults: tuple[tuple[int, str], ...] = field(default=())  # rows that were not read whole: position and reason
    unterminated: bool = False  # a text whose last line has no line end: the copy may have stalled

    @property
    def name(self) -> str:
        """The file's name for sentences, with the sheet where there is one."""
        return f"{self.source.path}, sheet '{self.sheet}'" if self.sheet else str(self.source.path)


def column_letters(column_index: int) -> str:
    """Return the letters of a column that is counted from 0: 0 -> A, 26 -> AA."""
    letters = ""
    number = column_index + 1
    while number:
        number, rest = divmod(number - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def cell_address(column_index: int, row: int) -> str:
    """Return a cell's address as Excel shows it: (1, 17) -> "B17"."""
    return f"{column_letters(column_index)}{row}"
