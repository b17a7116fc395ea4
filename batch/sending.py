"""The part of a run that talks to the marketplace: opens connections, minds signals and deadlines, sends, sums up.

Any number of accounts are sent for side by side in one event loop, each at its own pace.
"""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from contextlib import AsyncExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import uvloop

from batch.errors import Exit
from batch.journal.recorder import Recorder
from batch.journal.states import OPEN
from batch.marketplace.exchange import now_ms, open_exchange
from batch.submit.conversation import Conversation, Surroundings
from batch.submit.stop import Stop
from batch.submit.submission import Duty, Submission

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from zoneinfo import ZoneInfo

    from batch.journal.journal import Journal
    from batch.marketplace.dialect import Dialect
    from batch.settings import Account

_SIGNALS = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What is to be sent for one account."""

    name: str  # the account's, in the settings
    account: Account
    dialect: Dialect
    run: int  # in the journal
    orders: Sequence[int]  # in the journal; what an earlier run left open is settled besides
    began: float  # s, monotonic: when the account's lock was taken


@dataclass(frozen=True, slots=True)
class Sent:
    """What sending came to; how each order ended is in the journal."""

    requests: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)  # purchase order id ▶ what else is to be said of it
    stopped_by: Exit = Exit.OK
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Followed:
    """One account's sending, as somebody who watches sees it."""

    errand: Errand
    left_open: Sequence[int]  # orders in the journal that an earlier run left to be settled
    submission: Submission
    conversation: Conversation
    stop: Stop

    @property
    def total(self) -> int:
        """How many orders are to be sent or settled."""
        return len({*self.errand.orders, *self.left_open})


def _unseen(_followed: Sequence[Followed]) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """How to send: how long it may last, and who watches. `follow` shows the accounts while they are sent for."""

    zone: ZoneInfo
    grace: float  # s for calls in flight when the run is told to stop
    ends_at: float | None = None  # s, monotonic
    follow: Callable[[Sequence[Followed]], AbstractContextManager[None]] = _unseen

    def send(self, journal: Journal, errands: Sequence[Errand]) -> dict[str, Sent]:
        """Send what each account asks for and settle what it left open; return what came of it, by account."""
        left_open = {one.name: journal.in_states(one.account.seller, OPEN) for one in errands}
        busy = [(one, left_open[one.name]) for one in errands if one.orders or left_open[one.name]]
        sent = {one.name: Sent() for one in errands}
        if busy:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                sent |= runner.run(self._send(journal, busy))
        return sent

    async def _send(self, journal: Journal, errands: Sequence[tuple[Errand, Sequence[int]]]) -> dict[str, Sent]:
        async with AsyncExitStack() as opened:
            recorder = await opened.enter_async_context(Recorder(journal))
            all_ = [await self._opened(opened, journal, recorder, one, left_open) for one, left_open in errands]
            stops = [one.stop for one in all_]
            with _stopped_by_signals(stops), self._stopped_in_time(stops), self.follow(all_):
                await asyncio.gather(*(one.submission.run(one.errand.orders, left_open=one.left_open) for one in all_))
        return {one.errand.name: _sent(one) for one in all_}

    async def _opened(
        self,
        opened: AsyncExitStack,
        journal: Journal,
        recorder: Recorder,
        errand: Errand,
        left_open: Sequence[int],
    ) -> Followed:
        stop, account = Stop(), errand.account
        world = Surroundings(clock=time.monotonic, wall_ms=now_ms, sleep=asyncio.sleep, random=random.random)
        exchange = await opened.enter_async_context(open_exchange(account, errand.dialect))
        conversation = Conversation(exchange, recorder, account, run=errand.run, stop=stop, surroundings=world)
        duty = Duty(
            account=account,
            zone=self.zone,
            grace=self.grace,
            journal=journal,
            recorder=recorder,
            conversation=conversation,
            surroundings=world,
            stop=stop,
            began=errand.began,
        )
        return Followed(
            errand=errand, left_open=left_open, submission=Submission(duty), conversation=conversation, stop=stop
        )

    @contextmanager
    def _stopped_in_time(self, stops: Sequence[Stop]) -> Iterator[None]:
        if self.ends_at is None:
            yield
            return
        late = (Exit.TEMPORARY, "The time for this run was over; `shipbatch resume` goes on.")
        wait = max(0.0, self.ends_at - time.monotonic())
        timer = asyncio.get_running_loop().call_later(wait, _stop_all, stops, *late)
        try:
            yield
        finally:
            timer.cancel()


def _sent(one: Followed) -> Sent:
    fault = Exit.FATAL if one.submission.faults else Exit.OK
    return Sent(
        requests=dict(one.conversation.requests),
        notes=one.submission.notes,
        stopped_by=one.stop.exit_code or fault,
        reason=one.stop.reason,
    )


def _stop_all(stops: Sequence[Stop], exit_code: Exit, reason: str) -> None:
    for stop in stops:
        stop.request(exit_code, reason)


@contextmanager
def _stopped_by_signals(stops: Sequence[Stop]) -> Iterator[None]:
    """Let the first signal stop the run in good order, and the second at once: recovery is for the next run."""
    loop = asyncio.get_running_loop()
    caught: list[signal.Signals] = []

    def catch(number: signal.Signals) -> None:
        if caught:
            sys.stderr.write("Stopped at once; `shipbatch resume` finds out what became of calls in flight.\n")
            os._exit(_SIGNALS[number])
        caught.append(number)
        _stop_all(stops, _SIGNALS[number], "The run was interrupted; `shipbatch resume` goes on.")

    for number in _SIGNALS:
        loop.add_signal_handler(number, catch, number)
    try:
        yield
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
