from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batch.errors import JournalFailed
from batch.journal.database import EntryRefused
from batch.journal.recorder import Recorder
from batch.journal.states import State
from batch.journal.writing import IllegalChange
from tests.unit.journal.making import SELLER, begin, change, end, number_of, parcel, plan, planned, state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batch.journal.entries import Claim, Entry
    from batch.journal.journal import Journal


class Slow:
    """A journal whose disk can be stopped, and that counts its transactions."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.go_on = threading.Event()
        self.go_on.set()
        self.blocks: list[int] = []
        self.failures: list[Exception] = []

    def apply(self, entries: Sequence[Entry]) -> list[tuple[Claim, ...]]:
        self.go_on.wait(10)
        self.blocks.append(len(entries))
        if self.failures:
            raise self.failures.pop(0)
        return self._journal.apply(entries)


@pytest.fixture
def disk(journal: Journal) -> Slow:
    return Slow(journal)


def _recorder(disk: Slow) -> Recorder:
    journal: Any = disk
    return Recorder(journal)


def _orders(journal: Journal, count: int) -> list[int]:
    return plan(journal, *(planned(f"{n}", parcel(tracking=f"1Z999AA1012345{n:04}")) for n in range(count)))


async def _turns() -> None:
    """Let every coroutine go as far as it can."""
    for _ in range(5):
        await asyncio.sleep(0)


async def test_what_is_written_is_durable_when_the_wait_is_over(journal: Journal, disk: Slow, run: int) -> None:
    [order] = _orders(journal, 1)

    async with _recorder(disk) as recorder:
        assert await recorder.write(begin(order, run, purchase_order="0")) == [()]
        assert state(journal, order) is State.SENDING


async def test_what_gathers_while_a_block_is_synced_goes_in_one_transaction(journal: Journal, disk: Slow) -> None:
    orders = _orders(journal, 21)
    async with _recorder(disk) as recorder:
        disk.go_on.clear()
        writes = [asyncio.create_task(recorder.write(change(order, State.HELD))) for order in orders]
        await _turns()
        disk.go_on.set()
        await asyncio.gather(*writes)

    assert disk.blocks == [21]


async def test_what_comes_while_a_block_is_under_way_waits_for_the_next(journal: Journal, disk: Slow) -> None:
    first, *others = _orders(journal, 4)
    async with _recorder(disk) as recorder:
        disk.go_on.clear()
        writes = [asyncio.create_task(recorder.write(change(first, State.HELD)))]
        await _turns()
        writes += [asyncio.create_task(recorder.write(change(order, State.HELD))) for order in others]
        await _turns()
        disk.go_on.set()
        await asyncio.gather(*writes)

    assert disk.blocks == [1, 3]


async def test_no_block_is_larger_than_its_limit_by_more_than_one_group(journal: Journal, disk: Slow) -> None:
    orders = _orders(journal, 1200)
    async with _recorder(disk) as recorder:
        await asyncio.gather(*(recorder.write(change(order, State.HELD)) for order in orders))

    assert sum(disk.blocks) == 1200
    assert max(disk.blocks) == 512


async def test_each_is_told_of_its_own_entries(journal: Journal, disk: Slow, run: int) -> None:
    first, second, third = plan(journal, planned("1"), planned("1", parcel(), parcel("2")), planned("3"))

    async with _recorder(disk) as recorder:
        results = await asyncio.gather(
            recorder.write(begin(first, run, purchase_order="1")),
            recorder.write(change(third, State.HELD), change(third, State.PLANNED)),
            recorder.write(begin(second, run, purchase_order="1")),
        )

    assert [[[claim.order for claim in claims] for claims in told] for told in results] == [[[]], [[], []], [[first]]]
    assert disk.blocks == [4]


async def test_one_bad_group_stops_no_other(journal: Journal, disk: Slow, run: int) -> None:
    orders = _orders(journal, 5)
    ends = [begin(order, run, purchase_order=f"{n}") for n, order in enumerate(orders)]

    async with _recorder(disk) as recorder:
        results = await asyncio.gather(
            *(recorder.write(one) for one in ends[:4]),
            recorder.write(change(orders[4], State.SHIPPED)),
            return_exceptions=True,
        )

    assert results[:4] == [[()]] * 4
    assert isinstance(results[4], IllegalChange)
    assert [state(journal, order) for order in orders] == [State.SENDING] * 4 + [State.PLANNED]


async def test_a_fault_of_ours_in_one_group_stops_no_other(journal: Journal, disk: Slow) -> None:
    orders = _orders(journal, 2)
    disk.failures = [ZeroDivisionError(), ZeroDivisionError()]

    async with _recorder(disk) as recorder:
        results = await asyncio.gather(
            *(recorder.write(change(order, State.HELD)) for order in orders), return_exceptions=True
        )

    assert isinstance(results[0], ZeroDivisionError)
    assert results[1] == [()]
    assert disk.blocks == [2, 1, 1]


async def test_what_another_process_was_faster_with_is_tried_again_and_then_seen(journal: Journal, disk: Slow) -> None:
    [order] = _orders(journal, 1)
    disk.failures = [EntryRefused("a parcel was claimed at the same moment")]

    async with _recorder(disk) as recorder:
        assert await recorder.write(change(order, State.HELD)) == [()]


async def test_where_the_journal_fails_all_are_told_at_once(journal: Journal, disk: Slow) -> None:
    orders = _orders(journal, 3)
    disk.failures = [JournalFailed("disk full")]

    async with _recorder(disk) as recorder:
        results = await asyncio.gather(
            *(recorder.write(change(order, State.HELD)) for order in orders), return_exceptions=True
        )

    assert [str(result) for result in results] == ["disk full"] * 3
    assert disk.blocks == [3]


async def test_a_caller_that_is_cancelled_has_still_written(journal: Journal, disk: Slow) -> None:
    [order] = _orders(journal, 1)
    async with _recorder(disk) as recorder:
        disk.go_on.clear()
        write = asyncio.create_task(recorder.write(change(order, State.HELD)))
        await _turns()
        write.cancel()
        with pytest.raises(asyncio.CancelledError):
            await write
        disk.go_on.set()

    assert state(journal, order) is State.HELD


async def test_a_failure_that_nobody_waits_for_any_more_disturbs_nobody(journal: Journal, disk: Slow) -> None:
    [order] = _orders(journal, 1)
    async with _recorder(disk) as recorder:
        disk.go_on.clear()
        write = asyncio.create_task(recorder.write(change(order, State.SHIPPED)))
        await _turns()
        write.cancel()
        disk.go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await write

        assert await recorder.write(change(order, State.HELD)) == [()]


async def test_the_recorder_ends_when_all_is_written(journal: Journal, disk: Slow) -> None:
    orders = _orders(journal, 30)
    async with _recorder(disk) as recorder:
        writes = [asyncio.create_task(recorder.write(change(order, State.HELD))) for order in orders]
        await _turns()

    assert {state(journal, order) for order in orders} == {State.HELD}
    await asyncio.gather(*writes)


async def test_a_recorder_that_wrote_nothing_ends_too(disk: Slow) -> None:
    async with _recorder(disk):
        pass

    assert disk.blocks == []


PLANS = st.lists(st.tuples(st.sampled_from(["good", "illegal", "unknown", "stray"]), st.integers(0, 3)), max_size=25)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(groups=PLANS)
def test_whatever_else_is_written_every_good_group_is_on_record(
    journal: Journal, run: int, groups: list[tuple[str, int]]
) -> None:
    offset = number_of("orders", journal)
    names = [f"{offset + n}" for n in range(len(groups))]
    orders = plan(journal, *(planned(name) for name in names))

    async def write(recorder: Recorder, place: int, kind: str, turns: int) -> object:
        order, begun = orders[place], begin(orders[place], run, purchase_order=names[place])
        for _ in range(turns):
            await asyncio.sleep(0)
        match kind:
            case "good":
                await recorder.write(begun)
                return await recorder.write(end(begun), change(order, State.SHIPPED))
            case "illegal":
                return await recorder.write(change(order, State.SHIPPED))
            case "unknown":
                return await recorder.write(change(10**6, State.HELD))
            case _:
                return await recorder.write(end(begun))

    async def write_all() -> list[object]:
        async with Recorder(journal) as recorder:
            writes = (write(recorder, place, kind, turns) for place, (kind, turns) in enumerate(groups))
            return await asyncio.gather(*writes, return_exceptions=True)

    results = asyncio.run(write_all())

    for order, (kind, _), result in zip(orders, groups, results, strict=True):
        assert isinstance(result, IllegalChange) == (kind != "good")
        assert state(journal, order) is (State.SHIPPED if kind == "good" else State.PLANNED)
    assert len(journal.in_states(SELLER, [State.SENDING])) == 0
