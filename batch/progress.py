"""Who watches a run: a line that moves on a terminal, a log elsewhere, one line for each change of state."""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import threading
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal
from zoneinfo import ZoneInfo

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from batch.journal.states import State
from batch.marketplace.call import Kind
from batch.report.moments import span

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    from rich.console import RenderableType

    from batch.sending import Followed

_LOOK = 0.25  # s between two looks
_PAUSE_WORTH_SAYING = 2.0  # s
_WORDS = {
    State.SHIPPED: ("shipped", "green"),
    State.ALREADY_SHIPPED: ("already shipped", "green"),
    State.HELD: ("held", "yellow"),
    State.REFUSED: ("refused", "red"),
    State.UNKNOWN: ("unknown", "magenta"),
    State.PLANNED: ("left for later", "cyan"),
}

_LINE = threading.Lock()  # a terminal has one line that moves; another run beside it only says what changes

log = logging.getLogger("shipbatch")


class JsonLines(logging.Formatter):
    """One JSON object a line: time, level, message, and what else the record carries."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **getattr(record, "told", {}),
        }
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False, default=str)


def set_up_log(*, quiet: bool, log_format: Literal["text", "json"]) -> None:
    """Let log lines go to standard error; `quiet`: only warnings and worse."""
    handler = logging.StreamHandler(sys.stderr)
    text = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S")
    handler.setFormatter(JsonLines() if log_format == "json" else text)
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    log.setLevel(logging.WARNING if quiet else logging.INFO)


def follower(
    *, quiet: bool, log_format: Literal["text", "json"], timezone: str, console: Console | None = None
) -> Callable[[Sequence[Followed]], AbstractContextManager[None]]:
    """Return who watches: nobody who wants it quiet, the terminal's line where there is a terminal, else the log.

    `console`: the terminal on which others speak meanwhile.
    """
    set_up_log(quiet=quiet, log_format=log_format)
    if sys.stderr.isatty() and not quiet and log_format == "text":
        shown = console or Console(file=sys.stderr)
        return lambda followed: _on_terminal(followed, ZoneInfo(timezone), shown)
    return _in_log


# What is seen


def remaining(followed: Sequence[Followed]) -> float:
    """Return the seconds until all is sent if nothing goes wrong, from the limit; 0 where there is none."""
    return max((_left(one) * one.conversation.paces[Kind.SHIP].bucket.gap for one in followed), default=0.0)


def _left(one: Followed) -> int:
    return max(0, one.total - sum(one.submission.ended.values()))


def counted(followed: Sequence[Followed]) -> dict[State, int]:
    """Return how many orders ended in each state, over all accounts."""
    return {state: sum(one.submission.ended[state] for one in followed) for state in _WORDS}


# On a terminal


@contextmanager
def _on_terminal(followed: Sequence[Followed], zone: ZoneInfo, console: Console) -> Iterator[None]:
    watch = _Watch(followed, lambda text, _told: console.print(text, style="yellow", highlight=False))
    if not _LINE.acquire(blocking=False):
        with watch.watching():
            yield
        return
    line = Live(console=console, get_renderable=lambda: _line(followed, zone), refresh_per_second=4, transient=True)
    try:
        with line, watch.watching():
            yield
    finally:
        _LINE.release()


def _line(followed: Sequence[Followed], zone: ZoneInfo) -> RenderableType:
    total = sum(one.total for one in followed)
    done = total - sum(_left(one) for one in followed)
    bar = Table.grid(padding=(0, 1))
    bar.add_row(
        ProgressBar(total=total or 1, completed=done, width=30), Text(f"{done:,} of {total:,}"), _when(followed)
    )
    counts = Text("  ")
    for state, count in counted(followed).items():
        if count:
            word, style = _WORDS[state]
            counts.append(f"{count:,} {word}  ", style=style)
    if nearest := min((n for one in followed if (n := one.submission.ready.nearest)), default=0):
        counts.append(f"next deadline {datetime.fromtimestamp(nearest / 1000, zone):%Y-%m-%d %H:%M}", style="dim")
    return Group(bar, counts)


def _when(followed: Sequence[Followed]) -> RenderableType:
    if pause := max((one.conversation.paces[Kind.SHIP].paused for one in followed), default=0.0):
        return Text(f"waiting {span(pause)} for the limit", style="yellow")
    seconds = remaining(followed)
    return Text(f"{span(seconds)} to go" if seconds else "", style="dim")


# In the log, and lines above the terminal's


@contextmanager
def _in_log(followed: Sequence[Followed]) -> Iterator[None]:
    def say(text: str, told: dict[str, object]) -> None:
        log.info(text, extra={"told": told})

    with _Watch(followed, say).watching():
        yield
    if followed:
        counts = {_WORDS[state][0]: count for state, count in counted(followed).items() if count}
        said = ", ".join(f"{count:,} {word}" for word, count in counts.items()) or "nothing"
        say(f"Sending ended: {said}", {"ended": counts})


class _Watch:
    """Looks now and then, and says once when an account begins or ends to wait, to fail or to stop."""

    def __init__(self, followed: Sequence[Followed], say: Callable[[str, dict[str, object]], None]) -> None:
        self._followed, self._say = followed, say
        self._states: dict[str, str] = {}

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Watch while the block lasts."""
        task = asyncio.get_running_loop().create_task(self._watch())
        try:
            yield
        finally:
            task.cancel()
            self._look()

    async def _watch(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(_LOOK)

    def _look(self) -> None:
        for one in self._followed:
            name = one.errand.name
            state, text = _state(one)
            if name not in self._states:
                self._say(_beginning(one), {"account": name, "orders": one.total})
            elif state != self._states[name]:
                where = f"Account {name}: " if len(self._followed) > 1 else ""
                self._say(f"{where}{text or 'goes on'}", {"account": name, "state": state or "sending"})
            self._states[name] = state


def _beginning(one: Followed) -> str:
    seconds = remaining([one])
    orders = f"{one.total:,} order{'s' * (one.total != 1)}"
    return f"Account {one.errand.name}: sending {orders}" + (f", about {span(seconds)}" if seconds else "")


def _state(one: Followed) -> tuple[str, str]:
    """Return the account's state, "" while all is well, and what is to be said of it."""
    if one.stop.requested:
        return "stopping", one.stop.reason
    if one.conversation.outages > 1:
        return "outage", "the marketplace does not answer as it should; trying again"
    pause = one.conversation.paces[Kind.SHIP].paused
    if pause > _PAUSE_WORTH_SAYING:
        return "waiting", f"the marketplace's limit is reached; waiting {span(pause)}"
    return "", ""
