from __future__ import annotations

import os
import time
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import func, insert, select

from batch.accounting import new_run
from batch.errors import AccountBusy, JournalFailed
from batch.journal import tables
from batch.journal.journal import Journal
from batch.lock import account_lock, locks_folder
from batch.retention import DAY, Removal, rehearse, remove_older
from batch.settings import Settings, load

if TYPE_CHECKING:
    from pathlib import Path

NOW = int(time.time() * 1000)
BEFORE = NOW - 30 * DAY * 1000
OLD, YOUNG = NOW - 40 * DAY * 1000, NOW - 20 * DAY * 1000
ACCOUNTS = """
[accounts.default]
client_id = "client-2"
client_secret = "hush-hush"
[accounts.again]
client_id = "client-2"
client_secret = "hush-hush"
[accounts.outlet]
client_id = "client-1"
client_secret = "hush-hush"
"""


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    file = tmp_path / "shipbatch.toml"
    file.write_text(ACCOUNTS)
    return load(file)


class Past:
    """Puts runs of long ago into a journal, with their reports and the copies of their files."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.copies = settings.state / "inputs"
        self.copies.mkdir(parents=True)
        with closing(Journal.open(settings.journal)):
            pass

    def copy(self, name: str, at: int) -> Path:
        file = self.copies / name
        file.write_text("some rows")
        os.utime(file, (at / 1000, at / 1000))
        return file

    def report(self, run: str) -> Path:
        folder = self.settings.reports / run
        (folder / "to_fix").mkdir(parents=True)
        (folder / "summary.json").write_text("{}")
        return folder

    def run(self, at: int, sha256: str, state: str = "shipped") -> str:
        """Add a run with one order, its report, and the copy of its file."""
        run = new_run(at)
        with closing(Journal.open(self.settings.journal)) as journal:
            number = journal.begin_run(run=run, seller="client-1", account="outlet", command="run", at=at)
            journal.record_files(
                number, [{"path": "a.csv", "sha256": sha256, "profile": "shipbatch", "rows": 1, "problem": ""}]
            )
            order = self._order(journal, at, state)
            journal.record_rows([self._row(number, order)])
            journal.finish_run(number, at=at, summary={"run": run})
        self.report(run)
        self.copy(sha256, at)
        return run

    @staticmethod
    def _order(journal: Journal, at: int, state: str) -> int:
        ended = {"finished_at": 0 if state == "planned" else at, "sent_at": 0, "planned_at": at}
        needed = {
            column.name: b"[]" if column.name == "content" else "" if str(column.type) == "TEXT" else 0
            for column in tables.orders.c
            if not column.nullable and not column.primary_key
        }
        with journal.database.writing() as connection:
            values = {**needed, **ended, "state": state, "seller": "client-1"}
            added = insert(tables.orders).values(**values).returning(tables.orders.c.id)
            return int(connection.execute(added).scalar_one())

    @staticmethod
    def _row(run: int, order: int) -> dict[str, object]:
        where = {"run": run, "position": 0, "file": 0, "sheet": "", "row": 2, "purchase_order_id": "1"}
        return {**where, "order": order, "part": 0, "outcome": None, "reason": None}

    @property
    def runs(self) -> list[str]:
        with closing(Journal.open(self.settings.journal)) as journal, journal.database.reading() as connection:
            return list(connection.execute(select(tables.runs.c.run).order_by(tables.runs.c.number)).scalars())

    @property
    def orders(self) -> int:
        with closing(Journal.open(self.settings.journal)) as journal, journal.database.reading() as connection:
            return int(connection.execute(select(func.count()).select_from(tables.orders)).scalar_one())

    @property
    def files(self) -> list[str]:
        folders = (self.copies, self.settings.reports)
        return sorted(path.name for folder in folders if folder.is_dir() for path in folder.iterdir())


@pytest.fixture
def past(settings: Settings) -> Past:
    return Past(settings)


def test_what_is_older_goes_with_its_report_and_the_copy_of_its_file(settings: Settings, past: Past) -> None:
    old, young = past.run(OLD, "a" * 64), past.run(YOUNG, "b" * 64)
    removal = remove_older(settings, BEFORE)
    assert (removal.journal.runs, removal.journal.orders, removal.journal.rows) == ((old,), 1, 1)
    assert [path.name for path in (*removal.copies, *removal.reports)] == ["a" * 64, old]
    assert removal.size > 0
    assert past.runs == [young]
    assert past.files == sorted([young, "b" * 64])
    assert remove_older(settings, BEFORE) == Removal()


def test_an_unfinished_order_stays_with_all_that_it_came_from(settings: Settings, past: Past) -> None:
    run = past.run(OLD, "a" * 64, state="planned")
    assert remove_older(settings, BEFORE) == Removal()
    assert (past.runs, past.orders, past.files) == ([run], 1, sorted([run, "a" * 64]))


def test_a_copy_that_a_younger_run_needs_too_stays(settings: Settings, past: Past) -> None:
    past.run(OLD, "a" * 64)
    past.run(YOUNG, "a" * 64)
    past.copy("a" * 64, OLD)
    assert remove_older(settings, BEFORE).copies == ()
    assert "a" * 64 in past.files


def test_a_rehearsal_tells_the_same_and_removes_nothing(settings: Settings, past: Past) -> None:
    past.run(OLD, "a" * 64)
    before = (past.runs, past.orders, past.files)
    rehearsed = rehearse(settings, BEFORE)
    assert (past.runs, past.orders, past.files) == before
    assert rehearsed == remove_older(settings, BEFORE)


def test_what_a_crash_left_goes_when_it_is_old(settings: Settings, past: Past) -> None:
    unfinished, orphan = past.copy(".tmp1234", OLD), past.copy("c" * 64, OLD)
    report = past.report(new_run(OLD))
    removal = remove_older(settings, BEFORE)
    assert {*removal.copies, *removal.reports} == {unfinished, orphan, report}
    assert past.files == []


def test_what_is_young_or_somebody_elses_stays(settings: Settings, past: Past) -> None:
    past.copy(".tmp1234", YOUNG)
    past.copy("notes.txt", OLD)
    for name in ("holiday pictures", "99999999-999999-abcd", new_run(YOUNG)):
        past.report(name)
    linked = settings.reports / new_run(OLD)
    linked.symlink_to(past.copies)
    (settings.reports / new_run(OLD)).write_text("a file")
    before = past.files
    assert remove_older(settings, BEFORE) == Removal()
    assert past.files == before


def test_the_copy_of_a_run_that_has_just_begun_is_never_taken(settings: Settings, past: Past) -> None:
    past.copy("d" * 64, NOW - 1000)
    assert remove_older(settings, NOW + 1).copies == ()


def test_without_a_journal_nothing_is_removed_and_none_is_made(settings: Settings, tmp_path: Path) -> None:
    assert remove_older(settings, BEFORE) == rehearse(settings, BEFORE) == Removal()
    assert not (tmp_path / "state").exists()


def test_while_a_run_is_under_way_nothing_is_removed(settings: Settings, past: Past) -> None:
    past.run(OLD, "a" * 64)
    with (
        account_lock("client-1", account="outlet", command="run"),
        pytest.raises(AccountBusy, match="Account outlet: another run holds it"),
    ):
        remove_older(settings, BEFORE)
    assert len(past.runs) == 1
    assert len(remove_older(settings, BEFORE, wait=True).journal.runs) == 1
    assert len(list(locks_folder().glob("*.lock"))) <= 2


def test_what_cannot_be_removed_is_told_and_stops_nothing(
    settings: Settings, past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = past.run(OLD, "a" * 64)

    def denied(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("shutil.rmtree", denied)
    removal = remove_older(settings, BEFORE)
    assert removal.problems == (f"{settings.reports / old}: cannot be removed: Permission denied.",)
    assert past.files == [old]


def test_a_journal_that_fails_is_said_in_a_rehearsal_too(
    settings: Settings, past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    past.run(OLD, "a" * 64)

    def fails(*_: object) -> None:
        raise JournalFailed

    monkeypatch.setattr("batch.retention.prune", fails)
    with pytest.raises(JournalFailed):
        rehearse(settings, BEFORE)
