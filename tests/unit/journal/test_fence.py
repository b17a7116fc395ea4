"""Who took a seller's lock last is the only one who can write for it."""

from __future__ import annotations

import multiprocessing
import threading
from contextlib import closing, suppress
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from batch.errors import Exit
from batch.journal import tables
from batch.journal.database import Database, EntryRefused
from batch.journal.fence import TakenOver
from batch.journal.journal import Journal
from batch.journal.states import State
from tests.unit.journal.making import NOW, SELLER, begin, begin_run, change, end, parcel, plan, planned, state

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from multiprocessing.queues import Queue
    from multiprocessing.synchronize import Barrier


@pytest.fixture
def other(url: str, journal: Journal) -> Iterator[Journal]:
    """Give the journal once more, as another process has it."""
    with closing(Journal(Database(url))) as other:
        assert other.database.tables() == journal.database.tables()
        yield other


def _take(journal: Journal, seller: str = SELLER) -> None:
    """Begin an epoch, whoever has the lock: as one does who gets it when its holder is cut off."""
    with journal.database.writing() as connection:
        journal.locks.fence.take(connection, seller, "somebody")


def _epochs(journal: Journal) -> dict[str, int]:
    with journal.database.reading() as connection:
        return {row.seller: row.epoch for row in connection.execute(select(tables.locks))}


def test_each_taking_begins_an_epoch_of_its_own(journal: Journal, other: Journal) -> None:
    for one in (journal, other, journal):
        _take(one)
    _take(other, "another")

    assert _epochs(journal) == {SELLER: 3, "another": 1}


def test_whoever_took_the_lock_last_writes(journal: Journal, other: Journal, run: int) -> None:
    [order] = plan(journal, planned())
    _take(journal)
    _take(other)

    other.apply([begin(order, run)])

    assert state(journal, order) is State.SENDING


WRITES: dict[str, Callable[[Journal, int, int], object]] = {
    "begin an order": lambda journal, order, run: journal.apply([begin(order, run)]),
    "end one": lambda journal, order, _: journal.apply([change(order, State.HELD)]),
    "plan": lambda journal, *_: journal.plan(SELLER, [planned("2")], NOW),
    "decide": lambda journal, order, _: journal.decide(
        order, decision="drop", user="kim", note="", change=change(order, State.DROPPED)
    ),
}


@pytest.mark.parametrize("write", WRITES)
def test_one_whose_lock_another_took_since_writes_nothing(
    journal: Journal, other: Journal, run: int, write: str
) -> None:
    [order] = plan(journal, planned())
    _take(journal)
    _take(other)

    with pytest.raises(TakenOver, match="Another run has taken the account since") as refused:
        WRITES[write](journal, order, run)

    assert refused.value.exit_code is Exit.TEMPORARY
    assert state(journal, order) is State.PLANNED
    assert other.in_states(SELLER, [State.PLANNED]) == [order]


def test_one_that_never_took_the_lock_writes_nothing_once_somebody_did(journal: Journal, other: Journal) -> None:
    [order] = plan(journal, planned())
    _take(other)

    with pytest.raises(TakenOver):
        journal.apply([change(order, State.HELD)])


def test_an_answer_that_comes_too_late_does_not_disturb_what_was_begun_since(
    journal: Journal, other: Journal, run: int
) -> None:
    """Else its "nothing was done" would take back an order that is in the air again."""
    [order] = plan(journal, planned())
    _take(journal)
    first = begin(order, run)
    journal.apply([first])
    _take(other)
    other.apply([change(order, State.UNKNOWN), change(order, State.PLANNED)])
    other.apply([begin(order, run)])

    with pytest.raises(TakenOver):
        journal.apply([end(first, verdict="throttled", status=429), change(order, State.PLANNED)])

    assert state(other, order) is State.SENDING


def test_the_epochs_of_other_sellers_are_their_own(journal: Journal, other: Journal) -> None:
    [order] = plan(journal, planned())
    _take(journal)
    _take(other, "another")

    journal.apply([change(order, State.HELD)])

    assert state(journal, order) is State.HELD


# Two orders of one purchase order, of which one at most may be sent: about the same parcel, which is one key of the
# journal's, and about two parcels of one line, which collide in no key.
RIVALS = (
    (parcel(tracking="1Z999AA10123456784"), parcel(tracking="1Z999AA10123456784", quantity=2)),
    (parcel(tracking="1Z999AA10123456784"), parcel(tracking="1Z999AA10123456795")),
)
LOTS = 12


def _claim(url: str, run: int, orders: list[int], way: int, ready: Barrier, told: Queue[list[int]]) -> None:
    """Be one of two processes that begin their order of each lot at the same moment; tell in which it was begun."""
    begun = []
    with closing(Journal(Database(url))) as ours:
        ours.database.tables()
        for lot, order in enumerate(orders):
            call = begin(order, run, RIVALS[lot % 2][way], purchase_order=f"PO{lot}")
            ready.wait(60)
            with suppress(EntryRefused):
                if ours.apply([call]) == [()]:
                    begun.append(lot)
    told.put(begun)


def test_of_two_processes_one_has_the_parcel(journal: Journal, url: str) -> None:
    run = begin_run(journal)
    pairs = [plan(journal, *(planned(f"PO{lot}", one) for one in RIVALS[lot % 2])) for lot in range(LOTS)]
    apart = multiprocessing.get_context("spawn")
    ready, told = apart.Barrier(2), apart.Queue()
    processes = [
        apart.Process(target=_claim, args=(url, run, [pair[way] for pair in pairs], way, ready, told))
        for way in range(2)
    ]
    for process in processes:
        process.start()

    begun = [lot for _ in processes for lot in told.get(timeout=60)]

    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    assert sorted(begun) == list(range(LOTS))
    assert len(journal.in_states(SELLER, [State.SENDING])) == LOTS


def test_a_seller_that_two_processes_admit_at_once_is_counted_once(journal: Journal, other: Journal) -> None:
    ready = threading.Barrier(2)

    def admit(one: Journal) -> None:
        with suppress(TakenOver):
            ready.wait()
            _take(one, "new")

    threads = [threading.Thread(target=admit, args=(one,)) for one in (journal, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert _epochs(journal) == {"new": 2}
