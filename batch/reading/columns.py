"""Columns of text, as pyarrow keeps them: what they hold is seen from their first and last bytes, without a copy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from batch.reading.table import TEXT

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Column = Any
"""A pyarrow array of `large_string`, in one piece; pyarrow ships no types."""

_APOSTROPHE = r"^'([=+\-@\t\r])"
_SPACE = 32  # and all bytes below it: blanks, tabs, line ends
_NOT_ASCII = 128  # from here on a byte may belong to a no-break space


def column_of(texts: Iterable[str]) -> Column:
    """Return texts as a column."""
    return pa.array(texts, pa.large_string())


def empty_column(height: int) -> Column:
    """Return a column of blanks."""
    return repeated("", height)


def repeated(text: str, height: int) -> Column:
    """Return a column that says the same in each row. One of blanks takes no memory: nobody writes into its zeros."""
    if not text:
        places = pa.py_buffer(np.zeros(height + 1, np.int64))
        return pa.Array.from_buffers(pa.large_string(), height, [None, places, pa.py_buffer(b"")])
    return pa.repeat(pa.scalar(text, pa.large_string()), height)


def in_one_piece(column: Any) -> Column:  # noqa: ANN401 - pyarrow ships no types
    """Return a chunked array as one."""
    return column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column


def column_from(series: pd.Series) -> Column:
    """Return a text column of a frame, without a copy where pyarrow keeps it."""
    return in_one_piece(pa.array(series.astype(TEXT), type=pa.large_string(), from_pandas=True))


def frame_of(columns: Sequence[Column], height: int) -> pd.DataFrame:
    """Return columns as a frame, labelled 0..n-1."""
    series = {position: pd.Series(pd.array(column, dtype=TEXT)) for position, column in enumerate(columns)}
    return pd.DataFrame(series, index=pd.RangeIndex(height), columns=pd.RangeIndex(len(columns)), copy=False)


@dataclass(frozen=True, slots=True)
class Edges:
    """Of each text its length in bytes, and its first and last byte, 0 where it is empty."""

    lengths: np.ndarray
    first: np.ndarray
    last: np.ndarray


def edges(column: Column) -> Edges:
    """Return the column's edges."""
    offsets, letters = _buffers(column)
    lengths = np.diff(offsets)
    if not lengths.any():
        nothing = np.zeros(len(lengths), dtype=np.uint8)
        return Edges(lengths, nothing, nothing)
    filled = lengths > 0
    first = np.where(filled, letters[np.minimum(offsets[:-1], len(letters) - 1)], 0)
    return Edges(lengths, first, np.where(filled, letters[offsets[1:] - 1], 0))


def _buffers(column: Column) -> tuple[np.ndarray, np.ndarray]:
    _, offsets, letters = column.buffers()
    if offsets is None or letters is None:
        return np.zeros(len(column) + 1, dtype=np.int64), np.zeros(0, dtype=np.uint8)
    places = np.frombuffer(offsets, dtype=np.int64)[column.offset : column.offset + len(column) + 1]
    return places, np.frombuffer(letters, dtype=np.uint8)


def is_filled(column: Column) -> bool:
    """Tell whether any cell has a text."""
    offsets, _ = _buffers(column)
    return bool(offsets[-1] > offsets[0])


def trimmed(column: Column) -> Column:
    """Return the column without blanks, tabs and line ends around its texts."""
    at = edges(column)
    outside = ((at.first <= _SPACE) | (at.last <= _SPACE)) & (at.lengths > 0)
    return pc.ascii_trim_whitespace(column) if outside.any() else column


def without_apostrophe(column: Column) -> Column:
    """Remove the one apostrophe that our reports put before = + - @ tab and CR."""
    if not (edges(column).first == ord("'")).any():
        return column
    return pc.replace_substring_regex(column, _APOSTROPHE, r"\1")


def beyond(column: Column, limit: int) -> tuple[int, int] | None:
    """Return the place of the longest text and its characters, None where they are not more than `limit`."""
    lengths = np.diff(_buffers(column)[0])
    if not len(lengths) or int(lengths.max()) <= limit:
        return None
    characters = np.asarray(pc.utf8_length(column))
    at = int(characters.argmax())
    return (at, int(characters[at])) if characters[at] > limit else None


def blank_rows(columns: Sequence[Column], height: int) -> np.ndarray:
    """Return which rows have nothing but spaces, of any kind, in all their cells."""
    blank = np.ones(height, dtype=bool)
    for column in columns:
        left = np.flatnonzero(blank)
        if not len(left):
            break
        at = edges(column)
        doubtful = left[(at.lengths[left] > 0) & ((at.first[left] <= _SPACE) | (at.first[left] >= _NOT_ASCII))]
        spaces = np.asarray(pc.equal(pc.utf8_trim_whitespace(column.take(pa.array(doubtful))), ""))
        blank &= at.lengths == 0
        blank[doubtful[spaces]] = True
    return blank


def kept(column: Column, rows: np.ndarray) -> Column:
    """Return the column's rows that a mask names."""
    return column.filter(pa.array(rows))


def replaced_values(column: Column, replace: Any) -> Column:  # noqa: ANN401 - a function from text to text
    """Return the column with each different text replaced; each is looked up once."""
    codes, texts = distinct(column)
    return column_of([replace(text) for text in texts]).take(pa.array(codes))


def distinct(column: Column) -> tuple[np.ndarray, list[str]]:
    """Return for each row the number of its text, and the different texts."""
    encoded = pc.dictionary_encode(column)
    return np.asarray(encoded.indices), encoded.dictionary.to_pylist()
