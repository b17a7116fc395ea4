"""What is odd in a sheet and calamine does not tell: error cells, formulas without value, what is hidden or merged."""

from __future__ import annotations

from dataclasses import dataclass

Range = tuple[tuple[int, int], tuple[int, int]]
"""(top, left), (bottom, right), counted from 0."""

ERROR_TEXTS = {
    0x00: "#NULL!",
    0x07: "#DIV/0!",
    0x0F: "#VALUE!",
    0x17: "#REF!",
    0x1D: "#NAME?",
    0x24: "#NUM!",
    0x2A: "#N/A",
    0x2B: "#GETTING_DATA",
}
"""What Excel shows for the codes of errors in its binary files."""


@dataclass(frozen=True, slots=True)
class Oddities:
    """What is odd in one sheet."""

    errors: tuple[tuple[int, int, str], ...] = ()  # row as Excel shows it, column from 0, the error or the formula
    hidden: bool = False  # some rows or columns are
    merged: tuple[Range, ...] = ()  # where calamine does not tell
    formatted: tuple[tuple[int, int, int], ...] = ()  # row, column, and how many digits are shown (`number_formats`)
