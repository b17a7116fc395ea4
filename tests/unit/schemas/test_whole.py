from __future__ import annotations

import pytest

from schemas.doubts import is_counted_across
from schemas.whole import ENOUGH_ROUNDED, Edge, Noughts, Sight, laid_together

SEVERAL = frozenset(map(str, range(ENOUGH_ROUNDED)))


@pytest.mark.parametrize(
    ("seen", "rounded"),
    [
        (Noughts(), False),
        (Noughts(lossy=True), True),
        (Noughts(zeroed=SEVERAL), True),
        (Noughts(zeroed=frozenset({"1"})), False),
        (Noughts(whole=True, zeroed=SEVERAL), False),
        (Noughts(lossy=True, whole=True), True),
    ],
)
def test_numbers_were_rounded_where_digits_are_lost_or_all_of_many_end_so(seen: Noughts, *, rounded: bool) -> None:
    assert seen.rounded is rounded


def test_few_of_each_part_are_enough_together_and_one_whole_number_speaks_against_all() -> None:
    halves = [Noughts(zeroed=frozenset(map(str, range(start, start + 3)))) for start in (0, 3)]
    assert not any(half.rounded for half in halves)
    assert laid_together([{"sku": half} for half in halves])["sku"].rounded
    assert not laid_together([*({"sku": half} for half in halves), {"sku": Noughts(whole=True)}])["sku"].rounded
    assert laid_together([{"sku": halves[0]}, {"carrier": halves[1]}]) == {"sku": halves[0], "carrier": halves[1]}
    assert laid_together([]) == {}


def test_a_part_goes_by_itself_until_it_is_told_and_answers_for_what_made_a_difference() -> None:
    alone, told = Sight(), Sight(told={"sku": Noughts(lossy=True), "carrier": Noughts()})
    some = Noughts(zeroed=frozenset({"1"}))
    assert [sight.rounded("sku", some) for sight in (alone, told)] == [False, True]
    assert [sight.rounded("carrier", Noughts()) for sight in (alone, told)] == [False, False]
    assert (alone.answered, told.answered) == ({"sku": False}, {"sku": True})
    assert alone.seen == told.seen == {"sku": some, "carrier": Noughts()}


@pytest.mark.parametrize(
    ("before", "behind", "counted"),
    [
        (("5", "8"), ("9",), False),
        (("70351144771384", "7035114477138473"), ("7035114477138474", "1"), True),
        (("7035114477138472", "7035114477138473"), ("9",), True),
        ((), ("7035114477138474", "7035114477138475"), True),
        ((), (), False),
    ],
)
def test_numbers_near_a_cut_that_count_up_are_seen_where_a_check_digit_fails(
    before: tuple[str, ...], behind: tuple[str, ...], *, counted: bool
) -> None:
    def across(*, fails: bool) -> bool:
        first = Edge(before, (fails,) * len(before))
        return is_counted_across(first, Edge(behind, (False,) * len(behind)))

    assert across(fails=True) is (counted and bool(before))
    assert across(fails=False) is False
