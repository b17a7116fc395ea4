"""What holds for every kind of database."""

from __future__ import annotations

import re
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, select
from sqlalchemy.exc import OperationalError

from batch.errors import UsageError
from batch.journal import tables
from batch.journal.database import Database, EntryRefused
from batch.journal.migrations import prepare
from tests.unit.journal.making import RUN, add_run, runs_in

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def opened(url: str) -> Iterator[Database]:
    with closing(Database(url)) as database:
        prepare(database)
        yield database


@pytest.fixture
def other(url: str, opened: Database) -> Iterator[Database]:
    """Give the same database once more, as another process has it."""
    with closing(Database(url)) as database:
        assert database.tables() == opened.tables()
        yield database


# Writing and reading


def test_what_is_written_is_there_when_the_block_ends(opened: Database, other: Database) -> None:
    add_run(opened)

    assert runs_in(other) == ["run-1"]


def test_nothing_is_written_of_a_block_that_fails(opened: Database) -> None:
    def fail() -> None:
        with opened.writing() as connection:
            connection.execute(insert(tables.runs).values(RUN))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert runs_in(opened) == []


def test_a_block_within_another_is_part_of_it(opened: Database) -> None:
    def fail() -> None:
        with opened.writing():
            add_run(opened)
            assert runs_in(opened) == ["run-1"]  # reading there sees it, too
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()

    assert runs_in(opened) == []
    add_run(opened)
    assert runs_in(opened) == ["run-1"]


def test_a_block_of_another_thread_is_none_of_ours(opened: Database) -> None:
    seen: list[list[str]] = []
    with opened.writing() as connection:
        connection.execute(insert(tables.runs).values(RUN))
        thread = threading.Thread(target=lambda: seen.append(runs_in(opened)))
        thread.start()
        thread.join()

    assert seen == [[]]


def test_reading_waits_for_no_writer(opened: Database, other: Database) -> None:
    with other.writing() as connection:
        connection.execute(insert(tables.runs).values(RUN))

        assert runs_in(opened) == []


def test_reading_locks_nobody_out(opened: Database, other: Database) -> None:
    with opened.reading() as connection:
        connection.execute(select(tables.runs)).all()

        add_run(other)


def test_all_that_is_read_in_a_block_is_of_one_moment(opened: Database, other: Database) -> None:
    with opened.reading() as connection:
        before = connection.execute(select(tables.runs)).all()
        add_run(other)

        assert connection.execute(select(tables.runs)).all() == before


def test_many_writers_of_one_process_are_served(opened: Database) -> None:
    def write(number: int) -> None:
        for turn in range(5):
            add_run(opened, run=f"run-{number}-{turn}")

    threads = [threading.Thread(target=write, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(runs_in(opened)) == 100


def test_what_contradicts_the_journal_is_told_from_a_journal_that_fails(opened: Database) -> None:
    add_run(opened)

    with pytest.raises(EntryRefused, match=r"(?i)unique"):
        add_run(opened)


def test_a_transaction_that_a_server_gave_up_for_another_may_be_tried_again(opened: Database) -> None:
    class DeadlockDetected(Exception):  # noqa: N818 - as the driver calls it
        sqlstate = "40P01"

    with pytest.raises(EntryRefused), opened.failures("written"):
        raise OperationalError("INSERT", None, DeadlockDetected())


def test_no_value_of_a_statement_gets_into_an_error(opened: Database) -> None:
    add_run(opened)

    with pytest.raises(EntryRefused) as refused:
        add_run(opened, account="1Z999AA10123456784")

    told: BaseException | None = refused.value
    while told is not None:
        assert "1Z999AA10123456784" not in str(told)
        told = told.__cause__


def test_a_sound_journal_has_nothing_to_tell(opened: Database) -> None:
    add_run(opened)

    assert opened.integrity() == []


def test_a_missing_table_is_told(opened: Database) -> None:
    with opened.writing() as connection:
        tables.decisions.drop(connection)

    assert opened.integrity() == [f"{opened}: the table decisions is missing."]


# What can be wrong with an address


@pytest.mark.parametrize("address", ["journal.db", "sqlite//journal.db", "", "postgresql+psycopg://u:p@h:port/db"])
def test_what_is_no_address_is_refused_with_an_example(address: str) -> None:
    with pytest.raises(UsageError, match=r"write it like sqlite:///state/journal\.db"):
        Database(address)


def test_other_kinds_of_databases_are_refused() -> None:
    with pytest.raises(UsageError, match="only sqlite"):
        Database("mysql://localhost/journal")


def test_a_missing_driver_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "psycopg", None)

    with pytest.raises(UsageError, match=re.escape("pip install 'shipbatch[cluster]'")):
        Database("postgresql+psycopg://localhost/journal")


def test_a_password_that_would_be_taken_for_the_machines_name_is_refused_and_not_shown() -> None:
    with pytest.raises(UsageError, match="write @ as %40") as refused:
        Database("postgresql+psycopg://shop:Tr0ub4@dor@db.example/journal")

    assert "dor" not in str(refused.value)
