from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from batch.journal.entries import Change, JournalOrder
from batch.journal.states import State
from batch.marketplace.verdict import Meaning, Verdict
from batch.submit.retry import Act
from batch.submit.settling import Settling, Unsettled
from tests.unit.submit.saying import NOW_MS, rows, shown
from tests.unit.submit.virtual import now, run

if TYPE_CHECKING:
    from collections.abc import Awaitable

    from batch.marketplace.orders import Order

UNREADABLE = Verdict(meaning=Meaning.UNAVAILABLE)
MISSING = Verdict(meaning=Meaning.REFUSED, missing=True)
Ended = tuple[float, int, State | None]


def seen(words: str) -> Verdict:
    return Verdict(meaning=Meaning.ACCEPTED, order=shown(words))


class Readings:
    """What readings show: `script` is asked with the seconds since the beginning and how often it was read."""

    def __init__(self, script: Any, *, act: Act = Act.DONE) -> None:  # noqa: ANN401 - a function or a verdict
        self.script, self.act = script, act
        self.looked = list[float]()
        self.ended = list[Ended]()
        self.changes = list[Change | None]()

    def settle(self, *unsettled: Unsettled, settle_time: float = 300.0, seconds: float = 2000.0) -> list[Ended]:
        async def main() -> None:
            settling = Settling(
                settle_time=settle_time,
                look=self._look,
                ended=self._end,
                isolated=self._isolated,
                clock=now,
                wall_ms=lambda: NOW_MS,
                sleep=asyncio.sleep,
            )
            task = asyncio.create_task(settling.run())
            await asyncio.sleep(1)
            for one in unsettled:
                settling.add(one)
            await asyncio.sleep(seconds)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

        run(main())
        return self.ended

    async def _look(self, unsettled: Unsettled) -> tuple[JournalOrder, Verdict, Act]:
        self.looked.append(now() - 1001)
        parcels = rows("1 A")
        order = JournalOrder(
            id=unsettled.order,
            purchase_order_id="1",
            customer_order_id="",
            state=State.UNKNOWN,
            parcels=parcels,
            sent=parcels,
            sent_parts=(0,),
            before={"1": 0},
            note="line 1 was found",
        )
        verdict = self.script(now() - 1001) if callable(self.script) else self.script
        return order, verdict, self.act

    async def _end(self, unsettled: Unsettled, change: Change | None, _shown: Order | None) -> None:
        self.ended.append((now() - 1001, unsettled.order, change.to if change else None))
        self.changes.append(change)

    async def _isolated(self, _order: int, work: Awaitable[None]) -> None:
        await work


def test_what_is_there_ends_at_the_first_look() -> None:
    readings = Readings(seen("1: 1 shipped A"))
    assert readings.settle(Unsettled(7, 1001.0)) == [(0.0, 7, State.SHIPPED)]
    assert [change and change.note for change in readings.changes] == [
        "line 1 was found; confirmed by reading the order"
    ]


def test_what_is_not_there_is_believed_only_when_the_settle_time_is_over() -> None:
    readings = Readings(seen("1: 1 open"))
    assert readings.settle(Unsettled(7, 1001.0)) == [(300.0, 7, State.PLANNED)]
    assert readings.looked == [0, 1, 3, 7, 15, 31, 61, 91, 121, 151, 181, 211, 241, 271, 300]


def test_the_settle_time_runs_from_the_end_of_the_attempt() -> None:
    assert Readings(seen("1: 1 open")).settle(Unsettled(7, 901.0)) == [(200.0, 7, State.PLANNED)]
    assert Readings(seen("1: 1 open")).settle(Unsettled(7, 0.0)) == [(0.0, 7, State.PLANNED)]


def test_a_commit_that_comes_late_is_seen() -> None:
    readings = Readings(lambda at: seen("1: 1 open" if at < 200 else "1: 1 shipped A"))
    assert readings.settle(Unsettled(7, 1001.0)) == [(211.0, 7, State.SHIPPED)]


def test_something_else_that_happened_is_for_a_person_once_it_is_sure() -> None:
    readings = Readings(seen("1: 1 shipped B"))
    assert readings.settle(Unsettled(7, 1001.0)) == [(300.0, 7, State.HELD)]
    assert "we sent 1 with A" in str(readings.changes)


def test_an_update_that_was_accepted_stays_unknown_rather_than_going_again() -> None:
    assert Readings(seen("1: 1 open")).settle(Unsettled(7, 1001.0, accepted=True)) == [(300.0, 7, None)]


def test_an_order_that_is_gone_is_held() -> None:
    readings = Readings(MISSING)
    assert readings.settle(Unsettled(7, 1001.0)) == [(300.0, 7, State.HELD)]
    assert "no longer be found" in str(readings.changes)


def test_an_order_that_cannot_be_read_stays_unknown_in_the_end() -> None:
    readings = Readings(UNREADABLE)
    assert readings.settle(Unsettled(7, 1001.0), settle_time=10) == [(326.0, 7, None)]
    assert len([at for at in readings.looked if at >= 10]) == 12


def test_one_reading_that_fails_when_the_settle_time_is_over_is_made_again() -> None:
    readings = Readings(lambda at: UNREADABLE if at == 300 else seen("1: 1 open"))
    assert readings.settle(Unsettled(7, 1001.0)) == [(330.0, 7, State.PLANNED)]


def test_refused_credentials_leave_it_unknown_at_once() -> None:
    assert Readings(UNREADABLE, act=Act.END_RUN).settle(Unsettled(7, 1001.0)) == [(0.0, 7, None)]


def test_many_are_looked_at_side_by_side_and_each_ends_once() -> None:
    readings = Readings(lambda at: seen("1: 1 open" if at < 50 else "1: 1 shipped A"))
    ended = readings.settle(*(Unsettled(n, 1001.0) for n in range(100)))
    assert sorted(order for _, order, _ in ended) == list(range(100))
    assert {at for at, _, _ in ended} == {61.0}


def test_one_that_comes_while_others_wait_is_looked_at_at_once() -> None:
    readings = Readings(seen("1: 1 shipped A"))
    readings.settle(Unsettled(1, 1001.0), Unsettled(2, 1001.0))
    assert readings.looked == [0.0, 0.0]
