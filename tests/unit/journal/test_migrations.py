from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import Connection, Integer, MetaData, Table, insert, inspect, select, text, update

from batch.errors import JournalFailed
from batch.journal import tables
from batch.journal.database import Database
from batch.journal.journal import Journal
from batch.journal.migrations import MIGRATIONS, _make_tables, _take, prepare, version_known, version_of
from batch.journal.states import State
from tests.unit.journal.making import SELLER, begin_run, change, plan, planned, state

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def journal(url: str) -> Iterator[Journal]:
    """Give a journal whose tables nobody else uses."""
    journal = Journal.open(url)
    yield journal
    journal.close()


def _add_column(connection: Connection) -> None:
    connection.execute(text("ALTER TABLE runs ADD COLUMN machine TEXT"))


def _fill_column(connection: Connection) -> None:
    connection.execute(text("UPDATE runs SET machine = 'night'"))


def _fail(connection: Connection) -> None:
    connection.execute(text("UPDATE runs SET machine = 'half done'"))
    raise ZeroDivisionError


def _version(database: Database) -> int:
    with database.reading() as connection:
        return int(connection.execute(select(tables.version.c.version)).scalar_one())


def _machines(database: Database) -> list[str]:
    with database.reading() as connection:
        return list(connection.execute(text("SELECT machine FROM runs")).scalars())


def test_a_new_journal_has_the_newest_tables(database: Database) -> None:
    assert _version(database) == 1 + len(MIGRATIONS)
    assert database.tables() == set(tables.metadata.tables)


def test_a_journal_of_today_is_left_as_it_is(journal: Journal, run: int) -> None:
    prepare(journal.database)

    assert _version(journal.database) == 1 + len(MIGRATIONS)
    assert run == 1


def test_an_older_journal_goes_through_every_version_in_between(journal: Journal, run: int) -> None:
    prepare(journal.database, (*MIGRATIONS, _add_column, _fill_column))

    assert _version(journal.database) == 3 + len(MIGRATIONS)
    assert _machines(journal.database) == ["night"]
    assert run


def test_a_migration_that_fails_changes_nothing_and_can_be_tried_again(journal: Journal, run: int) -> None:
    with pytest.raises(ZeroDivisionError):
        prepare(journal.database, (*MIGRATIONS, _add_column, _fail))

    assert _version(journal.database) == 2 + len(MIGRATIONS)
    assert _machines(journal.database) == [None]

    prepare(journal.database, (*MIGRATIONS, _add_column, _fill_column))
    assert _version(journal.database) == 3 + len(MIGRATIONS)
    assert _machines(journal.database) == ["night"]
    assert run


def test_a_migration_that_another_process_has_just_made_is_not_made_twice(journal: Journal, run: int) -> None:
    prepare(journal.database, (*MIGRATIONS, _add_column))

    _take(journal.database, version_known(), _fail)

    assert _version(journal.database) == 2 + len(MIGRATIONS)
    assert run


def test_a_newer_journal_is_refused_and_left_alone(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(update(tables.version).values(version=7))

    with pytest.raises(
        JournalFailed, match=f"version 7, this shipbatch knows {version_known()}; use the newer shipbatch"
    ):
        prepare(database)

    assert _version(database) == 7


def test_a_journal_without_a_version_is_refused(database: Database) -> None:
    with database.writing() as connection:
        connection.execute(tables.version.delete())

    with pytest.raises(JournalFailed, match="holds something else than a journal"):
        prepare(database)


def test_a_database_of_something_else_is_refused_and_left_alone(url: str) -> None:
    database = Database(url)
    database.make_file()
    with closing(database):
        with database.writing() as connection:
            connection.execute(text("CREATE TABLE orders (number INTEGER)"))

        with pytest.raises(JournalFailed, match="holds something else than a journal"):
            prepare(database)

        assert database.tables() == {"orders"}


def test_a_journals_version_is_told_without_changing_it(journal: Journal) -> None:
    assert version_of(journal.database) == version_known() == 1 + len(MIGRATIONS)


def test_something_else_than_a_journal_has_no_version(url: str) -> None:
    database = Database(url)
    database.make_file()
    with closing(database):
        assert version_of(database) is None
        assert database.tables() == set()


def test_two_processes_that_make_a_journal_at_once_make_one(url: str) -> None:
    first, second = Database(url), Database(url)
    with closing(first), closing(second):
        prepare(first)
        with first.reading() as connection:
            assert inspect(connection).has_table("orders")

        _make_tables(second, version_known())  # it saw no table a moment ago
        prepare(second)

        assert _version(second) == version_known()


def test_of_many_that_make_a_journal_at_once_all_find_the_same(url: str) -> None:
    databases = [Database(url) for _ in range(8)]
    begin = threading.Barrier(len(databases))

    def make(database: Database) -> int:
        begin.wait()
        prepare(database, (*MIGRATIONS, _add_column, _fill_column))
        return _version(database)

    with ThreadPoolExecutor(len(databases)) as threads:
        assert set(threads.map(make, databases)) == {3 + len(MIGRATIONS)}
    for database in databases:
        database.close()


def test_of_many_that_find_an_older_journal_one_brings_it_up_to_date(journal: Journal, url: str, run: int) -> None:
    databases = [Database(url) for _ in range(8)]
    begin = threading.Barrier(len(databases))

    def bring(database: Database) -> list[str]:
        begin.wait()
        prepare(database, (*MIGRATIONS, _add_column, _fill_column))
        return _machines(database)

    with ThreadPoolExecutor(len(databases)) as threads:
        assert list(threads.map(bring, databases)) == [["night"]] * len(databases)
    for database in databases:
        database.close()
    assert run
    assert _version(journal.database) == 3 + len(MIGRATIONS)


def test_a_migration_may_use_tables_of_its_own_version(journal: Journal) -> None:
    begin_run(journal)

    def count_rows(connection: Connection) -> None:
        runs = Table("runs", MetaData(), autoload_with=connection)
        files = Table("files", MetaData(), autoload_with=connection)
        assert isinstance(files.c.rows.type, Integer)
        connection.execute(
            insert(files).from_select(
                ["run", "file", "path", "sha256", "profile", "rows", "problem"],
                select(runs.c.number, text("0, 'a.csv', '', '', 0, ''")),
            )
        )

    prepare(journal.database, (*MIGRATIONS, count_rows))

    with journal.database.reading() as connection:
        assert connection.execute(select(tables.files.c.path)).scalars().all() == ["a.csv"]


# The migrations that there are


def test_version_2_counts_how_often_each_sellers_lock_was_taken(journal: Journal) -> None:
    [order] = plan(journal, planned())
    with journal.database.writing() as connection:
        tables.locks.drop(connection)
        connection.execute(update(tables.version).values(version=1))

    prepare(journal.database)

    with journal.database.reading() as connection:
        assert connection.execute(select(tables.locks)).all() == [(SELLER, 0, "")]
    journal.apply([change(order, State.HELD)])
    assert state(journal, order) is State.HELD
