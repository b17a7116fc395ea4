"""`--cluster` when workers, the scheduler or whoever asked for the run die.

Orders are sent so slowly that none of the runs could end before its time, however busy the machine is; what is then to
be sent yet is sent without delay, for whoever begins reads the settings anew.
"""

from __future__ import annotations

import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from tests.clusters import begun_cluster
from tests.cut import begun_relay
from tests.faults.checker import check, in_journal, read_reports
from tests.faults.parcels import orders

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.clusters import Cluster
    from tests.faults.ordeal import Ordeal
    from tests.postgres import Server

_ORDERS = 40
_SLOWLY = {"ship": 300, "acknowledge": 0, "read": 0}  # a minute, after a burst of so many as fit into a second


@pytest.fixture
def cluster(ordeal: Ordeal) -> Iterator[Cluster]:
    """Give a scheduler with two workers, and an account whose orders take a while."""
    ordeal.write_settings(settle_time=0.3, rate=_SLOWLY)
    with begun_cluster(ordeal.folder / "cluster", ordeal.environment(), workers=2) as begun:
        yield begun


@pytest.fixture
def file(ordeal: Ordeal) -> Path:
    """Give a file whose orders the marketplace knows."""
    return ordeal.write_known("orders.csv", *orders(_ORDERS))


def _has_begun(ordeal: Ordeal) -> None:
    ordeal.until(lambda: ordeal.requests.get("ship", 0) >= 3)


def _hurry(ordeal: Ordeal) -> None:
    """Let what begins from now on send without delay."""
    ordeal.write_settings(settle_time=0.3)


def _on_it(ordeal: Ordeal, cluster: Cluster) -> int:
    """Return which worker sends: the one whose process has the account's lock."""
    holder = next((ordeal.folder / "xdg").rglob("*.holder")).read_text()
    numbers = [worker.pid for worker in cluster.workers]
    return next(place for place, number in enumerate(numbers) if f"process {number}," in holder)


def test_a_worker_that_is_killed_is_taken_over_from(ordeal: Ordeal, cluster: Cluster, file: Path) -> None:
    running = ordeal.begin("run", file, "--json", "--cluster", cluster.address)
    _has_begun(ordeal)
    _hurry(ordeal)
    cluster.workers[_on_it(ordeal, cluster)].send_signal(signal.SIGKILL)
    ran = ordeal.ended(running)
    assert (ran.code, ran.summary["orders"]["shipped"]) == (0, _ORDERS), ran
    assert len(read_reports(ordeal.folder / "reports")) == 1
    assert ran.summary["requests"]["ship"] >= _ORDERS
    check(ordeal, file, orders=_ORDERS, faults=0)


def test_an_interruption_stops_all_in_good_order_and_resume_goes_on(
    ordeal: Ordeal, cluster: Cluster, file: Path
) -> None:
    running = ordeal.begin("run", file, "--json", "--cluster", cluster.address)
    _has_begun(ordeal)
    running.tell(signal.SIGINT)
    ran = ordeal.ended(running)
    told = ran.summary["orders"]
    assert (ran.code, told["unknown"]) == (130, 0), ran
    assert 3 <= told["shipped"] < _ORDERS
    assert told["not_attempted"] == _ORDERS - told["shipped"]
    assert "The run was interrupted" in ran.err
    _hurry(ordeal)
    resumed = ordeal.does("resume", "--json", "--cluster", cluster.address)
    assert (resumed.code, resumed.summary["orders"]["shipped"]) == (0, told["not_attempted"]), resumed
    check(ordeal, file, orders=_ORDERS, faults=0)


def test_a_lost_scheduler_is_said_and_resume_goes_on(ordeal: Ordeal, cluster: Cluster, file: Path) -> None:
    running = ordeal.begin("run", file, "--cluster", cluster.address)
    _has_begun(ordeal)
    assert cluster.scheduler is not None
    cluster.scheduler.kill()
    ran = ordeal.ended(running)
    assert ran.code == 4
    assert len(ran.complaints) == 1
    assert ran.complaints[0].startswith(f"The scheduler at {cluster.address} is lost; what was sent is in the journal")
    _hurry(ordeal)
    resumed = ordeal.does("resume", "--wait", "--json")  # its workers hold the lock for some seconds
    assert resumed.code == 0, resumed
    check(ordeal, file, orders=_ORDERS, faults=0)


def test_workers_stop_when_whoever_asked_is_gone(ordeal: Ordeal, cluster: Cluster, file: Path) -> None:
    running = ordeal.begin("run", file, "--cluster", cluster.address)
    _has_begun(ordeal)
    ordeal.killed(running)
    ordeal.until(lambda: in_journal(ordeal, "SELECT number FROM runs WHERE finished_at IS NOT NULL"))
    assert ordeal.requests["ship"] < _ORDERS
    _hurry(ordeal)
    assert ordeal.resume_until_ended().code == 0
    check(ordeal, file, orders=_ORDERS)


def test_a_worker_that_is_cut_off_and_alive_sends_nothing_more(ordeal: Ordeal, postgres: Server, file: Path) -> None:
    ordeal.write_settings(settle_time=2, rate=_SLOWLY)
    database = postgres.database()
    ordeal.variables["SHIPBATCH_JOURNAL"] = postgres.url(database)
    with ExitStack() as held:
        cluster = held.enter_context(begun_cluster(ordeal.folder / "cluster", ordeal.environment(), workers=0))
        lines = [held.enter_context(begun_relay(port)) for port in (cluster.port, postgres.port)]
        its_journal = postgres.url(database).replace(f":{postgres.port}/", f":{lines[1].port}/")
        its_own = {"SHIPBATCH_JOURNAL": its_journal, "DASK_DISTRIBUTED__COMM__TIMEOUTS__TCP": "5 minutes"}
        alive = cluster.add_worker(its_own, port=lines[0].port)  # which goes on trying for so long
        running = ordeal.begin("run", file, "--json", "--cluster", cluster.address)
        _has_begun(ordeal)
        for line in lines:
            line.cut()
        before = ordeal.requests["ship"]
        ordeal.write_settings(settle_time=2)
        cluster.add_worker({"XDG_STATE_HOME": str(ordeal.folder / "elsewhere")})  # as another machine has
        ran = ordeal.ended(running)
        assert before < _ORDERS
        assert alive.poll() is None
    assert (ran.code, ran.summary["orders"]["shipped"]) == (0, _ORDERS), ran
    check(ordeal, file, orders=_ORDERS, faults=0)
