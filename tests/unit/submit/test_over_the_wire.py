"""The same over sockets: answers that are lost or broken on loopback, each settled by reading."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from batch.clock import now_ms
from batch.journal.journal import Journal
from batch.journal.recorder import Recorder
from batch.journal.states import State
from batch.marketplace.exchange import open_exchange
from batch.sandbox import Action, Kind, Options, Rule, Sandbox, Status, demo_seller, fill
from batch.submit.conversation import Conversation, Surroundings
from batch.submit.stop import Stop
from batch.submit.submission import Duty, Submission
from tests.unit.submit.market import account_for, parcel, planned

if TYPE_CHECKING:
    from pathlib import Path

    from batch.settings import Account

BROKEN = (
    Action.RESET_AFTER,
    Action.ERROR_500_AFTER,
    Action.ERROR_504_AFTER,
    Action.ERROR_520_AFTER,
    Action.HTML,
    Action.TRUNCATED,
    Action.EMPTY,
    Action.PARTIAL_ECHO,
    Action.STALE_ANSWER,
)


@pytest.mark.parametrize("api", ["walmart-global", "walmart-canada"])
async def test_whatever_befalls_the_answer_each_order_is_charged_once(
    api: str, key_folder: Path, tmp_path: Path
) -> None:
    rules = [Rule(action=action, purchase_order_id=action, kind=Kind.SHIP, times=1) for action in BROKEN]
    sandbox = Sandbox(Options(sellers=(demo_seller(key_folder),), faults=tuple(rules)))
    plan = [planned(action, parcel("1", f"A{n}"), parcel("2", f"B{n}")) for n, action in enumerate((*BROKEN, "well"))]
    fill(sandbox.state, plan, now=now_ms(), status=Status.CREATED)
    journal = Journal.open(f"sqlite:///{tmp_path / 'journal.db'}")
    async with sandbox.serve() as url:
        account = account_for(key_folder, api, base_url=url, settle_time=60)
        orders = [one.id for one in journal.plan(account.seller, plan, now_ms())]
        await _submit(journal, account, orders)
    states = [one.state for one in journal.load(orders)]
    journal.close()
    assert states == [State.SHIPPED] * len(plan)
    assert sandbox.faults.fired == dict.fromkeys(BROKEN, 1)
    assert sandbox.counters.requests["ship"] == len(plan)
    assert [charge.units for charge in sandbox.state.charge_log] == [1] * 2 * len(plan)


async def _submit(journal: Journal, account: Account, orders: list[int]) -> None:
    stop = Stop()
    world = Surroundings(clock=time.monotonic, wall_ms=now_ms, sleep=asyncio.sleep, random=lambda: 0.0)
    run = journal.begin_run(run="run", seller=account.seller, account="default", command="run", at=now_ms())
    async with open_exchange(account) as exchange, Recorder(journal) as recorder:
        conversation = Conversation(exchange, recorder, account, run=run, stop=stop, surroundings=world)
        duty = Duty(
            account=account,
            zone=ZoneInfo("America/Toronto"),
            grace=1.0,
            journal=journal,
            recorder=recorder,
            conversation=conversation,
            surroundings=world,
            stop=stop,
            began=time.monotonic(),
        )
        await Submission(duty).run(orders, left_open=[])
    assert not stop.requested
