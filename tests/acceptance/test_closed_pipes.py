"""Output that nobody reads to its end, as after `| head -1`: quiet, and the run's end stands."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.acceptance.test_run import BROKEN, FIRST
from tests.trial import ROOT

if TYPE_CHECKING:
    from tests.trial import Trial


def unread(trial: Trial, *arguments: object) -> tuple[int, str]:
    """Run a command whose output nobody reads; return its exit code and what it says on standard error."""
    process = subprocess.Popen(
        [sys.executable, "-m", "batch", *map(str, arguments)],
        cwd=trial.folder,
        env=trial.environment(PYTHONPATH=str(ROOT)),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    with process:
        process.stdout.close()
        said = process.stderr.read()
    return process.returncode, said


@pytest.mark.parametrize("how", [(), ("--json",)])
def test_a_run_ends_as_it_would_have_and_writes_its_report(trial: Trial, how: tuple[str, ...]) -> None:
    file = trial.write("orders.csv", FIRST, BROKEN)
    trial.fill(file)
    code, said = unread(trial, "run", file, *how)
    assert code == 1
    assert [line for line in said.splitlines() if " INFO " not in line] == []
    assert len(list((trial.folder / "reports").glob("*/report.html"))) == 1


@pytest.mark.parametrize("command", [("history",), ("history", "--json"), ("order", FIRST[0]), ("profiles", "list")])
def test_what_only_tells_is_quiet(trial: Trial, command: tuple[str, ...]) -> None:
    file = trial.write("orders.csv", FIRST)
    trial.fill(file)
    trial.shipbatch("run", file)
    assert unread(trial, *command) == (141, "")
