from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from batch.errors import JournalFailed
from batch.journal import tables
from batch.journal.entries import Begin, End, Part, parts_from, sent_from
from batch.journal.states import LEGAL, State
from batch.journal.writing import IllegalChange
from batch.outcomes import Outcome
from tests.unit.journal.making import (
    HELD,
    NOW,
    SELLER,
    SHIPPED,
    begin,
    change,
    end,
    force,
    number_of,
    parcel,
    plan,
    planned,
    send,
    state,
    stored,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from batch.journal.journal import Journal

FIRST, SECOND = parcel("1"), parcel("2", "1Z999AA10123456785")


@pytest.fixture
def order(journal: Journal) -> int:
    return plan(journal, planned("309121065891123", FIRST, SECOND))[0]


def _calls(journal: Journal) -> list[Mapping[str, Any]]:
    with journal.database.reading() as connection:
        return [
            dict(row._mapping) for row in connection.execute(select(tables.attempts).order_by(tables.attempts.c.id))
        ]


def test_before_an_update_leaves_it_is_on_record_what_it_says(journal: Journal, run: int, order: int) -> None:
    send(journal, order, run, SECOND, parts=(1,), before={"1": 2}, correlation_id="call-a", at=NOW)

    kept = stored(journal, order)
    assert (kept["state"], kept["correlation_id"], kept["sent_at"]) == ("sending", "call-a", NOW)
    assert sent_from(kept["sent"], (FIRST, SECOND)) == ((SECOND,), (1,))
    loaded = journal.load([order])[0]
    assert (loaded.sent, loaded.sent_parts, loaded.before) == ((SECOND,), (1,), {"1": 2})


def test_what_is_sent_just_as_the_file_has_it_is_loaded_with_the_order(journal: Journal, run: int, order: int) -> None:
    send(journal, order, run, FIRST, SECOND, parts=(0, 1))

    assert stored(journal, order)["sent"] is None
    loaded = journal.load([order])[0]
    assert (loaded.sent, loaded.sent_parts) == ((FIRST, SECOND), (0, 1))


def test_a_run_that_dies_while_an_update_is_under_way_leaves_a_reason(journal: Journal, run: int, order: int) -> None:
    send(journal, order, run)

    assert stored(journal, order)["reason"] == "The run ended while its update was under way."


def test_every_call_is_on_record_with_what_came_of_it(journal: Journal, run: int, order: int) -> None:
    ship = begin(order, run, correlation_id="call-a")
    again = Begin(order=order, seller=SELLER, run=run, kind="ship", correlation_id="call-b", at=NOW + 5)
    journal.apply([ship])
    journal.apply([end(ship, verdict="throttled", status=429, reason="Too many."), again])

    first, second = _calls(journal)
    assert (first["kind"], first["run"], first["started_at"], first["ended_at"]) == ("ship", run, NOW, NOW + 1)
    assert (first["status"], first["verdict"], first["reason"]) == (429, "throttled", "Too many.")
    assert (second["correlation_id"], second["ended_at"], second["status"]) == ("call-b", None, None)
    assert stored(journal, order)["correlation_id"] == "call-a"


def test_an_acknowledgement_is_on_record_and_changes_no_state(journal: Journal, run: int, order: int) -> None:
    acknowledge = Begin(order=order, seller=SELLER, run=run, kind="acknowledge", correlation_id="call-a", at=NOW)

    journal.apply([acknowledge])

    assert [call["kind"] for call in _calls(journal)] == ["acknowledge"]
    assert state(journal, order) is State.PLANNED


@pytest.mark.parametrize("kind", ["ship", "edit"])
def test_no_further_call_leaves_for_an_order_that_is_not_being_sent(
    journal: Journal, run: int, order: int, kind: str
) -> None:
    again = Begin(order=order, seller=SELLER, run=run, kind=kind, correlation_id="call-b", at=NOW)

    with pytest.raises(IllegalChange, match="is 'planned' and cannot become 'sending'"):
        journal.apply([again])

    assert _calls(journal) == []


def test_an_update_cannot_begin_twice(journal: Journal, run: int, order: int) -> None:
    send(journal, order, run)

    with pytest.raises(IllegalChange, match="Order 309121065891123 is 'sending'"):
        send(journal, order, run)

    assert len(_calls(journal)) == 1


def test_a_call_that_never_began_cannot_end(journal: Journal, run: int, order: int) -> None:
    ship = begin(order, run)
    stray = End(order=order, correlation_id="nobody's", at=NOW, status=200, verdict="accepted", reason="")

    with pytest.raises(IllegalChange, match="never began"):
        journal.apply([ship, stray])

    assert state(journal, order) is State.PLANNED


def test_an_order_that_the_journal_does_not_have_cannot_change(journal: Journal) -> None:
    with pytest.raises(IllegalChange, match="Order number 77 is not in the journal"):
        journal.apply([change(77, State.HELD)])


@pytest.mark.parametrize("to", list(State))
@pytest.mark.parametrize("was", list(State))
def test_only_legal_changes_get_through(journal: Journal, order: int, was: State, to: State) -> None:
    force(journal, order, was)

    if was in LEGAL[to]:
        journal.apply([change(order, to)])
        assert state(journal, order) is to
    else:
        with pytest.raises(IllegalChange, match=f"is '{was}' and cannot become '{to}'; nothing was changed"):
            journal.apply([change(order, to)])
        assert state(journal, order) is was


def test_of_a_block_with_an_illegal_change_nothing_is_written(journal: Journal, run: int, order: int) -> None:
    [other] = plan(journal, planned("309121065891124"))

    with pytest.raises(IllegalChange):
        journal.apply([begin(other, run, purchase_order="309121065891124"), change(order, State.SHIPPED)])

    assert state(journal, other) is State.PLANNED
    assert (number_of("claims", journal), number_of("attempts", journal)) == (0, 0)


def test_an_illegal_change_of_an_order_without_number_is_told_too(journal: Journal) -> None:
    [order] = plan(journal, planned("", customer_order="C-1"))

    with pytest.raises(JournalFailed, match="Order without purchase order id is 'planned'"):
        journal.apply([change(order, State.SHIPPED)])


def test_changes_of_one_block_follow_each_other(journal: Journal, run: int, order: int) -> None:
    send(journal, order, run)

    journal.apply([change(order, State.UNKNOWN, "Lost."), change(order, State.SHIPPED)])

    assert state(journal, order) is State.SHIPPED


def test_what_an_earlier_change_of_the_block_says_stays_too(journal: Journal, run: int, order: int) -> None:
    other = plan(journal, planned("309121065891124"))[0]
    journal.apply([begin(order, run), begin(other, run, purchase_order="309121065891124")])

    journal.apply(
        [
            change(order, State.UNKNOWN, "Lost.", note="the only open line", ship_by=NOW + 9),
            change(other, State.SHIPPED),
            change(order, State.SHIPPED),
        ]
    )

    told = [(kept["state"], kept["note"], kept["ship_by"]) for kept in (stored(journal, order), stored(journal, other))]
    assert told == [("shipped", "the only open line", NOW + 9), ("shipped", "", 0)]


def test_a_call_that_is_said_to_end_twice_ended_as_was_said_last(journal: Journal, run: int, order: int) -> None:
    ship = begin(order, run)
    journal.apply([ship])

    journal.apply([end(ship, verdict="unknown", status=0), end(ship)])

    assert [(call["status"], call["verdict"]) for call in _calls(journal)] == [(200, "accepted")]


def test_a_change_tells_why_when_and_what_was_found(journal: Journal, run: int, order: int) -> None:
    send(journal, order, run)
    journal.apply(
        [change(order, State.REFUSED, "Bad carrier.", note="line 1 was found by SKU", ship_by=NOW + 9, at=NOW + 5)]
    )

    kept = stored(journal, order)
    told = (kept["reason"], kept["note"], kept["ship_by"], kept["finished_at"])
    assert told == ("Bad carrier.", "line 1 was found by SKU", NOW + 9, NOW + 5)


def test_what_a_change_does_not_say_stays(journal: Journal, run: int, order: int) -> None:
    send(journal, order, run)
    journal.apply([change(order, State.UNKNOWN, note="the only open line", ship_by=NOW + 9)])
    journal.apply([change(order, State.PLANNED)])

    kept = stored(journal, order)
    assert (kept["note"], kept["ship_by"], kept["purchase_order_id"]) == (
        "the only open line",
        NOW + 9,
        "309121065891123",
    )


def test_an_order_that_is_to_be_sent_has_not_finished(journal: Journal, run: int, order: int) -> None:
    send(journal, order, run)
    journal.apply([change(order, State.UNKNOWN, at=NOW)])
    assert stored(journal, order)["finished_at"] == 0

    journal.apply([change(order, State.PLANNED, at=NOW)])
    assert stored(journal, order)["finished_at"] == 0


def test_a_purchase_order_id_that_was_found_is_kept(journal: Journal, run: int) -> None:
    by_reading, by_sending = plan(journal, planned("", customer_order="C-1"), planned("", customer_order="C-2"))

    journal.apply([change(by_reading, State.ALREADY_SHIPPED, purchase_order_id="309121065891125")])
    send(journal, by_sending, run, purchase_order="309121065891126")

    assert [one.purchase_order_id for one in journal.load([by_reading, by_sending])] == [
        "309121065891125",
        "309121065891126",
    ]


# Parcels that ended apart from their order


def test_a_parcel_that_does_not_go_with_the_update_ends_at_once(journal: Journal, run: int, order: int) -> None:
    send(journal, order, run, FIRST, ended=(None, HELD))

    assert parts_from(stored(journal, order)["parts"]) == (None, HELD)


def test_a_held_parcel_keeps_its_order_held_when_the_lost_answer_of_the_others_is_settled(
    journal: Journal, run: int, order: int
) -> None:
    send(journal, order, run, FIRST, ended=(None, HELD))
    journal.apply([change(order, State.UNKNOWN, "Lost.")])
    journal.apply([change(order, State.SHIPPED)])

    kept = stored(journal, order)
    assert (kept["state"], kept["reason"]) == ("held", HELD.reason)
    assert parts_from(kept["parts"]) == (Part(Outcome.SHIPPED, ""), None)


def test_a_shipped_parcel_is_remembered_however_often_the_rest_is_lost_and_sent_again(
    journal: Journal, run: int, order: int
) -> None:
    journal.apply([change(order, State.HELD, "Half.", parts=(SHIPPED, None))])
    for _ in range(2):
        journal.plan(SELLER, [planned("309121065891123", FIRST, SECOND)], NOW)
        assert journal.load([order])[0].ended == (SHIPPED, None)
        send(journal, order, run, SECOND, parts=(1,))
        journal.apply([change(order, State.UNKNOWN, "Lost.")])
        journal.apply([change(order, State.HELD, "Cancelled.")])

    assert parts_from(stored(journal, order)["parts"]) == (SHIPPED, None)


STEPS = st.lists(st.sampled_from(list(State)), max_size=12)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=STEPS)
def test_an_order_is_always_where_its_last_legal_change_took_it(journal: Journal, run: int, steps: list[State]) -> None:
    [order] = plan(journal, planned("309121065891123"), seller=f"seller-{number_of('orders', journal)}")
    seller = f"seller-{number_of('orders', journal) - 1}"
    where = State.PLANNED
    for step in steps:
        entry = begin(order, run, seller=seller) if step is State.SENDING else change(order, step)
        try:
            journal.apply([entry])
        except IllegalChange:
            assert where not in LEGAL[step]
        else:
            assert where in LEGAL[step]
            where = step

        assert state(journal, order) is where
        assert (stored(journal, order)["finished_at"] == 0) == (where in (State.PLANNED, State.SENDING, State.UNKNOWN))
