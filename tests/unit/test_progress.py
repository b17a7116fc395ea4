from __future__ import annotations

import asyncio
import io
import sys
from collections import Counter
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from batch import progress, progress_lines, terminal
from batch.glance import Glance, glance_at
from batch.journal.states import State
from batch.marketplace.call import Kind
from batch.progress import Meter, Watch, counted, follower, remaining
from tests.restoring import logging_restored

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from batch.sending import Followed

ZONE = ZoneInfo("America/Toronto")
DEADLINE = 1_795_550_400_000  # 2026-11-24T20:00:00Z


@dataclass
class Pretended:
    """An account that is sent for, as far as those who watch look at it."""

    name: str = "default"
    total: int = 100
    ended: Counter[State] = field(default_factory=Counter)
    sent: int = 0
    gap: float = 1.0
    paused: float = 0.0
    outages: int = 0
    nearest: int = 0
    reason: str = ""

    @property
    def seen(self) -> Glance:
        return Glance(
            name=self.name,
            total=self.total,
            ended=self.ended,
            sent=self.sent,
            gap=self.gap,
            paused=self.paused,
            outages=self.outages,
            nearest=self.nearest,
            stopping=self.reason,
        )

    @property
    def followed(self) -> Followed:
        """The same, as it is where it is sent."""
        pace = SimpleNamespace(bucket=SimpleNamespace(gap=self.gap), paused=self.paused)
        told = SimpleNamespace(
            errand=SimpleNamespace(name=self.name),
            total=self.total,
            submission=SimpleNamespace(ended=self.ended, ready=SimpleNamespace(nearest=self.nearest)),
            conversation=SimpleNamespace(
                paces={Kind.SHIP: pace}, outages=self.outages, requests=Counter({Kind.SHIP: self.sent})
            ),
            stop=SimpleNamespace(requested=bool(self.reason), reason=self.reason),
        )
        return cast("Followed", told)


def shown(*accounts: Pretended, per_minute: float = 0.0, width: int = 100) -> list[str]:
    console = Console(file=io.StringIO(), width=width)
    with console.capture() as captured:
        console.print(progress_lines.progress([one.seen for one in accounts], ZONE, per_minute, width=width))
    return [line.rstrip() for line in captured.get().splitlines()]


class Watched:
    """A watch over pretended accounts, with a clock that is set by hand."""

    def __init__(self, *accounts: Pretended) -> None:
        self.accounts, self.now = list(accounts), 0.0
        self.said: list[str] = []
        self.told: list[Mapping[str, object]] = []
        self._seen: list[Glance] = []
        self.watch = Watch(lambda: self._seen, self._tell, lambda: self.now)

    def _tell(self, text: str, told: Mapping[str, object]) -> None:
        self.said.append(text)
        self.told.append(told)

    def look(self, *, after: float = 0.0) -> list[str]:
        """Look once and return what was said."""
        self.now += after
        self._seen[:] = [one.seen for one in self.accounts]
        before = len(self.said)
        self.watch.look()
        return self.said[before:]

    async def end(self) -> list[str]:
        """Come to the end of the watch and return what was said there."""
        self._seen[:] = [one.seen for one in self.accounts]
        before = len(self.said)
        with self.watch.watching():
            await asyncio.sleep(0)
        return self.said[before:]


def test_an_account_that_is_sent_for_here_is_seen_as_one_that_is_sent_for_elsewhere() -> None:
    ended = Counter({State.SHIPPED: 3})
    one = Pretended("outlet", 9, ended, 4, 2.0, 12.0, 1, DEADLINE, "The run was interrupted.")
    assert glance_at(one.followed) == one.seen
    assert one.seen.left == 6


def test_the_time_to_the_end_comes_from_the_limit() -> None:
    one, other = Pretended(total=10_000, ended=Counter({State.SHIPPED: 40})), Pretended(total=5, gap=2.0)
    assert remaining([one.seen, other.seen]) == 9_960
    assert remaining([]) == 0
    assert remaining([Pretended(total=1, ended=Counter({State.SHIPPED: 2})).seen]) == 0


def test_orders_are_counted_over_all_accounts() -> None:
    one = Pretended(ended=Counter({State.SHIPPED: 2, State.HELD: 1})).seen
    assert counted([one, one]) == {State.SHIPPED: 4, State.HELD: 2}


def test_the_rate_is_taken_over_the_last_minute() -> None:
    now, account = [0.0], Pretended()
    seen = [account.seen]
    meter = Meter(lambda: seen, lambda: now[0])
    assert meter.per_minute() == 0
    rates = []
    for second in range(1, 200):
        now[0] = float(second)
        account.sent = min(second, 100) * 2
        seen[0] = account.seen
        rates.append(meter.per_minute())
    assert rates[0] == 0  # too early to tell
    assert rates[1] == rates[50] == 120
    assert 0 < rates[130] < 120
    assert rates[-1] == 0


def test_the_line_tells_how_far_how_fast_how_long_and_what_is_next() -> None:
    ended = Counter({State.SHIPPED: 1_200, State.HELD: 30, State.ALREADY_SHIPPED: 4})
    lines = shown(Pretended(total=10_000, ended=ended, nearest=DEADLINE), per_minute=58.2)
    assert lines[0].endswith("1,234 of 10,000 · 58 a minute · 2 h 26 min to go")
    assert lines[1] == "1,200 shipped  4 already shipped  30 held  next deadline 2026-11-24 15:00"


def test_the_line_says_what_it_waits_for() -> None:
    assert shown(Pretended(paused=12.0))[0].endswith("0 of 100 · waiting 12 s for the limit")
    assert shown(Pretended(gap=0.0))[0].endswith(" 0 of 100")  # without a limit nobody knows
    assert shown()[0] == "Reading and planning …"
    assert shown(Pretended(total=1, ended=Counter({State.SHIPPED: 1})))[0].endswith("1 of 1 · done")


@pytest.mark.parametrize("width", [20, 40, 60])
def test_the_line_fits_a_narrow_terminal(width: int) -> None:
    ended = Counter({State.SHIPPED: 1_200, State.HELD: 30})
    lines = shown(Pretended(total=10_000, ended=ended, nearest=DEADLINE), per_minute=58.2, width=width)
    assert max(map(len, lines)) <= width
    told = " ".join(" ".join(lines).replace("━", " ").split())
    if width >= 40:
        for said in ("1,230 of", "1,200 shipped", "next deadline"):
            assert said in told


def test_an_account_is_told_once_for_each_change() -> None:
    account = Pretended(total=10)
    watched = Watched(account)
    assert watched.look() == ["Account default: sending 10 orders, about 10 s"]
    assert watched.look(after=1) == []
    account.outages = 3
    assert watched.look(after=1) == ["Account default: the marketplace does not answer as it should; trying again"]
    assert watched.look(after=30) == []
    account.outages = 0
    assert watched.look(after=5) == ["Account default: goes on, after 35 s"]
    account.reason = "The run was interrupted; `shipbatch resume` goes on."
    assert watched.look() == [f"Account default: stopping: {account.reason}"]
    account.ended = Counter({State.SHIPPED: 8, State.PLANNED: 2})
    assert watched.look() == ["Account default: sending ended: 8 shipped, 2 left for later"]
    assert watched.look(after=9) == []
    assert watched.told[-1] == {
        "account": "default",
        "state": "ended",
        "orders": 10,
        "shipped": 8,
        "left_for_later": 2,
    }


def test_waits_that_follow_each_other_soon_are_told_once() -> None:
    account = Pretended(gap=0.0)
    watched = Watched(account)
    assert watched.look() == ["Account default: sending 100 orders"]
    account.paused = 1.0
    assert watched.look(after=1) == []  # too short to be told
    account.paused = 12.0
    assert watched.look(after=1) == ["Account default: the marketplace's limit is reached; waiting 12 s"]
    account.paused = 0.0
    assert watched.look(after=12) == []
    account.paused = 12.0
    assert watched.look(after=20) == []
    account.paused = 0.0
    assert watched.look(after=12) == []
    account.paused = 30.0
    assert watched.look(after=61) == ["Account default: the marketplace's limit is reached; waiting 30 s"]


async def test_accounts_that_come_late_are_told_too_and_all_are_told_at_the_end() -> None:
    watched = Watched(Pretended("one", total=1))
    watched.look()
    watched.accounts.append(Pretended("two", total=2, gap=0.0))
    assert watched.look() == ["Account two: sending 2 orders"]
    assert await watched.end() == [
        "Account one: sending ended: nothing was sent",
        "Account two: sending ended: nothing was sent",
    ]


async def test_it_is_looked_at_now_and_then_while_it_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "_LOOK", 0.0)
    said: asyncio.Queue[str] = asyncio.Queue()
    account = Pretended(total=2)
    with Watch(lambda: [account.seen], lambda text, _told: said.put_nowait(text)).watching():
        begun = await said.get()
        account.ended[State.SHIPPED] = 2
        ended = await said.get()
    assert [begun, ended] == [
        "Account default: sending 2 orders, about 2 s",
        "Account default: sending ended: 2 shipped",
    ]


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    with logging_restored():
        yield


class Terminal(io.StringIO):
    """Standard error that says it is a terminal."""

    def isatty(self) -> bool:
        return True


async def test_a_terminal_gets_a_line_that_moves_and_a_second_run_only_what_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setenv("TERM", "xterm")
    console = terminal.Terminal(file=sys.stderr, width=80, force_terminal=True)
    follow = follower(quiet=False, log_format="text", timezone="America/Toronto", console=console)
    with follow([Pretended("one").followed]), follow([Pretended("two").followed]):
        await asyncio.sleep(0)
    told = cast("Terminal", sys.stderr).getvalue()
    assert "0 of 100" in told
    assert "Account one: sending 100 orders" in told
    assert "Account two: sending 100 orders" in told
    with follow([Pretended("three").followed]):
        await asyncio.sleep(0)
    assert cast("Terminal", sys.stderr).getvalue().count("0 of 100") > told.count("0 of 100")


@pytest.mark.parametrize(("quiet", "log_format"), [(False, "json"), (True, "text"), (True, "json")])
async def test_who_wants_quiet_or_json_gets_no_line_that_moves(
    monkeypatch: pytest.MonkeyPatch, *, quiet: bool, log_format: str
) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    follow = follower(quiet=quiet, log_format="json" if log_format == "json" else "text", timezone="UTC")
    with follow([Pretended().followed]):
        await asyncio.sleep(0)
    told = cast("Terminal", sys.stderr).getvalue()
    assert ("sending 100 orders" in told) is not quiet
    assert "\x1b" not in told
