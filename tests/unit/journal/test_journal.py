from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from batch.errors import JournalFailed
from batch.journal import tables
from batch.journal.blocks import BLOCK
from batch.journal.journal import Journal
from batch.journal.states import BY_DECISION, State
from batch.journal.writing import IllegalChange
from tests.unit.journal.making import (
    DAY,
    NOW,
    SELLER,
    begin,
    begin_run,
    change,
    force,
    number_of,
    parcel,
    plan,
    planned,
    record_input,
    send,
    state,
    stored,
)

if TYPE_CHECKING:
    from pathlib import Path

ORDER = "309121065891123"


def test_where_there_is_no_journal_yet_none_is_made_by_looking(tmp_path: Path) -> None:
    assert Journal.open_existing(f"sqlite:///{tmp_path / 'state' / 'journal.db'}") is None
    assert list(tmp_path.iterdir()) == []


def test_a_journal_that_is_there_is_opened_by_whoever_looks(journal: Journal, url: str) -> None:
    [order] = plan(journal, planned())

    looking = Journal.open_existing(url)

    assert looking is not None
    assert state(looking, order) is State.PLANNED
    looking.close()


def test_what_was_written_is_there_when_the_journal_is_opened_again(journal: Journal, url: str, run: int) -> None:
    [order] = plan(journal, planned())
    send(journal, order, run)
    journal.close()

    again = Journal.open(url)

    assert state(again, order) is State.SENDING
    again.close()


def test_a_run_is_on_record_from_its_beginning_to_its_end(journal: Journal) -> None:
    run = begin_run(journal, run="20261124-200000-0a1b", account="default", command="run", at=NOW)
    journal.finish_run(run, at=NOW + 5, summary={"exit_code": 0})

    with journal.database.reading() as connection:
        kept = connection.execute(select(tables.runs)).one()
    assert (kept.run, kept.seller, kept.command) == ("20261124-200000-0a1b", SELLER, "run")
    assert (kept.started_at, kept.finished_at, kept.summary) == (NOW, NOW + 5, b'{"exit_code":0}')


def test_a_runs_name_is_its_own(journal: Journal) -> None:
    begin_run(journal, run="twice")

    with pytest.raises(JournalFailed, match=r"UNIQUE|unique"):
        begin_run(journal, run="twice")


def test_files_and_rows_are_on_record_in_input_order(journal: Journal, run: int) -> None:
    [order] = plan(journal, planned())
    record_input(journal, run, [(order, 0), (None, None)])
    journal.record_files(run, [])

    assert (number_of("files", journal), number_of("rows", journal)) == (1, 2)


def test_what_is_written_at_once_is_on_record_whole_or_not_at_all(journal: Journal) -> None:
    def die() -> None:
        with journal.at_once():
            run = begin_run(journal)
            [order] = plan(journal, planned())
            record_input(journal, run, [(order, 0)])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        die()
    assert [number_of(name, journal) for name in ("runs", "files", "orders", "rows")] == [0, 0, 0, 0]

    with journal.at_once():
        run = begin_run(journal)
        [order] = plan(journal, planned())
        record_input(journal, run, [(order, 0)])
    assert [number_of(name, journal) for name in ("runs", "files", "orders", "rows")] == [1, 1, 1, 1]


def test_of_what_fails_within_a_larger_block_nothing_is_written(journal: Journal) -> None:
    with journal.at_once():
        good, bad = plan(journal, planned("1"), planned("2"))
        with pytest.raises(IllegalChange):
            journal.decide(good, decision="send", user="kim", note="", change=change(good, State.PLANNED))
        journal.apply([change(bad, State.REFUSED)])

    assert (state(journal, good), state(journal, bad)) == (State.PLANNED, State.REFUSED)
    assert number_of("decisions", journal) == 0


# Loading


def test_orders_come_in_the_order_asked_for_however_many(journal: Journal) -> None:
    ids = plan(journal, *(planned(f"{n}") for n in range(BLOCK + 2)))

    assert [one.id for one in journal.load(ids[::-1])] == ids[::-1]
    assert journal.load([]) == []


def test_an_order_comes_with_the_claims_of_others_on_its_purchase_order(journal: Journal, run: int) -> None:
    first, second = plan(journal, planned(ORDER), planned(ORDER, parcel("2")))
    send(journal, first, run)

    assert [one.order for one in journal.load([second])[0].claims] == [first]
    assert journal.load([first])[0].claims == ()


def test_orders_of_several_sellers_come_each_with_its_own_sellers_claims(journal: Journal, run: int) -> None:
    ours = plan(journal, planned(ORDER), planned(ORDER, parcel("2")))
    theirs = plan(journal, planned(ORDER), planned(ORDER, parcel("3")), seller="seller-2")
    send(journal, ours[0], run)
    send(journal, theirs[0], run, seller="seller-2")

    mine, other = journal.load([ours[1], theirs[1]])

    assert [one.order for one in mine.claims] == [ours[0]]
    assert [one.order for one in other.claims] == [theirs[0]]


# What is left


def test_what_is_left_is_found_oldest_first(journal: Journal) -> None:
    ids = plan(journal, *(planned(f"{n}") for n in range(5)))
    force(journal, ids[1], State.SHIPPED)
    force(journal, ids[2], State.UNKNOWN)
    force(journal, ids[3], State.REFUSED)
    plan(journal, planned("1"), seller="seller-2")

    assert journal.in_states(SELLER, [State.PLANNED]) == [ids[0], ids[4]]
    assert journal.in_states(SELLER, [State.PLANNED, State.SENDING, State.UNKNOWN]) == [ids[0], ids[2], ids[4]]
    assert journal.in_states(SELLER, [State.REFUSED]) == [ids[3]]
    assert journal.in_states(SELLER, [State.REFUSED, State.UNKNOWN]) == [ids[2], ids[3]]


def test_what_is_due_later_is_not_yet_left(journal: Journal) -> None:
    ids = plan(journal, planned("1"), planned("2", due_at=NOW), planned("3", due_at=NOW + 1))

    assert journal.in_states(SELLER, [State.PLANNED], due_by=NOW) == ids[:2]


def test_more_orders_than_one_statement_names_can_change_at_once(journal: Journal) -> None:
    ids = plan(journal, *(planned(f"{n}") for n in range(2 * BLOCK + 1)))

    journal.apply([change(order, State.REFUSED) for order in ids])
    journal.apply([change(order, State.PLANNED) for order in ids])

    assert journal.in_states(SELLER, [State.PLANNED]) == ids


def test_entries_that_nothing_stands_against_are_told_so(journal: Journal, run: int) -> None:
    first, second = plan(journal, planned(ORDER), planned(ORDER, parcel("2")))

    assert journal.apply([begin(first, run), change(second, State.HELD)]) == [(), ()]
    assert journal.apply([]) == []


# A person's decision


@pytest.mark.parametrize(
    ("decision", "to"), [("shipped", State.SHIPPED), ("send", State.PLANNED), ("drop", State.DROPPED)]
)
@pytest.mark.parametrize("was", list(State))
def test_a_decision_is_carried_out_where_it_is_legal(journal: Journal, was: State, decision: str, to: State) -> None:
    [order] = plan(journal, planned())
    force(journal, order, was)
    decided = change(order, to, "Settled by hand: seen there.", at=NOW + DAY)

    if was in BY_DECISION[to]:
        journal.decide(order, decision=decision, user="kim", note="seen there", change=decided)
        assert state(journal, order) is to
        assert stored(journal, order)["reason"] == "Settled by hand: seen there."
    else:
        with pytest.raises(IllegalChange):
            journal.decide(order, decision=decision, user="kim", note="seen there", change=decided)
        assert state(journal, order) is was
    assert number_of("decisions", journal) == (1 if was in BY_DECISION[to] else 0)


@pytest.mark.parametrize("was", [State.HELD, State.UNKNOWN, State.PLANNED])
def test_held_unknown_and_planned_orders_can_be_ended_by_a_person(was: State) -> None:
    """As contract.md promises; a planned order is going to be sent anyhow."""
    assert was in BY_DECISION[State.SHIPPED]
    assert was in BY_DECISION[State.DROPPED]
    assert was in (*BY_DECISION[State.PLANNED], State.PLANNED)


def test_who_decided_what_and_why_is_on_record(journal: Journal) -> None:
    [order] = plan(journal, planned())
    dropped = change(order, State.DROPPED, at=NOW + DAY)
    journal.decide(order, decision="drop", user="kim", note="Never left.", change=dropped)

    with journal.database.reading() as connection:
        kept = connection.execute(select(tables.decisions)).one()
    assert (kept.order, kept.user, kept.decision, kept.note, kept.decided_at) == (
        order,
        "kim",
        "drop",
        "Never left.",
        NOW + DAY,
    )


def test_an_order_that_a_person_had_sent_again_goes_like_any_other(journal: Journal, run: int) -> None:
    [order] = plan(journal, planned())
    send(journal, order, run)
    journal.apply([change(order, State.UNKNOWN)])
    journal.decide(order, decision="send", user="kim", note="Not there.", change=change(order, State.PLANNED))

    assert send(journal, order, run) == ()
    journal.apply([change(order, State.SHIPPED)])
    assert state(journal, order) is State.SHIPPED
