"""The worker pool: takes a run's orders to their ends, in deadline order, at the marketplace's pace.

    feed ─▶ readers ─▶ ready, nearest deadline first ─▶ workers ─▶ ended
                             ▲                             │
                             └──────── settlers ◀── answer lost

Readers run ahead at their own limit, so that sending never waits for them. Workers come one by one, for as long as the
pace has turns that nobody takes. What becomes of a single order on its way is in `journey`.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from batch.errors import Exit, JournalFailed
from batch.journal.calls import was_accepted
from batch.journal.entries import Change
from batch.journal.states import State
from batch.marketplace.call import Kind
from batch.submit.joining import Joining
from batch.submit.journey import Duty, Journey, Ways
from batch.submit.ready import Reading, Ready
from batch.submit.register import Register, lateness
from batch.submit.retry import Act
from batch.submit.settling import Settling, Unsettled
from batch.submit.standing import units_open

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Awaitable, Coroutine, Sequence

    from batch.journal.entries import JournalOrder
    from batch.marketplace.orders import Order
    from batch.marketplace.verdict import Verdict

__all__ = ["Duty", "Submission"]

READERS = 16
_LEAD = 5.0  # s before its turn that an order is taken: for reading it again and acknowledging it
_SHORTEST_LOOK, _LONGEST_LOOK = 0.01, 1.0  # s between two looks at the pace
_QUEUE = 512  # orders between feed and readers, or feed and workers
_BLOCK = 256  # orders loaded at once
_AHEAD = 8  # workers for each call that may be under way: what they write to the journal makes large blocks
_OUR_FAULT = "A fault of shipbatch itself; the log has the details."

log = logging.getLogger(__name__)


class Submission:
    """One run's sending for one account."""

    def __init__(self, duty: Duty) -> None:
        self._duty, self._account, self._stop = duty, duty.account, duty.stop
        self._world, self._said = duty.surroundings, duty.conversation
        self._said.is_last = self._is_last
        self._register = Register()
        self._settling = Settling(
            settle_time=self._account.settle_time,
            look=self._look_at,
            ended=self._settled,
            isolated=self._isolated,
            clock=self._world.clock,
            wall_ms=self._world.wall_ms,
            sleep=self._world.sleep,
        )
        self.ready = Ready(most=0 if self._account.preflight else _QUEUE)
        self._journey = Journey(
            duty,
            self._register,
            Ways(ready=self.ready.put, joined=self._joined, unsettled=self._settling.add),
        )
        self._unread: asyncio.Queue[JournalOrder] = asyncio.Queue(_QUEUE)
        self._others: frozenset[int] = frozenset()  # orders that are settled, and not this run's to send
        self._joining = Joining(duty.journal.database, self._account.seller, (), (), self._register.merge)
        self._unnamed = 0  # orders that name no purchase order and were not read yet
        self._all_named = asyncio.Event()
        self._joins = asyncio.Lock()  # one at a time, off the event loop
        self._tasks: set[asyncio.Task[None]] = set()
        self._gate = asyncio.Lock()  # one worker at a time takes an order
        self._workers = 0
        self._free = self._busy = 0  # workers that wait for an order, and that have one

    @property
    def ended(self) -> Counter[State]:
        """How many orders came to each end in this run; planned: left to a later one."""
        return self._register.ended

    @property
    def notes(self) -> dict[str, str]:
        """What else the report says of an order, by purchase order id."""
        return self._register.notes

    @property
    def faults(self) -> int:
        """How many faults of ours put an order aside."""
        return self._register.faults

    async def run(self, orders: Sequence[int], *, left_open: Sequence[int]) -> None:
        """Take `orders` to their ends and settle `left_open`; what of these turns out unsent goes if it is in `orders`.

        Ends early when the run is told to stop: then calls in flight have the grace time to end.
        """
        self._others = frozenset(left_open).difference(orders)
        self._register.expect(len(orders) + len(self._others))
        if not self._register.all_ended.is_set():
            self._spawn(self._begin(orders, left_open))
            await _first(self._register.all_ended.wait(), self._stop.wait())
        await self._wind_up()

    async def _begin(self, orders: Sequence[int], left_open: Sequence[int]) -> None:
        journal, seller = self._duty.journal, self._account.seller
        self._joining = Joining(journal.database, seller, orders, left_open, self._register.merge)
        unnamed = await asyncio.to_thread(self._joining.begin)
        for order in left_open:
            self._settling.add(Unsettled(order, self._duty.began))
        self._spawn(self._settling.run())
        unsettled = frozenset(left_open)
        self._spawn(self._feed(unnamed, [order for order in orders if order not in unsettled]))
        for _ in range(READERS):
            self._spawn(self._look_ahead())
        self._spawn(self._give_missing_up())
        self._hire()

    # Workers and their end

    def _spawn(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(self._guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _guarded(self, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except* JournalFailed as failures:
            first = failures.exceptions[0]
            self._stop.request(first.exit_code if isinstance(first, JournalFailed) else Exit.FATAL, str(first))
        except* Exception:
            log.exception("A fault of shipbatch")
            self._stop.request(Exit.FATAL, _OUR_FAULT)

    def _hire(self) -> None:
        if self._workers < self._account.workers * _AHEAD:
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
            self._free += 1
            async with self._gate:
                await self._until_soon()
                order, content, reading = await self.ready.get()
            self._free, self._busy = self._free - 1, self._busy + 1
            if not self._free:
                self._hire()
            try:
                await self._isolated(order, self._journey.send(content or await self._load(order), reading))
            finally:
                self._busy -= 1

    def _is_last(self) -> bool:
        """Say whether all orders but one have ended or are under way."""
        return self._register.open - self._said.paces[Kind.SHIP].under_way <= 1

    async def _until_soon(self) -> None:
        """Wait until an order that is taken now has its turn soon, so that its reading is fresh then."""
        ship, acknowledge = self._said.paces[Kind.SHIP], self._said.paces[Kind.ACKNOWLEDGE]
        while (seconds := ship.expected(self._busy - ship.under_way - acknowledge.engaged) - _LEAD) > 0:
            await self._world.sleep(min(max(seconds, _SHORTEST_LOOK), _LONGEST_LOOK))

    async def _look_ahead(self) -> None:
        while not self._stop.requested:
            order = await self._unread.get()
            await self._isolated(order.id, self._journey.prepare(order))
            if not order.purchase_order_id:
                self._unnamed -= 1
                self._see_whether_all_are_named()

    async def _feed(self, unnamed: Sequence[int], orders: Sequence[int]) -> None:
        """Give out the orders. Those without purchase order first: they may turn out to be part of the others."""
        self._unnamed = len(unnamed)
        self._see_whether_all_are_named()
        await self._give_out(unnamed)
        await self._all_named.wait()
        await self._give_out(self._joining.named(orders))

    def _see_whether_all_are_named(self) -> None:
        if self._unnamed <= 0:
            self._all_named.set()

    async def _give_out(self, orders: Sequence[int]) -> None:
        for start in range(0, len(orders), _BLOCK):
            for order in await asyncio.to_thread(self._duty.journal.load, orders[start : start + _BLOCK]):
                if self._account.preflight or not order.purchase_order_id:
                    await self._unread.put(order)
                else:
                    await self.ready.put(order, None, keep=True)

    async def _give_missing_up(self) -> None:
        await self._register.only_missing_left.wait()
        if not self._stop.requested:
            await self._journey.none_missing()

    async def _load(self, order: int) -> JournalOrder:
        """Load an order: a file answers at once, and for a server the event loop does not wait."""
        journal = self._duty.journal
        found = await asyncio.to_thread(journal.load, [order]) if journal.is_far else journal.load([order])
        return found[0]

    async def _isolated(self, order: int, work: Awaitable[None]) -> None:
        """Do the work of one order; a fault of ours puts this order aside and stops no other."""
        try:
            await work
        except (JournalFailed, asyncio.CancelledError):
            raise
        except Exception:
            log.exception("A fault of shipbatch at order number %d of the journal", order)
            self._register.faults += 1
            await self._put_aside(await self._load(self._joining.whole(order)))

    async def _put_aside(self, order: JournalOrder) -> None:
        """End an order at which we failed: what was not sent is held, and what may have been sent stays unknown."""
        ends = {State.PLANNED: State.HELD, State.SENDING: State.UNKNOWN}
        if order.state in ends:
            await self._journey.end(order, ends[order.state], reason=_OUR_FAULT)
        else:
            self._register.end(order.id, order.state)

    # Orders that turn out to be one

    async def _joined(self, order: JournalOrder, purchase_order_id: str) -> JournalOrder | None:
        """Return the order with all others of its purchase order, None where these come first."""
        async with self._joins:
            one = await asyncio.to_thread(self._joining.found, order.id, purchase_order_id)
        if one == order.id:
            return order
        return await self._load(one) if one else None

    # Settling

    async def _look_at(self, unsettled: Unsettled) -> tuple[JournalOrder, Verdict, Act]:
        order = await self._load(unsettled.order)
        if order.state is State.SENDING:
            lost = "The run that sent it ended before the answer came."
            change = Change(order=order.id, to=State.UNKNOWN, at=self._world.wall_ms(), reason=lost)
            await self._duty.recorder.write(change)
        attempt = await self._said.ask(self._said.exchange.dialect.read(order.purchase_order_id))
        if attempt.decision.act is Act.END_RUN:
            self._stop.request(Exit.FATAL, attempt.verdict.reason)
        if attempt.verdict.order:
            await self._journey.none_missing()
        return order, attempt.verdict, attempt.decision.act

    async def _settled(self, unsettled: Unsettled, change: Change | None, shown: Order | None) -> None:
        """Record what became of an unsettled update; one that was not done goes again, if it is this run's to send."""
        order = await self._load(unsettled.order)
        if change and change.to is State.PLANNED and was_accepted(self._duty.journal.database, order.id):
            change = None  # it is never sent again, whoever looks
        if change:
            await self._duty.recorder.write(change)
        state = change.to if change else State.UNKNOWN
        if state is State.SHIPPED and shown:
            late = lateness(shown.ship_by, order.sent_at, self._duty.zone)
            self._register.note(shown.purchase_order_id, units_open=sum(map(units_open, shown.lines)), late=late)
        again = state is State.PLANNED and self._may_go_again(unsettled.order)
        if not again:
            self._register.end(unsettled.order, state)
        await self._go_on(unsettled.order, shown, again=again)

    def _may_go_again(self, order: int) -> bool:
        tried = self._journey.answers.get(order, 0)
        return order not in self._others and tried < self._account.attempts and not self._stop.requested

    async def _go_on(self, settled: int, shown: Order | None, *, again: bool) -> None:
        """Let go on what was waiting for this order to be settled, and the order itself if it goes again."""
        async with self._joins:
            going = await asyncio.to_thread(self._joining.settled, settled, again=again)
        for order in going:
            await self.ready.put(await self._load(order), Reading(shown, float("-inf")) if shown else None)


async def _first(*waits: Coroutine[None, None, object]) -> None:
    tasks = [asyncio.create_task(wait) for wait in waits]
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
