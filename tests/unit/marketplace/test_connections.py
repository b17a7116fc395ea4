from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import aiohttp
import pytest

from batch.marketplace.connections import IDLE_AT_MOST, Connections, NeverStood

if TYPE_CHECKING:
    from batch.marketplace.connections import KeptConnection

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


def connections(connector: Connector, clock: Clock, *, most: int = 2, connecting: float = 5.0) -> Connections:
    return Connections(cast("aiohttp.BaseConnector", connector), most=most, connecting=connecting, clock=clock)


def wire(one: KeptConnection) -> Wire:
    return cast("Wire", one.connection)


async def test_the_connection_that_was_used_last_is_used_first(clock: Clock) -> None:
    some = connections(Connector(Wire(), Wire()), clock)
    first, second = await some.take(ASKING), await some.take(ASKING)
    some.give_back(first)
    some.give_back(second)
    assert await some.take(ASKING) is second
    assert await some.take(ASKING) is first


async def test_a_connection_that_was_idle_for_long_is_closed_and_not_used(clock: Clock) -> None:
    connector = Connector(Wire(), Wire())
    some = connections(connector, clock)
    old = await some.take(ASKING)
    some.give_back(old)
    clock.now += IDLE_AT_MOST + 1
    assert await some.take(ASKING) is not old
    assert wire(old).closed


async def test_of_idle_connections_those_that_nobody_needs_any_more_are_closed(clock: Clock) -> None:
    some = connections(Connector(Wire(), Wire()), clock)
    busy, old = await some.take(ASKING), await some.take(ASKING)
    some.give_back(old)
    clock.now += IDLE_AT_MOST + 1
    some.give_back(busy)
    assert await some.take(ASKING) is busy
    assert wire(old).closed


async def test_a_connection_on_which_something_arrived_unasked_is_closed_and_not_used(clock: Clock) -> None:
    some = connections(Connector(Wire(), Wire()), clock)
    one = await some.take(ASKING)
    some.give_back(one)
    wire(one).should_close = True
    assert await some.take(ASKING) is not one
    assert wire(one).closed


async def test_a_connection_that_is_not_clear_is_not_kept(clock: Clock) -> None:
    some = connections(Connector(Wire(), Wire()), clock)
    one = await some.take(ASKING)
    wire(one).should_close = True
    some.give_back(one)
    assert wire(one).closed


async def test_a_connection_that_broke_at_once_is_given_to_nobody(clock: Clock) -> None:
    some = connections(Connector(Wire(stands=False), Wire()), clock, most=1)
    with pytest.raises(NeverStood):
        await some.take(ASKING)
    await some.take(ASKING)  # its place is free


async def test_who_waits_for_a_connection_is_given_the_next_that_comes_back(clock: Clock) -> None:
    some = connections(Connector(Wire()), clock, most=1)
    one = await some.take(ASKING)
    waiting = asyncio.create_task(some.take(ASKING))
    await asyncio.sleep(0)
    assert not waiting.done()
    some.give_back(one)
    assert await waiting is one


async def test_waiting_for_a_connection_ends_in_time(clock: Clock) -> None:
    some = connections(Connector(Wire()), clock, most=1, connecting=0.01)
    await some.take(ASKING)
    with pytest.raises(aiohttp.ConnectionTimeoutError):
        await some.take(ASKING)


async def test_what_waiting_took_is_no_more_there_for_connecting(clock: Clock) -> None:
    connector = Connector(Wire())
    some = connections(connector, clock, most=1)
    one = await some.take(ASKING)
    waiting = asyncio.create_task(some.take(ASKING))
    await asyncio.sleep(0)
    clock.now += 2.0
    wire(one).should_close = True
    some.give_back(one)
    with suppress(aiohttp.ConnectionTimeoutError):
        await waiting
    assert connector.allowed == [5.0, 3.0]


async def test_where_waiting_took_all_the_time_no_connection_is_made(clock: Clock) -> None:
    connector = Connector(Wire(), Wire())
    some = connections(connector, clock, most=1)
    one = await some.take(ASKING)
    waiting = asyncio.create_task(some.take(ASKING))
    await asyncio.sleep(0)
    clock.now += 5.0
    wire(one).should_close = True
    some.give_back(one)
    with pytest.raises(aiohttp.ConnectionTimeoutError):
        await waiting
    assert connector.allowed == [5.0]


async def test_connections_that_nobody_uses_are_closed_at_the_end(clock: Clock) -> None:
    some = connections(Connector(Wire(), Wire()), clock)
    idle, busy = await some.take(ASKING), await some.take(ASKING)
    some.give_back(idle)
    some.close()
    assert (wire(idle).closed, wire(busy).closed) == (True, False)
