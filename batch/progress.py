"""Who watches a run: a line that moves on a terminal, a log elsewhere, one line for each change of state."""

from __future__ import annotations

import asyncio
import sys
import time
from collections import deque
from contextlib import contextmanager
from typing import TYPE_CHECKING

from batch.glance import Glance, glance_at
from batch.journal.states import State
from batch.logs import say, set_up_log
from batch.report.moments import span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager

    from batch.logs import LogFormat
    from batch.sending import Followed
    from batch.terminal import Terminal

    Say = Callable[[str, Mapping[str, object]], None]
    Look = Callable[[], Sequence[Glance]]  # at all accounts that are sent for by now
    Onlooker = Callable[[Look], AbstractContextManager[None]]
    Clock = Callable[[], float]  # s, monotonic

_LOOK = 0.25  # s between two looks
_WINDOW = 60.0  # s over which the rate is taken
_SHORTEST_WINDOW = 2.0  # s; before that no rate is told
_PAUSE_WORTH_SAYING = 2.0  # s
_SAID_AGAIN_AFTER = 60.0  # s; waits that follow each other sooner are told once
WORDS = {
    State.SHIPPED: ("shipped", "green"),
    State.ALREADY_SHIPPED: ("already shipped", "green"),
    State.HELD: ("held", "yellow"),
    State.REFUSED: ("refused", "red"),
    State.UNKNOWN: ("unknown", "magenta"),
    State.PLANNED: ("left for later", "cyan"),
}


def follower(
    *, quiet: bool, log_format: LogFormat, timezone: str, console: Terminal | None = None
) -> Callable[[Sequence[Followed]], AbstractContextManager[None]]:
    """Return who watches what is sent in this process; see `onlooker`."""
    looking = onlooker(quiet=quiet, log_format=log_format, timezone=timezone, console=console)
    return lambda followed: looking(lambda: list(map(glance_at, followed)))


def onlooker(*, quiet: bool, log_format: LogFormat, timezone: str, console: Terminal | None = None) -> Onlooker:
    """Return who watches: nobody who wants it quiet, the terminal's line where there is a terminal, else the log.

    `console`: the terminal on which others speak meanwhile.
    """
    set_up_log(quiet=quiet, log_format=log_format)
    if sys.stderr.isatty() and not quiet and log_format == "text":
        from batch.progress_lines import on_terminal  # noqa: PLC0415 - brings Rich along: 20 ms

        return on_terminal(timezone, console)
    return lambda look: Watch(look, say).watching()


# What is seen


def remaining(seen: Sequence[Glance]) -> float:
    """Return the seconds until all is sent if nothing goes wrong, from the limit; 0 where there is none."""
    return max((one.left * one.gap for one in seen), default=0.0)


def counted(seen: Sequence[Glance]) -> dict[State, int]:
    """Return how many orders ended in each state, over all accounts, without states in which none did."""
    counts = {state: sum(one.ended.get(state, 0) for one in seen) for state in WORDS}
    return {state: count for state, count in counts.items() if count}


class Meter:
    """How many updates a minute are sent, over all accounts, in the last minute."""

    def __init__(self, look: Look, clock: Clock = time.monotonic) -> None:
        self._look, self._clock = look, clock
        self._seen: deque[tuple[float, int]] = deque()

    def per_minute(self) -> float:
        """Return the rate; 0 before there has been time to take one."""
        now, sent = self._clock(), sum(one.sent for one in self._look())
        self._seen.append((now, sent))
        while now - self._seen[0][0] > _WINDOW:
            self._seen.popleft()
        began, before = self._seen[0]
        return (sent - before) * 60 / (now - began) if now - began >= _SHORTEST_WINDOW else 0.0


# What is said


class Watch:
    """Looks now and then, and says once when an account begins, waits, fails, recovers, stops or ends."""

    def __init__(self, look: Look, tell: Say, clock: Clock = time.monotonic) -> None:
        self._look, self._tell, self._clock = look, tell, clock
        self._states: dict[str, str] = {}
        self._since: dict[str, float] = {}  # when that state was told
        self._waited: dict[str, float] = {}  # when a wait was last told

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch while the block lasts."""
        task = asyncio.get_running_loop().create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            self.look()
            for one in self._look():
                if self._states[one.name] != "ended":
                    self._change(one, "ended")

    async def _watch(self) -> None:
        while True:
            self.look()
            await asyncio.sleep(_LOOK)

    def look(self) -> None:
        """Say what has changed since the last look."""
        for one in self._look():
            state, before = _state(one), self._states.get(one.name)
            if before is None:
                self._change(one, "begun")
            if state != (before or "sending") and before != "ended":
                self._change(one, state)

    def _change(self, one: Glance, state: str) -> None:
        """Go to another state, and say so where that says something new."""
        name, now = one.name, self._clock()
        before = self._states.get(name)
        self._states[name] = "sending" if state == "begun" else state
        text = _said(one, state, now - self._since.get(name, now))
        if state == "waiting":
            told_lately = now - self._waited.get(name, -_SAID_AGAIN_AFTER) < _SAID_AGAIN_AFTER
            self._waited[name] = now
            text = "" if told_lately else text
        elif state == "sending" and before == "waiting":
            text = ""  # the wait itself said how long it would last
        self._since[name] = now
        if text:
            figures = {WORDS[end][0].replace(" ", "_"): count for end, count in counted([one]).items()}
            self._tell(f"Account {name}: {text}", {"account": name, "state": state, "orders": one.total, **figures})


def _state(one: Glance) -> str:
    if not one.left:
        return "ended"
    if one.stopping:
        return "stopping"
    if one.outages > 1:
        return "outage"
    return "waiting" if one.paused > _PAUSE_WORTH_SAYING else "sending"


def _said(one: Glance, state: str, lasted: float) -> str:
    """Return what is to be said of a state that an account comes to; `lasted`: the one before, in seconds."""
    match state:
        case "begun":
            seconds = remaining([one])
            orders = f"{one.total:,} order{'s' * (one.total != 1)}"
            return f"sending {orders}" + (f", about {span(seconds)}" if seconds else "")
        case "waiting":
            return f"the marketplace's limit is reached; waiting {span(one.paused)}"
        case "outage":
            return "the marketplace does not answer as it should; trying again"
        case "stopping":
            return f"stopping: {one.stopping}"
        case "ended":
            counts = [f"{count:,} {WORDS[end][0]}" for end, count in counted([one]).items()]
            return f"sending ended: {', '.join(counts) or 'nothing was sent'}"
        case _:
            return f"goes on, after {span(lasted)}"
