from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.characters import DIGITS, hashes, made_of, replaced, rows_with_others, text_array, text_series
from tests.unit.tables import texts

SOME = st.lists(st.text("0aé,", max_size=20), max_size=8)


@settings(max_examples=40)
@given(SOME)
def test_rows_with_other_bytes_are_those_that_a_loop_finds(values: list[str]) -> None:
    expected = [row for row, value in enumerate(values) if set(value.encode()) - set(DIGITS)]

    assert rows_with_others(text_array(texts(values)), DIGITS).tolist() == expected


@settings(max_examples=40)
@given(SOME, st.integers(0, 3))
def test_a_slice_of_a_column_is_looked_at_alone(values: list[str], start: int) -> None:
    part = pa.array(values, pa.large_string())[start:]

    expected = [row for row, value in enumerate(values[start:]) if set(value.encode()) - set(DIGITS)]
    assert rows_with_others(part, DIGITS).tolist() == expected


@settings(max_examples=40)
@given(SOME)
def test_equal_texts_have_equal_hashes_and_others_do_not(values: list[str]) -> None:
    assert len(set(hashes(text_array(texts(values))).tolist())) == len(set(values))


def test_made_of_limits_bytes_and_length_and_lets_blanks_pass() -> None:
    assert made_of(texts(["12", "1x", "123", ""]), DIGITS, 2).tolist() == [True, False, False, True]


def test_columns_in_pieces_or_with_nothing_in_them_are_read_as_text() -> None:
    pieces = pd.Series(pd.array(pa.chunked_array([["a"], ["b", None]], pa.large_string()), dtype="str"))

    assert text_array(pieces).to_pylist() == ["a", "b", ""]


def test_texts_are_replaced_where_told() -> None:
    array = text_array(texts(["a", "b", "c"]))

    changed = replaced(array, np.array([0, 2]), pa.array(["x", "é"], pa.large_string()))
    assert text_series(changed).tolist() == ["x", "b", "é"]
    assert replaced(array, np.array([], np.int64), pa.array([], pa.large_string())) is array
