from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from batch.report import cells
from tests.unit.report.accounts import make_table


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        ("=1+1", "'=1+1"),
        ("+1", "'+1"),
        ("-1", "'-1"),
        ("@SUM(A1)", "'@SUM(A1)"),
        ("\tx", "'\tx"),
        ("\rx", "'\rx"),
        ("'=1", "'=1"),
        (" =1", " =1"),
        ("a=1", "a=1"),
        ("é", "é"),
        ("", ""),
    ],
)
def test_what_begins_like_a_formula_gets_one_apostrophe(cell: str, written: str) -> None:
    assert cells.neutralised(cell) == written
    assert cells.text_column(pd.Series([cell, "x"], dtype="str")).to_pylist() == [written or None, "x"]


def test_times_are_rfc_3339_in_utc_and_nothing_where_there_is_none() -> None:
    moments = np.array([0, 1_795_480_000_007])
    assert cells.time_column(moments).to_pylist() == [None, "2026-11-24T00:26:40.007Z"]


def test_columns_of_an_earlier_report_are_not_the_inputs_own() -> None:
    table = make_table(columns=("a", "_outcome", "b", "_reason"))
    assert cells.own_columns(table) == {("a", 0): 0, ("b", 0): 2}


def test_doubled_and_blank_headers_stay_columns_of_their_own() -> None:
    table = make_table(columns=("a", "", "a", ""))
    assert cells.own_columns(table) == {("a", 0): 0, ("", 0): 1, ("a", 1): 2, ("", 1): 3}


def test_the_union_of_columns_is_in_order_of_first_appearance() -> None:
    tables = [make_table(columns=("b", "a")), make_table(columns=("a", "c", "a")), make_table(columns=("b",))]
    assert cells.union_of_own_columns(tables) == [("b", 0), ("a", 0), ("c", 0), ("a", 1)]


def test_blocks_cover_every_row_once() -> None:
    length = 2 * cells.BLOCK + 1
    assert [row for block in cells.blocks(length) for row in range(length)[block]] == list(range(length))
    assert list(cells.blocks(0)) == []
