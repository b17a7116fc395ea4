from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.grouping import Bucket, Dealt, Groups, KeysOfLines, dealt, grouped, laid_together, met
from tests.unit.tables import texts

ROW = st.tuples(
    st.sampled_from(["", "309121065891123", "309121065891124", "309121065891125", "4"]),
    st.sampled_from(["", "5000001764199", "5000001764200"]),
    st.sampled_from(["", "1", "2"]),
    st.sampled_from(["", "7035114477138472", "1Z5R89390357567127"]),
    st.booleans(),
)
NAMES = ("purchase_order_id", "customer_order_id", "line_number", "tracking_number")


def keys(rows: list[tuple[str, str, str, str, bool]]) -> KeysOfLines:
    lines = pd.DataFrame({name: texts([str(row[place]) for row in rows]) for place, name in enumerate(NAMES)})
    return KeysOfLines(lines, np.array([row[-1] for row in rows], np.bool_))


def told(groups: Groups) -> list[list[int]]:
    return [member.tolist() for member in (groups.order, groups.two_customers, groups.alike)]


@settings(deadline=None)
@given(parts=st.lists(st.lists(ROW, max_size=8), min_size=1, max_size=4), buckets=st.integers(1, 5))
def test_rows_that_meet_in_buckets_are_grouped_as_all_together_are(
    parts: list[list[tuple[str, str, str, str, bool]]], buckets: int
) -> None:
    pieces = [dealt(keys(part), buckets) for part in parts]
    starts = np.cumsum([0, *map(len, parts)])[:-1].tolist()
    of_buckets = [met([piece[bucket] for piece in pieces], starts) for bucket in range(buckets)]
    found = laid_together([Bucket(bucket.position, grouped(bucket)) for bucket in of_buckets])

    whole = grouped(keys([row for part in parts for row in part]))
    assert told(found)[:2] == told(whole)[:2]
    assert set(told(found)[2]) == set(told(whole)[2])


def test_an_order_falls_into_one_bucket_and_buckets_are_about_as_full() -> None:
    rows = [(str(309121065891000 + number % 5_000), "", "1", "x", True) for number in range(10_000)]
    pieces = dealt(keys(rows), 8)

    named: list[set[str]] = [set(piece.orders().to_pylist()) for piece in pieces]
    assert sum(map(len, named)) == len(set().union(*named)) == 5_000
    assert min(map(len, named)) > 500


def test_no_rows_have_no_groups() -> None:
    assert told(grouped(keys([]))) == told(laid_together([])) == [[], [], []]


def test_a_customers_order_is_not_taken_for_a_purchase_order_of_the_same_number() -> None:
    groups = grouped(keys([("5000001764199", "", "1", "x", True), ("", "5000001764199", "1", "x", True)]))
    assert groups.order.tolist() == [0, 1]
    assert groups.alike.tolist() == []


@pytest.mark.parametrize("ready", [True, False])
def test_two_customers_count_among_rows_that_are_ready(ready: bool) -> None:  # noqa: FBT001 - a parameter of the test
    groups = grouped(keys([("4", "50", "1", "x", True), ("4", "51", "1", "x", ready), ("5", "51", "1", "x", True)]))
    assert groups.two_customers.tolist() == ([0, 1] if ready else [])
    assert groups.alike.tolist() == []


def test_dealt_keys_say_what_the_lines_do() -> None:
    lines = keys([("4", "50", "1", "x", True), ("5", "", "2", "y", False)])
    (all_of_them,) = dealt(lines, 1)
    everything = np.arange(2)

    assert isinstance(all_of_them, Dealt)
    for of_both in (lines, all_of_them):
        assert of_both.orders().to_pylist() == ["4", "5"]
        assert (of_both.ready.tolist(), of_both.whole.tolist()) == ([True, False], [True, False])
    for name in ("customers", "numbers", "items"):
        np.testing.assert_array_equal(getattr(lines, name)(everything), getattr(all_of_them, name)(everything))
