"""Saying one thing to the marketplace: at the pace, on record before it leaves, again where that is right.

Every call that changes an order is in the journal before its first byte leaves, each attempt with an id of its own.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from batch.crashpoints import Step, reached
from batch.errors import Exit
from batch.marketplace.call import Answer, Kind
from batch.marketplace.exchange import fresh_correlation_id
from batch.marketplace.slots import Slots
from batch.marketplace.verdict import Meaning
from batch.submit.pace import Pace, never
from batch.submit.retry import Act, Attempt, Tally, decide, goes_on, until_decided
from batch.submit.saying import OnRecord

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from batch.journal.recorder import Recorder
    from batch.marketplace.call import Call
    from batch.marketplace.exchange import Exchange, Reply, Signed
    from batch.marketplace.verdict import Verdict
    from batch.settings import Account
    from batch.submit.saying import Saying
    from batch.submit.stop import Stop

_OUTAGES = frozenset({Meaning.UNAVAILABLE, Meaning.UNKNOWN})
_LOOK_AGAIN = 0.1  # s, whether the account is ours
_COUNTED_AS = {Kind.EDIT: Kind.SHIP, Kind.FIND: Kind.READ}


def _always() -> bool:
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What sending takes from the world, so that tests can give it theirs."""

    clock: Callable[[], float]  # s, monotonic
    wall_ms: Callable[[], int]  # UTC epoch milliseconds
    sleep: Callable[[float], Awaitable[None]]  # s
    random: Callable[[], float]  # 0 to 1
    is_ours: Callable[[], bool] = _always  # the account, as far as anybody knows: what changes it leaves only then


class Enquiry:
    """All that is asked for one account during one run; it changes nothing."""

    def __init__(self, exchange: Exchange, account: Account, *, stop: Stop, surroundings: Surroundings) -> None:
        self.exchange = exchange
        self.requests: Counter[str] = Counter()
        self.in_flight: set[asyncio.Task[Any] | None] = set()  # must not be cancelled while a grace time lasts
        self.is_last: Callable[[], bool] = never  # whether no other update is still to come
        self._slots = Slots(account.workers)  # for calls that change something
        self._outages: Counter[Pace] = Counter()  # consecutive
        self._account, self._stop, self._world = account, stop, surroundings
        rates = {Kind.SHIP: account.rate.ship, Kind.ACKNOWLEDGE: account.rate.acknowledge}
        rates |= dict.fromkeys((Kind.READ, Kind.FIND), account.rate.read)
        self.paces = {
            kind: Pace(rate, clock=surroundings.clock, sleep=surroundings.sleep) for kind, rate in rates.items()
        }
        self.paces[Kind.EDIT] = self.paces[Kind.SHIP]

    @property
    def outages(self) -> int:
        """How many calls of one kind failed in a row; that readings go well must not hide that updates do not."""
        return max(self._outages.values(), default=0)

    async def ask(self, call: Call) -> Attempt:
        """Read something; repeating it does no harm, so it leaves no trace in the journal."""
        return await self._say(call, None, 0)

    async def _say(self, call: Call, record: OnRecord | None, answers: int) -> Attempt:
        tally = Tally(answers)
        made = await self._attempt(call, record, tally)
        tally = tally.after(made.decision)
        if goes_on(made):  # hardly ever; tenacity looks into every function it is given, which takes 80 us

            async def attempt() -> Attempt:
                nonlocal tally
                again = await self._attempt(call, record, tally)
                tally = tally.after(again.decision)
                return again

            made = await until_decided(made, attempt, self._world.sleep)
        if record:
            record.saying.answers = tally.answers
        return made

    async def _attempt(self, call: Call, record: OnRecord | None, tally: Tally) -> Attempt:
        correlation_id = fresh_correlation_id()
        if record is None:
            return await self._in_turn(call, correlation_id, tally)
        if stopped := record.stopped():
            return stopped
        ahead = self._slots.taken and not self.paces[call.kind].limited
        if ahead and (instead := await self._begun_ahead(record, correlation_id)):
            return instead
        signed = await self.exchange.sign(call) if ahead else None
        async with self._slots:
            return await self._in_turn(call, correlation_id, tally, record, begun=ahead, signed=signed)

    async def _begun_ahead(self, record: OnRecord, correlation_id: str) -> Attempt | None:
        """Put an attempt on record before there is a connection for it: so the journal has many to write at once.

        Only where no limit is known: then its turn comes as soon as a connection is free.
        """
        task = asyncio.current_task()
        self.in_flight.add(task)
        try:
            instead = await record.begin(correlation_id)
        finally:
            self.in_flight.discard(task)
        if instead is None:
            record.waits(correlation_id)
        return instead

    async def _in_turn(
        self,
        call: Call,
        correlation_id: str,
        tally: Tally,
        record: OnRecord | None = None,
        *,
        begun: bool = False,
        signed: Signed | None = None,
    ) -> Attempt:
        pace, task = self.paces[call.kind], asyncio.current_task()
        turn = await pace.turn(self.is_last)
        self.in_flight.add(task)
        try:
            if record and (instead := record.leaves() if begun else await record.begin(correlation_id)):
                return instead
            if record and (instead := await self._once_ours(record, correlation_id)):
                return instead
            pace.left()
            self._count(call, tally)
            if record:
                reached(Step.CALL_LEAVES)
            reply = await self.exchange(call, correlation_id, signed)
            if record:
                reached(Step.ANSWER_CAME)
            at = self._world.wall_ms()
            self._heed(pace, turn, reply, at)
            made = self._decided(call, reply, tally)
            return record.end(correlation_id, made, at) if record else made
        finally:
            self.in_flight.discard(task)
            pace.over()

    async def _once_ours(self, record: OnRecord, correlation_id: str) -> Attempt | None:
        """Hold back an attempt on record while nobody knows whether the account is still ours.

        Returns what ends the call instead, None for nothing.
        """
        if self._world.is_ours():
            return None
        record.waits(correlation_id)
        while not (self._world.is_ours() or self._stop.requested):
            await self._world.sleep(_LOOK_AGAIN)
        return record.leaves()

    def _heed(self, pace: Pace, turn: float, reply: Reply, at: int) -> None:
        if isinstance(reply.answer, Answer):
            hear = pace.throttled if reply.verdict.meaning is Meaning.THROTTLED else pace.heard
            hear(turn, reply.answer.headers, at)
        self._note(pace, reply.verdict)

    def _decided(self, call: Call, reply: Reply, tally: Tally) -> Attempt:
        jitter = self._world.random()
        decision = decide(call.kind, reply.verdict, tally, attempts=self._account.attempts, jitter=jitter)
        if self._stop.requested and decision.act in (Act.AGAIN, Act.RENEW):
            decision = replace(decision, act=Act.GIVE_UP)
        if decision.act is Act.RENEW:
            self.exchange.renew(reply)
        return Attempt(reply.verdict, decision)

    def _count(self, call: Call, tally: Tally) -> None:
        self.requests[_COUNTED_AS.get(call.kind, call.kind).value] += 1
        if tally.answers or tally.renewals:
            self.requests["retries"] += 1

    def _note(self, pace: Pace, verdict: Verdict) -> None:
        """Count throttles and outages; too many outages in a row stop the run. A locked order is no outage."""
        if verdict.meaning is Meaning.THROTTLED:
            self.requests["throttled"] += 1
        elif verdict.meaning not in _OUTAGES:
            self._outages[pace] = 0
        elif not verdict.wait:
            self._outages[pace] += 1
            if self._outages[pace] >= self._account.outages:
                failed = f"{self._outages[pace]} calls in a row failed; the last one: {verdict.reason}"
                self._stop.request(Exit.TEMPORARY, failed)


class Conversation(Enquiry):
    """All that is said for one account during one run."""

    def __init__(
        self,
        exchange: Exchange,
        recorder: Recorder,
        account: Account,
        *,
        run: int,
        stop: Stop,
        surroundings: Surroundings,
    ) -> None:
        super().__init__(exchange, account, stop=stop, surroundings=surroundings)
        self._recorder, self._run = recorder, run

    async def tell(self, call: Call, saying: Saying) -> Attempt:
        """Change something. The last attempt's end is for the caller to write, with what follows from it.

        Once the run is told to stop, nothing begins any more. Cancelled while it waits between attempts that did
        nothing, it takes the order back to planned.
        """
        record = OnRecord(
            saying=saying,
            kind=call.kind,
            seller=self._account.seller,
            run=self._run,
            recorder=self._recorder,
            stop=self._stop,
            wall_ms=self._world.wall_ms,
        )
        try:
            return await self._say(call, record, saying.answers)
        except asyncio.CancelledError:
            await record.take_back()
            raise
