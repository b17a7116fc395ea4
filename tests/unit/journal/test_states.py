from __future__ import annotations

import pytest

from batch.journal.states import BY_DECISION, LEGAL, OPEN, OUTCOMES, UNFINISHED, State
from batch.outcomes import Outcome

# As design.md draws it: from each state the states that may follow.
DRAWN = {
    State.PLANNED: {State.SENDING, State.ALREADY_SHIPPED, State.HELD, State.REFUSED},
    State.SENDING: {
        State.SHIPPED,
        State.ALREADY_SHIPPED,
        State.REFUSED,
        State.HELD,
        State.PLANNED,
        State.UNKNOWN,
    },
    State.UNKNOWN: {State.SHIPPED, State.PLANNED, State.HELD, State.UNKNOWN},
    State.HELD: {State.PLANNED},
    State.REFUSED: {State.PLANNED},
    State.SHIPPED: set(),
    State.ALREADY_SHIPPED: set(),
    State.DROPPED: set(),
}


@pytest.mark.parametrize("state", list(State))
def test_the_changes_that_are_legal_are_the_ones_drawn(state: State) -> None:
    assert {to for to, may_come_from in LEGAL.items() if state in may_come_from} == DRAWN[state]


@pytest.mark.parametrize("state", [State.SHIPPED, State.ALREADY_SHIPPED])
def test_what_is_shipped_stays_so_whatever_a_person_decides(state: State) -> None:
    assert not any(state in may_come_from for may_come_from in BY_DECISION.values())


@pytest.mark.parametrize("state", [State.PLANNED, State.SENDING, State.UNKNOWN, State.HELD, State.REFUSED])
def test_a_person_may_end_every_order_that_is_not_shipped(state: State) -> None:
    assert state in BY_DECISION[State.SHIPPED]
    assert state in BY_DECISION[State.DROPPED]


def test_no_order_that_may_have_been_sent_is_dropped_by_a_program() -> None:
    assert LEGAL[State.DROPPED] == ()


def test_every_state_has_an_outcome() -> None:
    assert OUTCOMES.keys() == set(State)
    assert {OUTCOMES[state] for state in OPEN} == {Outcome.UNKNOWN}
    assert set(UNFINISHED) == {State.PLANNED, *OPEN}
