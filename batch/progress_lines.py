"""A run on a terminal: lines that move, and above them one line for each change of state."""

from __future__ import annotations

import sys
import threading
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from rich.console import Group
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from batch.progress import WORDS, Meter, Watch, counted, remaining
from batch.report.moments import span
from batch.terminal import Terminal, moving_lines

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import RenderableType

    from batch.glance import Glance
    from batch.progress import Look, Onlooker

_WIDEST_BAR = 30  # characters

_LINE = threading.Lock()  # a terminal has one line that moves; another run beside it only says what changes


def on_terminal(timezone: str, console: Terminal | None = None) -> Onlooker:
    """Return who watches on a terminal: standard error, or the `console` on which others speak meanwhile."""
    shown = console or Terminal(file=sys.stderr)
    return lambda look: _lines(look, ZoneInfo(timezone), shown)


@contextmanager
def _lines(look: Look, zone: ZoneInfo, console: Terminal) -> Iterator[None]:
    watch = Watch(look, lambda text, _told: console.print(Text(text, "yellow")))
    if not _LINE.acquire(blocking=False):
        with watch.watching():
            yield
        return
    meter = Meter(look)
    lines = moving_lines(console, lambda: progress(look(), zone, meter.per_minute(), width=console.width))
    try:
        with lines, watch.watching():
            yield
    finally:
        _LINE.release()


def progress(seen: Sequence[Glance], zone: ZoneInfo, per_minute: float, *, width: int) -> RenderableType:
    """Return the lines that move: how far it is, how fast, how long yet, what became of orders, the next deadline."""
    if not seen:
        return Text("Reading and planning …", "dim")
    total = sum(one.total for one in seen)
    done = total - sum(one.left for one in seen)
    bar = Table.grid(padding=(0, 1))
    told = Text(" · ").join(Text(*part) for part in [(f"{done:,} of {total:,}", ""), *_pace(seen, per_minute)])
    bar.add_row(ProgressBar(total=total or 1, completed=done, width=min(_WIDEST_BAR, width // 3)), told)
    ends = [Text(f"{count:,} {WORDS[state][0]}", WORDS[state][1]) for state, count in counted(seen).items()]
    if nearest := min((one.nearest for one in seen if one.nearest), default=0):
        ends.append(Text(f"next deadline {datetime.fromtimestamp(nearest / 1000, zone):%Y-%m-%d %H:%M}", "dim"))
    return Group(bar, Text("  ").join(ends)) if ends else bar


def _pace(seen: Sequence[Glance], per_minute: float) -> Iterator[tuple[str, str]]:
    if not any(one.left for one in seen):
        yield "done", "dim"
        return
    if per_minute:
        yield f"{per_minute:,.0f} a minute", "dim"
    if pause := max(one.paused for one in seen):
        yield f"waiting {span(pause)} for the limit", "yellow"
    elif seconds := remaining(seen):
        yield f"{span(seconds)} to go", "dim"
