from __future__ import annotations

import asyncio

from batch.marketplace.slots import Slots


async def _settled() -> None:
    for _ in range(3):  # whoever was woken goes on
        await asyncio.sleep(0)


class Visitor:
    """Takes a place, and leaves when told to."""

    def __init__(self, slots: Slots, here: list[Visitor]) -> None:
        self.leave = asyncio.Event()
        self.task = asyncio.create_task(self._visit(slots, here))

    async def _visit(self, slots: Slots, here: list[Visitor]) -> None:
        async with slots:
            here.append(self)
            try:
                await self.leave.wait()
            finally:
                here.remove(self)


async def visitors(slots: Slots, count: int) -> tuple[list[Visitor], list[Visitor]]:
    """Return all of them, and those who are there."""
    here: list[Visitor] = []
    everyone = [Visitor(slots, here) for _ in range(count)]
    await _settled()
    return everyone, here


async def _gone(everyone: list[Visitor]) -> None:
    for one in everyone:
        one.task.cancel()
    await asyncio.gather(*(one.task for one in everyone), return_exceptions=True)


async def test_no_more_are_there_than_there_are_places() -> None:
    slots = Slots(2)
    everyone, here = await visitors(slots, 4)
    assert (here, slots.taken) == (everyone[:2], True)
    await _gone(everyone)


async def test_the_place_of_whoever_leaves_goes_to_who_has_waited_longest() -> None:
    everyone, here = await visitors(Slots(1), 3)
    for next_one in everyone[1:]:
        here[0].leave.set()
        await _settled()
        assert here == [next_one]
    await _gone(everyone)


async def test_who_gives_up_waiting_is_passed_over() -> None:
    everyone, here = await visitors(Slots(1), 3)
    everyone[1].task.cancel()
    everyone[0].leave.set()
    await _settled()
    assert here == [everyone[2]]
    await _gone(everyone)


async def test_who_gives_up_just_as_a_place_is_given_hands_it_on() -> None:
    slots = Slots(1)
    everyone, here = await visitors(slots, 3)
    everyone[0].leave.set()
    await asyncio.sleep(0)
    assert here == []  # the first has left, and the next has not gone on yet
    everyone[1].task.cancel()
    await _settled()
    assert here == [everyone[2]]
    await _gone(everyone)
    assert not slots.taken


async def test_a_place_that_nobody_waits_for_is_free_again() -> None:
    slots = Slots(1)
    async with slots:
        assert slots.taken
    assert not slots.taken
