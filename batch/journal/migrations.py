"""The version of the journal's tables, and the way from each older version to the next.

A migration is a function that takes a connection in a transaction and changes the tables, and what is in them, from one
version to the next. They stand in `MIGRATIONS` in order: the first leads from version 1 to 2. To change a table:

    1  change it in `tables.py`; new journals are made that way
    2  write a migration below that gives old ones the same shape, in statements that every database understands
    3  append it to `MIGRATIONS`; never change or remove one that was released

Before the first of them a copy of an SQLite journal is laid beside it, as `NAME.version-N`. On PostgreSQL each is one
transaction, which changes nothing where it fails; copies are for whoever runs the server. Of processes that find the
same old tables, or none, one makes them new while the others wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, select, text, update

from batch.crashpoints import Step, reached
from batch.errors import JournalFailed
from batch.journal import tables

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from sqlalchemy import Connection

    from batch.journal.database import Database

    Migration = Callable[[Connection], None]


def _number_locks(connection: Connection) -> None:
    """Version 2: the journal counts how often each seller's lock was taken."""
    connection.execute(
        text("CREATE TABLE locks (seller TEXT NOT NULL PRIMARY KEY, epoch BIGINT NOT NULL, holder TEXT NOT NULL)")
    )
    connection.execute(text("INSERT INTO locks (seller, epoch, holder) SELECT DISTINCT seller, 0, '' FROM orders"))


def _leave_out_what_the_file_says(_connection: Connection) -> None:
    """Version 3: what an update said is only kept where it is not what the file says; older ones would read nothing."""


MIGRATIONS: tuple[Migration, ...] = (_number_locks, _leave_out_what_the_file_says)


def prepare(database: Database, migrations: Sequence[Migration] = MIGRATIONS) -> None:
    """Make the journal's tables where there are none, and bring older ones up to date.

    Raises `JournalFailed` for a journal that a newer shipbatch wrote, and for a database that holds something else.
    """
    database.make_file()
    reached(Step.JOURNAL_MADE)
    there = database.tables()
    if not there:
        _make_tables(database, 1 + len(migrations))
    elif tables.version.name not in there:
        raise _something_else(database)
    database.keep_private()
    _migrate(database, migrations)


def version_of(database: Database) -> int | None:
    """Return the version of a journal's tables, None where the database holds something else. Changes nothing."""
    if tables.version.name not in database.tables():
        return None
    with database.reading() as connection:
        return _version(connection)


def version_known() -> int:
    """Return the version of the tables that this shipbatch writes."""
    return 1 + len(MIGRATIONS)


def _make_tables(database: Database, version: int) -> None:
    with database.writing(alone=True) as connection:
        tables.metadata.create_all(connection)
        if _version(connection) is None:
            connection.execute(insert(tables.version).values(version=version))


def _migrate(database: Database, migrations: Sequence[Migration]) -> None:
    known = 1 + len(migrations)
    with database.reading() as connection:
        found = _version(connection)
    if found is None:
        raise _something_else(database)
    if found > known:
        raise JournalFailed(
            f"{database}: the journal has version {found}, this shipbatch knows {known}; "
            "use the newer shipbatch that wrote it."
        )
    if found < known:
        database.back_up(f"version-{found}")
    for version in range(found, known):
        _take(database, version, migrations[version - 1])


def _take(database: Database, version: int, migration: Migration) -> None:
    """Take the tables from a version to the next, unless another process has just done so."""
    with database.writing(alone=True) as connection:
        if _version(connection) == version:
            migration(connection)
            connection.execute(update(tables.version).values(version=version + 1))


def _something_else(database: Database) -> JournalFailed:
    return JournalFailed(
        f"{database}: this database holds something else than a journal; give the journal one of its own."
    )


def _version(connection: Connection) -> int | None:
    return connection.execute(select(tables.version.c.version)).scalar_one_or_none()
