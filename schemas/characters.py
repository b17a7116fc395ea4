"""What characters a column of text is made of, at array speed.

Bytes of a whole column are looked at together; a Python loop over rows appears nowhere. Columns are pandas `str`
columns backed by pyarrow, "" where empty.
"""

from __future__ import annotations

import string

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

DIGITS = string.digits.encode()
LETTERS = string.ascii_letters.encode()
CAPITALS = string.ascii_uppercase.encode()
PRINTABLE = bytes(range(0x20, 0x7F))

_FACTORS = np.array([0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x27D4EB2F165667C5], np.uint64)
"""Odd numbers without pattern, one for each eight bytes of a text in turn."""

_BLOCK = 1 << 22  # bytes looked up at once, so that the mask of a huge column stays small
_ROWS = 1 << 16  # rows whose bytes are gathered at once, for the same reason


def text_array(texts: pd.Series) -> pa.LargeStringArray:
    """Return the column as one array without nulls; nothing is copied where it is one already."""
    array = pa.array(texts, type=pa.large_string())
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    return pc.fill_null(array, "") if array.null_count else array


def text_series(array: pa.LargeStringArray | pa.StringArray) -> pd.Series:
    """Return the array as a pandas `str` column with a plain index."""
    return pd.Series(pd.array(array, dtype="str"))


def text_bytes(array: pa.LargeStringArray) -> tuple[np.ndarray, np.ndarray]:
    """Return (starts, bytes): row i's bytes lie at `starts[i]` to `starts[i + 1]`."""
    _, offsets, data = array.buffers()
    starts = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    everything = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    return starts - starts[0], everything[starts[0] : starts[-1]]


def lengths(array: pa.LargeStringArray) -> np.ndarray:
    """Return each row's length in bytes, as int64."""
    counts: np.ndarray = pc.binary_length(array).to_numpy(zero_copy_only=False)
    return counts


def is_blank(texts: pd.Series) -> np.ndarray:
    """Return where the column is empty, as bool."""
    return np.asarray(lengths(text_array(texts)) == 0)


def rows_with_others(array: pa.LargeStringArray, allowed: bytes) -> np.ndarray:
    """Return the rows, ascending, that hold any byte which is not among the allowed ones."""
    if not len(array):
        return np.empty(0, np.int64)
    starts, data = text_bytes(array)
    other = np.ones(256, np.bool_)
    other[np.frombuffer(allowed, np.uint8)] = False
    places = [np.empty(0, np.int64)]
    for at in range(0, len(data), _BLOCK):
        block = data[at : at + _BLOCK]
        if block.tobytes().translate(None, allowed):  # far quicker than looking up each byte, and mostly empty
            places.append(np.flatnonzero(other[block]) + at)
    return np.unique(np.searchsorted(starts, np.concatenate(places), side="right") - 1)


def made_of(texts: pd.Series, allowed: bytes, most: int) -> pd.Series:
    """Return where a column has nothing but the allowed bytes, and at most so many; blank cells do."""
    array = text_array(texts)
    good = lengths(array) <= most
    good[rows_with_others(array, allowed)] = False
    return pd.Series(good)


def matches(array: pa.LargeStringArray, pattern: str) -> np.ndarray:
    """Return where the whole text matches the regular expression (RE2), as bool."""
    found: np.ndarray = pc.match_substring_regex(array, rf"^(?:{pattern})$").to_numpy(zero_copy_only=False)
    return found


def contains(array: pa.LargeStringArray, pattern: str) -> np.ndarray:
    """Return where the regular expression (RE2) is found anywhere in the text, as bool."""
    found: np.ndarray = pc.match_substring_regex(array, pattern).to_numpy(zero_copy_only=False)
    return found


def picked(array: pa.LargeStringArray, rows: np.ndarray) -> pa.LargeStringArray:
    """Return the texts of some rows."""
    return array.take(pa.array(rows))


def replaced(array: pa.LargeStringArray, rows: np.ndarray, texts: pa.LargeStringArray) -> pa.LargeStringArray:
    """Return the array with other texts in some rows, which ascend."""
    if not len(rows):
        return array
    mask = np.zeros(len(array), np.bool_)
    mask[rows] = True
    return pc.replace_with_mask(array, pa.array(mask), texts)


def joined_texts(*parts: str | pa.LargeStringArray) -> pa.LargeStringArray:
    """Return the parts joined row by row; a plain text is the same in every row. One part at least is an array."""
    pieces = [pa.scalar(part, pa.large_string()) if isinstance(part, str) else part for part in parts]
    return pc.binary_join_element_wise(*pieces, pa.scalar("", pa.large_string()))


def hashes(array: pa.LargeStringArray) -> np.ndarray:
    """Return a uint64 for each row: equal texts have equal ones, other texts hardly ever."""
    starts, data = text_bytes(array)
    sizes = np.diff(starts)
    found = np.zeros(len(array), np.uint64)
    for size in np.flatnonzero(np.bincount(sizes, minlength=1)):
        rows = np.flatnonzero(sizes == size)
        for at in range(0, len(rows), _ROWS):
            some = rows[at : at + _ROWS]
            found[some] = _hashes_of(data[starts[some, None] + np.arange(size)])
    return found


def _hashes_of(letters: np.ndarray) -> np.ndarray:
    """Return a uint64 for each row of bytes; all texts are of one length."""
    count, size = letters.shape
    padded = np.zeros((count, -(-size // 8) * 8), np.uint8)
    padded[:, :size] = letters
    factors = _FACTORS[np.arange(padded.shape[1] // 8) % len(_FACTORS)]
    return np.asarray((padded.view(np.uint64) * factors).sum(axis=1) + np.uint64(size))
