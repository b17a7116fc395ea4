"""What Excel does to cells, as named checks.

Harmless ways are put right and noted; harmful ones reject the row, with a sentence that says how to export it right.
What Excel has lost is never guessed at. Most cells are plain: a look at all bytes of a column finds them so, and only
the others are examined, check by check.

    column ──plain?──▶ others ──mojibake──▶ unwrapped ──harmful checks──▶ tidied
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
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

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd
    import pyarrow as pa

ORDERS = frozenset({"purchase_order_id", "customer_order_id"})
NUMBERS = ORDERS | {"tracking_number"}  # long numbers, which Excel may take for quantities
COUNTS = frozenset({"line_number", "quantity"})
ITEMS = frozenset({"sku", "seller_order_id"})  # a number now and then
NAMES = frozenset({"carrier", "tracking_url", "method_code", "ship_from_country"})
EVERYWHERE = NUMBERS | COUNTS | ITEMS | NAMES

AS_TEXT = "make the column text before the numbers go in, and export again"
LONGEST_NUMBER = 15  # digits that a number of Excel's keeps


@dataclass(frozen=True, slots=True)
class Ruin:
    """A way to ruin a cell for good. It is there where the pattern fits, or where the file stores one of the kinds."""

    name: str
    reason: str
    pattern: str = ""  # the whole cell, as a regular expression (RE2)
    columns: frozenset[str] = EVERYWHERE
    kinds: frozenset[Kind] = frozenset()
    only_of_kinds: bool = False  # pattern and kind together


@dataclass(frozen=True, slots=True)
class Mending:
    """A harmless change, and how it is put right."""

    name: str
    note: str
    pattern: str
    replacement: str
    columns: frozenset[str] = EVERYWHERE


_ONE = r"[0-9a-z\- ]*\d[0-9a-z\- ]*"
_MONTH = r"(?:jan|feb|fev|fév|mar|apr|avr|may|mai|jun|juin|jul|juil|aug|aou|aoû|sep|oct|nov|dec|déc)[a-zéû]*\.?"

MOJIBAKE = Ruin(
    "mojibake",
    "letters with accents have turned into signs on the way; export as UTF-8 (in Excel: CSV UTF-8)",
    r"(?s:.*)(?:Ã[\x{80}-\x{BF}\x{152}-\x{192}\x{2C6}\x{2DC}\x{2013}-\x{203A}\x{20AC}\x{2122} ]"
    r"|Â[\x{A0}-\x{BF}]|â€|ï»¿|\x{FFFD})(?s:.*)",
)

RUINS = (
    Ruin(
        "error",
        "this is an error value of a formula, not what belongs here; mend the formula, and export again",
        r"#(?:N/A|N/D|REF!|VALUE!|VALEUR!|DIV/0!|NAME\?|NOM\s?\?|NULL!|NUL!|NUM!|NOMBRE!|SPILL!|CALC!|FIELD!|BUSY!)",
        kinds=frozenset({Kind.ERROR}),
    ),
    Ruin("too_narrow", "the column was too narrow to show what is in it; widen it and export again", r"#{2,}"),
    Ruin(
        "e_notation",
        f"Excel shows this number in E-notation and has lost its last digits; {AS_TEXT}",
        r"(?i)-?\d+(?:[.,]\d+)?e\+\d+",
        NUMBERS | COUNTS | ITEMS,
    ),
    Ruin(
        "small_e_notation",
        f"Excel has taken this for a number in E-notation; {AS_TEXT}",
        r"(?i)-?\d+(?:[.,]\d+)?e-\d+",
        NUMBERS | COUNTS,
    ),
    Ruin(
        "digits_lost",
        f"the file stores this as a number, and numbers keep {LONGEST_NUMBER} digits: the others are lost; {AS_TEXT}",
        r"-?0*[1-9]\d{15,}(?:[.,]0*)?",
        NUMBERS | COUNTS | ITEMS,
        frozenset({Kind.NUMBER}),
        only_of_kinds=True,
    ),
    Ruin(
        "digits_zeroed",
        f"Excel keeps {LONGEST_NUMBER} digits of a number and has put noughts for the rest; {AS_TEXT}",
        r"[1-9]\d{14}0{3,}",
        NUMBERS | ITEMS,
    ),
    Ruin(
        "point_zero",
        f"as a number of more than {LONGEST_NUMBER} digits it has lost its last ones; {AS_TEXT}",
        r"\d{16,}[.,]0+",
        NUMBERS | ITEMS,
    ),
    Ruin(
        "fraction",
        f"Excel has taken this for a number with decimals; {AS_TEXT}",
        r"-?\d+\.\d+",
        NUMBERS,
        frozenset({Kind.NUMBER}),
        only_of_kinds=True,
    ),
    Ruin(
        "became_date",
        f"Excel has turned this into a date or time; {AS_TEXT}",
        rf"(?i)\d{{4}}-\d{{2}}-\d{{2}}(?:[ T].*)?|\d{{1,2}}/\d{{1,2}}/\d{{2,4}}|\d{{1,2}}[- ]{_MONTH}(?:[- ]\d{{2,4}})?"
        rf"|{_MONTH}[- ]\d{{2,4}}|\d{{1,2}}:\d{{2}}(?::\d{{2}})?",
        NUMBERS | COUNTS,
    ),
    Ruin(
        "stored_as_date",
        f"the file stores this as a date or time; {AS_TEXT}",
        columns=NUMBERS | COUNTS | ITEMS,
        kinds=frozenset({Kind.DATE, Kind.DURATION}),
    ),
    Ruin(
        "serial_date",
        f"this looks like the number that Excel keeps for a date; {AS_TEXT}",
        r"(?:3[6-9]|[4-6]\d|7[0-3])\d{3}(?:\.\d+)?",
        COUNTS,
    ),
    Ruin(
        "boolean",
        f"the file stores this as true or false; {AS_TEXT}",
        columns=NUMBERS | COUNTS | ITEMS,
        kinds=frozenset({Kind.BOOLEAN}),
    ),
    Ruin(
        "thousands",
        f"Excel has put separators between the digits, as in an amount of money; {AS_TEXT}",
        r"\d{1,3}(?:,\d{3})+(?:\.\d*)?|\d{1,3}(?:'\d{3})+",
        NUMBERS | COUNTS,
    ),
    Ruin(
        "several",
        "there are several numbers in this cell; give each a row of its own",
        rf"(?is){_ONE}(?:(?:[,;/|&+\n\r\t]|\s(?:and|et|ou|or)\s){_ONE})+[,;/|&\s]*"
        r"|(?i)[0-9a-z]{9,}(?: +[0-9a-z]{9,})+",
        NUMBERS,
    ),
)  # fmt: skip

_SPACES = "\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000"
_INVISIBLE = "\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff"
_APOSTROPHES = "'`\u00b4\u2018\u2019"
_DASHES = "\u2010-\u2015\u2212\ufe58\ufe63\uff0d"

_QUOTED = rf"^\s*[{_APOSTROPHES}]([^{_APOSTROPHES}]*)$"

UNWRAPPINGS = (
    Mending("exotic_spaces", "no-break or other unusual spaces taken out", f"[{_SPACES}]", " "),
    Mending("invisible", "invisible characters taken out", f"[{_INVISIBLE}]", ""),
    Mending("exotic_dashes", "unusual dashes taken for plain ones", f"[{_DASHES}]", "-", NUMBERS | COUNTS | ITEMS),
    Mending("formula_text", 'the wrapping ="..." that keeps noughts taken off', r'^\s*="([^"]*)"\s*$', r"\1"),
    Mending("apostrophe", "the apostrophe that makes it text taken off", _QUOTED, r"\1"),
)  # fmt: skip
"""Applied before the harmful checks; then spaces at both ends go without a word."""

TIDYINGS = (
    Mending(
        "point_zero",
        "the .0 of a number taken off",
        rf"^(\d{{1,{LONGEST_NUMBER}}})[.,]0+$",
        r"\1",
        NUMBERS | COUNTS | ITEMS,
    ),
    Mending("spaced", "spaces and dashes inside the number taken out", r"[ \-]+", "", frozenset({"tracking_number"})),
)
"""Applied to what is whole."""

SPACED_ORDER = Mending("spaced", "spaces and dashes inside the number taken out", r"[ \-]+", "", ORDERS)
_ORDER_OF_DIGITS = r"[\d \-]*\d[\d \-]*"

_BARE = DIGITS + LETTERS
_TEXT = PRINTABLE.translate(None, b"'=#+`")
_ITEM = _TEXT.translate(None, b".,")
_BAD_KINDS = (Kind.DATE, Kind.BOOLEAN, Kind.ERROR, Kind.DURATION)


def inspect(columns: pd.DataFrame, kinds: Mapping[str, np.ndarray]) -> tuple[pd.DataFrame, Findings]:
    """Examine every cell of the shipment columns but the ship times, which reading judges.

    `columns` are text; `kinds` has for a column how the file stores its cells (uint8 of `Kind`), nothing where all are
    text. Returns the columns with what is harmless put right, and the findings: "rejected" for each ruined cell, one
    "note" for each column and mending.
    """
    clean, found = {}, []
    for name in columns.columns:
        texts = text_array(columns[name])
        rows = _unusual(name, texts, kinds.get(name))
        if name in EVERYWHERE and len(rows):
            seen = picked(texts, rows)
            mended, told = _examine(name, seen, rows, kinds.get(name))
            if not mended.equals(seen):
                clean[name] = text_series(replaced(texts, rows, mended))
            found.extend(told)
    return columns.assign(**clean), joined(found)


def _unusual(name: str, texts: pa.LargeStringArray, kinds: np.ndarray | None) -> np.ndarray:
    """Return the rows, ascending, whose cell needs a closer look."""
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
        other = ruined | ~matches(texts, _ORDER_OF_DIGITS)
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
