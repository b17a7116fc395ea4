"""Reasons of one kind brought together: the same sentence, whatever cell, value or number it speaks of.

A reason names its place first, as in `march.csv B17 trackingNumber "7.03E+15": Excel shows ...`, or with the sheet
`'March'` behind the file and `row 17` in place of the cell. Several reasons of one row stand behind each other after
a semicolon.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from batch.reading.table import Table

BLANK = "…"  # stands for what differs between reasons of one kind
NONE_GIVEN = "No reason is given."

_MOST_NAMES = 300  # of files, in one pattern
_PLACE = r"(?:row [0-9]+|[A-Z]{1,3}[1-9][0-9]*)"
_COLUMN = r'[^":;]+'
_ODD = re.compile(r'[":;]')  # in a column's name: only who knows the name knows where it ends
_QUOTED = r'"[^"]*"|“[^”]*”|«[^»]*»'
_NUMBERED = r"[\pL\pN_#/.:,+-]*\pN[\pL\pN_#/:+-]*([.,]\pN[\pL\pN_#/:+-]*)*"  # a word with a digit in it
_BLANKS = rf"((?:row )?{BLANK})(?:(?:, and |, | and | )(?:row )?{BLANK})+"  # a list of whatever length
_APART = "\x1f"  # stands between two reasons while they are taken apart


def names_of(tables: Iterable[Table]) -> list[str]:
    """Return what reasons may call the tables: the file's name or its path, with the sheet where there is one."""
    names: dict[str, None] = {}
    for table in tables:
        sheet = f" '{table.sheet}'" if table.sheet else ""
        names |= dict.fromkeys(f"{file}{sheet}" for file in (table.source.path, table.source.path.name))
    return sorted(list(names)[:_MOST_NAMES], key=len, reverse=True)  # the longest first: one may begin another


def odd_headers_of(tables: Iterable[Table]) -> list[str]:
    """Return the names of columns that hold a colon, a semicolon or a quotation mark, as in `Line: Quantity`."""
    found = dict.fromkeys(header for table in tables for header in table.columns if _ODD.search(header))
    return sorted(list(found)[:_MOST_NAMES], key=len, reverse=True)


def taken_apart(reasons: pd.Series, names: Sequence[str]) -> pd.Series:
    """Return every single reason, under the index of the row that has it."""
    marked = reasons.str.replace(rf"; ((?:{_any(names)}){_PLACE}[ :])", rf"{_APART}\1", regex=True)
    several = marked.str.contains(_APART, regex=False)
    if not several.any():
        return reasons
    single = marked[several].str.split(_APART).explode().astype("str")
    return pd.concat([marked[~several], single]).sort_index(kind="stable")


def without_place(reasons: pd.Series, names: Sequence[str], headers: Sequence[str] = ()) -> pd.Series:
    """Return single reasons without the place they begin with, and without the names of files before other places.

    `headers`: the odd ones among the columns' names.
    """
    bare = reasons.str.replace(rf"^(?:{_any(names)}){_PLACE}{_value(headers)}: ", "", regex=True)
    return bare.str.replace(rf"(?:{_either(names)}) ({_PLACE})", r"\1", regex=True) if names else bare


def cell_of(reason: str, names: Sequence[str], headers: Sequence[str] = ()) -> str:
    """Return the cell that a single reason names and what stands in it, "" where it names no more than a row."""
    found = re.match(rf"((?:{_any(names)}){_PLACE}{_value(headers)}): ", reason)
    return found[1] if found and found[1].endswith('"') else ""


def kinds(bare: pd.Series) -> pd.Series:
    """Return for reasons without places what they have in common with others of their kind: not quotations, numbers."""
    common = bare.str.replace(_QUOTED, f'"{BLANK}"', regex=True)
    common = common.str.replace(_NUMBERED, BLANK, regex=True)
    return common.str.replace(_BLANKS, r"\1", regex=True)


def said_of(kind: str, wordings: Sequence[str]) -> str:
    """Return the sentence for a kind: what its reasons without places say, if they all say the same."""
    said = (wordings[0] if len(wordings) == 1 else kind).strip() or NONE_GIVEN
    said = said.replace(f"row {BLANK}", "another row")
    return f"{said[0].upper()}{said[1:]}" + ("." if said[-1].isalnum() else "")


def _value(headers: Sequence[str]) -> str:
    """Return the pattern of a column's name and of what stands there."""
    return rf'(?: (?:{"|".join((*map(re.escape, headers), _COLUMN))}))?(?: ".*?")?'


def _any(names: Sequence[str]) -> str:
    return f"(?:{_either(names)}) |" if names else ""


def _either(names: Sequence[str]) -> str:
    return "|".join(map(re.escape, names))
