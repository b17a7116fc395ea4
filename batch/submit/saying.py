"""An order's call on its way through its attempts, each of them on record before it leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from batch.journal.entries import Begin, Change, End
from batch.journal.states import State
from batch.marketplace.verdict import Meaning, Verdict
from batch.submit.retry import Act, Attempt, Decision

if TYPE_CHECKING:
    from collections.abc import Callable

    from batch.journal.entries import Parts
    from batch.journal.recorder import Recorder
    from batch.marketplace.call import Kind
    from batch.marketplace.orders import ShippingUpdate
    from batch.submit.stop import Stop

_NOT_MADE = Verdict(meaning=Meaning.UNAVAILABLE, reason="The run was told to stop before it left.")
_NOTHING_DONE = frozenset({Meaning.THROTTLED, Meaning.UNAVAILABLE, Meaning.UNAUTHORISED})


class Saying(Struct):
    """What is to be said for an order: an update, or without one an acknowledgement."""

    order: int
    update: ShippingUpdate | None = None
    parts: tuple[int, ...] = ()  # beside each parcel of the update: which parcel of the file it comes from
    ended: Parts = ()  # beside each parcel of the file: how it ended, None where it goes with the update
    before: dict[str, int] = {}  # what was shipped beforehand
    answers: int = 0  # to this order's updates in this run, of those that count
    begun: bool = False
    unwritten: End | None = None  # of the last attempt
    undone: bool = False  # the last attempt certainly did nothing


class OnRecord(Struct, frozen=True, kw_only=True):
    """Writes down the attempts of one call."""

    saying: Saying
    kind: Kind
    seller: str
    run: int
    recorder: Recorder
    stop: Stop
    wall_ms: Callable[[], int]

    def stopped(self) -> Attempt | None:
        """Return what ends the call once the run is told to stop, None before."""
        if not self.stop.requested:
            return None
        stopped = Verdict(meaning=Meaning.UNAVAILABLE, reason=self.stop.reason)
        return Attempt(stopped, Decision(Act.GIVE_UP), self.saying.unwritten)

    async def begin(self, correlation_id: str) -> Attempt | None:
        """Write that an attempt begins; return what ends the call instead, None for nothing."""
        if stopped := self.stopped():
            return stopped
        saying = self.saying
        begin = Begin(
            order=saying.order,
            seller=self.seller,
            run=self.run,
            kind=self.kind,
            correlation_id=correlation_id,
            at=self.wall_ms(),
            update=None if saying.begun else saying.update,
            parts=saying.parts,
            ended=saying.ended,
            before=saying.before,
        )
        unwritten, saying.unwritten = self._unwritten(), None
        against = (await self.recorder.write(*unwritten, begin))[-1]
        if against:
            return Attempt(Verdict(meaning=Meaning.REFUSED), Decision(Act.DONE), against=against)
        saying.begun, saying.undone = True, False
        return None

    def waits(self, correlation_id: str) -> None:
        """Note that an attempt which is on record has not left yet: should it never leave, nothing was done."""
        self._ends(correlation_id, self.wall_ms(), _NOT_MADE)

    def leaves(self) -> Attempt | None:
        """Note that an attempt which is on record leaves now; return what ends the call instead, None for nothing."""
        if stopped := self.stopped():
            return stopped
        self.saying.unwritten, self.saying.undone = None, False
        return None

    def end(self, correlation_id: str, made: Attempt, at: int) -> Attempt:
        """Return the attempt with its end, to be written with what follows from it. `at`: UTC epoch milliseconds."""
        return Attempt(made.verdict, made.decision, self._ends(correlation_id, at, made.verdict))

    def _ends(self, correlation_id: str, at: int, verdict: Verdict) -> End:
        """Note how an attempt ends, or would end."""
        end = End(
            order=self.saying.order,
            correlation_id=correlation_id,
            at=at,
            status=verdict.status,
            verdict=verdict.meaning,
            reason=verdict.reason,
        )
        self.saying.unwritten, self.saying.undone = end, verdict.meaning in _NOTHING_DONE
        return end

    async def take_back(self) -> None:
        """Take the order back to planned where its last attempt did nothing and there will be no other."""
        saying = self.saying
        back = [Change(order=saying.order, to=State.PLANNED, at=self.wall_ms())] if saying.update else []
        if saying.undone and saying.unwritten:
            await self.recorder.write(saying.unwritten, *back)

    def _unwritten(self) -> tuple[End, ...]:
        return (self.saying.unwritten,) if self.saying.unwritten else ()
