from __future__ import annotations

import os
import signal
import threading
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import pytest
from distributed import KilledWorker

from batch.cluster import campaign
from batch.cluster.campaign import Campaign
from batch.cluster.link import Link
from batch.cluster.mission import Mission
from batch.cluster.workers import Worker
from batch.end_of_run import Ended
from batch.errors import Exit
from batch.glance import Glance
from batch.journal.states import State

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from distributed import Client

MISSION = Mission(campaign="c", run="r", account="default", config=Path("x"), local=True, we=Worker(machine="here"))
WELL = Ended(None, None, Exit.OK, "well")


class Future:
    """How a task ends: with a result, with an error, or cancelled."""

    def __init__(self, end: object) -> None:
        self.end = end

    def add_done_callback(self, done: Callable[[Future], None]) -> None:
        threading.Thread(target=done, args=(self,)).start()

    def cancelled(self) -> bool:
        return self.end is None

    def result(self) -> object:
        if isinstance(self.end, Exception):
            raise self.end
        return self.end


@dataclass
class Pretended:
    """A client whose tasks end so, one after the other."""

    ends: list[object]
    keys: list[str] = field(default_factory=list)
    stopped: list[object] = field(default_factory=list)
    waiting: threading.Event = field(default_factory=threading.Event)
    status: str = "running"
    workers: int = 1

    def subscribe_topic(self, *_told: object) -> None: ...

    def submit(self, _function: object, _mission: Mission, *, key: str) -> Future:
        self.keys.append(key)
        return Future(self.ends.pop(0))

    def run(self, _function: object, *told: object, on_error: str) -> None:
        assert on_error == "ignore"
        self.stopped.append(told)
        self.waiting.set()

    def nthreads(self) -> dict[str, int]:
        return {f"tcp://worker:{number}": 1 for number in range(self.workers)}


def carried_out(client: Pretended, *missions: Mission) -> list[Ended]:
    """Carry out missions with what the client pretends; how they ended is marked as finished."""
    return _campaign(client, *missions).carry_out()


def _campaign(client: Pretended, *missions: Mission, **more: Any) -> Campaign:  # noqa: ANN401 - a campaign's own
    @contextmanager
    def look(_seen: object) -> Iterator[None]:
        yield

    return Campaign(
        link=Link(cast("Client", client), "tcp://host:8786", "c"),
        missions=missions or (MISSION,),
        look=look,
        finish=lambda _mission, end: replace(end, message=f"{end.message}!"),
        goes_on=lambda mission: f"go on with {mission.run}",
        **more,
    )


def _killed() -> KilledWorker:
    return KilledWorker("c-default-0", cast("Any", None), 3)


def test_each_account_ends_in_its_place_and_is_finished_here() -> None:
    other = replace(MISSION, account="outlet")
    client = Pretended([WELL, replace(WELL, message="too")])
    assert [end.message for end in carried_out(client, MISSION, other)] == ["well!", "too!"]
    assert client.keys == ["c-default-r-0", "c-outlet-r-0"]


def test_what_dask_has_given_up_is_handed_out_again() -> None:
    client = Pretended([_killed(), _killed(), WELL])
    assert carried_out(client)[0].message == "well!"
    assert client.keys == ["c-default-r-0", "c-default-r-1", "c-default-r-2"]


def test_workers_that_die_again_and_again_are_told_of() -> None:
    (end,) = carried_out(Pretended([_killed() for _ in range(20)]))
    told = "Account default: its workers died again and again; go on with r.!"
    assert (end.exit_code, end.message) == (4, told)


@pytest.mark.parametrize("account", ["default", "outlet"])
def test_no_account_is_given_up_while_orders_go_on_between_deaths(
    monkeypatch: pytest.MonkeyPatch, account: str
) -> None:
    client = Pretended([WELL, *[_killed() for _ in range(20)], WELL])
    one = _campaign(client, replace(MISSION, account="outlet"), MISSION)
    submit = client.submit

    def go_on(function: object, mission: Mission, *, key: str) -> Future:
        shipped = len(client.keys)
        one.link._seen[account] = Glance(name=account, total=100, ended={State.SHIPPED: shipped})
        return submit(function, mission, key=key)

    monkeypatch.setattr(client, "submit", go_on)
    assert [end.message for end in one.carry_out()] == ["well!", "well!"]


@pytest.mark.parametrize("lost", [None, CancelledError(), OSError("gone")])
def test_a_lost_scheduler_is_told_of(lost: object) -> None:
    one = _campaign(Pretended([lost]))
    (end,) = one.carry_out()
    assert (end.exit_code, end.message) == (4, "The scheduler at tcp://host:8786 is lost; go on with r.!")
    assert one.lost


def test_of_an_account_whose_scheduler_was_lost_nobody_says_that_its_sending_has_ended() -> None:
    client, seen = Pretended([]), []
    one = _campaign(client)

    def submit(*_told: object, key: str) -> Future:  # noqa: ARG001 - the library's
        one.link._seen["default"] = Glance(name="default", total=9, ended={})
        return Future(None)

    @contextmanager
    def look(glances: Callable[[], list[Glance]]) -> Iterator[None]:
        yield
        seen.append(glances())

    client.submit = submit  # type: ignore[assignment] # it is lost once it is seen
    one.look = cast("Any", look)
    one.carry_out()
    assert seen == [[]]


def test_what_dask_says_once_its_scheduler_is_gone_is_no_fault_of_ours(caplog: pytest.LogCaptureFixture) -> None:
    one = _campaign(Pretended([Exception("Tried sending message after closing.")], status="closed"))
    assert (one.carry_out()[0].exit_code, one.lost, caplog.text) == (Exit.TEMPORARY, True, "")


def test_a_fault_of_ours_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    broken, other = carried_out(Pretended([ZeroDivisionError(), WELL]), MISSION, replace(MISSION, account="outlet"))
    assert (broken.exit_code, other.exit_code) == (Exit.FATAL, Exit.OK)
    assert "account default" in caplog.text


def test_what_workers_tell_of_its_own_accounts_is_seen_and_nothing_of_an_earlier_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client, seen = Pretended([WELL]), []
    one = _campaign(client)
    told = [Glance(name=name, total=9, ended={}) for name in ("default", "outlet")]
    one.link._seen["default"] = Glance(name="default", total=1, ended={})  # of an earlier run

    @contextmanager
    def look(glances: Callable[[], list[Glance]]) -> Iterator[None]:
        seen.append(glances())
        yield
        seen.append(glances())

    def submit(*_told: object, key: str) -> Future:  # noqa: ARG001 - the library's
        one.link._seen |= {glance.name: glance for glance in told}
        return Future(WELL)

    monkeypatch.setattr(client, "submit", submit)
    one.look = cast("Any", look)
    one.carry_out()
    assert seen == [[], told[:1]]


def test_a_signal_is_passed_on_again_and_again_until_all_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "_SAY_AGAIN", 0.0)
    client = Pretended([])

    def submit(*_told: object, key: str) -> Future:
        client.keys.append(key)
        return Waiting(client)

    monkeypatch.setattr(client, "submit", submit)
    (end,) = carried_out(client)
    assert end.message == "well!"
    assert client.stopped[0] == ("c", Exit.TERMINATED, "The run was interrupted; `shipbatch resume` goes on.", None)


@contextmanager
def stopped(stop: Callable[[Exit, str], None]) -> Iterator[None]:
    """Ask to stop at once, and again."""
    stop(Exit.TEMPORARY, "A file STOP.")
    stop(Exit.TERMINATED, "The first one counts.")
    yield


@pytest.mark.parametrize(("shared", "runs"), [(True, ["r"]), (False, None)])
def test_what_shares_its_link_with_others_stops_its_own_runs_alone(*, shared: bool, runs: object) -> None:
    client = Pretended([])
    one = _campaign(client, stopped_by=stopped, shared=shared)
    client.submit = lambda *_told, key: Told(client, key)  # type: ignore[method-assign] # it ends once workers are told
    (end,) = one.carry_out()
    assert (end.message, client.stopped[0]) == ("well!", ("c", Exit.TEMPORARY, "A file STOP.", runs))


def test_where_no_worker_is_left_to_stop_nobody_waits() -> None:
    client = Pretended([], workers=0)
    one = _campaign(client, stopped_by=stopped)
    client.submit = lambda *_told, key: Never(key)  # type: ignore[method-assign] # nobody works on it
    (end,) = one.carry_out()
    assert (end.exit_code, end.message) == (
        Exit.TEMPORARY,
        "Account default: no worker is left to send for it. A file STOP.!",
    )
    assert not one.lost


def test_a_scheduler_that_goes_while_workers_are_told_to_stop_breaks_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "_SAY_AGAIN", 0.0)
    client = Pretended([])
    tell, tries = client.run, []

    def run(*told: object, on_error: str) -> None:
        tries.append(told)
        if len(tries) == 1:
            raise RuntimeError("the loop is closed")
        tell(*told, on_error=on_error)

    monkeypatch.setattr(client, "run", run)
    client.submit = lambda *_told, key: Told(client, key)  # type: ignore[method-assign] # it ends once workers are told
    assert _campaign(client, stopped_by=stopped).carry_out()[0].message == "well!"
    assert len(tries) >= 2


class Waiting(Future):
    """A task that ends when it is told to stop."""

    def __init__(self, client: Pretended) -> None:
        super().__init__(WELL)
        self.client = client

    def add_done_callback(self, done: Callable[[Future], None]) -> None:
        def wait() -> None:
            os.kill(os.getpid(), signal.SIGTERM)
            assert self.client.waiting.wait(30)
            done(self)

        threading.Thread(target=wait).start()


class Told(Future):
    """A task that ends when workers are told to stop."""

    def __init__(self, client: Pretended, _key: str) -> None:
        super().__init__(WELL)
        self.client = client

    def add_done_callback(self, done: Callable[[Future], None]) -> None:
        def wait() -> None:
            assert self.client.waiting.wait(30)
            done(self)

        threading.Thread(target=wait).start()


class Never(Future):
    """A task that nobody begins."""

    def __init__(self, key: str) -> None:
        super().__init__(key)

    def add_done_callback(self, done: Callable[[Future], None]) -> None: ...

    def cancel(self) -> None: ...
