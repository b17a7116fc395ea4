"""The worker pool: takes a run's orders to their ends, in deadline order, at the marketplace's pace.

    feed ─▶ readers ─▶ ready, nearest deadline first ─▶ workers ─▶ ended
                             ▲                             │
                             └──────── settlers ◀── answer lost

Readers run ahead at their own limit, so that sending never waits for them. Workers come one by one, for as long as the
pace has turns that nobody takes.
"""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from batch.errors import Exit, JournalFailed, WrongAccount
from batch.journal.entries import Change, Part
from batch.journal.states import State
from batch.marketplace.call import Kind
from batch.marketplace.confirmation import confirmed
from batch.marketplace.verdict import Meaning
from batch.outcomes import WELL, Outcome
from batch.submit.preflight import Resolution, decide, without_reading
from batch.submit.ready import READING_LASTS, Reading, Ready
from batch.submit.retry import Act
from batch.submit.saying import Saying
from batch.submit.settle import Found, settled
from batch.submit.settling import Settling, Unsettled

if TYPE_CHECKING:
    from collections.abc import Coroutine, Sequence
    from zoneinfo import ZoneInfo

    from batch.journal.entries import Claim, JournalOrder
    from batch.journal.journal import Journal
    from batch.journal.recorder import Recorder
    from batch.marketplace.orders import Order, ShippingUpdate
    from batch.marketplace.verdict import Verdict
    from batch.settings import Account
    from batch.submit.conversation import Conversation, Surroundings
    from batch.submit.retry import Attempt
    from batch.submit.stop import Stop

READERS = 16
_QUEUE = 512  # orders between feed and readers, or feed and workers
_BLOCK = 256  # orders loaded at once
_ALL_MISSING = 20  # first orders; then it is the account that is wrong, not the file

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """What a submission needs to know and may use."""

    account: Account
    zone: ZoneInfo
    grace: float  # s for calls in flight when the run is told to stop
    journal: Journal
    recorder: Recorder
    conversation: Conversation
    surroundings: Surroundings
    stop: Stop
    began: float  # s, monotonic: when the account's lock was taken; what older runs sent left before


class Submission:
    """One run's sending for one account."""

    def __init__(self, duty: Duty) -> None:
        self.ended: Counter[State] = Counter()
        self.notes: dict[str, str] = {}  # purchase order id ▶ what else the report says of it
        self._duty, self._account, self._stop = duty, duty.account, duty.stop
        self._world, self._said = duty.surroundings, duty.conversation
        self.ready = Ready(most=0 if self._account.preflight else _QUEUE)
        self._unread: asyncio.Queue[JournalOrder] = asyncio.Queue(_QUEUE)
        self._settling = Settling(
            settle_time=self._account.settle_time,
            look=self._look_at,
            ended=self._settled,
            clock=self._world.clock,
            wall_ms=self._world.wall_ms,
            sleep=self._world.sleep,
        )
        self._own: frozenset[int] = frozenset()
        self._sent: Counter[int] = Counter()  # order ▶ updates sent in this run
        self._missing: list[JournalOrder] | None = []  # until the first order is found
        self._open = 0
        self._all_ended = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._workers = 0
        self.faults = 0  # of ours; each has put one order aside

    async def run(self, orders: Sequence[int], *, left_open: Sequence[int]) -> None:
        """Take `orders` to their ends and settle `left_open`; one of these that turns out unsent goes only if it is in `orders`.

        Ends early when the run is told to stop: then calls in flight have the grace time to end.
        """
        self._own, unsettled = frozenset(orders), frozenset(left_open)
        fresh = [order for order in orders if order not in unsettled]
        self._open = len(fresh) + len(left_open)
        if self._open:
            for order in left_open:
                self._settling.add(Unsettled(order, self._duty.began))
            self._spawn(self._settling.run())
            self._spawn(self._feed(fresh))
            for _ in range(READERS):
                self._spawn(self._look_ahead())
            self._hire()
            await _first(self._all_ended.wait(), self._stop.wait())
        await self._wind_up()

    # Workers and their end

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except* JournalFailed as failures:
            self._stop.request(Exit.FATAL, str(failures.exceptions[0]))
        except* Exception:
            log.exception("A fault of shipbatch")
            self._stop.request(Exit.FATAL, "A fault of shipbatch itself; the log has the details.")

    def _hire(self) -> None:
        if self._workers < self._account.workers:
            self._workers += 1
            self._spawn(self._work())

    async def _wind_up(self) -> None:
        """End all tasks; those in the midst of a call first have the grace time."""
        flying = {task for task in self._tasks if task in self._said.in_flight}
        for task in self._tasks - flying:
            task.cancel()
        if flying:
            await asyncio.wait(flying, timeout=self._duty.grace)
        remaining = set(self._tasks)
        for task in remaining:
            task.cancel()
        await asyncio.gather(*remaining, return_exceptions=True)

    async def _work(self) -> None:
        while not self._stop.requested:
            order, content, reading = await self.ready.get()
            if self._said.paces[Kind.SHIP].idle:
                self._hire()
            content = content or self._duty.journal.load([order])[0]
            await self._isolated(content, self._send(content, reading))

    async def _look_ahead(self) -> None:
        while not self._stop.requested:
            order = await self._unread.get()
            await self._isolated(order, self._prepare(order))

    async def _feed(self, orders: Sequence[int]) -> None:
        for start in range(0, len(orders), _BLOCK):
            for order in await asyncio.to_thread(self._duty.journal.load, orders[start : start + _BLOCK]):
                if self._account.preflight or not order.purchase_order_id:
                    await self._unread.put(order)
                else:
                    await self.ready.put(order, None, keep=True)

    async def _isolated(self, order: JournalOrder, work: Coroutine[None, None, None]) -> None:
        """Do the work of one order; a fault of ours puts this order aside and stops no other."""
        try:
            await work
        except (JournalFailed, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("A fault of shipbatch at order %s", order.purchase_order_id or order.customer_order_id)
            self.faults += 1
            begun = self._duty.journal.load([order.id])[0].state is State.SENDING
            reason = "A fault of shipbatch itself; the log has the details."
            await self._end(order, State.UNKNOWN if begun else State.HELD, reason=reason)

    # The way of one order

    async def _prepare(self, order: JournalOrder) -> None:
        """Read an order ahead of its turn; it goes no further where the reading shows that it must not be sent."""
        if (reading := await self._look(order)) is None:
            return
        resolution = self._resolve(order, reading, order.claims)
        if resolution.update is None:
            await self._end_unsent(order, resolution, reading)
        else:
            await self.ready.put(order, reading)

    async def _send(self, order: JournalOrder, reading: Reading | None) -> None:
        """Send an order whose turn it is, as a fresh reading shows that it must be."""
        if self._account.preflight and (reading is None or self._world.clock() - reading.at > READING_LASTS):
            reading = await self._look(order)
            if reading is None:
                return
        resolution = self._resolve(order, reading, order.claims)
        if resolution.update is None:
            await self._end_unsent(order, resolution, reading)
        elif not resolution.acknowledge or await self._acknowledge(order, resolution.update.purchase_order_id):
            await self._update(order, resolution, reading)

    def _resolve(self, order: JournalOrder, reading: Reading | None, claims: Sequence[Claim]) -> Resolution:
        now_ms = self._world.wall_ms()
        if reading is None:
            return without_reading(
                order.parcels,
                order.purchase_order_id,
                self._account,
                now_ms=now_ms,
                claims=claims,
                ended=order.ended,
            )
        return decide(
            order.parcels,
            reading.order,
            self._account,
            zone=self._duty.zone,
            now_ms=now_ms,
            claims=claims,
            ended=order.ended,
        )

    async def _acknowledge(self, order: JournalOrder, purchase_order_id: str) -> bool:
        """Acknowledge an order; say whether it may be sent. A refusal is not believed: the update itself will tell."""
        call = self._said.exchange.dialect.acknowledge(purchase_order_id)
        attempt = await self._said.tell(call, Saying(order.id))
        if attempt.decision.act is Act.DONE:
            await self._write(attempt)
            return True
        await self._leave(order, attempt)
        return False

    async def _update(self, order: JournalOrder, resolution: Resolution, reading: Reading | None) -> None:
        """Send the update of an order and record what came of it."""
        update = resolution.update
        assert update is not None  # noqa: S101 - the caller's condition
        saying = Saying(order.id, update, parts=resolution.indexes, ended=resolution.parts, before=resolution.before)
        attempt = await self._said.tell(self._said.exchange.dialect.ship(update), saying)
        if attempt.against:
            await self._end_claimed(order, reading, attempt.against)
            return
        self._sent[order.id] += 1
        verdict = attempt.verdict
        if attempt.decision.act in (Act.GIVE_UP, Act.END_RUN):
            await self._leave(order, attempt, begun=saying.begun)
        elif verdict.meaning is Meaning.ACCEPTED and verdict.order and all(confirmed(update, verdict.order)):
            if resolution.stays_open:
                self.notes[update.purchase_order_id] = f"{resolution.stays_open} units stay open"
            await self._end_sent(order, State.SHIPPED, attempt, resolution, reading)
        elif verdict.meaning is Meaning.REFUSED:
            state, reason = await self._believe(update, verdict)
            await self._end_sent(order, state, attempt, resolution, reading, reason=reason)
        else:
            unknown = Change(order=order.id, to=State.UNKNOWN, at=self._world.wall_ms(), reason=verdict.reason)
            await self._write(attempt, unknown)
            accepted = verdict.meaning is Meaning.ACCEPTED
            self._settling.add(Unsettled(order.id, self._world.clock(), accepted=accepted))

    async def _believe(self, update: ShippingUpdate, verdict: Verdict) -> tuple[State, str]:
        """Say how a refused update ended: where the server says that it was shipped already, the order itself tells."""
        if verdict.already_shipped:
            shown = (await self._said.ask(self._said.exchange.dialect.read(update.purchase_order_id))).verdict.order
            if shown is not None and settled(update.parcels, {}, shown).found is Found.DONE:
                return State.ALREADY_SHIPPED, "It was shipped before, with this tracking number."
        return State.REFUSED, verdict.reason

    async def _look(self, order: JournalOrder) -> Reading | None:
        """Read an order; None where it goes no further, and then it has ended or stays planned."""
        dialect, asked_at = self._said.exchange.dialect, self._world.clock()
        by_number = bool(order.purchase_order_id)
        attempt = await self._said.ask(
            dialect.read(order.purchase_order_id) if by_number else dialect.find(order.customer_order_id)
        )
        verdict = attempt.verdict
        if attempt.decision.act is not Act.DONE:
            await self._leave(order, attempt)
            return None
        found = (verdict.order,) if verdict.order is not None else verdict.orders
        if verdict.missing or (verdict.meaning is Meaning.ACCEPTED and not found):
            await self._miss(order)
        elif verdict.meaning is Meaning.REFUSED:
            await self._end(order, State.REFUSED, reason=verdict.reason)
        elif len(found) > 1:
            numbers = ", ".join(one.purchase_order_id for one in found)
            reason = f"The customer order has several purchase orders ({numbers}); write the purchase order id."
            await self._end(order, State.HELD, reason=reason)
        else:
            await self._none_missing()
            return Reading(found[0], asked_at)
        return None

    # Settling

    async def _look_at(self, unsettled: Unsettled) -> tuple[JournalOrder, Verdict, Act]:
        order = self._duty.journal.load([unsettled.order])[0]
        if order.state is State.SENDING:
            lost = "The run that sent it ended before the answer came."
            change = Change(order=order.id, to=State.UNKNOWN, at=self._world.wall_ms(), reason=lost)
            await self._duty.recorder.write(change)
        attempt = await self._said.ask(self._said.exchange.dialect.read(order.purchase_order_id))
        self._stop_if_refused(attempt)
        return order, attempt.verdict, attempt.decision.act

    async def _settled(self, unsettled: Unsettled, change: Change | None, shown: Order | None) -> None:
        """Record what became of an unsettled update; one that was not done goes again, if it is this run's to send."""
        if change is not None:
            await self._duty.recorder.write(change)
        state = change.to if change else State.UNKNOWN
        again = unsettled.order in self._own and self._sent[unsettled.order] < self._account.attempts
        if state is State.PLANNED and again and not self._stop.requested:
            order = self._duty.journal.load([unsettled.order])[0]
            await self.ready.put(order, Reading(shown, float("-inf")) if shown else None)
        else:
            self._count(state)

    # Ends

    async def _end_unsent(self, order: JournalOrder, resolution: Resolution, reading: Reading | None) -> None:
        outcomes = [part.outcome for part in resolution.parts if part]
        state = next(
            state
            for outcome, state in (
                (Outcome.REFUSED, State.REFUSED),
                (Outcome.HELD, State.HELD),
                (Outcome.ALREADY_SHIPPED, State.ALREADY_SHIPPED),
            )
            if outcome in outcomes
        )
        reason = next(part.reason for part in resolution.parts if part and part.outcome == state.value)
        await self._end(order, state, reason=reason, resolution=resolution, reading=reading)

    async def _end_claimed(self, order: JournalOrder, reading: Reading | None, against: Sequence[Claim]) -> None:
        resolution = self._resolve(order, reading, against)
        if resolution.update is None:
            await self._end_unsent(order, resolution, reading)
        else:
            await self._end(order, State.HELD, reason="Another order of the journal has claimed a parcel of it.")

    async def _end_sent(
        self,
        order: JournalOrder,
        state: State,
        attempt: Attempt,
        resolution: Resolution,
        reading: Reading | None,
        *,
        reason: str = "",
    ) -> None:
        change = self._change(order, state, reason=reason, resolution=resolution, reading=reading)
        if state is State.SHIPPED and (
            left := [part for part in resolution.parts if part and part.outcome not in WELL]
        ):
            parts = tuple(part or Part(Outcome.SHIPPED, "") for part in resolution.parts)
            change = replace(change, to=State.HELD, reason=left[0].reason, parts=parts)
        await self._write(attempt, change)
        self._count(change.to)

    async def _end(
        self,
        order: JournalOrder,
        state: State,
        *,
        reason: str,
        resolution: Resolution | None = None,
        reading: Reading | None = None,
    ) -> None:
        change = self._change(order, state, reason=reason, resolution=resolution, reading=reading)
        await self._duty.recorder.write(change)
        self._count(state)

    def _change(
        self,
        order: JournalOrder,
        state: State,
        *,
        reason: str,
        resolution: Resolution | None,
        reading: Reading | None,
    ) -> Change:
        return Change(
            order=order.id,
            to=state,
            at=self._world.wall_ms(),
            reason=reason,
            parts=resolution.parts if resolution else (),
            note=resolution.note if resolution else "",
            ship_by=reading.order.ship_by if reading else 0,
            purchase_order_id=reading.order.purchase_order_id if reading else "",
        )

    async def _leave(self, order: JournalOrder, attempt: Attempt, *, begun: bool = False) -> None:
        """Leave an order to a later run: nothing was done for it."""
        reason = attempt.verdict.reason
        changes = [Change(order=order.id, to=State.PLANNED, at=self._world.wall_ms(), reason=reason)] if begun else []
        await self._write(attempt, *changes)
        self._stop_if_refused(attempt)
        self._count(State.PLANNED)

    def _stop_if_refused(self, attempt: Attempt) -> None:
        if attempt.decision.act is Act.END_RUN:
            self._stop.request(Exit.FATAL, attempt.verdict.reason)

    async def _write(self, attempt: Attempt, *changes: Change) -> None:
        entries = (*((attempt.end,) if attempt.end else ()), *changes)
        if entries:
            await self._duty.recorder.write(*entries)

    def _count(self, state: State) -> None:
        self.ended[state] += 1
        self._open -= 1
        if self._open == 0:
            self._all_ended.set()

    async def _miss(self, order: JournalOrder) -> None:
        """Note an order that is not found. While none is found, none is refused: it may be the account that is wrong."""
        if self._missing is None:
            await self._end(order, State.REFUSED, reason=_NOT_FOUND)
            return
        self._missing.append(order)
        if len(self._missing) >= _ALL_MISSING:
            self._stop.request(WrongAccount.exit_code, f"{_ALL_MISSING} orders read, none found: {WrongAccount()}")
        elif len(self._missing) == self._open:
            await self._none_missing()

    async def _none_missing(self) -> None:
        missing, self._missing = self._missing or [], None
        for order in missing:
            await self._end(order, State.REFUSED, reason=_NOT_FOUND)


_NOT_FOUND = (
    "The marketplace does not know this order for this account; check the number, and whether it is another account's."
)


async def _first(*waits: Coroutine[None, None, object]) -> None:
    tasks = [asyncio.create_task(wait) for wait in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
