"""A journal for each test. Whatever is tested with these fixtures holds for every kind of database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from batch.journal import database
from batch.journal.journal import Journal
from tests.unit.journal.making import begin_run

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

    from batch.journal.database import Database

_careful = database._careful


@pytest.fixture(params=["sqlite"])
def url(tmp_path: Path, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the address of an empty database. A server's address would be another parameter.

    Nobody waits for the disk here; that everything is synced is shown in test_database.py.
    """
    assert request.param == "sqlite"
    monkeypatch.setattr(database, "_careful", _carefree)
    return f"sqlite:///{tmp_path / 'state' / 'journal.db'}"


def _carefree(connection: sqlite3.Connection, record: object) -> None:
    _careful(connection, record)
    connection.execute("PRAGMA synchronous=OFF")


@pytest.fixture
def journal(url: str) -> Iterator[Journal]:
    journal = Journal.open(url)
    yield journal
    journal.close()


@pytest.fixture(name="database")
def _database(journal: Journal) -> Database:
    return journal.database


@pytest.fixture
def run(journal: Journal) -> int:
    """Return the number of a run that has just begun."""
    return begin_run(journal)
