"""The way to a cluster that is pretended: its scheduler goes and comes, and so do its workers."""

from __future__ import annotations

import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import pytest

from batch.cluster import line as module
from batch.cluster.engine import NoScheduler
from batch.cluster.line import Line
from batch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from distributed import Client

ADDRESS = "tcp://host:8786"
LOST = f"The scheduler at {ADDRESS} is lost; trying again until it is back."
BACK = f"The scheduler at {ADDRESS} is back; going on."
WELL = f"The workers at {ADDRESS} are well again; going on."


@dataclass
class Pretended:
    """A client, as far as a line needs one."""

    cluster: Cluster
    status: str = "running"

    def subscribe_topic(self, *_told: object) -> None: ...

    def scheduler_info(self, n_workers: int) -> dict[str, str]:
        assert n_workers == 0
        return {"id": self.cluster.scheduler}

    def nthreads(self) -> dict[str, int]:
        self.cluster.looks += 1
        if self.cluster.breaks:
            raise RuntimeError("the event loop is closed")
        return dict.fromkeys(self.cluster.workers, 1)


@dataclass
class Cluster:
    """A cluster, and what was said of it."""

    scheduler: str = "one"
    workers: tuple[str, ...] = ("a",)
    unfit: str = ""
    breaks: bool = False
    fails: list[Exception] = field(default_factory=list)  # the next tries to connect
    looks: int = 0
    closed: int = 0
    clients: list[Pretended] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    @contextmanager
    def connect(self, _patience: float) -> Iterator[Client]:
        if self.fails:
            raise self.fails.pop(0)
        self.clients.append(Pretended(self))
        yield cast("Client", self.clients[-1])
        self.closed += 1
        raise TimeoutError("it does not close as it should")

    def check(self, _client: Client, workers: Collection[str]) -> None:
        if self.unfit in workers:
            raise UsageError(f"--cluster: worker {self.unfit}: it has another version.\n--cluster: And more.")

    def say(self, text: str) -> None:
        """Keep what is said, once."""
        with self.changed:
            if text not in self.said[-1:]:
                self.said.append(text)
                self.changed.notify_all()

    def wait_for(self, condition: Callable[[], object]) -> None:
        with self.changed:
            for _ in range(3000):
                if condition():
                    return
                self.changed.wait(0.01)
        raise AssertionError(self.said)

    def line(self) -> Line:
        return Line(
            address=ADDRESS,
            connect=self.connect,
            check=self.check,
            trouble=self.say,
            well=lambda text: self.say(text) if self.said else None,
        )


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Cluster:
    monkeypatch.setattr(module, "_LOOK", 0.001)
    return Cluster()


@pytest.mark.parametrize("fails", [NoScheduler("Nobody answers."), UsageError("It has no workers.")])
def test_a_cluster_that_is_not_there_is_said_at_once(cluster: Cluster, fails: Exception) -> None:
    cluster.fails = [fails]
    with pytest.raises(type(fails)), ExitStack() as held:
        held.enter_context(cluster.line().held())


def test_while_all_is_well_nothing_is_said(cluster: Cluster) -> None:
    line = cluster.line()
    with line.held() as link:
        cluster.wait_for(lambda: cluster.looks > 3)
        assert line.link(0) is link
        assert line.is_well
    assert (cluster.said, cluster.closed) == ([], 1)


def test_a_scheduler_that_is_lost_is_tried_again_until_it_is_back(cluster: Cluster) -> None:
    line = cluster.line()
    with line.held() as link:
        cluster.fails = [NoScheduler("Nobody answers."), RuntimeError("Dask broke."), NoScheduler("Nobody answers.")]
        cluster.clients[0].status = "connecting"
        again = line.link(60)
        while again is link:
            again = line.link(60)
        assert again is not None
        assert again.name != link.name
        assert again.client is cast("Client", cluster.clients[1])
        cluster.wait_for(lambda: cluster.said[-1] == WELL)
    assert (cluster.said, cluster.closed) == ([LOST, BACK, WELL], 2)


def test_whoever_finds_a_scheduler_lost_says_so(cluster: Cluster) -> None:
    line = cluster.line()
    with line.held() as link:
        cluster.fails = [NoScheduler("Nobody answers.")] * 1000
        line.lose(link)
        assert line.link(0) is not link
        assert not link.is_open
        line.lose(link)
        cluster.wait_for(lambda: cluster.said == [LOST])
        assert line.link(0.01) is None
        assert not line.is_well


@pytest.mark.parametrize("change", [{"scheduler": "another"}, {"breaks": True}])
def test_a_scheduler_that_was_started_anew_or_no_longer_answers_is_connected_to_anew(
    cluster: Cluster, change: dict[str, object]
) -> None:
    with cluster.line().held():
        for name, value in change.items():
            setattr(cluster, name, value)
        cluster.wait_for(lambda: LOST in cluster.said)
        cluster.breaks = False
        cluster.wait_for(lambda: BACK in cluster.said)
        assert len(cluster.clients) > 1


def test_workers_that_are_all_gone_are_said_when_none_comes(cluster: Cluster) -> None:
    line = cluster.line()
    with line.held() as link:
        cluster.workers = ()
        cluster.wait_for(lambda: cluster.said)
        assert cluster.said == [f"The scheduler at {ADDRESS} has no workers; waiting until one comes."]
        assert line.link(0) is None
        cluster.workers = ("b",)
        cluster.wait_for(lambda: cluster.said[-1] == WELL)
        assert line.link(0) is link
    assert len(cluster.clients) == 1  # what is under way goes on when a worker comes


def test_nothing_is_sent_while_a_worker_that_came_is_unfit(cluster: Cluster) -> None:
    line = cluster.line()
    with line.held() as link:
        cluster.unfit, cluster.workers = "b", ("a", "b")
        cluster.wait_for(lambda: cluster.said)
        assert line.link(0) is None
        cluster.workers = ("a",)
        cluster.wait_for(lambda: cluster.said[-1] == WELL)
        assert line.link(0) is link
    assert cluster.said == ["--cluster: worker b: it has another version. --cluster: And more.", WELL]


def test_workers_that_are_unfit_when_the_scheduler_is_back_are_said(cluster: Cluster) -> None:
    with cluster.line().held():
        cluster.unfit = "b"
        cluster.workers = ("b",)
        cluster.clients[0].status = "closed"
        cluster.wait_for(lambda: cluster.said[-1:] != [LOST] and cluster.said)
        assert cluster.said[-1].startswith("--cluster: worker b: it has another version.")
        cluster.unfit = ""
        cluster.wait_for(lambda: BACK in cluster.said)
