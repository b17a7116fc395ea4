from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

from batch.cluster.link import Link, new_campaign
from batch.cluster.task import topic
from batch.glance import Glance
from batch.journal.states import State

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed import Client

TOLD = {"name": "default", "total": 9, "sent": 4, "gap": 1.0, "paused": 0.0, "outages": 0, "nearest": 0, "stopping": ""}


@dataclass
class Pretended:
    """A client, as far as a link needs one."""

    status: str = "running"
    heard: dict[str, Callable[[Any], None]] = field(default_factory=dict)

    def subscribe_topic(self, name: str, hear: Callable[[Any], None]) -> None:
        self.heard[name] = hear


def test_what_workers_tell_is_seen_until_it_is_forgotten() -> None:
    client = Pretended()
    link = Link(cast("Client", client), "tcp://host:8786", "c")
    client.heard[topic("c")]((1.0, [{**TOLD, "ended": {"shipped": 3}}]))
    glance = Glance(name="default", total=9, ended={State.SHIPPED: 3}, sent=4, gap=1.0)
    assert link.seen(["outlet", "default"]) == [glance]
    link.forget(["default", "outlet"])
    assert link.seen(["outlet", "default"]) == []


def test_it_is_open_while_its_client_is() -> None:
    assert Link(cast("Client", Pretended()), "tcp://host:8786").is_open
    assert not Link(cast("Client", Pretended("connecting")), "tcp://host:8786").is_open


def test_campaigns_have_names_of_their_own() -> None:
    assert new_campaign() != new_campaign()
