"""Saying one thing to the marketplace: at the pace, on record before it leaves, again where that is right.

Every call that changes an order is in the journal before its first byte leaves, each attempt with an id of its own.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from uuid import uuid4

from batch.errors import Exit
from batch.journal.entries import Begin, Change, End
from batch.journal.states import State
from batch.marketplace.call import Answer, Kind
from batch.marketplace.verdict import Meaning, Verdict
from batch.submit.pace import Pace
from batch.submit.retry import Act, Attempt, Decision, Tally, decide, until_decided

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from batch.journal.entries import Claim
    from batch.journal.recorder import Recorder
    from batch.marketplace.call import Call
    from batch.marketplace.exchange import Exchange
    from batch.marketplace.orders import ShippingUpdate
    from batch.settings import Account
    from batch.submit.stop import Stop


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What sending takes from the world, so that tests can give it theirs."""

    clock: Callable[[], float]  # s, monotonic
    wall_ms: Callable[[], int]  # UTC epoch milliseconds
    sleep: Callable[[float], Awaitable[None]]  # s
    random: Callable[[], float]  # 0 to 1


@dataclass(slots=True)
class Saying:
    """An order's call on its way through its attempts."""

    order: int
    update: ShippingUpdate | None = None
    parts: tuple[int, ...] = ()
    before: dict[str, int] = field(default_factory=dict)
    begun: bool = False
    last: Attempt | None = None


class Conversation:
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
        self.exchange = exchange
        self.requests: Counter[str] = Counter()
        self.in_flight: set[asyncio.Task[object]] = set()  # must not be cancelled while a grace time lasts
        self._recorder, self._account, self._run = recorder, account, run
        self._stop, self._world = stop, surroundings
        rates = {Kind.SHIP: account.rate.ship, Kind.ACKNOWLEDGE: account.rate.acknowledge, Kind.READ: account.rate.read}
        self.paces = {
            kind: Pace(rate, clock=surroundings.clock, sleep=surroundings.sleep) for kind, rate in rates.items()
        }
        self.paces[Kind.EDIT] = self.paces[Kind.SHIP]
        self.paces[Kind.FIND] = self.paces[Kind.READ]
        self._outages = 0

    async def ask(self, call: Call) -> Attempt:
        """Read something; repeating it does no harm, so it leaves no trace in the journal."""
        return await self._say(call, None)

    async def tell(self, call: Call, saying: Saying) -> Attempt:
        """Change something. The last attempt's end is for the caller to write, with what follows from it.

        Cancelled while it waits between attempts that did nothing, it takes the order back to planned.
        """
        try:
            return await self._say(call, saying)
        except asyncio.CancelledError:
            if saying.last is not None and saying.update is not None and _did_nothing(saying.last.verdict):
                back = Change(order=saying.order, to=State.PLANNED, at=self._world.wall_ms())
                await self._recorder.write(*_ends(saying.last), back)
            raise

    async def _say(self, call: Call, saying: Saying | None) -> Attempt:
        tally = Tally()

        async def attempt() -> Attempt:
            nonlocal tally
            made = await self._attempt(call, saying, tally)
            tally = Tally(
                tally.answers + (1 if made.decision.counts else 0),
                tally.renewals + (1 if made.decision.act is Act.RENEW else 0),
            )
            return made

        return await until_decided(attempt, self._world.sleep)

    async def _attempt(self, call: Call, saying: Saying | None, tally: Tally) -> Attempt:
        pace = self.paces[call.kind]
        turn = await pace.turn()
        correlation_id = str(uuid4())
        with self._uninterrupted():
            if saying is not None and (against := await self._begin(call, saying, correlation_id)):
                return Attempt(Verdict(meaning=Meaning.REFUSED), Decision(Act.DONE), against=against)
            pace.left(turn)
            self._count(call, tally)
            reply = await self.exchange(call, correlation_id)
            verdict = reply.verdict
            self._note(verdict)
            if isinstance(reply.answer, Answer):
                hear = pace.throttled if verdict.meaning is Meaning.THROTTLED else pace.heard
                hear(turn, reply.answer.headers, self._world.wall_ms())
            decision = decide(call.kind, verdict, tally, attempts=self._account.attempts, jitter=self._world.random())
            made = Attempt(verdict, self._unless_stopping(decision), self._end(saying, correlation_id, verdict))
            if saying is not None:
                saying.last = made
            if made.decision.act is Act.RENEW:
                self.exchange.renew(reply)
            return made

    async def _begin(self, call: Call, saying: Saying, correlation_id: str) -> tuple[Claim, ...]:
        first = saying.update if not saying.begun else None
        begin = Begin(
            order=saying.order,
            seller=self._account.seller,
            run=self._run,
            kind=call.kind,
            correlation_id=correlation_id,
            at=self._world.wall_ms(),
            update=first,
            parts=saying.parts,
            before=saying.before,
        )
        against = (await self._recorder.write(*_ends(saying.last), begin))[-1]
        saying.begun = saying.begun or not against
        saying.last = None
        return against

    def _end(self, saying: Saying | None, correlation_id: str, verdict: Verdict) -> End | None:
        if saying is None:
            return None
        return End(
            correlation_id=correlation_id,
            at=self._world.wall_ms(),
            status=verdict.status,
            verdict=verdict.meaning,
            reason=verdict.reason,
        )

    def _count(self, call: Call, tally: Tally) -> None:
        self.requests[{Kind.EDIT: Kind.SHIP, Kind.FIND: Kind.READ}.get(call.kind, call.kind)] += 1
        if tally.answers or tally.renewals:
            self.requests["retries"] += 1

    def _note(self, verdict: Verdict) -> None:
        """Count throttles and outages; too many outages in a row stop the run."""
        if verdict.meaning is Meaning.THROTTLED:
            self.requests["throttled"] += 1
        elif verdict.meaning in (Meaning.UNAVAILABLE, Meaning.UNKNOWN):
            self._outages += 1
            if self._outages >= self._account.outages:
                self._stop.request(
                    Exit.TEMPORARY, f"{self._outages} calls in a row failed; the last one: {verdict.reason}"
                )
        else:
            self._outages = 0

    def _unless_stopping(self, decision: Decision) -> Decision:
        if self._stop.requested and decision.act in (Act.AGAIN, Act.RENEW):
            return replace(decision, act=Act.GIVE_UP)
        return decision

    @contextmanager
    def _uninterrupted(self) -> Iterator[None]:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - coroutines run in tasks
        self.in_flight.add(task)
        try:
            yield
        finally:
            self.in_flight.discard(task)


def _ends(attempt: Attempt | None) -> tuple[End, ...]:
    return (attempt.end,) if attempt is not None and attempt.end is not None else ()


def _did_nothing(verdict: Verdict) -> bool:
    return verdict.meaning in (Meaning.THROTTLED, Meaning.UNAVAILABLE, Meaning.UNAUTHORISED)
