from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from batch.commands import history
from tests.unit.commands.looking_back import FIRST, SECOND, WRONG, forget_end

if TYPE_CHECKING:
    from tests.in_process import InProcess


@pytest.fixture(name="runs")
def _runs(trial: InProcess) -> list[str]:
    """Make three runs, the latest first: with an order too many, all well, with nothing to do."""
    names = []
    for name, rows in (("empty.csv", []), ("good.csv", [FIRST]), ("some.csv", [SECOND, WRONG])):
        file = trial.write(name, *rows)
        trial.fill(file)
        names.append(trial.shipbatch("run", file, "--json").summary["run"])
    return names[::-1]


def listed(trial: InProcess, *arguments: str) -> list[str]:
    return [run["run"] for run in json.loads(trial.shipbatch("history", "--json", *arguments).out)]


def test_runs_are_told_with_how_they_ended_and_with_their_files(trial: InProcess, runs: list[str]) -> None:
    lines = trial.shipbatch("history", env={"COLUMNS": "150"}).out.splitlines()
    assert lines[0].split("  ")[0] == "run"
    assert [line.split()[0] for line in lines[1:]] == runs
    assert "2  1 shipped, 1 rejected" in lines[1]
    assert "some.csv" in lines[1]
    assert "nothing to do" in lines[3]


@pytest.mark.parametrize("width", [40, 80, 109])
def test_where_a_table_has_no_room_runs_are_told_below_each_other(
    trial: InProcess, runs: list[str], width: int
) -> None:
    told = trial.shipbatch("history", env={"COLUMNS": str(width)}).out
    assert max(map(len, told.splitlines())) <= width
    assert all(run in told for run in runs)
    assert "run, default, exit code 1" in told
    assert "2 orders: 1 shipped, 1 rejected" in told


def test_runs_are_chosen_by_exit_code(trial: InProcess, runs: list[str]) -> None:
    assert listed(trial, "--exit-code", "1") == runs[:1]
    assert listed(trial, "--exit-code", "1", "--exit-code", "0") == runs
    assert listed(trial, "--exit-code", "0", "--most", "1") == runs[1:2]
    assert trial.shipbatch("history", "--exit-code", "6").out == "There are no such runs.\n"


def test_runs_are_chosen_by_day_and_account(trial: InProcess, runs: list[str]) -> None:
    today = datetime.now(ZoneInfo("America/Toronto")).date().isoformat()
    assert listed(trial, "--since", today, "--until", today) == runs
    assert listed(trial, "--since", "2999-01-01") == []
    assert listed(trial, "--until", "2001-01-01") == []
    assert listed(trial, "--account", "default") == runs
    assert trial.shipbatch("history", "--account", "outlet").out == "There are no such runs.\n"
    assert trial.shipbatch("history", "--since", "yesterday").code == 2


def test_a_day_begins_at_midnight_of_the_settings_zone() -> None:
    day, zone = datetime(2026, 11, 23), ZoneInfo("America/Toronto")  # noqa: DTZ001 - as the command line gives it
    assert history._midnight(day, zone) == 1_795_410_000_000  # 2026-11-23T05:00:00Z
    spring = datetime(2026, 3, 8)  # noqa: DTZ001 - the same
    assert history._midnight(spring, zone, days=1) - history._midnight(spring, zone) == 23 * 3_600_000


def test_without_a_journal_there_are_no_runs(trial: InProcess) -> None:
    assert trial.shipbatch("history").out == "There are no runs yet.\n"
    assert trial.shipbatch("history", "--json").out == "[]\n"


def test_a_run_that_never_ended_is_told_as_such(trial: InProcess, runs: list[str]) -> None:
    forget_end(trial, runs[0])
    assert "did not come to its end" in trial.shipbatch("history", env={"COLUMNS": "150"}).out
    assert "did not come to its end" in trial.shipbatch("history", env={"COLUMNS": "40"}).out
    assert listed(trial, "--exit-code", "1") == []
    assert len(listed(trial)) == 3
