from __future__ import annotations

import asyncio

import pytest

from batch.journal.entries import JournalOrder
from batch.journal.states import State
from batch.submit.ready import READINGS_KEPT, Reading, Ready
from tests.unit.submit.saying import DAY, NOW_MS, shown
from tests.unit.submit.virtual import run


def order(number: int) -> JournalOrder:
    return JournalOrder(id=number, purchase_order_id=str(number), customer_order_id="", state=State.PLANNED, parcels=())


def reading(days: int) -> Reading:
    return Reading(shown("1: 1 open", ship_by=NOW_MS + days * DAY if days else 0), 0.0)


def test_the_nearest_deadline_comes_first_and_among_equals_the_first_that_came() -> None:
    async def main() -> tuple[list[int], int, int]:
        ready = Ready()
        for number, days in ((1, 3), (2, 1), (3, 0), (4, 2), (5, 1)):
            await ready.put(order(number), reading(days))
        await ready.put(order(6), None)
        length, nearest = len(ready), ready.nearest
        return [(await ready.get())[0] for _ in range(6)], length, nearest

    assert run(main()) == ([2, 5, 4, 1, 3, 6], 6, NOW_MS + DAY)


def test_of_few_that_wait_the_content_and_the_reading_are_kept() -> None:
    async def main() -> list[bool]:
        ready = Ready()
        for number in range(READINGS_KEPT + 2):
            await ready.put(order(number), reading(1), keep=number == READINGS_KEPT + 1)
        return [(await ready.get())[1] is not None for _ in range(READINGS_KEPT + 2)]

    assert run(main()) == [True] * READINGS_KEPT + [False, True]


def test_no_more_wait_than_there_is_room_for() -> None:
    async def main() -> bool:
        ready = Ready(most=1)
        await ready.put(order(1), None)
        second = asyncio.create_task(ready.put(order(2), None))
        await asyncio.sleep(1)
        blocked = not second.done()
        await ready.get()
        await second
        return blocked

    assert run(main())


def test_where_nobody_waits_there_is_no_deadline() -> None:
    async def main() -> list[int]:
        ready = Ready()
        nearest = [ready.nearest]
        await ready.put(order(1), reading(0))
        return [*nearest, ready.nearest]

    assert run(main()) == [0, 0]


def test_an_order_that_waits_costs_about_two_hundred_bytes() -> None:
    tracemalloc = pytest.importorskip("tracemalloc")

    async def main() -> int:
        ready = Ready()
        its_reading = reading(1)
        orders = [order(number) for number in range(1_000_000, 1_010_000)]
        for one in orders[:READINGS_KEPT]:
            await ready.put(one, its_reading)
        tracemalloc.start()
        for one in orders[READINGS_KEPT:]:
            await ready.put(one, its_reading)
        size, _ = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return int(size / (len(orders) - READINGS_KEPT))

    assert run(main()) < 200
