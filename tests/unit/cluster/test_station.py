from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

import pytest

from batch.cluster import station
from batch.cluster.station import Station, Stations
from batch.errors import AccountBusy, Exit, JournalFailed
from batch.job import Job
from batch.sending import Sending
from batch.settings import Account, Settings

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from batch.glance import Glance
    from batch.job import Work
    from batch.journal.journal import Journal

SENDING = Sending(zone=ZoneInfo("UTC"), grace=1)
JOB = Job(settings=Settings(), name="default", account=Account(client_id="one", client_secret="s"))


@dataclass
class Someone:
    """Who asks for a campaign, until they leave."""

    told: list[Glance] = field(default_factory=list)
    there: bool = True

    def tell(self, seen: object) -> None:
        self.told.extend(cast("list[Glance]", seen))

    def wants(self) -> bool:
        return self.there


@contextmanager
def busy(_job: Job, _journal: Journal) -> Iterator[Work]:
    """Begin nothing: another run holds the account."""
    raise AccountBusy
    yield


@contextmanager
def opened(folder: Path, someone: Someone) -> Iterator[Station]:
    station = Station(f"sqlite:///{folder}/journal.db", SENDING, tell=someone.tell, wanted=someone.wants)
    try:
        yield station
    finally:
        station.close()


@pytest.fixture(autouse=True)
def _looks_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(station, "_LOOK", 0.01)


def test_how_a_job_ends_is_told_to_the_thread_that_waits_for_it(tmp_path: Path) -> None:
    with opened(tmp_path, Someone()) as here:
        ends = [here.carry_out(JOB, busy), here.carry_out(JOB, busy)]
    assert [(end.exit_code, end.message) for end in ends] == [(Exit.BUSY, "Another run holds the account.")] * 2


def test_a_station_that_was_stopped_begins_nothing(tmp_path: Path) -> None:
    with opened(tmp_path, Someone()) as here:
        here.stop(Exit.INTERRUPTED, "Enough.")
        end = here.carry_out(JOB, busy)
    here.stop(Exit.INTERRUPTED, "Too late to be heard.")
    assert (end.exit_code, end.message) == (Exit.INTERRUPTED, "Account default: nothing was done. Enough.")


def test_a_run_that_waits_is_stopped_alone_and_its_account_may_come_again(tmp_path: Path) -> None:
    waits = threading.Event()

    @contextmanager
    def waiting(job: Job, journal: Journal) -> Iterator[Work]:
        waits.set()
        with busy(job, journal) as work:
            yield work

    with opened(tmp_path, Someone()) as here, ThreadPoolExecutor() as threads:
        ended = threads.submit(here.carry_out, replace(JOB, run="r", wait=True), waiting)
        assert waits.wait(30)
        here.stop(Exit.TEMPORARY, "A file STOP.", ["r", "another"])
        assert ended.result().message == "Account default: nothing was done. A file STOP."
        here.stop(Exit.TEMPORARY, "A file STOP.", ["r"])
        assert here.carry_out(replace(JOB, run="s"), busy).exit_code is Exit.BUSY
        assert here._accounts == {}


def test_a_station_that_nobody_wants_any_more_stops(tmp_path: Path) -> None:
    someone, seen = Someone(), threading.Event()
    with opened(tmp_path, someone) as here:
        someone.there = False
        at = here._opened.result()
        at.loop.call_soon_threadsafe(lambda: at.loop.create_task(_stopped(here, seen)))
        assert seen.wait(30)
        end = here.carry_out(JOB, busy)
    assert end.exit_code is Exit.TERMINATED
    assert "Whoever asked for this run is gone" in end.message


async def _stopped(here: Station, seen: threading.Event) -> None:
    await here._opened.result().dispatch.stop.wait()
    seen.set()


def test_a_journal_that_cannot_be_opened_is_said_to_every_task(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"no journal at all, but long enough to be looked at")
    with opened(tmp_path, Someone()) as here:
        for _ in range(2):
            with pytest.raises(JournalFailed):
                here.carry_out(JOB, busy)


def test_a_station_is_open_as_long_as_somebody_is_there(tmp_path: Path) -> None:
    stations, made = Stations(), []

    def make() -> Station:
        made.append(Station(f"sqlite:///{tmp_path}/journal.db", SENDING, tell=Someone().tell, wanted=lambda: True))
        return made[-1]

    with stations.at("c", make) as one, stations.at("c", make) as other:
        assert one is other
        stations.stop("c", Exit.TERMINATED, "Enough.")
    stations.stop("c", Exit.INTERRUPTED, "The first one counts.")
    with stations.at("c", make) as third:
        assert third is not one
        assert third.carry_out(JOB, busy).exit_code is Exit.TERMINATED
    stations.stop("d", Exit.TEMPORARY, "A run that is not here.", ["r"])
    with stations.at("d", make) as fourth:
        assert fourth.carry_out(replace(JOB, run="r"), busy).exit_code is Exit.BUSY
    assert len(made) == 3
    assert not any(here._thread.is_alive() for here in made)
