from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.journal.ends import completed, ended_well, finished_at, laid_over
from batch.journal.entries import Change, Part
from batch.journal.states import BY_DECISION, LEGAL, OUTCOMES, State
from batch.outcomes import WELL, Outcome
from tests.unit.journal.making import HELD, NOW, SHIPPED, change

ALREADY = Part(Outcome.ALREADY_SHIPPED, "It was shipped before, with this tracking number.")
ENDED = st.sampled_from([None, SHIPPED, HELD, ALREADY, Part(Outcome.REFUSED, "No.")])


def test_a_change_that_says_nothing_of_parcels_is_complete() -> None:
    shipped = change(1, State.SHIPPED, parts=(None, None))

    assert completed(shipped, State.SENDING, ()) is shipped


def test_a_parcel_that_was_shipped_stays_so_when_the_answer_about_the_rest_is_lost() -> None:
    assert completed(change(1, State.UNKNOWN), State.SENDING, (SHIPPED, None)).parts == (SHIPPED, None)


def test_a_parcel_that_was_shipped_stays_so_when_the_rest_goes_again() -> None:
    assert completed(change(1, State.PLANNED), State.UNKNOWN, (SHIPPED, None)).parts == (SHIPPED, None)


def test_a_parcel_that_was_held_goes_again_with_its_order() -> None:
    assert completed(change(1, State.PLANNED), State.HELD, (SHIPPED, HELD)).parts == (SHIPPED, None)


def test_an_order_of_which_a_parcel_is_held_is_held_itself_when_the_others_turn_out_to_be_shipped() -> None:
    settled = completed(change(1, State.SHIPPED), State.UNKNOWN, (None, HELD))

    assert settled.to is State.HELD
    assert settled.reason == HELD.reason
    assert settled.parts == (Part(Outcome.SHIPPED, ""), None)  # the held one says what its order says


def test_what_a_person_decides_is_of_all_parcels() -> None:
    settled = completed(change(1, State.SHIPPED, "Seen there."), State.UNKNOWN, (None, HELD), by_decision=True)

    assert settled.to is State.SHIPPED
    assert not any(settled.parts)


def test_a_part_that_says_what_the_order_says_is_left_out() -> None:
    same = Part(Outcome.HELD, "Cancelled.")

    assert completed(change(1, State.HELD, "Cancelled.", parts=(same, SHIPPED)), State.PLANNED, ()).parts == (
        None,
        SHIPPED,
    )


@pytest.mark.parametrize("to", list(State))
def test_an_order_has_ended_when_nothing_of_ours_goes_on_with_it(to: State) -> None:
    ends = to not in (State.PLANNED, State.SENDING, State.UNKNOWN)

    assert finished_at(change(1, to, at=NOW)) == (NOW if ends else 0)


def test_only_what_ended_well_stays() -> None:
    assert ended_well((None, HELD, SHIPPED)) == (None, None, SHIPPED)
    assert ended_well(()) == ()


@given(before=st.lists(ENDED, max_size=4), now=st.lists(ENDED, max_size=4), stays=st.booleans())
def test_laying_over_never_forgets_a_shipped_parcel_and_tells_of_every_parcel(
    *, before: list[Part | None], now: list[Part | None], stays: bool
) -> None:
    laid = laid_over(tuple(before), tuple(now), stays=stays)

    assert len(laid) == (max(len(before), len(now)) if before else len(now))
    assert all(after == old for old, after in zip(before, laid, strict=False) if old and old.outcome in WELL)


@given(
    st.sampled_from([(was, to) for to, may_come_from in LEGAL.items() for was in may_come_from]),
    st.lists(ENDED, min_size=2, max_size=2),
    st.sampled_from([(), (None, None), (SHIPPED, None), (HELD, None)]),
)
def test_an_order_counts_as_shipped_only_when_all_of_its_parcels_do(
    step: tuple[State, State], before: list[Part | None], now: tuple[Part | None, ...]
) -> None:
    was, to = step
    after = completed(Change(order=1, to=to, at=NOW, parts=now), was, tuple(before))

    assert after.to in (to, State.HELD)
    if after.to in (State.SHIPPED, State.ALREADY_SHIPPED):
        assert all(part is None or part.outcome in WELL for part in after.parts)
    own = Part(OUTCOMES[after.to], after.reason)
    for old, new in zip(before, after.parts, strict=False):
        assert new != own
        assert not (old and old.outcome in WELL and old != own) or new == old


@given(
    st.sampled_from([(was, to) for to, may_come_from in BY_DECISION.items() for was in may_come_from]),
    st.lists(ENDED, min_size=2, max_size=2),
)
def test_a_persons_decision_is_carried_out_as_it_was_made(step: tuple[State, State], before: list[Part | None]) -> None:
    was, to = step
    after = completed(Change(order=1, to=to, at=NOW), was, tuple(before), by_decision=True)

    assert after.to is to
    assert all(part is None or part.outcome in WELL for part in after.parts)
