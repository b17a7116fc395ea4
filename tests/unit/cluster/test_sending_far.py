"""Jobs on a cluster that is pretended: tasks run in threads of this process, as they do in a worker."""

from __future__ import annotations

import threading
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from batch.beginning import WithFiles, WithLeftovers
from batch.cluster import mission, sending_far, task
from batch.cluster.address import Address
from batch.cluster.sending_far import Far, _goes_on
from batch.cluster.workers import Worker
from batch.errors import Exit, Fatal
from batch.inputs import Unread
from batch.job import Job
from batch.journal.journal import Journal
from batch.sending import Sent
from batch.settings import Settings, load
from tests.faults.parcels import orders
from tests.trial import Trial, begun_trial

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from distributed import Client

    from batch.cluster.mission import Mission
    from batch.end_of_run import Ended
    from batch.glance import Glance


@dataclass
class Here:
    """A client whose tasks run here, one worker's worth."""

    missions: list[Mission] = field(default_factory=list)
    dashboard_link: str = "http://here"
    hear: Callable[[tuple[float, Any]], None] = print

    def subscribe_topic(self, _name: str, hear: Callable[[tuple[float, Any]], None]) -> None:
        self.hear = hear

    def submit(self, _function: object, mission: Mission, *, key: str) -> Running:
        self.missions.append(mission)
        tasks = {key: SimpleNamespace(key=key, state="long-running")}
        worker = SimpleNamespace(
            address="tcp://here:1",
            status=SimpleNamespace(name="running"),
            state=SimpleNamespace(tasks=tasks),
            log_event=lambda _topic, told: self.hear((0.0, told)),
        )
        return Running(lambda: task.carry_out_by(worker, mission))


class Running:
    """A task that runs in a thread."""

    def __init__(self, function: Callable[[], Ended]) -> None:
        self._function = function

    def add_done_callback(self, done: Callable[[Running], None]) -> None:
        def run() -> None:
            self._end = self._function()
            done(self)

        threading.Thread(target=run).start()

    def cancelled(self) -> bool:
        return False

    def result(self) -> Ended:
        return self._end


@dataclass
class Place:
    """A user's folder, a cluster that is pretended, and what was seen and said meanwhile."""

    trial: Trial
    here: Here
    settings: Settings
    file: Path
    seen: list[Glance] = field(default_factory=list)
    said: list[str] = field(default_factory=list)

    @property
    def job(self) -> Job:
        return Job(settings=self.settings, name="default", account=self.settings.accounts["default"])

    def carry_out(self, begin: WithFiles | WithLeftovers, *, local: bool) -> Ended:
        """Carry out one job."""

        @contextmanager
        def look(glances: Callable[[], object]) -> Iterator[None]:
            yield
            self.seen += cast("list[Glance]", glances())

        def tell(text: str, _told: Mapping[str, object]) -> None:
            self.said.append(text)

        address = Address("local:1", 1) if local else Address("tcp://there:1")
        far = Far(address=address, config=self.trial.settings, look=look, tell=tell)
        (end,) = far.carry_out(self.settings, [self.job], begin)
        return end


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    here = Here()

    @contextmanager
    def connected(_address: Address) -> Iterator[Client]:
        yield cast("Client", here)

    monkeypatch.setattr(sending_far, "connected", connected)
    monkeypatch.setattr(sending_far, "refuse_unfit", lambda *_given, **_more: None)
    with begun_trial(tmp_path) as trial:
        file = trial.write("orders.csv", *orders(3))
        trial.fill(file)
        yield Place(trial, here, load(trial.settings), file)


@pytest.mark.parametrize("local", [True, False])
def test_files_are_sent_for_by_workers_and_reported_here(there: Place, *, local: bool) -> None:
    gone = Unread(there.file.with_name("gone.csv"), "gone.csv: it is gone.")
    end = there.carry_out(WithFiles({"default": [there.file, gone]}), local=local)
    assert (end.exit_code, end.message) == (Exit.UNREADABLE, "")
    assert end.report is not None
    assert (end.report / "rows.csv").is_file()
    assert len(there.trial.units_charged) == 5
    assert (there.said, there.seen[-1].left, there.seen[-1].sent) == (["Dashboard: http://here"], 0, 3)
    (mission,) = there.here.missions
    assert mission.files is not None
    assert (getattr(mission.files[0], "content", b"") is None) is local


def test_how_many_rows_ended_is_told_from_the_journal_as_a_worker_would_tell_it(
    there: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mission, "_MOST", 0)
    end = there.carry_out(WithFiles({"default": [there.file]}), local=True)
    assert (end.exit_code, end.message, end.run, end.account is None) == (Exit.OK, "", "", False)
    assert end.report is not None
    assert len((end.report / "rows.csv").read_text(encoding="utf-8-sig").splitlines()) == 6


def test_what_an_earlier_run_left_travels_with_its_files(there: Place) -> None:
    with closing(Journal.open(there.settings.journal)) as journal, there.job.planned(journal, [there.file]):
        pass  # it dies here
    end = there.carry_out(WithLeftovers(), local=False)
    assert (end.exit_code, len(there.trial.units_charged)) == (Exit.OK, 5)
    (mission,) = there.here.missions
    assert [one.path for one in mission.copies] == [there.file]
    assert there.carry_out(WithLeftovers(), local=True).exit_code is Exit.OK
    assert there.here.missions[-1].copies == ()


def test_a_run_that_was_begun_by_somebody_who_died_is_gone_on_with(
    there: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Begun once more where Dask has lost who began it, it is one run, with one report of all that it shipped."""
    ended = there.carry_out(WithFiles({"default": [there.file]}), local=True)
    assert ended.account is not None
    name = ended.account.run
    monkeypatch.setattr(sending_far, "new_run", lambda _at: name)
    again = there.carry_out(WithFiles({"default": [there.file]}), local=True)
    assert again.account is not None
    assert again.account.run == name
    assert again.account.requests.items() >= ended.account.requests.items()
    assert set(again.account.rows["outcome"]) == {"shipped"}
    assert again.account.tables[0].cells.equals(ended.account.tables[0].cells)


def test_a_run_that_was_told_of_as_stopped_is_one_run_with_what_was_sent_since(
    there: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Workers that lose their scheduler stop in good order, and tell in the journal what they did not attempt."""
    job = replace(there.job, run="r")
    gone = Sent(stopped_by=Exit.TERMINATED, reason="Whoever asked for this run is gone.")
    with closing(Journal.open(there.settings.journal)) as journal, job.planned(journal, [there.file]) as work:
        stopped = job.accounted(work, gone).account
    assert stopped is not None
    assert set(stopped.rows["outcome"]) == {"not_attempted"}
    monkeypatch.setattr(sending_far, "new_run", lambda _at: "r")
    ended = there.carry_out(WithFiles({"default": [there.file]}), local=True)
    assert ended.account is not None
    assert (ended.account.run, ended.account.interrupted, ended.exit_code) == ("r", False, Exit.OK)
    assert set(ended.account.rows["outcome"]) == {"shipped"}
    assert set(ended.account.rows["reason"]) == {""}


def test_a_scheduler_that_is_lost_before_anything_was_begun_is_said_so(
    there: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Running, "__init__", lambda running, _function: setattr(running, "_function", lambda: None))
    monkeypatch.setattr(Running, "cancelled", lambda _running: True)
    end = there.carry_out(WithFiles({"default": [there.file]}), local=False)
    told = "nothing of account default was begun, so give `shipbatch run --wait` with the same files again"
    assert (end.exit_code, end.message) == (4, f"The scheduler at tcp://there:1 is lost; {told}.")


def test_how_to_go_on_with_a_run_that_broke_is_told_by_what_is_on_record(there: Place) -> None:
    with closing(Journal.open(there.settings.journal)) as journal:
        address = Address("tcp://there:1")
        far = Far(address=address, config=there.trial.settings, look=cast("Any", None), tell=cast("Any", None))
        mission = far.mission(there.job, WithFiles({"default": [there.file]}), journal)
        leftovers = far.mission(there.job, WithLeftovers(), journal)
        told = _goes_on(mission, journal)
        assert told == (
            "nothing of account default was begun, so give `shipbatch run --wait` with the same files again"
        )
        assert "`shipbatch resume --wait` goes on" in _goes_on(leftovers, journal)
        with replace(there.job, run=mission.run).planned(journal, [there.file]):
            assert "`shipbatch resume --wait` goes on" in _goes_on(mission, journal)


def test_what_never_began_has_no_report(there: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_given: object) -> None:
        raise Fatal("no lock")

    monkeypatch.setattr(Job, "_holding", fail)
    end = there.carry_out(WithFiles({"default": [there.file]}), local=True)
    assert (end.report, end.exit_code, end.message) == (None, Exit.FATAL, "no lock")


def test_a_worker_that_came_late_and_is_another_sends_nothing(there: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(task, "describe_with", lambda *_given: Worker(machine="here", journal="another"))
    monkeypatch.setattr(sending_far, "describe_with", lambda *_given: Worker(machine="here", journal="ours"))
    end = there.carry_out(WithFiles({"default": [there.file]}), local=True)
    assert (end.exit_code, there.trial.units_charged) == (Exit.USAGE, {})
    assert end.message.startswith("--cluster: worker tcp://here:1: its settings name another journal than ours")
