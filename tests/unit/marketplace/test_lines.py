from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import aiohttp
import pytest

from batch.marketplace.lines import KEPT, Lines, NoLine

if TYPE_CHECKING:
    from batch.marketplace.lines import Line

ASKING = cast("aiohttp.ClientRequest", None)


class Wire:
    """aiohttp's side of a connection: what reads its answers, what it is written to by, and whether it is kept."""

    def __init__(self, *, stands: bool = True) -> None:
        self.protocol = self
        self.transport = self if stands else None
        self.should_close = False
        self.closed = False

    def is_connected(self) -> bool:
        return not self.closed

    def set_response_params(self, **_chosen: object) -> None:
        pass

    def close(self) -> None:
        self.closed = True


class Connector:
    """Gives the wires in turn; without any it never answers."""

    def __init__(self, *wires: Wire) -> None:
        self.wires = [*wires]
        self.allowed: list[float | None] = []  # s, for each connection

    async def connect(self, _asking: object, _traces: object, timeout: aiohttp.ClientTimeout) -> Wire:  # noqa: ASYNC109 - aiohttp's own
        self.allowed.append(timeout.connect)
        if not self.wires:
            raise TimeoutError
        return self.wires.pop(0)


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def lines(connector: Connector, clock: Clock, *, most: int = 2, connecting: float = 5.0) -> Lines:
    return Lines(cast("aiohttp.BaseConnector", connector), most=most, connecting=connecting, clock=clock)


def wire(line: Line) -> Wire:
    return cast("Wire", line.connection)


async def test_the_line_that_was_used_last_is_used_first(clock: Clock) -> None:
    kept = lines(Connector(Wire(), Wire()), clock)
    first, second = await kept.take(ASKING), await kept.take(ASKING)
    kept.give_back(first)
    kept.give_back(second)
    assert await kept.take(ASKING) is second
    assert await kept.take(ASKING) is first


async def test_a_line_that_was_idle_for_long_is_closed_and_not_used(clock: Clock) -> None:
    connector = Connector(Wire(), Wire())
    kept = lines(connector, clock)
    old = await kept.take(ASKING)
    kept.give_back(old)
    clock.now += KEPT + 1
    assert await kept.take(ASKING) is not old
    assert wire(old).closed


async def test_of_idle_lines_those_that_nobody_needs_any_more_are_closed(clock: Clock) -> None:
    kept = lines(Connector(Wire(), Wire()), clock)
    busy, old = await kept.take(ASKING), await kept.take(ASKING)
    kept.give_back(old)
    clock.now += KEPT + 1
    kept.give_back(busy)
    assert await kept.take(ASKING) is busy
    assert wire(old).closed


async def test_a_line_on_which_something_arrived_unasked_is_closed_and_not_used(clock: Clock) -> None:
    kept = lines(Connector(Wire(), Wire()), clock)
    line = await kept.take(ASKING)
    kept.give_back(line)
    wire(line).should_close = True
    assert await kept.take(ASKING) is not line
    assert wire(line).closed


async def test_a_line_that_is_not_clear_is_not_kept(clock: Clock) -> None:
    kept = lines(Connector(Wire(), Wire()), clock)
    line = await kept.take(ASKING)
    wire(line).should_close = True
    kept.give_back(line)
    assert wire(line).closed


async def test_a_connection_that_broke_at_once_is_no_line(clock: Clock) -> None:
    kept = lines(Connector(Wire(stands=False), Wire()), clock, most=1)
    with pytest.raises(NoLine):
        await kept.take(ASKING)
    await kept.take(ASKING)  # its place is free


async def test_who_waits_for_a_line_is_given_the_next_that_comes_back(clock: Clock) -> None:
    kept = lines(Connector(Wire()), clock, most=1)
    line = await kept.take(ASKING)
    waiting = asyncio.create_task(kept.take(ASKING))
    await asyncio.sleep(0)
    assert not waiting.done()
    kept.give_back(line)
    assert await waiting is line


async def test_waiting_for_a_line_ends_in_time(clock: Clock) -> None:
    kept = lines(Connector(Wire()), clock, most=1, connecting=0.01)
    await kept.take(ASKING)
    with pytest.raises(aiohttp.ConnectionTimeoutError):
        await kept.take(ASKING)


async def test_what_waiting_took_is_no_more_there_for_connecting(clock: Clock) -> None:
    connector = Connector(Wire())
    kept = lines(connector, clock, most=1)
    line = await kept.take(ASKING)
    waiting = asyncio.create_task(kept.take(ASKING))
    await asyncio.sleep(0)
    clock.now += 2.0
    wire(line).should_close = True
    kept.give_back(line)
    with suppress(aiohttp.ConnectionTimeoutError):
        await waiting
    assert connector.allowed == [5.0, 3.0]


async def test_lines_that_nobody_uses_are_closed_at_the_end(clock: Clock) -> None:
    kept = lines(Connector(Wire(), Wire()), clock)
    idle, busy = await kept.take(ASKING), await kept.take(ASKING)
    kept.give_back(idle)
    kept.close()
    assert (wire(idle).closed, wire(busy).closed) == (True, False)
