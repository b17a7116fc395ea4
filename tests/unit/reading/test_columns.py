from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.reading import columns

TEXTS = st.lists(st.text(alphabet=st.sampled_from(list("a '=\t\u00a0é")), max_size=4), max_size=12)


@settings(max_examples=60, deadline=None)
@given(texts=TEXTS, start=st.integers(0, 3))
def test_edges_are_those_of_each_text_in_a_slice_too(texts: list[str], start: int) -> None:
    column = columns.column_of(texts)[start:]
    at = columns.edges(column)
    wanted = [text.encode() for text in texts[start:]]
    assert list(at.lengths) == [len(text) for text in wanted]
    assert at.first.tolist() == [text[0] if text else 0 for text in wanted]
    assert at.last.tolist() == [text[-1] if text else 0 for text in wanted]


@settings(max_examples=60, deadline=None)
@given(first=TEXTS)
def test_blank_rows_have_nothing_but_spaces(first: list[str]) -> None:
    second = [text[::-1] if place % 2 else "" for place, text in enumerate(first)]
    blank = columns.blank_rows([columns.column_of(first), columns.column_of(second)], len(first))
    assert blank.tolist() == [not (one + other).strip() for one, other in zip(first, second, strict=True)]


def test_a_column_without_texts_is_not_filled() -> None:
    assert not columns.is_filled(columns.column_of([]))
    assert not columns.is_filled(columns.empty_column(3))
    assert columns.is_filled(columns.column_of(["", "x"]))


@pytest.mark.parametrize(
    ("text", "kept"), [(" a ", "a"), ("\ta\r\n", "a"), ("\u00a0a", "\u00a0a"), ("", ""), ("a b", "a b")]
)
def test_trimming_leaves_no_break_spaces_to_the_checks(text: str, kept: str) -> None:
    assert columns.trimmed(columns.column_of([text])).to_pylist() == [kept]


def test_the_longest_text_is_found_and_counted_in_characters() -> None:
    assert columns.beyond(columns.column_of(["a", "é" * 6, "é" * 5]), 5) == (1, 6)
    assert columns.beyond(columns.column_of(["é" * 3]), 5) is None
    assert columns.beyond(columns.column_of([]), 5) is None


def test_columns_become_frames_of_text_and_columns_again() -> None:
    frame = columns.frame_of([columns.column_of(["a", ""]), columns.column_of(["b", "c"])], 2)
    assert frame.columns.equals(pd.RangeIndex(2))
    assert all(kind == "str" for kind in frame.dtypes)
    assert columns.column_from(frame[1]).to_pylist() == ["b", "c"]
    assert columns.column_from(pd.Series(["x"], dtype="object")).to_pylist() == ["x"]


def test_chunks_are_put_together() -> None:
    assert columns.in_one_piece(pa.chunked_array([["a"], ["b"]])).to_pylist() == ["a", "b"]
