from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from batch.journal.calls import may_be_edited, was_accepted
from batch.journal.states import State
from tests.unit.journal.making import NOW, begin, begin_run, change, end, plan, planned

if TYPE_CHECKING:
    from batch.journal.journal import Journal


@pytest.fixture
def order(journal: Journal) -> int:
    return plan(journal, planned())[0]


def say(journal: Journal, order: int, kind: str, verdict: str | None, *, at: int = NOW) -> None:
    """Record a call with its end, None for none."""
    begun = begin(order, begin_run(journal), kind=kind, at=at)
    journal.apply([begun])
    journal.apply([] if verdict is None else [end(begun, verdict=verdict)])
    journal.apply([change(order, State.UNKNOWN), change(order, State.PLANNED)])


def test_the_last_update_tells_whether_the_marketplace_said_yes(journal: Journal, order: int) -> None:
    assert not was_accepted(journal.database, order)
    say(journal, order, "ship", "unknown")
    assert not was_accepted(journal.database, order)
    say(journal, order, "ship", "accepted")
    assert was_accepted(journal.database, order)
    say(journal, order, "edit", None)
    assert not was_accepted(journal.database, order)


@pytest.mark.parametrize(
    ("kind", "verdict", "may_be"),
    [
        ("edit", "accepted", True),
        ("edit", "unknown", True),
        ("edit", None, True),  # the run died
        ("edit", "throttled", False),
        ("edit", "unavailable", False),
        ("edit", "refused", False),
        ("ship", "unknown", False),
    ],
)
def test_an_edit_may_be_made_unless_its_answer_says_no(
    journal: Journal, order: int, kind: str, verdict: str | None, *, may_be: bool
) -> None:
    say(journal, order, kind, verdict)
    assert may_be_edited(journal.database, order) is may_be


def test_a_persons_decision_to_send_lets_it_go_once_more(journal: Journal, order: int) -> None:
    say(journal, order, "edit", "unknown")
    journal.apply([change(order, State.HELD)])
    journal.decide(order, decision="send", user="eve", note="go", change=change(order, State.PLANNED, at=NOW + 9))
    assert not may_be_edited(journal.database, order)
    say(journal, order, "edit", "unknown", at=NOW + 20)
    assert may_be_edited(journal.database, order)
