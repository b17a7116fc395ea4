from __future__ import annotations

import pytest

from batch.submit.standing import (
    is_created,
    line_key,
    line_of,
    named,
    remembered,
    shipped_before,
    total_shipped,
    tracking_of,
    units_cancelled,
    units_open,
    units_shipped,
)
from tests.unit.submit.saying import rows, shown


def test_units_are_counted_by_status_whatever_its_case() -> None:
    (line,) = shown("1: 1 CREATED, 2 open, 3 shipped A, 4 delivered B, 5 refund A, 6 cancelled, 7 returned").lines
    assert (units_open(line), total_shipped(line), units_cancelled(line)) == (3, 12, 6)
    assert units_shipped(line) == {"A": 8, "B": 4}


def test_several_packages_of_the_same_units_each_count_for_all_of_them() -> None:
    (line,) = shown("1: 2 shipped A+b-1").lines
    assert (units_shipped(line), total_shipped(line)) == ({"A": 2, "B1": 2}, 2)


def test_a_parcel_without_tracking_number_goes_by_its_carrier() -> None:
    (line,) = shown("1: 1 shipped lettermail").lines
    assert (units_shipped(line), tracking_of(line, "LETTERMAIL")) == ({"LETTERMAIL": 1}, "")


def test_a_tracking_number_is_given_back_as_the_marketplace_writes_it() -> None:
    (line,) = shown("1: 1 open a-1, 1 shipped a-1, 2 shipped C+d-2").lines
    assert [tracking_of(line, key) for key in ("A1", "C", "D2", "E")] == ["a-1", "C", "d-2", ""]


def test_created_units_wait_to_be_acknowledged() -> None:
    assert [is_created(line) for line in shown("1: 1 created, 1 open; 2: 1 open").lines] == [True, False]


@pytest.mark.parametrize(
    ("number", "key"), [("1", "1"), ("001", "1"), ("10", "10"), ("0", "0"), ("00", "0"), ("", "0")]
)
def test_line_numbers_are_compared_without_leading_zeros(number: str, key: str) -> None:
    assert line_key(number) == key


def test_a_line_is_found_however_its_number_is_written() -> None:
    order = shown("001: 1 open; 10: 1 open")
    lines = [line_of(order, number) for number in ("1", "0010", "2")]
    assert [line and line.line_number for line in lines] == ["001", "10", None]


def test_numbers_are_named_in_a_sentence() -> None:
    assert (named({"B", "A"}), named(())) == ("A, B", "no tracking number")


def test_what_is_remembered_can_be_asked_for_by_line_and_parcel() -> None:
    before = remembered(shown("1: 1 shipped A, 2 shipped B; 02: 1 open"), rows("1 A; 02 C; 9 D"))
    assert before == {"1": 3, "02": 0, "1 A": 1}
    assert [shipped_before(before, *place) for place in (("1",), ("1", "A"), ("1", "B"), ("7",))] == [3, 1, 0, 0]
