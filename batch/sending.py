"""The part of a run that talks to the marketplace: opens connections, minds signals and deadlines, sends, sums up.

Any number of accounts are sent for side by side in one event loop, each at its own pace.
"""

from __future__ import annotations

import asyncio
import gc
import random
import threading
import time
from contextlib import asynccontextmanager, contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from batch.clock import now_ms
from batch.errors import Exit
from batch.journal.recorder import Recorder
from batch.journal.states import OPEN
from batch.marketplace.exchange import open_exchange
from batch.marketplace.signatures import Signatures
from batch.signals import minded
from batch.submit.conversation import Conversation, Surroundings
from batch.submit.stop import Stop
from batch.submit.submission import Duty, Submission

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from zoneinfo import ZoneInfo

    from batch.journal.journal import Journal
    from batch.journal.locks import Locks
    from batch.marketplace.dialect import Dialect
    from batch.marketplace.exchange import Exchange
    from batch.settings import Account

# New objects between two looks of the garbage collector; with Python's own 700, looking takes a sixth of a run's time.
_YOUNG_OBJECTS = 100_000
_LOOKS = 1.0  # s between two looks at locks on a server
_SHORTEST_SURE, _LONGEST_SURE = 0.15, 15.0  # s after a look


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
    total: int  # how many orders are to be sent or settled


def _unseen(_followed: Sequence[Followed]) -> AbstractContextManager[None]:
    return nullcontext()


@dataclass(frozen=True, slots=True, kw_only=True)
class Sending:
    """How to send: how long it may last, and who watches.

    `follow` shows the accounts that are sent for, a list that grows as they come, while its context lasts.
    """

    zone: ZoneInfo
    grace: float  # s for calls in flight when the run is told to stop
    ends_at: float | None = None  # s, monotonic
    follow: Callable[[Sequence[Followed]], AbstractContextManager[None]] = _unseen

    @asynccontextmanager
    async def opened(self, journal: Journal) -> AsyncIterator[Dispatch]:
        """Give a dispatch that sends for as many accounts as come, until a signal or the deadline stops them all."""
        _look_rarely_for_garbage()
        async with Signatures() as signatures, Recorder(journal) as recorder:
            dispatch = Dispatch(self, journal, recorder, signatures)
            with _stopped_by_signals(dispatch), _stopped_at(self.ends_at, dispatch), self.follow(dispatch.followed):
                async with _stopped_by_lost_locks(dispatch, journal.locks):
                    yield dispatch


class Dispatch:
    """Sends for accounts side by side in one event loop. `stop` stops them all, those still to come included."""

    def __init__(self, sending: Sending, journal: Journal, recorder: Recorder, signatures: Signatures) -> None:
        self.stop = Stop()
        self.followed: list[Followed] = []
        self._stops: dict[str, Stop] = {}  # by account
        self._sending, self._journal, self._recorder, self._signatures = sending, journal, recorder, signatures

    def stop_of(self, account: str) -> Stop:
        """Return what stops one account, be it still to come."""
        if account not in self._stops:
            self._stops[account] = Stop()
            if self.stop.requested:
                self._stops[account].request(self.stop.exit_code, self.stop.reason)
        return self._stops[account]

    def stop_all(self, exit_code: Exit, reason: str) -> None:
        """Let all accounts stop, those still to come included."""
        for stop in (self.stop, *self._stops.values()):
            stop.request(exit_code, reason)

    def forget(self, account: str) -> None:
        """Forget an account that has ended, so that it may come again."""
        self._stops.pop(account, None)
        self.followed[:] = [one for one in self.followed if one.errand.name != account]

    async def send(self, errand: Errand) -> Sent:
        """Send what an account asks for, and settle what it left open; how each order ended is in the journal."""
        left_open = self._journal.in_states(errand.account.seller, OPEN)
        if not errand.orders and not left_open:
            return Sent()
        async with open_exchange(errand.account, errand.dialect, signatures=self._signatures) as exchange:
            one = self._followed(errand, exchange, left_open)
            self.followed.append(one)
            await one.submission.run(errand.orders, left_open=left_open)
        await self._recorder.write()  # once nothing is on record, all is that workers gave it before they were stopped
        return _sent(one)

    def _followed(self, errand: Errand, exchange: Exchange, left_open: Sequence[int]) -> Followed:
        stop, account = self.stop_of(errand.name), errand.account
        world = Surroundings(
            clock=time.monotonic,
            wall_ms=now_ms,
            sleep=asyncio.sleep,
            random=random.random,
            is_ours=partial(self._journal.locks.is_sure, account.seller, within=_sure_for(account)),
        )
        conversation = Conversation(exchange, self._recorder, account, run=errand.run, stop=stop, surroundings=world)
        duty = Duty(
            account=account,
            zone=self._sending.zone,
            grace=self._sending.grace,
            journal=self._journal,
            recorder=self._recorder,
            conversation=conversation,
            surroundings=world,
            stop=stop,
            began=errand.began,
        )
        return Followed(
            errand=errand,
            left_open=left_open,
            submission=Submission(duty),
            conversation=conversation,
            stop=stop,
            total=len({*errand.orders, *left_open}),
        )


def _look_rarely_for_garbage() -> None:
    """Let the garbage collector look rarely, and never at what is there before the first run: modules.

    What is frozen is hardly ever looked at again: with each run's objects, too, `watch` would grow by 30 KiB a run.
    """
    if gc.get_threshold()[0] != _YOUNG_OBJECTS:
        gc.freeze()
        gc.set_threshold(_YOUNG_OBJECTS)


def _sent(one: Followed) -> Sent:
    fault = Exit.FATAL if one.submission.faults else Exit.OK
    return Sent(
        requests=dict(one.conversation.requests),
        notes=one.submission.notes,
        stopped_by=one.stop.exit_code or fault,
        reason=one.stop.reason,
    )


@contextmanager
def _stopped_at(ends_at: float | None, dispatch: Dispatch) -> Iterator[None]:
    """Let the run stop in good order at that time, monotonic seconds."""
    if ends_at is None:
        yield
        return
    late = (Exit.TEMPORARY, "The time for this run was over; `shipbatch resume` goes on.")
    timer = asyncio.get_running_loop().call_later(max(0.0, ends_at - time.monotonic()), dispatch.stop_all, *late)
    try:
        yield
    finally:
        timer.cancel()


@asynccontextmanager
async def _stopped_by_lost_locks(dispatch: Dispatch, locks: Locks) -> AsyncIterator[None]:
    """Let an account stop in good order where its lock on the journal's server is no longer ours."""
    if not locks.on_server:
        yield
        return
    watching = asyncio.create_task(_watch(dispatch, locks), name="locks")
    try:
        yield
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _watch(dispatch: Dispatch, locks: Locks) -> None:
    while True:
        lost = await asyncio.to_thread(locks.look)
        for one in dispatch.followed:
            if reason := lost.get(one.errand.account.seller):
                one.stop.request(Exit.TEMPORARY, reason)
        await asyncio.sleep(min([_LOOKS, *(_sure_for(one.errand.account) / 3 for one in dispatch.followed)]))


def _sure_for(account: Account) -> float:
    """Return for how many seconds after a look the account's lock counts as ours.

    Whoever takes it meanwhile believes "not shipped" after the settle time; what we still send must be there by then.
    A server that hears nothing of us lets go later than `_LONGEST_SURE` (postgresql.NOTICED).
    """
    return min(_LONGEST_SURE, max(_SHORTEST_SURE, account.settle_time / 2))


def _stopped_by_signals(dispatch: Dispatch) -> AbstractContextManager[None]:
    """Let signals stop the run; where it has not the main thread, whoever started us there minds them."""
    if threading.current_thread() is not threading.main_thread():
        return nullcontext()

    def stop(exit_code: Exit) -> None:
        dispatch.stop_all(exit_code, "The run was interrupted; `shipbatch resume` goes on.")

    return minded(stop, at_once="Stopped at once; `shipbatch resume` finds out what became of calls in flight.")
