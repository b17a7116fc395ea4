from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from batch.marketplace.deadlines import Deadlines

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


class Timer:
    """A timer that goes off when its loop comes to it."""

    def __init__(self, time: float, act: Callable[[], None]) -> None:
        self.time, self.act = time, act
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """An event loop whose time passes when it is told to."""

    def __init__(self) -> None:
        self.now = 0.0
        self.timers: list[Timer] = []

    def time(self) -> float:
        return self.now

    def call_at(self, time: float, act: Callable[[], None]) -> Timer:
        self.timers.append(Timer(time, act))
        return self.timers[-1]

    @property
    def armed(self) -> list[float]:
        return [timer.time for timer in self.timers if not timer.cancelled]

    def pass_until(self, time: float) -> None:
        while due := [timer for timer in self.timers if not timer.cancelled and timer.time <= time]:
            first = min(due, key=lambda timer: timer.time)
            self.timers.remove(first)
            self.now = first.time
            first.act()
        self.now = time


class Pipe:
    """What a connection is written to by."""

    def __init__(self) -> None:
        self.aborted = False

    def abort(self) -> None:
        self.aborted = True


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def deadlines(loop: Loop) -> Deadlines:
    return Deadlines(cast("asyncio.AbstractEventLoop", loop))


def pipes(deadlines: Deadlines, *ends: float) -> list[asyncio.Transport]:
    begun = [cast("asyncio.Transport", Pipe()) for _ in ends]
    for pipe, ends_at in zip(begun, ends, strict=True):
        deadlines.begin(pipe, ends_at)
    return begun


def aborted(some: list[asyncio.Transport]) -> list[bool]:
    return [cast("Pipe", pipe).aborted for pipe in some]


def test_what_takes_too_long_is_broken_off_at_its_time(loop: Loop, deadlines: Deadlines) -> None:
    some = pipes(deadlines, 5.0, 7.0, 9.0)
    loop.pass_until(6.9)
    assert aborted(some) == [True, False, False]
    loop.pass_until(7.0)
    assert aborted(some) == [True, True, False]
    assert [deadlines.over(pipe) for pipe in some] == [False, False, True]


def test_what_is_over_in_time_is_left_alone(loop: Loop, deadlines: Deadlines) -> None:
    some = pipes(deadlines, 5.0)
    assert deadlines.over(some[0])
    loop.pass_until(6.0)
    assert aborted(some) == [False]


def test_all_that_ends_at_one_time_is_broken_off_then(loop: Loop, deadlines: Deadlines) -> None:
    some = pipes(deadlines, 5.0, 5.0)
    loop.pass_until(5.0)
    assert aborted(some) == [True, True]


def test_one_timer_serves_all_and_none_is_left_behind(loop: Loop, deadlines: Deadlines) -> None:
    pipes(deadlines, *(5.0 + number for number in range(10)))
    assert loop.armed == [5.0]
    loop.pass_until(20.0)
    assert loop.armed == []


def test_what_waited_for_its_connection_ends_before_what_did_not(loop: Loop, deadlines: Deadlines) -> None:
    some = pipes(deadlines, 5.0, 3.0)
    loop.pass_until(3.0)
    assert aborted(some) == [False, True]
    loop.pass_until(5.0)
    assert aborted(some) == [True, True]


def test_a_timer_that_goes_off_early_comes_again(loop: Loop, deadlines: Deadlines) -> None:
    """uvloop counts whole milliseconds."""
    some = pipes(deadlines, 5.0004)
    loop.timers[0].time = 5.0
    loop.pass_until(5.0)
    assert aborted(some) == [False]
    loop.pass_until(5.1)
    assert aborted(some) == [True]


def test_nothing_goes_off_once_it_is_closed(loop: Loop, deadlines: Deadlines) -> None:
    pipes(deadlines, 5.0)
    deadlines.close()
    assert loop.armed == []
