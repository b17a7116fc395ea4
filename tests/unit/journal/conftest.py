"""A journal for each test. Whatever is tested with these fixtures holds for every kind of database."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import delete, func, select

from batch.journal import sqlite, tables
from batch.journal.database import Database
from batch.journal.journal import Journal
from batch.journal.migrations import prepare
from tests.unit.journal.making import begin_run

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

    from tests.postgres import Server

_careful = sqlite.careful
_NUMBERED = {"runs": "number", "orders": "id", "attempts": "id", "decisions": "id"}


@pytest.fixture(params=["sqlite", "postgresql"])
def kind(request: pytest.FixtureRequest) -> str:
    """Return the kind of database."""
    return str(request.param)


@pytest.fixture
def url(kind: str, tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the address of an empty database.

    Nobody waits for the disk here; that everything is synced is shown in test_sqlite.py.
    """
    if kind == "postgresql":
        server: Server = request.getfixturevalue("postgres")
        return server.place()
    monkeypatch.setattr(sqlite, "careful", _carefree)
    return f"sqlite:///{tmp_path / 'state' / 'journal.db'}"


def _carefree(connection: sqlite3.Connection, record: object) -> None:
    _careful(connection, record)
    connection.execute("PRAGMA synchronous=OFF")


@pytest.fixture
def journal(kind: str, request: pytest.FixtureRequest) -> Iterator[Journal]:
    """Give an empty journal. On a server one is emptied again and again, but for tests that ask for its address."""
    if kind == "postgresql" and "url" not in request.fixturenames:
        kept: Database = request.getfixturevalue("kept")
        _empty(kept)
        yield Journal(kept)
        return
    journal = Journal.open(request.getfixturevalue("url"))
    yield journal
    journal.close()


@pytest.fixture(scope="session")
def kept(postgres: Server) -> Iterator[Database]:
    """Give a journal's database on a server that is kept for many tests."""
    with closing(Database(postgres.place())) as database:
        prepare(database)
        yield database


def _empty(database: Database) -> None:
    with database.writing() as connection:
        for table in reversed(tables.metadata.sorted_tables):
            if table is not tables.version:
                connection.execute(delete(table))
        for table, key in _NUMBERED.items():
            connection.execute(select(func.setval(f"{table}_{key}_seq", 1, False)))  # noqa: FBT003 - PostgreSQL's


@pytest.fixture(name="database")
def _database(journal: Journal) -> Database:
    return journal.database


@pytest.fixture
def run(journal: Journal) -> int:
    """Return the number of a run that has just begun."""
    return begin_run(journal)
