"""The way of one order: read, decide, acknowledge, send, and its end on record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from batch.errors import Exit, WrongAccount
from batch.journal.calls import may_be_edited
from batch.journal.entries import Change, Part
from batch.journal.states import State
from batch.marketplace.confirmation import confirmed
from batch.marketplace.verdict import Meaning
from batch.outcomes import GRAVEST_FIRST, WELL, Outcome
from batch.submit.looking import ALL_MISSING, NOT_FOUND, reading_of, shown_by
from batch.submit.preflight import decide, without_reading
from batch.submit.ready import READING_LASTS, Reading
from batch.submit.register import lateness
from batch.submit.resolution import SHIPPED_BEFORE, Resolution
from batch.submit.retry import Act
from batch.submit.saying import Saying
from batch.submit.settle import Found, settled
from batch.submit.settling import Unsettled
from batch.submit.standing import units_open

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence
    from zoneinfo import ZoneInfo

    from batch.journal.entries import Claim, JournalOrder, Parts
    from batch.journal.journal import Journal
    from batch.journal.recorder import Recorder
    from batch.marketplace.orders import Order, ShippingUpdate
    from batch.marketplace.verdict import Verdict
    from batch.settings import Account
    from batch.submit.conversation import Conversation, Surroundings
    from batch.submit.register import Register
    from batch.submit.retry import Attempt
    from batch.submit.stop import Stop

_EDITED = "This correction was sent before, and the order does not show it; look at it in Seller Center."
_UNSENT = {Outcome.REFUSED: State.REFUSED, Outcome.HELD: State.HELD}  # else what is not sent was shipped before


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Ways:
    """Where an order goes on to."""

    ready: Callable[[JournalOrder, Reading], Awaitable[None]]  # may be sent
    joined: Callable[[JournalOrder, str], Awaitable[JournalOrder | None]]  # its purchase order is known; None: waits
    unsettled: Callable[[Unsettled], None]


class Journey:
    """Takes orders on their way, one at a call."""

    def __init__(self, duty: Duty, register: Register, ways: Ways) -> None:
        self._duty, self._account, self._stop = duty, duty.account, duty.stop
        self._world, self._said = duty.surroundings, duty.conversation
        self._register, self._ways = register, ways
        self.answers: dict[int, int] = {}  # order ▶ answers to its updates that count, while it has not ended

    async def prepare(self, order: JournalOrder) -> None:
        """Read an order ahead of its turn; it goes no further where the reading shows that it must not be sent."""
        reading = await self._look(order)
        if reading is None:
            return
        if reading.order.purchase_order_id != order.purchase_order_id:
            joined = await self._ways.joined(order, reading.order.purchase_order_id)
            if joined is None:
                return
            order = joined
        resolution = self._resolve(order, reading.order, order.claims)
        if resolution.update is None:
            await self._end_unsent(order, resolution, reading.order)
        elif not self._stop.requested:
            await self._ways.ready(order, reading)

    async def send(self, order: JournalOrder, reading: Reading | None) -> None:
        """Send an order whose turn it is, as a fresh reading shows that it must be."""
        if self._account.preflight or not order.purchase_order_id:
            if reading is None or self._world.clock() - reading.at > READING_LASTS:
                reading = await self._look(order)
            if reading is None:
                return
        shown = reading.order if reading else None
        resolution = self._resolve(order, shown, order.claims)
        update = resolution.update
        if update is None:
            await self._end_unsent(order, resolution, shown)
        elif update.replaces and may_be_edited(self._duty.journal.database, order.id):
            await self.end(order, State.HELD, reason=_EDITED, shown=shown)
        elif not resolution.acknowledge or await self._acknowledge(order, update.purchase_order_id):
            await self._update(order, update, resolution, shown, order.claims)

    async def end(
        self,
        order: JournalOrder,
        state: State,
        *,
        reason: str,
        parts: Parts = (),
        note: str = "",
        shown: Order | None = None,
    ) -> None:
        """Record the end of an order for which nothing is under way. `shown`: as the marketplace showed it."""
        change = self._change(order, state, reason=reason, parts=parts, note=note, shown=shown)
        await self._duty.recorder.write(change)
        self._count(order, state)

    # Reading

    async def _look(self, order: JournalOrder) -> Reading | None:
        """Read an order; None where it goes no further, and then it has ended or stays planned."""
        asked_at = self._world.clock()
        dialect = self._said.exchange.dialect
        attempt = await self._said.ask(reading_of(dialect, order.purchase_order_id, order.customer_order_id))
        if attempt.decision.act is not Act.DONE:
            await self._leave(order, attempt)
            return None
        shown = shown_by(attempt.verdict)
        if shown.account_is_right:
            await self.none_missing()
        if shown.missing:
            await self._miss(order)
        elif shown.end:
            await self.end(order, _UNSENT[shown.end.outcome], reason=shown.end.reason)
        return Reading(shown.order, asked_at) if shown.order else None

    async def _miss(self, order: JournalOrder) -> None:
        """Note an order that is not found. While none is, none is refused: it may be the account that is wrong."""
        if not self._register.miss(order.id):
            await self.end(order, State.REFUSED, reason=NOT_FOUND)
        elif len(self._register.missing or ()) >= ALL_MISSING:
            self._stop.request(WrongAccount.exit_code, f"{ALL_MISSING} orders read, none found: {WrongAccount()}")

    async def none_missing(self) -> None:
        """Refuse the orders that were held back because none was found."""
        if self._register.missing is not None:
            for order in self._duty.journal.load(self._register.take_missing()):
                await self.end(order, State.REFUSED, reason=NOT_FOUND)

    # Deciding

    def _resolve(self, order: JournalOrder, shown: Order | None, claims: Sequence[Claim]) -> Resolution:
        now_ms = self._world.wall_ms()
        if shown is not None and (self._account.preflight or shown.fulfilled_by_walmart):
            return decide(
                order.parcels,
                shown,
                self._account,
                zone=self._duty.zone,
                now_ms=now_ms,
                claims=claims,
                ended=order.ended,
            )
        return without_reading(
            order.parcels,
            shown.purchase_order_id if shown else order.purchase_order_id,
            self._account,
            now_ms=now_ms,
            claims=claims,
            ended=order.ended,
            doubtful=order.doubtful,
        )

    async def _end_unsent(self, order: JournalOrder, resolution: Resolution, shown: Order | None) -> None:
        """Record the end of an order of which nothing is sent: the gravest of its parcels'."""
        gravest = min((part for part in resolution.parts if part), key=lambda part: GRAVEST_FIRST.index(part.outcome))
        state = _UNSENT.get(gravest.outcome, State.ALREADY_SHIPPED)
        if state is State.ALREADY_SHIPPED and shown:
            self._register.note(shown.purchase_order_id, units_open=resolution.stays_open)
        parts, note = resolution.parts, resolution.note
        await self.end(order, state, reason=gravest.reason, parts=parts, note=note, shown=shown)

    # Sending

    async def _acknowledge(self, order: JournalOrder, purchase_order_id: str) -> bool:
        """Acknowledge an order; say whether it may be sent. A refusal is not believed: the update itself will tell."""
        call = self._said.exchange.dialect.acknowledge(purchase_order_id)
        attempt = await self._said.tell(call, Saying(order.id))
        if attempt.decision.act is Act.DONE:
            await self._write(attempt)
            return True
        await self._leave(order, attempt)
        return False

    async def _update(
        self,
        order: JournalOrder,
        update: ShippingUpdate,
        resolution: Resolution,
        shown: Order | None,
        claims: Sequence[Claim],
    ) -> None:
        """Send the update of an order and record what came of it. `claims`: what is known of other orders'."""
        try:
            call = self._said.exchange.dialect.ship(update)
        except ValueError as fault:
            await self.end(order, State.HELD, reason=f"No update can be made of it: {fault}.", shown=shown)
            return
        saying = Saying(
            order.id,
            update,
            parts=resolution.indexes,
            ended=resolution.parts,
            before=resolution.before,
            answers=self.answers.get(order.id, 0),
        )
        attempt = await self._said.tell(call, saying)
        self.answers[order.id] = saying.answers
        if attempt.against:
            await self._go_on_without(order, shown, (*claims, *attempt.against))
        elif attempt.decision.act in (Act.GIVE_UP, Act.END_RUN):
            await self._leave(order, attempt, begun=saying.begun)
        else:
            await self._take(order, update, attempt, resolution, shown)

    async def _take(
        self,
        order: JournalOrder,
        update: ShippingUpdate,
        attempt: Attempt,
        resolution: Resolution,
        shown: Order | None,
    ) -> None:
        """Take the answer to an update: it is shipped, or refused, or that is still to be found out."""
        verdict, before = attempt.verdict, shown
        shown = shown or verdict.order
        if verdict.meaning is Meaning.REFUSED:
            state, reason, parts = await self._believe(update, resolution, verdict)
            await self._end_sent(order, state, attempt, resolution, shown, reason=reason, parts=parts)
        elif shown and verdict.order and all(confirmed(update, verdict.order, before)):
            stays_open = resolution.stays_open if before else sum(map(units_open, shown.lines))
            late = lateness(shown.ship_by, self._world.wall_ms(), self._duty.zone)
            self._register.note(update.purchase_order_id, units_open=stays_open, late=late)
            await self._end_sent(order, State.SHIPPED, attempt, resolution, shown)
        else:
            reason, note = verdict.reason or _UNCONFIRMED, resolution.note
            await self._write(attempt, self._change(order, State.UNKNOWN, reason=reason, note=note, shown=shown))
            accepted = verdict.meaning is Meaning.ACCEPTED
            self._ways.unsettled(Unsettled(order.id, self._world.clock(), accepted=accepted))

    async def _believe(
        self, update: ShippingUpdate, resolution: Resolution, verdict: Verdict
    ) -> tuple[State, str, Parts]:
        """Say how a refused update ended: where the server says that it was shipped already, the order itself tells."""
        if verdict.already_shipped:
            attempt = await self._said.ask(self._said.exchange.dialect.read(update.purchase_order_id))
            self._stop_if_refused(attempt)
            if shown := attempt.verdict.order:
                return _already_shipped(update, resolution, shown, verdict)
        return State.REFUSED, verdict.reason, ()

    async def _go_on_without(self, order: JournalOrder, shown: Order | None, claims: Sequence[Claim]) -> None:
        """Send what is left of an order once other orders turned out to have claimed parcels of it."""
        resolution = self._resolve(order, shown, claims)
        if resolution.update is None:
            await self._end_unsent(order, resolution, shown)
        else:
            await self._update(order, resolution.update, resolution, shown, claims)

    async def _end_sent(
        self,
        order: JournalOrder,
        state: State,
        attempt: Attempt,
        resolution: Resolution,
        shown: Order | None,
        *,
        reason: str = "",
        parts: Parts = (),
    ) -> None:
        """Record the end of an order whose update was answered. What did not go with it stays as it ended."""
        note = resolution.note
        await self._write(attempt, self._change(order, state, reason=reason, parts=parts, note=note, shown=shown))
        left = any(part and part.outcome not in WELL for part in resolution.parts)
        self._count(order, State.HELD if left and state is not State.REFUSED else state)

    async def _leave(self, order: JournalOrder, attempt: Attempt, *, begun: bool = False) -> None:
        """Leave an order to a later run: nothing was done for it."""
        back = self._change(order, State.PLANNED, reason=attempt.verdict.reason)
        await self._write(attempt, *([back] if begun else []))
        self._stop_if_refused(attempt)
        self._count(order, State.PLANNED)

    # Writing

    def _change(
        self,
        order: JournalOrder,
        state: State,
        *,
        reason: str,
        parts: Parts = (),
        note: str = "",
        shown: Order | None = None,
    ) -> Change:
        return Change(
            order=order.id,
            to=state,
            at=self._world.wall_ms(),
            reason=reason,
            parts=parts,
            note=note,
            ship_by=shown.ship_by if shown else 0,
            purchase_order_id=shown.purchase_order_id if shown else "",
        )

    async def _write(self, attempt: Attempt, *changes: Change) -> None:
        entries = (*((attempt.end,) if attempt.end else ()), *changes)
        if entries:
            await self._duty.recorder.write(*entries)

    def _count(self, order: JournalOrder, state: State) -> None:
        self.answers.pop(order.id, None)
        self._register.end(order.id, state)

    def _stop_if_refused(self, attempt: Attempt) -> None:
        if attempt.decision.act is Act.END_RUN:
            self._stop.request(Exit.FATAL, attempt.verdict.reason)


_UNCONFIRMED = "The marketplace accepted it, but its answer does not show it."


def _already_shipped(
    update: ShippingUpdate, resolution: Resolution, shown: Order, verdict: Verdict
) -> tuple[State, str, Parts]:
    settlement = settled(update.parcels, resolution.before or None, shown)
    if settlement.found is Found.DONE:
        return State.ALREADY_SHIPPED, f"{SHIPPED_BEFORE}.", ()
    if settlement.found is Found.NOT_DONE:
        return State.REFUSED, verdict.reason, ()
    before = Part(Outcome.ALREADY_SHIPPED, f"{SHIPPED_BEFORE}.")
    parts = settlement.parts(update.parcels, resolution.indexes, len(resolution.parts), before)
    return State.HELD, settlement.reason, parts
