from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import distributed
import pytest

from batch.cluster import task
from batch.cluster.mission import Mission
from batch.cluster.workers import Worker
from batch.end_of_run import Ended
from batch.errors import Exit
from batch.glance import Glance
from batch.job import Job
from batch.journal.journal import Journal
from batch.journal.states import State
from batch.settings import Account, Settings

MISSION = Mission(campaign="c", run="r", account="default", config=Path("x"), local=True, we=Worker(machine="here"))
GLANCE = Glance(name="default", total=2, ended={State.SHIPPED: 1})


def worker(status: str = "running", **states: str) -> Any:  # noqa: ANN401 - as far as a task looks at it
    told: list[object] = []
    tasks = {name: SimpleNamespace(key=name, state=state) for name, state in states.items()}
    return SimpleNamespace(
        status=SimpleNamespace(name=status),
        state=SimpleNamespace(tasks=tasks),
        log_event=lambda topic, message: told.append((topic, message)),
        told=told,
    )


def test_a_task_is_wanted_while_any_of_its_campaign_is_and_the_worker_stays() -> None:
    assert task._wanted(worker(c_1="long-running", c_2="cancelled"), "c")()
    assert not task._wanted(worker(c_1="cancelled", other="long-running"), "c")()
    assert not task._wanted(worker("closing", c_1="long-running"), "c")()


def test_what_is_seen_is_told_in_words_that_travel() -> None:
    there, going = worker(), worker("closing")
    task._teller(there, "c")([GLANCE])
    task._teller(going, "c")([GLANCE])
    ((topic, (seen,)),) = there.told
    assert (topic, seen["name"], seen["ended"]) == (task.topic("c"), "default", {"shipped": 1})
    assert not going.told


def test_the_end_of_a_run_is_the_same_moment_on_another_machine() -> None:
    assert task._sending(MISSION, Settings()).ends_at is None
    ends_at = task._sending(replace(MISSION, ends_at=time.time() + 100), Settings()).ends_at
    assert ends_at is not None
    assert 99 < ends_at - time.monotonic() <= 100


def test_a_run_that_is_on_record_waits_for_the_lock(tmp_path: Path) -> None:
    settings = Settings(journal=f"sqlite:///{tmp_path}/journal.db")
    job = Job(settings=settings, name="default", account=Account(client_id="one", client_secret="s"), run="r")
    assert not task._patient(job).wait
    with closing(Journal.open(settings.journal)) as journal:
        journal.begin_run(run="r", seller="one", account="default", command="run", at=1)
    assert task._patient(job).wait


def test_what_was_foreseen_is_the_runs_end(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(distributed, "get_worker", worker)
    monkeypatch.setattr(distributed, "secede", lambda: None)
    end = task.carry_out(replace(MISSION, config=tmp_path / "none.toml"))
    assert (end.account, end.exit_code) == (None, Exit.USAGE)
    assert "there is no such settings file" in end.message


@pytest.mark.parametrize(
    ("status", "code", "again"),
    [
        ("closing", Exit.TERMINATED, True),
        ("closing_gracefully", Exit.OK, False),
        ("running", Exit.TERMINATED, False),
    ],
)
def test_what_stopped_because_its_worker_ends_is_for_another_to_go_on_with(
    monkeypatch: pytest.MonkeyPatch, status: str, code: Exit, *, again: bool
) -> None:
    end = Ended(None, None, code)
    monkeypatch.setattr(task, "_carried_out", lambda *_told: end)
    if again:
        with pytest.raises(distributed.Reschedule):
            task.carry_out_by(worker(status), MISSION)
    else:
        assert task.carry_out_by(worker(status), MISSION) is end


def test_a_process_is_told_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(task, "STATIONS", SimpleNamespace(stop=lambda *given: told.append(given)))
    task.stop_here("c", Exit.INTERRUPTED, "Enough.")
    task.stop_here("c", Exit.INTERRUPTED, "Enough.", ["r"])
    assert told == [("c", Exit.INTERRUPTED, "Enough.", None), ("c", Exit.INTERRUPTED, "Enough.", ["r"])]
