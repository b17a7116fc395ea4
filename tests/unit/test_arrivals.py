from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.arrivals import Arrival, Arrivals, Look, Patience, looked_at, seconds_left

FILE, OTHER = Path("drop/a.csv"), Path("drop/b.csv")
PATIENCE = Patience(quiet=5, cut_short=60)
LOOK = Look(100, 1_000, (1, 7))
LONGER = Look(200, 1_000, (1, 7))
TOUCHED = Look(100, 2_000, (1, 7))
REPLACED = Look(100, 1_000, (1, 8))


@pytest.mark.parametrize(
    ("since", "renamed", "cut_short", "at", "left"),
    [
        (10, False, False, 10, 5),  # just seen
        (10, False, False, 13, 2),
        (10, False, False, 15, 0),  # quiet for long enough
        (10, False, False, 99, 0),
        (10, True, False, 10, 0),  # renamed in: whole at once
        (10, False, True, 15, 55),  # ends within a line: the copy may have stalled
        (10, False, True, 70, 0),
        (10, True, True, 10, 60),  # a writer may have renamed too early
    ],
)
def test_a_file_is_whole_when_it_stayed_as_it_is_for_long_enough(
    *, since: float, renamed: bool, cut_short: bool, at: float, left: float
) -> None:
    arrival = Arrival(LOOK, since, renamed=renamed)
    assert seconds_left(arrival, PATIENCE, at=at, cut_short=cut_short) == left


@pytest.mark.parametrize("changed", [LONGER, TOUCHED, REPLACED])
def test_any_change_begins_the_quiet_period_anew(changed: Look) -> None:
    before = looked_at(None, LOOK, at=10, renamed=False)
    assert looked_at(before, LOOK, at=14, renamed=False) is before
    assert looked_at(before, changed, at=14, renamed=False) == Arrival(changed, 14)


def test_a_file_that_lay_whole_under_a_temporary_name_was_renamed_in() -> None:
    arrivals = Arrivals()
    arrivals.look({}, [LOOK], at=1)
    arrivals.look({FILE: LOOK}, [], at=2)
    assert arrivals.waiting() == {FILE: Arrival(LOOK, 2, renamed=True)}


@pytest.mark.parametrize("then", [LONGER, TOUCHED, REPLACED])
def test_one_that_was_written_to_since_then_was_not(then: Look) -> None:
    arrivals = Arrivals()
    arrivals.look({}, [LOOK], at=1)
    arrivals.look({FILE: then}, [], at=2)
    assert not arrivals.waiting()[FILE].renamed


def test_an_empty_file_was_not_renamed_in_as_a_whole() -> None:
    arrivals = Arrivals()
    empty = Look(0, 1_000, (1, 7))
    arrivals.look({}, [empty], at=1)
    arrivals.look({FILE: empty}, [], at=2)
    assert not arrivals.waiting()[FILE].renamed


def test_what_was_taken_waits_no_more_until_it_changes() -> None:
    arrivals = Arrivals()
    arrivals.look({FILE: LOOK, OTHER: LOOK}, [], at=1)
    arrivals.take([FILE])
    assert set(arrivals.waiting()) == {OTHER}
    arrivals.look({FILE: LOOK, OTHER: LOOK}, [], at=2)
    assert set(arrivals.waiting()) == {OTHER}
    arrivals.look({FILE: TOUCHED, OTHER: LOOK}, [], at=3)
    assert arrivals.waiting()[FILE] == Arrival(TOUCHED, 3)


def test_the_same_content_dropped_again_after_it_was_moved_counts_as_new() -> None:
    arrivals = Arrivals()
    arrivals.look({FILE: LOOK}, [], at=1)
    arrivals.take([FILE])
    arrivals.look({}, [], at=2)
    arrivals.look({FILE: LOOK}, [], at=3)
    assert arrivals.waiting() == {FILE: Arrival(LOOK, 3)}


def test_what_could_not_be_taken_is_given_back() -> None:
    arrivals = Arrivals()
    arrivals.look({FILE: LOOK}, [], at=1)
    arrivals.take([FILE])
    arrivals.give_back(FILE)
    assert arrivals.waiting() == {FILE: Arrival(LOOK, 1)}


def test_what_was_not_as_it_looked_waits_from_the_beginning() -> None:
    arrivals = Arrivals()
    arrivals.look({}, [LOOK], at=0)
    arrivals.look({FILE: LOOK}, [], at=1)
    arrivals.take([FILE])
    arrivals.wait_again(FILE, at=9)
    assert arrivals.waiting() == {FILE: Arrival(LOOK, 9)}


def test_what_has_gone_meanwhile_is_neither_taken_nor_waited_for() -> None:
    arrivals = Arrivals()
    arrivals.look({}, [], at=1)
    arrivals.take([FILE])
    arrivals.wait_again(FILE, at=1)
    assert arrivals.waiting() == {}


_LOOKS = st.one_of(st.none(), st.builds(Look, st.integers(1, 3), st.integers(1, 3), st.just((1, 7))))


@given(st.lists(st.tuples(st.floats(0.1, 3), _LOOKS), max_size=30))
def test_a_file_is_never_whole_before_it_stayed_the_same_for_the_quiet_period(
    looks: list[tuple[float, Look | None]],
) -> None:
    arrivals = Arrivals()
    now, same_since, last = 0.0, 0.0, None
    for step, look in looks:
        now += step
        arrivals.look({FILE: look} if look else {}, [], at=now)
        if look != last:
            same_since, last = now, look
        if look:
            whole = seconds_left(arrivals.waiting()[FILE], PATIENCE, at=now, cut_short=False) == 0
            assert whole == (now >= same_since + PATIENCE.quiet)


def test_nothing_is_kept_of_ten_thousand_files_that_came_and_went() -> None:
    arrivals = Arrivals()
    for number in range(10_000):
        arrivals.look({Path(f"drop/{number}.csv"): LOOK}, [LOOK], at=number)
        arrivals.take([Path(f"drop/{number}.csv")])
    arrivals.look({}, [], at=10_000)
    assert (arrivals._there, arrivals._taken, arrivals._temporary) == ({}, {}, frozenset())
