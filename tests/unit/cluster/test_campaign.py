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
from batch.cluster.campaign import Campaign, new_campaign
from batch.cluster.mission import Mission
from batch.cluster.task import topic
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
    hear: Callable[[tuple[float, list[dict[str, Any]]]], None] | None = None
    waiting: threading.Event = field(default_factory=threading.Event)

    def subscribe_topic(self, name: str, hear: Callable[[tuple[float, list[dict[str, Any]]]], None]) -> None:
        assert name == topic("c")
        self.hear = hear

    def submit(self, _function: object, _mission: Mission, *, key: str) -> Future:
        self.keys.append(key)
        return Future(self.ends.pop(0))

    def run(self, _function: object, *told: object, on_error: str) -> None:
        assert on_error == "ignore"
        self.stopped.append(told)
        self.waiting.set()


def carried_out(client: Pretended, *missions: Mission) -> list[Ended]:
    """Carry out missions with what the client pretends; how they ended is marked as finished."""
    return _campaign(client, *missions).carry_out()


def _campaign(client: Pretended, *missions: Mission) -> Campaign:
    @contextmanager
    def look(seen: Callable[[], object]) -> Iterator[None]:
        yield
        SEEN[:] = cast("list[Glance]", seen())

    return Campaign(
        client=cast("Client", client),
        address="tcp://host:8786",
        name="c",
        missions=missions or (MISSION,),
        look=look,
        finish=lambda _mission, end: replace(end, message=f"{end.message}!"),
    )


SEEN: list[Glance] = []


def _killed() -> KilledWorker:
    return KilledWorker("c-default-0", cast("Any", None), 3)


def test_each_account_ends_in_its_place_and_is_finished_here() -> None:
    other = replace(MISSION, account="outlet")
    client = Pretended([WELL, replace(WELL, message="too")])
    assert [end.message for end in carried_out(client, MISSION, other)] == ["well!", "too!"]
    assert client.keys == ["c-default-0", "c-outlet-0"]


def test_what_dask_has_given_up_is_handed_out_again() -> None:
    client = Pretended([_killed(), _killed(), WELL])
    assert carried_out(client)[0].message == "well!"
    assert client.keys == ["c-default-0", "c-default-1", "c-default-2"]


def test_workers_that_die_again_and_again_are_told_of() -> None:
    (end,) = carried_out(Pretended([_killed() for _ in range(20)]))
    assert (end.exit_code, end.message.startswith("Account default: its workers died again and again")) == (4, True)


def test_an_account_whose_orders_go_on_between_deaths_is_never_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    client = Pretended([_killed() for _ in range(20)] + [WELL])
    one = _campaign(client)
    submit = client.submit

    def go_on(function: object, mission: Mission, *, key: str) -> Future:
        shipped = len(client.keys)
        one._seen["default"] = Glance(name="default", total=100, ended={State.SHIPPED: shipped})
        return submit(function, mission, key=key)

    monkeypatch.setattr(client, "submit", go_on)
    assert one.carry_out()[0].message == "well!"


@pytest.mark.parametrize("lost", [None, CancelledError(), OSError("gone")])
def test_a_lost_scheduler_is_told_of(lost: object) -> None:
    (end,) = carried_out(Pretended([lost]))
    assert (end.exit_code, end.message.startswith("The scheduler at tcp://host:8786 is lost")) == (4, True)


def test_a_fault_of_ours_stops_no_other(caplog: pytest.LogCaptureFixture) -> None:
    broken, other = carried_out(Pretended([ZeroDivisionError(), WELL]), MISSION, replace(MISSION, account="outlet"))
    assert (broken.exit_code, other.exit_code) == (Exit.FATAL, Exit.OK)
    assert "account default" in caplog.text


def test_what_workers_tell_is_seen_here() -> None:
    client = Pretended([WELL])
    one = _campaign(client)
    told = {"name": "default", "total": 9, "sent": 4, "gap": 1.0, "paused": 0.0, "outages": 0, "nearest": 0}
    one._told((1.0, [{**told, "stopping": "", "ended": {"shipped": 3}}]))
    one.carry_out()
    assert [Glance(name="default", total=9, ended={State.SHIPPED: 3}, sent=4, gap=1.0)] == SEEN


def test_a_signal_is_passed_on_again_and_again_until_all_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(campaign, "_SAY_AGAIN", 0.0)
    client = Pretended([])

    def submit(*_told: object, key: str) -> Future:
        client.keys.append(key)
        return Waiting(client)

    monkeypatch.setattr(client, "submit", submit)
    (end,) = carried_out(client)
    assert end.message == "well!"
    assert client.stopped[0] == ("c", Exit.TERMINATED, "The run was interrupted; `shipbatch resume` goes on.")


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


def test_campaigns_have_names_of_their_own() -> None:
    assert new_campaign() != new_campaign()
