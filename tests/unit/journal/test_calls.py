from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from batch.journal.calls import may_be_edited, was_accepted
from batch.journal.entries import Begin
from batch.journal.states import State
from tests.unit.journal.making import DAY, NOW, SELLER, begin, change, end, insert_row, plan, planned

if TYPE_CHECKING:
    from batch.journal.journal import Journal


@pytest.fixture
def order(journal: Journal) -> int:
    return plan(journal, planned())[0]


def _acknowledge(journal: Journal, order: int, run: int) -> None:
    call = Begin(order=order, seller=SELLER, run=run, kind="acknowledge", correlation_id="call-k", at=NOW)
    journal.apply([call])
    journal.apply([end(call)])


@pytest.mark.parametrize("kind", ["ship", "edit"])
@pytest.mark.parametrize("verdict", ["accepted", "refused", "unknown"])
def test_an_update_was_accepted_when_its_last_call_was(
    journal: Journal, run: int, order: int, kind: str, verdict: str
) -> None:
    call = begin(order, run, kind=kind)
    journal.apply([call])
    assert not was_accepted(journal.database, order)

    journal.apply([end(call, verdict=verdict)])

    assert was_accepted(journal.database, order) == (verdict == "accepted")


def test_an_acknowledgement_is_no_update(journal: Journal, run: int, order: int) -> None:
    _acknowledge(journal, order, run)

    assert not was_accepted(journal.database, order)
    assert not may_be_edited(journal.database, order)


def test_only_the_last_update_counts(journal: Journal, run: int, order: int) -> None:
    for verdict in ("accepted", "refused"):
        call = begin(order, run)
        journal.apply([call])
        journal.apply([end(call, verdict=verdict), change(order, State.PLANNED)])

    assert not was_accepted(journal.database, order)


@pytest.mark.parametrize(
    ("verdict", "may_be"),
    [("", True), ("accepted", True), ("unknown", True), ("refused", False), ("throttled", False)],
)
def test_an_edit_may_have_been_made_unless_its_answer_says_no(
    journal: Journal, run: int, order: int, verdict: str, *, may_be: bool
) -> None:
    call = begin(order, run, kind="edit")
    journal.apply([call])
    if verdict:
        journal.apply([end(call, verdict=verdict)])

    assert may_be_edited(journal.database, order) is may_be


@pytest.mark.parametrize(("decision", "at", "counts"), [("send", NOW + DAY, False), ("send", NOW - DAY, True)])
def test_an_edit_before_a_person_decided_to_send_counts_no_more(
    journal: Journal, run: int, order: int, decision: str, at: int, *, counts: bool
) -> None:
    journal.apply([begin(order, run, kind="edit")])
    insert_row(journal, "decisions", order=order, decided_at=at, user="kim", decision=decision, note="")

    assert may_be_edited(journal.database, order) is counts


def test_a_first_update_is_no_edit(journal: Journal, run: int, order: int) -> None:
    journal.apply([begin(order, run)])

    assert not may_be_edited(journal.database, order)
