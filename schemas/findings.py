"""What the checks found: a table with one line for each cell or row that deserves a sentence.

Every check hands back findings of the same form, so that they can be laid one under the other. Good rows leave none.
"""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MANY = 50  # distinct values of a column that get a note each

FINDING_COLUMNS = ("row", "column", "value", "effect", "reason")

Findings = pd.DataFrame
"""Columns `FINDING_COLUMNS`: `row` int64, position in the table, counted from 0; `column` the shipment column, "" for
the whole row; `value` the text seen; `effect` an `Effect`; `reason` one sentence without file, row, column or value."""


class Effect(StrEnum):
    """What a finding does to its row."""

    REJECTED = "rejected"  # the row cannot be sent: the file is wrong
    SKIPPED = "skipped"  # the row is no shipment
    HELD = "held"  # the row waits for a person
    WARNING = "warning"  # the row goes on; the report says it
    NOTE = "note"  # harmless, and put right


@lru_cache(maxsize=1)
def no_findings() -> Findings:
    """Return an empty table of findings, always the same one: most checks find nothing."""
    return _table(np.empty(0, np.int64), "", "", "", "")


def findings(
    rows: Iterable[int] | np.ndarray,
    column: str,
    values: Iterable[str] | pd.Series | str,
    effect: str,
    reason: str | Iterable[str],
) -> Findings:
    """Return one finding for each row, all in one column and to one effect.

    `rows` are positions in the table. `values` are the texts seen, one beside each row or one for all; so are reasons.
    """
    positions = np.asarray(rows if isinstance(rows, np.ndarray) else list(rows), dtype=np.int64)
    return _table(positions, column, values, str(effect), reason) if len(positions) else no_findings()


def _table(
    positions: np.ndarray,
    column: str,
    values: Iterable[str] | pd.Series | str,
    effect: str,
    reason: str | Iterable[str],
) -> Findings:
    return pd.DataFrame(
        {
            "row": positions,
            "column": _texts(column, len(positions)),
            "value": _texts(values, len(positions)),
            "effect": _texts(effect, len(positions)),
            "reason": _texts(reason, len(positions)),
        }
    )


def summed_up(rows: np.ndarray, column: str, value: str, effect: str, reason: str) -> Findings:
    """Return one finding for what many rows of a column share, at the first of them, saying how many they are."""
    more = len(rows) - 1
    told = f"{reason} (here and in {more:,} more {'row' if more == 1 else 'rows'})" if more else reason
    return findings(rows[:1], column, value, effect, told)


def summed_up_by_value(
    rows: np.ndarray, column: str, values: pd.Series, effect: str, reason: Callable[[str], str]
) -> Findings:
    """Return one finding for each distinct value, at the first of its rows; `values` lie beside `rows`.

    Beyond `MANY` values one finding stands for all the others: a column of nothing but mistakes is told once.
    """
    codes, names = pd.factorize(values)
    codes = np.minimum(codes, MANY)
    order = np.argsort(codes, kind="stable")
    groups = np.split(rows[order], np.flatnonzero(np.diff(codes[order])) + 1) if len(rows) else []
    return joined(
        summed_up(group, column, name, effect, reason(name)) for group, name in zip(groups, names, strict=False)
    )


def joined(parts: Iterable[Findings]) -> Findings:
    """Lay findings one under the other, in the order given."""
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else no_findings()


def _texts(values: str | Iterable[str], count: int) -> pd.Series:
    texts = [values] * count if isinstance(values, str) else list(values)
    return pd.Series(texts, dtype="str")
