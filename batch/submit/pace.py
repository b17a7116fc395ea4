"""How fast may we call: one pace for each account and kind of call.

`Bucket` is what is known, as plain data; `wait`, `spend`, `heard` and `throttled` are pure. `Pace` lets workers take turns.

- `rate` is a ceiling on the sustained pace. Without word from the server the gap counts from the last actual send, and
  what was lost is not caught up.
- What the server says is believed: tokens that are left may be spent at once, none that are gone.
- A 429 pauses all workers together and widens the gap; every accepted call narrows it again a little.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

LONGEST_WAIT = 300.0  # s; a server that asks for more is taken for mistaken
SHORTEST_PAUSE = 0.1  # s, after a 429 that names no time or one in the past
FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 60.0  # s, after 429s without word of when
_WIDER, _NARROWER = 2.0, 0.95  # the gap after a 429, and after each accepted call until it is back at its own
_LEAST_GAP = 0.001  # s, from which widening starts where no rate is set
_TOKENS_LEFT = "X-Current-Token-Count"
_REPLENISHED = ("X-Next-Replenishment-Time", "X-Next-Replenish-Time")
_RETRY_AFTER = "Retry-After"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bucket:
    """What is known of the pace. Times are seconds of a monotonic clock."""

    own_gap: float  # s between sends by the setting; 0: none
    gap: float  # s between sends now: `own_gap`, or wider after a 429
    level: float = 1.0  # turns in hand at `at`
    capacity: float = 1.0  # most turns in hand: one, or the burst that the server has shown
    at: float = 0.0
    left: int | None = None  # calls that the server still has for us; None: it did not say
    refilled_at: float = 0.0  # when it has some again
    paused_until: float = 0.0
    throttles: int = 0  # consecutive
    throttled_at: float = float("-inf")  # the last 429

    @classmethod
    def at_rate(cls, rate: float) -> Bucket:
        """Return the bucket for so many calls a minute, 0 for no limit of our own."""
        gap = 60 / rate if rate else 0.0
        return cls(own_gap=gap, gap=gap)


@dataclass(frozen=True, slots=True)
class Word:
    """What an answer's headers say of the limit."""

    left: int | None = None
    wait: float | None = None  # s until there is more


def wait(bucket: Bucket, now: float) -> float:
    """Return the seconds until the next call may leave; 0 for at once."""
    gone = bucket.left is not None and bucket.left <= 0
    return max(
        0.0,
        bucket.paused_until - now,
        bucket.refilled_at - now if gone else 0.0,
        (1 - _level(bucket, now)) * bucket.gap,
    )


def spend(bucket: Bucket, now: float) -> Bucket:
    """Return the bucket after a call left."""
    level = max(0.0, _level(bucket, now) - 1)
    return replace(bucket, level=level, at=now, left=None if bucket.left is None else bucket.left - 1)


def heard(bucket: Bucket, word: Word, now: float, *, sent_at: float, sent_since: int = 0) -> Bucket:
    """Return the bucket after an answer that was no 429, to a call that left at `sent_at`, `sent_since` calls ago."""
    calmer = bucket
    if sent_at > bucket.throttled_at and bucket.gap > bucket.own_gap:
        narrower = bucket.gap * _NARROWER
        gap = max(bucket.own_gap, narrower if narrower >= _LEAST_GAP else 0.0)
        calmer = replace(bucket, throttles=0, gap=gap)
    if word.left is None:
        return calmer
    left = word.left - sent_since
    first = bucket.left is None
    return replace(
        calmer,
        left=left,
        refilled_at=now + (word.wait if word.wait is not None else bucket.gap),
        capacity=max(bucket.capacity, left + 1),
        level=_level(bucket, now) + max(0, left) if first else _level(bucket, now),
        at=now,
    )


def throttled(bucket: Bucket, word: Word, now: float, *, sent_at: float) -> Bucket:
    """Return the bucket after a 429 to a call that left at `sent_at`; those that left before the last 429 count with it."""
    if sent_at <= bucket.throttled_at:
        return bucket
    once = replace(bucket, throttles=bucket.throttles + 1, throttled_at=now, left=0, level=0.0, at=now)
    until = now + _pause(once, word)
    return replace(once, gap=max(bucket.gap, _LEAST_GAP) * _WIDER, paused_until=until, refilled_at=until)


def read_word(headers: Mapping[str, str], now_ms: int) -> Word:
    """Read what the headers say; what is absurd is not believed. `now_ms`: the wall clock, UTC epoch milliseconds."""
    try:
        left = max(0, int(headers[_TOKENS_LEFT]))
    except (KeyError, ValueError):
        left = None
    said = [_seconds(headers[name], now_ms) for name in (_RETRY_AFTER, *_REPLENISHED) if name in headers]
    return Word(left, next((seconds for seconds in said if seconds is not None), None))


def _seconds(text: str, now_ms: int) -> float | None:
    """Seconds from now, from epoch ms, epoch s, relative seconds or ISO 8601; None where absurd."""
    try:
        number = float(text)
    except ValueError:
        try:
            number = datetime.fromisoformat(text.strip()).timestamp()
        except ValueError:
            return None
    if number >= 1e12:  # noqa: PLR2004 - epoch milliseconds since 2001
        number -= now_ms
        number /= 1000
    elif number >= 1e9:  # noqa: PLR2004 - epoch seconds since 2001
        number -= now_ms / 1000
    return number if -LONGEST_WAIT <= number <= LONGEST_WAIT else None


def _level(bucket: Bucket, now: float) -> float:
    if bucket.gap == 0:
        return bucket.capacity
    return min(bucket.capacity, bucket.level + (now - bucket.at) / bucket.gap)


def _pause(bucket: Bucket, word: Word) -> float:
    if word.wait is not None:
        return max(SHORTEST_PAUSE, word.wait)
    return min(LONGEST_BACKOFF, FIRST_BACKOFF * 2 ** max(0, bucket.throttles - 1))


@dataclass(frozen=True, slots=True)
class Turn:
    """A worker's leave to call once."""

    number: int
    at: float  # when it was given
    waited: bool


class Pace:
    """Lets workers take turns, in the order in which they ask."""

    def __init__(self, rate: float, *, clock: Callable[[], float], sleep: Callable[[float], Awaitable[object]]) -> None:
        self.bucket = Bucket.at_rate(rate)
        self._clock, self._sleep = clock, sleep
        self._queue = asyncio.Lock()
        self._sent = 0

    @property
    def paused(self) -> float:
        """Seconds until the pause after a 429 ends; 0 for none."""
        return max(0.0, self.bucket.paused_until - self._clock())

    @property
    def idle(self) -> bool:
        """Whether nobody waits for a turn."""
        return not self._queue.locked()

    async def turn(self) -> Turn:
        """Wait for leave to make one call."""
        waited = self._queue.locked()
        async with self._queue:
            while (seconds := wait(self.bucket, self._clock())) > 0:
                waited = True
                await self._sleep(seconds)
            now = self._clock()
            self.bucket = spend(self.bucket, now)
            self._sent += 1
            return Turn(self._sent, now, waited)

    def left(self, turn: Turn) -> None:
        """Note that the call of this turn leaves now: the gap to the next one counts from here."""
        if turn.number == self._sent:
            self.bucket = replace(self.bucket, at=max(self.bucket.at, self._clock()))

    def heard(self, turn: Turn, headers: Mapping[str, str], now_ms: int) -> None:
        """Note an answer that was no 429."""
        word = read_word(headers, now_ms)
        self.bucket = heard(self.bucket, word, self._clock(), sent_at=turn.at, sent_since=self._sent - turn.number)

    def throttled(self, turn: Turn, headers: Mapping[str, str], now_ms: int) -> None:
        """Note a 429: everyone waits."""
        self.bucket = throttled(self.bucket, read_word(headers, now_ms), self._clock(), sent_at=turn.at)
