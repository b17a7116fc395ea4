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

FINDING_COLUMNS = ("row", "column", "value", "effect", "reason", "summed", "more")

Findings = pd.DataFrame
"""Columns `FINDING_COLUMNS`: `row` int64, position in the table, counted from 0; `column` the shipment column, "" for
the whole row; `value` the text seen; `effect` an `Effect`; `reason` one sentence without file, row, column or value.
Where a finding stands for many rows, `row` is the first of them, `more` (int64) counts the others, and `summed` says
what they share: `REASON` or `VALUE`; "" for a finding about one row. `in_short` makes them ready to be told."""

REASON, VALUE = "reason", "value"


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
            "summed": _texts("", len(positions)),
            "more": np.zeros(len(positions), np.int64),
        }
    )


def summed_up(rows: np.ndarray, column: str, value: str, effect: str, reason: str) -> Findings:
    """Return one finding for what many rows of a column share, at the first of them."""
    return findings(rows[:1], column, value, effect, reason).assign(summed=_texts(REASON, 1), more=len(rows) - 1)


def summed_up_by_value(
    rows: np.ndarray, column: str, values: pd.Series, effect: str, reason: Callable[[str], str]
) -> Findings:
    """Return one finding for each distinct value, at the first of its rows; `values` lie beside `rows`."""
    codes, names = pd.factorize(values)
    first = np.flatnonzero(~pd.Series(codes).duplicated().to_numpy())
    found = findings(rows[first], column, list(names), effect, [reason(name) for name in names])
    return found.assign(summed=_texts(VALUE, len(found)), more=np.bincount(codes, minlength=len(names)) - 1)


def in_short(found: Findings) -> Findings:
    """Return the findings as they are told: what many rows share once, at the first of them, with how many they are.

    Beyond `MANY` values one finding stands for all the others: a column of nothing but mistakes is told once.
    """
    summed = np.flatnonzero((found["summed"] != "").to_numpy())
    if not len(summed):
        return found
    some = found.iloc[summed]
    shared = some["value"].where(some["summed"] == VALUE, some["reason"])
    family = [some["column"], some["effect"], some["summed"]]
    number = shared.groupby(family, sort=False).transform(lambda names: np.minimum(pd.factorize(names)[0], MANY))
    group = some.groupby([*family, number.astype("int64")], sort=False)["more"]
    counts = (group.transform("sum") + group.transform("size") - 1).to_numpy(np.int64)
    more, reasons = found["more"].to_numpy(np.int64, copy=True), found["reason"].to_numpy(object, copy=True)
    more[summed] = counts
    reasons[summed] = list(map(_with_count, some["reason"].tolist(), counts.tolist()))
    kept = np.ones(len(found), np.bool_)
    kept[summed[(group.cumcount() > 0).to_numpy()]] = False
    return found.assign(more=more, reason=_texts(reasons, len(found)))[kept].reset_index(drop=True)


def _with_count(reason: str, more: int) -> str:
    return f"{reason} (here and in {more:,} more {'row' if more == 1 else 'rows'})" if more else reason


def joined(parts: Iterable[Findings]) -> Findings:
    """Lay findings one under the other, in the order given."""
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else no_findings()


def _texts(values: str | Iterable[str], count: int) -> pd.Series:
    texts = [values] * count if isinstance(values, str) else list(values)
    return pd.Series(texts, dtype="str")
