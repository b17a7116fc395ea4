"""Locks on a server: who holds an account, whichever machine it is on, and what comes of a session that is lost."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from batch.errors import JournalFailed
from batch.journal import tables
from batch.journal.fence import TakenOver
from batch.journal.journal import Journal
from batch.journal.locks import _key
from tests.postgres import PLACES
from tests.trial import wait_until
from tests.unit.journal.making import SELLER, plan, planned

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgres import Server

LOCKS = "shipbatch locks"
KEY = -5820207425268208703  # of seller-1, for ever: else two versions of shipbatch would hold one account


@pytest.fixture
def place(postgres: Server) -> str:
    return postgres.place()


@pytest.fixture
def journal(place: str) -> Iterator[Journal]:
    with closing(Journal.open(place)) as journal:
        yield journal


@pytest.fixture
def other(journal: Journal, place: str) -> Iterator[Journal]:
    """Give the journal once more, as another machine has it."""
    assert journal.is_far
    with closing(Journal.open(place)) as other:
        yield other


def _sessions(postgres: Server) -> int:
    counted = postgres.does("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'shipbatch locks'")
    return int(str(counted[0][0]))


def _are(postgres: Server, sessions: int) -> bool:
    """Wait until there are so many sessions: a server ends one a moment after its client did."""
    wait_until(lambda: _sessions(postgres) == sessions)
    return True


def test_one_process_at_a_time_has_a_sellers_lock(journal: Journal, other: Journal) -> None:
    assert journal.locks.take(SELLER, "the first")
    assert not other.locks.take(SELLER, "the second")

    journal.locks.let_go(SELLER)

    assert other.locks.take(SELLER, "the second")


def test_the_locks_of_two_sellers_are_two(journal: Journal, other: Journal) -> None:
    assert journal.locks.take(SELLER, "the first")
    assert other.locks.take("another", "the second")


def test_who_holds_a_lock_is_told_to_whoever_asks(journal: Journal, other: Journal) -> None:
    assert other.locks.holder_of(SELLER) == ""
    journal.locks.take(SELLER, "process 7 on nas")

    assert other.locks.holder_of(SELLER) == "process 7 on nas"
    assert journal.locks.holder_of("another") == ""

    journal.locks.let_go(SELLER)
    assert other.locks.holder_of(SELLER) == ""


def test_a_holder_that_has_not_said_who_it_is_is_still_a_holder(journal: Journal, other: Journal) -> None:
    journal.locks._take_there(SELLER)

    assert other.locks.holder_of(SELLER) == "it does not say who it is"


def test_a_lock_is_let_go_when_its_journal_is_closed(journal: Journal, other: Journal) -> None:
    journal.locks.take(SELLER, "the first")
    journal.close()

    assert other.locks.take(SELLER, "the second")


def test_all_locks_are_held_in_one_session_which_ends_with_the_last(journal: Journal, postgres: Server) -> None:
    for seller in ("a", "b", "c"):
        journal.locks.take(seller, "us")
    assert _are(postgres, 1)

    for seller in ("a", "b", "c"):
        journal.locks.let_go(seller)
    assert _are(postgres, 0)


def test_one_that_got_no_lock_keeps_no_session(journal: Journal, other: Journal, postgres: Server) -> None:
    journal.locks.take(SELLER, "the first")
    other.locks.take(SELLER, "the second")

    assert _are(postgres, 1)


def test_a_lock_of_which_the_journal_cannot_be_told_is_not_held(
    journal: Journal, other: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise JournalFailed("disk full")

    monkeypatch.setattr(journal.locks.fence, "take", fail)
    with pytest.raises(JournalFailed, match="disk full"):
        journal.locks.take(SELLER, "the first")

    assert other.locks.take(SELLER, "the second")


def test_the_number_of_a_lock_is_the_same_on_every_machine_and_fits_into_64_bits() -> None:
    assert _key("seller-1") == KEY
    assert _key("seller-1") != _key("seller-2")
    assert abs(_key("\udc80")) < 2**63


# Looks


def test_a_lock_is_sure_for_a_while_after_a_look(journal: Journal) -> None:
    assert not journal.locks.is_sure(SELLER, within=60)
    journal.locks.take(SELLER, "us")

    assert journal.locks.is_sure(SELLER, within=60)
    assert not journal.locks.is_sure(SELLER, within=0)
    journal.locks._looked_at -= 100
    assert not journal.locks.is_sure(SELLER, within=60)
    assert journal.locks.look() == {}
    assert journal.locks.is_sure(SELLER, within=60)


def test_without_locks_there_is_nothing_to_look_at(journal: Journal, postgres: Server) -> None:
    assert journal.locks.look() == {}
    assert _are(postgres, 0)


def test_locks_whose_session_is_lost_are_taken_again(journal: Journal, other: Journal, postgres: Server) -> None:
    for seller in ("a", "b"):
        journal.locks.take(seller, "us")
    assert postgres.cut_off(PLACES, application=LOCKS) == 1

    assert journal.locks.look() == {}

    assert journal.locks.is_sure("a", within=60)
    assert not other.locks.take("a", "another")
    assert not other.locks.take("b", "another")


def test_a_lock_that_another_has_taken_meanwhile_is_lost(journal: Journal, other: Journal, postgres: Server) -> None:
    for seller in ("a", "b"):
        journal.locks.take(seller, "us")
    postgres.cut_off(PLACES, application=LOCKS)
    assert other.locks.take("b", "another")

    lost = journal.locks.look()

    assert lost.keys() == {"b"}
    assert "`shipbatch resume` goes on" in lost["b"]
    assert journal.locks.is_sure("a", within=60)
    assert not journal.locks.is_sure("b", within=60)


def test_a_lock_that_another_had_and_let_go_meanwhile_is_lost_too(
    journal: Journal, other: Journal, postgres: Server
) -> None:
    """Its holder may have sent all that is left, so we know nothing any more."""
    journal.locks.take(SELLER, "us")
    postgres.cut_off(PLACES, application=LOCKS)
    other.locks.take(SELLER, "another")
    other.locks.let_go(SELLER)

    assert journal.locks.look().keys() == {SELLER}
    assert journal.locks.look().keys() == {SELLER}  # for good
    with pytest.raises(TakenOver):
        plan(journal, planned())


def test_a_lock_that_was_lost_can_be_taken_anew(journal: Journal, other: Journal, postgres: Server) -> None:
    journal.locks.take(SELLER, "us")
    postgres.cut_off(PLACES, application=LOCKS)
    other.locks.take(SELLER, "another")
    journal.locks.look()
    other.locks.let_go(SELLER)
    journal.locks.let_go(SELLER)

    assert journal.locks.take(SELLER, "us again")

    assert journal.locks.look() == {}
    assert plan(journal, planned())


def test_locks_are_lost_where_the_server_stays_away(journal: Journal, postgres: Server) -> None:
    journal.locks.take(SELLER, "us")
    journal.database.patience = 0.2
    postgres.stop()
    try:
        assert "look whether the server runs" in journal.locks.look()[SELLER]
        journal.locks.let_go(SELLER)
    finally:
        postgres.start()


# On a file


def test_on_a_file_there_is_the_fence_alone(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'journal.db'}"
    with closing(Journal.open(url)) as journal, closing(Journal.open(url)) as other:
        assert journal.locks.take(SELLER, "us")
        assert other.locks.take(SELLER, "another")

        assert journal.locks.is_sure(SELLER, within=0)
        assert (journal.locks.holder_of(SELLER), journal.locks.look()) == ("", {})
        with pytest.raises(TakenOver):
            plan(journal, planned())
        other.locks.let_go(SELLER)
        with other.database.reading() as connection:
            [row] = connection.execute(select(tables.locks)).all()
        told: Any = row
        assert (told.epoch, told.holder) == (2, "another")
