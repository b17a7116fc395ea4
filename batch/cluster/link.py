"""One connection to a cluster: what is sent through it has a name of its own, and workers tell of it."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from batch.cluster.task import topic
from batch.glance import Glance
from batch.journal.states import State

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from distributed import Client


def new_campaign() -> str:
    """Return a name for all that is sent through one connection."""
    return f"shipbatch-{secrets.token_hex(6)}"


@dataclass(slots=True)
class Link:
    """A client of a cluster, and what its workers tell of the accounts that they send for."""

    client: Client
    address: str  # of the cluster, for sentences
    name: str = field(default_factory=new_campaign)
    is_lost: bool = False  # the scheduler went away, and may have come back
    _seen: dict[str, Glance] = field(default_factory=dict)  # by account

    def __post_init__(self) -> None:
        """Hear what workers tell."""
        self.client.subscribe_topic(topic(self.name), self._told)  # type: ignore[no-untyped-call] # distributed has few types

    @property
    def is_open(self) -> bool:
        """Whether the scheduler is there, as far as is known here."""
        return not self.is_lost and self.client.status == "running"

    def seen(self, accounts: Collection[str]) -> list[Glance]:
        """Return what was seen last of these accounts, without those of which nothing was seen yet."""
        return [seen for account in accounts if (seen := self._seen.get(account)) is not None]

    def forget(self, accounts: Collection[str]) -> None:
        """Forget what was seen of accounts that begin anew."""
        for account in accounts:
            self._seen.pop(account, None)

    def _told(self, event: tuple[float, Sequence[dict[str, Any]]]) -> None:
        for told in event[1]:
            ended = {State(state): count for state, count in told["ended"].items()}
            self._seen[told["name"]] = Glance(**{**told, "ended": ended})
