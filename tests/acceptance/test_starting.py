"""Whoever asks for help, or checks a file, waits for nothing that is not needed for it."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

from tests.acceptance.test_run import FIRST
from tests.trial import ROOT

if TYPE_CHECKING:
    from tests.trial import Trial

TABLES = {"numpy", "pandas", "pyarrow", "pandera"}
SENDING = {"aiohttp", "uvloop", "tenacity", "cryptography"}
JOURNAL = {"sqlalchemy"}
REPORT = {"jinja2", "pygal", "xlsxwriter"}


def imported(trial: Trial, *arguments: object) -> set[str]:
    """Return the packages that a command imports."""
    with trial.start(*arguments, env={"PYTHONPROFILEIMPORTTIME": "1"}) as process:
        _, said = process.communicate()
    assert process.returncode == 0, said
    return {name.partition(".")[0] for name in re.findall(r"^import time:.*\| +(\S+)$", said, re.MULTILINE)}


def test_help_imports_nothing_heavy(trial: Trial) -> None:
    needed = imported(trial, "--help")
    assert "click" in needed
    assert not needed & {*TABLES, *SENDING, *JOURNAL, *REPORT, "pydantic", "rich"}


def test_a_check_imports_neither_what_sends_nor_the_journal_nor_what_draws_the_report(trial: Trial) -> None:
    needed = imported(trial, "check", trial.write("orders.csv", FIRST))
    assert needed >= TABLES
    assert not needed & {*SENDING, *JOURNAL, *REPORT}


def test_a_check_imports_the_journal_where_there_is_one(trial: Trial) -> None:
    file = trial.write("orders.csv", FIRST)
    trial.fill(file)
    trial.shipbatch("run", file)
    needed = imported(trial, "check", file)
    assert needed >= JOURNAL
    assert not needed & {*SENDING, *REPORT}


def test_a_run_that_prints_json_imports_nothing_that_draws_on_a_terminal(trial: Trial) -> None:
    file = trial.write("orders.csv", FIRST)
    trial.fill(file)
    needed = imported(trial, "run", "--json", file)
    assert needed >= {*SENDING, *REPORT}
    assert "rich" not in needed


def test_nobody_looks_for_garbage_among_the_modules_neither_at_the_start_nor_at_the_end(trial: Trial) -> None:
    watched = "import gc; from batch.__main__ import main; gc.set_debug(gc.DEBUG_STATS); main()"
    ran = subprocess.run(
        [sys.executable, "-c", watched, "check", trial.write("orders.csv", FIRST)],
        cwd=trial.folder,
        env=trial.environment(PYTHONPATH=str(ROOT)),
        capture_output=True,
        text=True,
        check=True,
    )
    looks = re.findall(r"^gc: objects in each generation: (\d+) (\d+) (\d+)$", ran.stderr, re.MULTILINE)
    assert looks, "Python looks when it ends"
    assert sum(int(objects) for look in looks for objects in look) < 20_000
