"""The part of a run that talks to the marketplace: opens the connections, minds signals and deadlines, sends, and sums up."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import sys
import time
from contextlib import contextmanager, nullcontext
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
    from batch.settings import Account

_SIGNALS = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED}


@dataclass(frozen=True, slots=True)
class Sent:
    """What sending came to; how each order ended is in the journal."""

    requests: Mapping[str, int] = field(default_factory=dict)
    notes: Mapping[str, str] = field(default_factory=dict)  # purchase order id ▶ what else is to be said of it
    stopped_by: Exit = Exit.OK
    reason: str = ""


def _unseen(_submission: Submission, _account: Account, _total: int) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """How to send: how long it may last, and who watches. `follow` shows a submission while it runs."""

    zone: ZoneInfo
    grace: float  # s for calls in flight when the run is told to stop
    ends_at: float | None = None  # s, monotonic
    follow: Callable[[Submission, Account, int], AbstractContextManager[None]] = _unseen

    def send(self, journal: Journal, run: int, account: Account, orders: Sequence[int], began: float) -> Sent:
        """Send these orders and settle what is open. `began`: s, monotonic, when the account's lock was taken."""
        left_open = journal.in_states(account.seller, OPEN)
        if not orders and not left_open:
            return Sent()
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(self._send(journal, run, account, orders, left_open, began))

    async def _send(
        self,
        journal: Journal,
        run: int,
        account: Account,
        orders: Sequence[int],
        left_open: Sequence[int],
        began: float,
    ) -> Sent:
        stop = Stop()
        world = Surroundings(clock=time.monotonic, wall_ms=now_ms, sleep=asyncio.sleep, random=random.random)
        async with open_exchange(account) as exchange, Recorder(journal) as recorder:
            conversation = Conversation(exchange, recorder, account, run=run, stop=stop, surroundings=world)
            submission = Submission(
                Duty(
                    account=account,
                    zone=self.zone,
                    grace=self.grace,
                    journal=journal,
                    recorder=recorder,
                    conversation=conversation,
                    surroundings=world,
                    stop=stop,
                    began=began,
                )
            )
            total = len(set(orders) | set(left_open))
            with _stopped_by_signals(stop), self._stopped_in_time(stop), self.follow(submission, account, total):
                await submission.run(orders, left_open=left_open)
        fault = Exit.FATAL if submission.faults else Exit.OK
        return Sent(
            requests=dict(conversation.requests),
            notes={order: f"{units} units stay open" for order, units in submission.stays_open.items()},
            stopped_by=stop.exit_code or fault,
            reason=stop.reason,
        )

    @contextmanager
    def _stopped_in_time(self, stop: Stop) -> Iterator[None]:
        if self.ends_at is None:
            yield
            return
        late = (Exit.TEMPORARY, "The time for this run was over; `shipbatch resume` goes on.")
        timer = asyncio.get_running_loop().call_later(max(0.0, self.ends_at - time.monotonic()), stop.request, *late)
        try:
            yield
        finally:
            timer.cancel()


@contextmanager
def _stopped_by_signals(stop: Stop) -> Iterator[None]:
    """Let the first signal stop the run in good order, and the second at once: recovery is for the next run."""
    loop = asyncio.get_running_loop()

    def caught(number: signal.Signals) -> None:
        if stop.exit_code in (Exit.INTERRUPTED, Exit.TERMINATED):
            sys.stderr.write("Stopped at once; `shipbatch resume` finds out what became of calls in flight.\n")
            os._exit(_SIGNALS[number])
        stop.request(_SIGNALS[number], "The run was interrupted; `shipbatch resume` goes on.")

    for number in _SIGNALS:
        loop.add_signal_handler(number, caught, number)
    try:
        yield
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)
