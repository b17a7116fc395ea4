from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from batch.accounting import new_run
from batch.errors import AccountBusy
from batch.journal.journal import Journal
from batch.journal.pruning import Pruned
from batch.retention import DAY, Removal
from batch.settings import load

if TYPE_CHECKING:
    from tests.in_process import InProcess

LONG_AGO = 1_600_000_000_000


@pytest.fixture
def old(trial: InProcess) -> InProcess:
    """Give a folder with one run of long ago."""
    settings = load(trial.settings)
    run = new_run(LONG_AGO)
    with closing(Journal.open(settings.journal)) as journal:
        number = journal.begin_run(run=run, seller="s", account="default", command="run", at=LONG_AGO)
        journal.finish_run(number, at=LONG_AGO, summary={})
    (settings.reports / run).mkdir(parents=True)
    (settings.reports / run / "summary.json").write_text("x" * 2_000_000)
    return trial


def test_what_is_removed_is_told(old: InProcess) -> None:
    ran = old.shipbatch("prune")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "Removed, being older than 400 days: 1 run, 1 report (2.0 MB of files).\n"
    assert old.shipbatch("prune").out == "Nothing is older than 400 days.\n"


def test_a_dry_run_removes_nothing(old: InProcess) -> None:
    ran = old.shipbatch("prune", "--dry-run", "--days", "1")
    assert ran.out == "Would be removed, being older than 1 day: 1 run, 1 report (2.0 MB of files).\n"
    assert old.shipbatch("prune", "--days", "1").out.startswith("Removed, being older than 1 day: 1 run")


def test_the_days_are_those_of_the_settings_unless_others_are_given(
    old: InProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    def remove(_: object, before: int, *, wait: bool) -> Removal:
        asked.append(before)
        assert not wait
        return Removal(journal=Pruned(runs=("a", "b"), rows=3, orders=1))

    monkeypatch.setattr("batch.retention.remove_older", remove)
    monkeypatch.setattr("batch.clock.now_ms", lambda: 1000 * DAY * 1000)
    told = old.shipbatch("prune", env={"SHIPBATCH_RETENTION": "10"}).out
    assert told == "Removed, being older than 10 days: 2 runs, 3 rows, 1 order.\n"
    old.shipbatch("prune", "--days", "3")
    assert asked == [990 * DAY * 1000, 997 * DAY * 1000]


def test_what_cannot_be_removed_ends_in_a_failure(old: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batch.retention.remove_older", lambda *_, **__: Removal(problems=("It stays.",)))
    ran = old.shipbatch("prune")
    assert (ran.code, ran.err) == (6, "It stays.\n")


def test_a_run_that_is_under_way_is_not_disturbed(old: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object, **__: object) -> Removal:
        raise AccountBusy

    monkeypatch.setattr("batch.retention.remove_older", busy)
    assert old.shipbatch("prune").code == 7


@pytest.mark.parametrize("days", ["0", "-1", "many"])
def test_days_are_a_number_from_one(trial: InProcess, days: str) -> None:
    assert trial.shipbatch("prune", "--days", days).code == 2
