from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.in_process import InProcess


def offered(trial: InProcess, line: str, **more: str) -> list[str]:
    """Return what bash is offered at the end of a line."""
    words = line.split(" ")
    env = {"_SHIPBATCH_COMPLETE": "bash_complete", "COMP_WORDS": line, "COMP_CWORD": str(len(words) - 1), **more}
    ran = trial.shipbatch(env=env)
    assert (ran.code, ran.err) == (0, "")
    return ran.out.split()


@pytest.fixture
def two(trial: InProcess) -> InProcess:
    """Give a folder whose settings have two accounts."""
    trial.add_settings('[accounts.outlet]\nclient_id = "c"\nclient_secret = "hush-hush"')
    return trial


def test_commands_are_offered(trial: InProcess) -> None:
    assert offered(trial, "shipbatch re") == ["plain,resume", "plain,report"]


@pytest.mark.parametrize("command", ["run", "resume", "history", "settle", "doctor"])
def test_accounts_are_offered(two: InProcess, command: str) -> None:
    assert offered(two, f"shipbatch {command} --account ") == ["plain,default", "plain,outlet"]
    assert offered(two, f"shipbatch {command} --account o") == ["plain,outlet"]


def test_accounts_are_those_of_the_settings_that_are_named(two: InProcess) -> None:
    two.settings.rename(two.folder / "other.toml")
    assert offered(two, "shipbatch run --account ") == []
    assert offered(two, "shipbatch run --config other.toml --account o") == ["plain,outlet"]


def test_runs_are_offered(trial: InProcess) -> None:
    assert offered(trial, "shipbatch report ") == []
    assert not (trial.folder / "state").exists()
    trial.shipbatch("run", trial.write("orders.csv"))
    (run,) = (folder.name for folder in (trial.folder / "reports").iterdir())
    assert offered(trial, f"shipbatch report {run[:5]}") == [f"plain,{run}"]
    assert offered(trial, "shipbatch report x") == []


@pytest.mark.parametrize("command", ["run", "check"])
def test_files_are_left_to_the_shell(trial: InProcess, command: str) -> None:
    assert offered(trial, f"shipbatch {command} war") == ["file,war"]


@pytest.mark.parametrize("line", ["shipbatch run --account ", "shipbatch report "])
def test_with_settings_that_have_mistakes_nothing_is_offered(trial: InProcess, line: str) -> None:
    assert offered(trial, line, SHIPBATCH_RETENTION="0") == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_its_lines(trial: InProcess, shell: str) -> None:
    ran = trial.shipbatch(env={"_SHIPBATCH_COMPLETE": f"{shell}_source", "PATH": "/usr/bin:/bin"})
    assert ran.code == 0
    assert f"_SHIPBATCH_COMPLETE={shell}_complete" in ran.out
    assert f"_SHIPBATCH_COMPLETE={shell}_source shipbatch" in trial.shipbatch("--help").out
