"""How SQLite would look: by an index, never by going through a whole table, however many orders there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import event

from batch.journal import history
from batch.journal.journal import Journal
from batch.journal.merging import naming, unnamed
from batch.journal.since import ended_since, orders_that_are_well, standing_of
from batch.journal.states import UNFINISHED, State
from tests.unit.journal.making import (
    NOW,
    SELLER,
    begin,
    begin_run,
    change,
    end,
    parcel,
    plan,
    planned,
    record_input,
    send,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ORDER = "309121065891123"
NOBODY = "nobody"


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal.open(f"sqlite:///{tmp_path / 'journal.db'}")
    yield journal
    journal.close()


def _ways(journal: Journal, work: Callable[[], object]) -> list[str]:
    """Return how SQLite finds what each statement of the work names."""
    engine = journal.database._engine
    asked: list[str] = []

    def note(connection: Any, _record: object, _proxy: object = None) -> None:  # noqa: ANN401 - the driver's own
        connection.set_trace_callback(asked.append)

    event.listen(engine, "checkout", note)
    work()
    event.remove(engine, "checkout", note)
    with journal.database.reading() as connection:
        driver: Any = connection.connection.driver_connection
        driver.set_trace_callback(None)
        return [
            row[3]
            for statement in asked
            if statement.startswith(("SELECT", "UPDATE", "DELETE"))
            for row in driver.execute(f"EXPLAIN QUERY PLAN {statement}")
        ]


def _scans(ways: list[str]) -> list[str]:
    return [way for way in ways if way.startswith("SCAN")]


def _send_one(journal: Journal) -> None:
    """Take an order through all that is written for it."""
    run = begin_run(journal)
    [order] = plan(journal, planned(ORDER, customer_order="C-1"))
    record_input(journal, run, [(order, 0)])
    call = begin(order, run, purchase_order=ORDER)
    journal.apply([call])
    journal.apply([end(call), change(order, State.UNKNOWN)])
    journal.apply([change(order, State.PLANNED)])
    send(journal, order, run, parcel(), purchase_order=ORDER)
    journal.apply([change(order, State.HELD)])
    journal.plan(SELLER, [planned("", customer_order="C-1")], NOW)
    history.keep_rows(journal.database, run, history.rows_of(journal.database, run))


ASKED: dict[str, Callable[[Journal], object]] = {
    "an order's story": lambda journal: history.stories_of(journal.database, ORDER),
    "rows that became part of no order": lambda journal: history.rows_aside_of(journal.database, ORDER),
    "what is left": lambda journal: journal.in_states(SELLER, UNFINISHED, due_by=NOW),
    "how much is left": lambda journal: history.unfinished(journal.database, SELLER),
    "where orders come from": lambda journal: history.last_rows_of(journal.database, [1, 2]),
    "the rows of a run": lambda journal: history.rows_of(journal.database, 1),
    "the calls of a run": lambda journal: history.attempts_of(journal.database, 1),
    "the same orders again": lambda journal: journal.known(SELLER, [planned(ORDER), planned("", customer_order="C")]),
    "orders to be sent": lambda journal: journal.load(plan(journal, planned("1"), planned("2"))),
    "where a file stands": lambda journal: standing_of(journal.database, SELLER, "a.csv", "0" * 64),
    "what became of a run's rows": lambda journal: ended_since(journal.database, 1),
    "orders that are well": lambda journal: orders_that_are_well(journal.database, SELLER, [ORDER]),
    "orders of a purchase order": lambda journal: naming(journal.database, SELLER, ORDER),
    "orders without one": lambda journal: unnamed(journal.database, NOBODY),
    "one order from beginning to end": _send_one,
}


@pytest.mark.parametrize("what", ASKED)
def test_it_is_found_among_a_million_without_reading_them_all(journal: Journal, what: str) -> None:
    ways = _ways(journal, lambda: ASKED[what](journal))

    assert any("SEARCH" in way for way in ways)
    assert _scans(ways) == []


def test_a_whole_table_would_be_noticed(journal: Journal) -> None:
    assert _scans(_ways(journal, lambda: journal.in_states(SELLER, [State.REFUSED])))
