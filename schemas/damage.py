"""What Excel does to cells, as named checks.

Harmless ways are put right and noted; harmful ones reject the row, with a sentence that says how to export it right.
What Excel has lost is never guessed at. Most cells are plain: a look at all bytes of a column finds them so, and only
the others are examined, check by check.

    column ──plain?──▶ others ──mojibake──▶ unwrapped ──harmful checks──▶ tidied
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.cells import Kind
from schemas.characters import (
    DIGITS,
    LETTERS,
    PRINTABLE,
    contains,
    lengths,
    matches,
    picked,
    replaced,
    rows_with_others,
    text_array,
    text_series,
)
from schemas.findings import Effect, Findings, findings, joined, summed_up
from schemas.ruins import (
    COUNTS,
    DIGITS_ZEROED,
    EVERYWHERE,
    ITEMS,
    LONGEST_NUMBER,
    LOSSY,
    MOJIBAKE,
    NUMBERS,
    ORDER_OF_DIGITS,
    ORDERS,
    RUINS,
    SPACED_ORDER,
    TIDYINGS,
    TIMES,
    UNWRAPPINGS,
    ZEROED,
)
from schemas.whole import ENOUGH_ROUNDED, Noughts, Sight

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from schemas.ruins import Mending, Ruin

_BARE = DIGITS + LETTERS
_TEXT = PRINTABLE.translate(None, b"'=#+`")
_ITEM = _TEXT.translate(None, b".,")
_TIME = _TEXT + b"+"
_BAD_KINDS = (Kind.DATE, Kind.BOOLEAN, Kind.ERROR, Kind.DURATION, Kind.FORMATTED)


def inspect(
    columns: pd.DataFrame, kinds: Mapping[str, np.ndarray], sight: Sight | None = None
) -> tuple[pd.DataFrame, Findings]:
    """Examine every cell of the shipment columns but the ship times (`inspect_times`).

    `columns` are text; `kinds` has for a column how the file stores its cells (uint8 of `Kind`), nothing where all are
    text. `sight`: of the whole, where this is a part of a table. Returns the columns with what is harmless put right,
    and the findings: "rejected" for each ruined cell, one "note" for each column and mending.
    """
    clean, found = {}, []
    for name in columns.columns:
        if name in EVERYWHERE - TIMES:
            texts = text_array(columns[name])
            mended, told = _inspected(name, texts, kinds.get(name))
            if mended is not texts:
                clean[name] = text_series(mended)
            found.extend(told)
    columns = columns.assign(**clean)
    lossy = any(reason in LOSSY for told in found for reason in told["reason"].unique())
    sight = sight or Sight()
    orders = sorted(ORDERS & {*columns.columns})
    rounded = [_rounded(name, text_array(columns[name]), sight, lossy=lossy) for name in orders]
    return columns, joined([*found, *rounded]).drop_duplicates(["row", "column", "reason"], ignore_index=True)


def inspect_times(texts: pa.LargeStringArray, kinds: np.ndarray | None) -> tuple[pa.LargeStringArray, Findings]:
    """Examine a column of ship times: what no date would be read from, or a wrong one. Returns as `inspect` does."""
    mended, found = _inspected("ship_date_time", texts, kinds)
    return mended, joined(found)


def _inspected(
    name: str, texts: pa.LargeStringArray, kinds: np.ndarray | None
) -> tuple[pa.LargeStringArray, list[Findings]]:
    """Return one column mended, the very same array where nothing was, and what was found in it."""
    rows = _unusual(name, texts, kinds)
    if not len(rows):
        return texts, []
    seen = picked(texts, rows)
    mended, found = _examine(name, seen, rows, kinds)
    return (texts if mended.equals(seen) else replaced(texts, rows, mended)), found


def _unusual(name: str, texts: pa.LargeStringArray, kinds: np.ndarray | None) -> np.ndarray:
    """Return the rows, ascending, whose cell needs a closer look."""
    if name in TIMES:
        shown_short = pc.match_substring(texts, "E+").to_numpy(zero_copy_only=False)
        errors = np.empty(0, np.int64) if kinds is None else np.flatnonzero(kinds == Kind.ERROR)
        return np.unique(np.concatenate((rows_with_others(texts, _TIME), np.flatnonzero(shown_short), errors)))
    plain = _BARE if name in NUMBERS | COUNTS else _ITEM if name in ITEMS else _TEXT
    rows = [rows_with_others(texts, plain)]
    if name in NUMBERS | ITEMS:
        long = lengths(texts) > LONGEST_NUMBER
        ends = pc.ends_with(texts, pattern="000").to_numpy(zero_copy_only=False)
        rows.append(np.flatnonzero(long & (ends if kinds is None else ends | (kinds == Kind.NUMBER))))
    if name in COUNTS:
        rows.append(np.flatnonzero(lengths(texts) > 4))  # noqa: PLR2004 - from here on dates kept as numbers
    if kinds is not None:
        rows.append(np.flatnonzero(np.isin(kinds, _BAD_KINDS)))
    return np.unique(np.concatenate(rows))


def _rounded(name: str, texts: pa.LargeStringArray, sight: Sight, *, lossy: bool) -> Findings:
    """Reject order numbers that were rounded. Of tracking numbers the check digit tells more (`schemas.doubts`)."""
    zeroed, seen = noughts(texts, np.zeros(len(texts), np.bool_), lossy=lossy)
    rows = np.flatnonzero(zeroed & sight.rounded(name, seen))
    return findings(rows, name, picked(texts, rows).to_pylist(), Effect.REJECTED, DIGITS_ZEROED)


def noughts(texts: pa.LargeStringArray, proven: np.ndarray, *, lossy: bool) -> tuple[np.ndarray, Noughts]:
    """Return where long numbers have noughts behind the digits that Excel keeps, and what that says of the column.

    `proven` are those that are known to be right; `lossy`: the table has lost digits elsewhere.
    """
    zeroed = np.zeros(len(texts), np.bool_)
    long = np.flatnonzero((lengths(texts) > LONGEST_NUMBER) & ~proven)
    numbers = picked(texts, long)
    zeroed[long] = matches(numbers, ZEROED)
    whole = bool((matches(numbers, r"[1-9]\d+") & ~zeroed[long]).any())
    ending = texts.filter(pa.array(zeroed))
    some = pc.unique(ending[:1] if whole else ending)[:ENOUGH_ROUNDED].to_pylist()
    return zeroed, Noughts(lossy, whole, frozenset(some))


def _examine(
    name: str, texts: pa.LargeStringArray, rows: np.ndarray, kinds: np.ndarray | None
) -> tuple[pa.LargeStringArray, list[Findings]]:
    """Examine some cells of a column: return them mended where harmless, and what was found."""
    seen = texts
    notes: list[Findings] = []
    ruined = _broken(MOJIBAKE, texts, None)
    found = [_ruins(name, MOJIBAKE, seen, rows, ruined)]
    for mending in UNWRAPPINGS:
        texts = _mended(mending, name, texts, seen, rows, ruined, notes)
    texts = pc.utf8_trim_whitespace(texts)
    stored = None if kinds is None else kinds[rows]
    for ruin in RUINS:
        if name in ruin.columns:
            here = _broken(ruin, texts, stored) & ~ruined
            found.append(_ruins(name, ruin, seen, rows, here))
            ruined |= here
    for mending in TIDYINGS:
        texts = _mended(mending, name, texts, seen, rows, ruined, notes)
    if name in ORDERS:
        other = ruined | ~matches(texts, ORDER_OF_DIGITS)
        texts = _mended(SPACED_ORDER, name, texts, seen, rows, other, notes)
    return texts, [*found, *notes]


def _broken(ruin: Ruin, texts: pa.LargeStringArray, kinds: np.ndarray | None) -> np.ndarray:
    fits = matches(texts, ruin.pattern) if ruin.pattern else np.zeros(len(texts), np.bool_)
    stored = np.zeros(len(texts), np.bool_) if kinds is None else np.isin(kinds, list(ruin.kinds))
    return fits & stored if ruin.only_of_kinds else fits | stored


def _ruins(name: str, ruin: Ruin, seen: pa.LargeStringArray, rows: np.ndarray, where: np.ndarray) -> Findings:
    here = np.flatnonzero(where)
    return findings(rows[here], name, picked(seen, here).to_pylist(), Effect.REJECTED, ruin.reason)


def _mended(  # noqa: PLR0917 - what stands beside what
    mending: Mending,
    name: str,
    texts: pa.LargeStringArray,
    seen: pa.LargeStringArray,
    rows: np.ndarray,
    ruined: np.ndarray,
    notes: list[Findings],
) -> pa.LargeStringArray:
    """Mend what is not ruined, and add the note."""
    if name not in mending.columns:
        return texts
    here = np.flatnonzero(contains(texts, mending.pattern) & ~ruined)
    if not len(here):
        return texts
    notes.append(summed_up(rows[here], name, seen[here[0]].as_py(), Effect.NOTE, mending.note))
    whole = pc.replace_substring_regex(picked(texts, here), mending.pattern, mending.replacement)
    return replaced(texts, here, whole)
