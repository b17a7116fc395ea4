from __future__ import annotations

import asyncio
import gc
import weakref
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from pydantic import SecretStr

from batch.errors import Exit
from batch.journal.database import Database
from batch.journal.journal import Journal
from batch.journal.postgresql import NOTICED
from batch.sending import Sending, _stopped_by_lost_locks, _sure_for
from batch.settings import Account
from batch.submit.stop import Stop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Knot:
    """Refers to itself, so that only the garbage collector can take it away."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


async def test_garbage_does_not_pile_up_from_run_to_run(tmp_path: Path) -> None:
    journal = Journal(Database(f"sqlite:///{tmp_path / 'none.db'}"))
    knots = weakref.WeakSet[Knot]()
    for _ in range(40):
        of_this_run = [Knot() for _ in range(10_000)]
        knots.update(of_this_run)
        async with Sending(zone=ZoneInfo("UTC"), grace=0).opened(journal):
            pass
        del of_this_run
    assert len(knots) < 200_000


class Lost:
    """Locks on a server, of which one is lost at the second look."""

    on_server = True

    def __init__(self) -> None:
        self.looks = 0

    def look(self) -> dict[str, str]:
        self.looks += 1
        return {"client-2": "Another has it."} if self.looks > 1 else {}


async def test_an_account_whose_lock_is_lost_stops_and_no_other() -> None:
    def followed(seller: str) -> Any:  # noqa: ANN401 - as much of it as is looked at
        account = Account(client_id=seller, client_secret=SecretStr("hush"), settle_time=0)
        return SimpleNamespace(errand=SimpleNamespace(account=account), stop=Stop())

    one, two = followed("client-1"), followed("client-2")
    dispatch: Any = SimpleNamespace(followed=[one, two])
    locks: Any = Lost()
    async with _stopped_by_lost_locks(dispatch, locks):
        await asyncio.wait_for(two.stop.wait(), 60)

    assert (two.stop.exit_code, two.stop.reason) == (Exit.TEMPORARY, "Another has it.")
    assert not one.stop.requested


@pytest.mark.parametrize(("settle_time", "seconds"), [(300, 15.0), (10, 5.0), (0, 0.15)])
def test_a_look_at_a_lock_counts_for_less_than_the_settle_time(settle_time: float, seconds: float) -> None:
    account = Account(client_id="client-1", client_secret=SecretStr("hush"), settle_time=settle_time)
    assert _sure_for(account) == seconds
    assert _sure_for(account) < NOTICED


async def test_an_account_may_be_stopped_alone_before_it_comes_and_come_again(tmp_path: Path) -> None:
    journal = Journal(Database(f"sqlite:///{tmp_path / 'none.db'}"))
    async with Sending(zone=ZoneInfo("UTC"), grace=0).opened(journal) as dispatch:
        dispatch.stop_of("outlet").request(Exit.TEMPORARY, "A file STOP.")
        assert dispatch.stop_of("outlet").requested
        assert not dispatch.stop_of("default").requested
        dispatch.forget("outlet")
        assert not dispatch.stop_of("outlet").requested
        dispatch.stop_all(Exit.TERMINATED, "Enough.")
        assert [dispatch.stop_of(name).reason for name in ("default", "outlet", "new")] == ["Enough."] * 3
