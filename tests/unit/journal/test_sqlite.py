"""What only SQLite does; what holds for every kind of database is in test_database.py."""

from __future__ import annotations

import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert

from batch.errors import JournalFailed, UsageError
from batch.journal import tables
from batch.journal.database import Database
from batch.journal.journal import Journal
from batch.journal.migrations import MIGRATIONS, prepare, version_known
from tests.unit.journal.making import RUN, add_run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "state" / "journal.db"


@pytest.fixture
def opened(file: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{file}")
    prepare(database)
    yield database
    database.close()


def _mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def _pragma(database: Database, name: str) -> object:
    with database.reading() as connection:
        return connection.exec_driver_sql(f"PRAGMA {name}").scalar_one()


def _forget_runs(connection: Connection) -> None:
    connection.exec_driver_sql("DELETE FROM runs")


# Who may read it, and how safe it is


def test_nobody_but_its_owner_can_read_the_file_or_those_beside_it(opened: Database, file: Path) -> None:
    add_run(opened)

    assert {one.name: _mode(one) for one in file.parent.iterdir()} == {
        "journal.db": 0o600,
        "journal.db-wal": 0o600,
        "journal.db-shm": 0o600,
    }
    assert _mode(file.parent) == 0o700


def test_what_others_could_read_becomes_private_again(opened: Database, file: Path) -> None:
    file.chmod(0o644)

    prepare(opened)

    assert _mode(file) == 0o600


def test_a_commit_survives_a_power_cut(opened: Database) -> None:
    assert _pragma(opened, "journal_mode") == "wal"
    assert _pragma(opened, "synchronous") == 2  # FULL
    assert _pragma(opened, "fullfsync") == 1
    assert _pragma(opened, "foreign_keys") == 1
    assert _pragma(opened, "temp_store") == 2  # MEMORY: nothing of an order lies in a file of its own


# Writing and reading


def test_what_is_written_is_there_when_the_block_ends(opened: Database, file: Path) -> None:
    add_run(opened)

    with closing(sqlite3.connect(file)) as another:
        assert another.execute("SELECT run FROM runs").fetchall() == [("run-1",)]


# What can be wrong with it


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_journal_that_would_be_forgotten_is_refused(url: str) -> None:
    with pytest.raises(UsageError, match="a file that outlives the run"):
        Database(url)


def test_a_file_that_is_no_database_is_left_alone(file: Path) -> None:
    file.parent.mkdir()
    file.write_text("purchaseOrderId,trackingNumber\n" * 100)
    database = Database(f"sqlite:///{file}")

    with closing(database), pytest.raises(JournalFailed, match="this file is no journal; name another one"):
        prepare(database)

    assert file.read_text().startswith("purchaseOrderId")


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("a file where the folder should be")
    database = Database(f"sqlite:///{tmp_path / 'state' / 'journal.db'}")

    with pytest.raises(JournalFailed, match="the journal cannot be made: "):
        prepare(database)


def test_a_journal_that_cannot_be_written_says_so(opened: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    opened.close()
    monkeypatch.setattr("batch.journal.sqlite.careful", lambda *_: None)
    with opened.writing() as connection:
        connection.exec_driver_sql("PRAGMA query_only=ON")
        with (
            pytest.raises(JournalFailed, match=r"cannot be written: .*readonly.*; put that right"),
            opened.failures("written"),
        ):
            connection.execute(insert(tables.runs).values(RUN))


def test_a_journal_exists_when_there_is_something_to_read(file: Path) -> None:
    database = Database(f"sqlite:///{file}")
    assert not database.exists

    database.make_file()
    assert not database.exists  # a run died just here

    with closing(database):
        prepare(database)
        assert database.exists


# Copies and soundness


def test_a_copy_has_what_is_committed_and_is_private(opened: Database, file: Path) -> None:
    add_run(opened)

    copy = opened.back_up("version-1")

    assert copy == file.with_name("journal.db.version-1")
    assert _mode(copy) == 0o600
    with closing(sqlite3.connect(copy)) as read:
        assert read.execute("SELECT run FROM runs").fetchall() == [("run-1",)]


def test_a_copy_takes_the_place_of_no_other(opened: Database, file: Path) -> None:
    copies = [opened.back_up("version-1") for _ in range(3)]

    assert copies == [file.with_name(f"journal.db.version-1{end}") for end in ("", ".2", ".3")]


def test_before_the_first_migration_a_copy_is_laid_beside_the_journal(opened: Database, file: Path) -> None:
    add_run(opened)

    prepare(opened, (*MIGRATIONS, _forget_runs, _forget_runs))

    [name] = [one.name for one in file.parent.iterdir() if ".version-" in one.name]
    assert name == f"journal.db.version-{version_known()}"
    with closing(sqlite3.connect(file.with_name(name))) as copy:
        assert copy.execute("SELECT version FROM version").fetchall() == [(version_known(),)]
        assert copy.execute("SELECT run FROM runs").fetchall() == [("run-1",)]


def test_a_copy_that_cannot_be_made_is_told(opened: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> sqlite3.Connection:
        message = "database or disk is full"
        raise sqlite3.OperationalError(message)

    monkeypatch.setattr("batch.journal.sqlite.sqlite3.connect", fail)

    with pytest.raises(JournalFailed, match="cannot be copied: database or disk is full; nothing was changed"):
        opened.back_up("version-1")


def test_a_sound_journal_has_nothing_to_tell(opened: Database) -> None:
    add_run(opened)

    assert opened.integrity() == []


def test_damaged_pages_are_told(opened: Database, file: Path) -> None:
    for number in range(200):
        add_run(opened, run=f"run-{number}", summary=b"x" * 4000)
    opened.close()
    with file.open("r+b") as stream:
        stream.seek(40 * 4096)
        stream.write(b"\xff" * 4096 * 20)

    assert opened.integrity()


def test_rows_that_belong_to_nothing_are_told(opened: Database, file: Path) -> None:
    with closing(sqlite3.connect(file)) as careless:
        careless.execute("INSERT INTO files VALUES (99, 0, 'a.csv', '', '', 1, '')")
        careless.commit()

    assert opened.integrity() == [f"{file}: row 1 of files belongs to nothing in runs."]


def test_a_file_that_is_no_database_is_not_sound(file: Path) -> None:
    file.parent.mkdir()
    file.write_text("no database" * 1000)

    assert ["this file is no journal" in told for told in Database(f"sqlite:///{file}").integrity()] == [True]


def test_a_journal_that_is_opened_once_more_keeps_the_locks_of_the_first(tmp_path: Path) -> None:
    """Closing any handle of a file gives up all locks that its process has on it, SQLite's own among them."""
    file = tmp_path / "journal.db"
    with closing(Journal.open(f"sqlite:///{file}")) as journal:
        Journal.open(f"sqlite:///{file}").close()
        assert _runs_seen_elsewhere(file) == 0  # whoever closes last there takes the log away that is written here
        journal.begin_run(run="one", seller="s", account="default", command="run", at=1)
        assert _runs_seen_elsewhere(file) == 1


def _runs_seen_elsewhere(file: Path) -> int:
    """Return how many runs another process sees in the journal."""
    count = (
        "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM runs').fetchone()[0])"
    )
    return int(subprocess.run([sys.executable, "-c", count, file], check=True, capture_output=True, text=True).stdout)
