"""How fast may we call: one pace for each account and kind of call.

`Bucket` is what is known, as plain data; `wait`, `spend`, `heard` and `throttled` are pure. `Pace` lets workers take
turns.

- `rate` is a ceiling on the sustained pace. Without word from the server the gap counts from the last actual send, and
  what was lost is not caught up.
- What the server says is believed: tokens that are left may be spent at once, all but one, so that calls which overtake
  each other find one (the last call of all takes it); where none is left, the next call waits for the gap, or for as
  long as the server says.
- A 429 pauses all workers together and widens the gap sharply, a server that runs out of tokens gently; every other
  answer narrows it again a little.
"""

from __future__ import annotations

import asyncio
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

LONGEST_WAIT = 300.0  # s; a server that asks for more is taken for mistaken
SHORTEST_PAUSE = 0.1  # s, after a 429 that names no time or one in the past
FIRST_BACKOFF, LONGEST_BACKOFF = 1.0, 60.0  # s, after 429s without word of when
_RESERVE = 1  # tokens that are not spent at once
_DEEP = 3  # tokens left: a server that never shows so many holds too few to learn anything from their number
_SHARPLY, _GENTLY, _NARROWER, _MUCH_NARROWER = 2.0, 1.25, 0.95, 0.8  # what the gap is multiplied with
_FIRST_GAP = 0.05  # s, the first gap where no rate is set
_LEAST_GAP, _WIDEST_GAP, _WIDE_GAP = 0.001, 60.0, 4.0  # s; a wide one, or one of so many of our own, is narrowed faster
_UNSURE = 1.5  # s, how wrong a clock time may be that is no more than a little beside the gap
_IN_STEP = 1.0  # s, by which clocks may differ before the server's own is believed
_INSTANT = 1e-6  # s, no wait at all
_HALF_A_SECOND = 500  # ms; the header `Date` tells whole seconds
_TOKENS_LEFT, _RETRY_AFTER, _DATE = "X-Current-Token-Count", "Retry-After", "Date"
_TIMES = (_RETRY_AFTER, "X-Next-Replenishment-Time", "X-Next-Replenish-Time")


class Bucket(Struct, frozen=True, kw_only=True):
    """What is known of the pace. Times are seconds of a monotonic clock."""

    own_gap: float  # s between calls by the setting; 0: none
    gap: float  # s between calls now, where no token is to spare: `own_gap` or wider
    level: float = 1.0  # calls that the setting allows at `at`
    capacity: float = 1.0  # most of them: one, or the burst that the server has shown
    at: float = 0.0
    sent_at: float = float("-inf")  # when the last call left
    left: int | None = None  # tokens that the server has, but for calls on their way; None: it does not say
    told_at: float = float("-inf")  # when it said so
    most_left: int = 0  # the most that it ever said
    paused_until: float = 0.0
    throttles: int = 0  # consecutive
    throttled_at: float = float("-inf")  # the last 429
    widened_at: float = float("-inf")  # the last time that the gap was widened

    @classmethod
    def at_rate(cls, rate: float) -> Bucket:
        """Return the bucket for so many calls a minute, 0 for no limit of our own."""
        gap = 60 / rate if rate else 0.0
        return cls(own_gap=gap, gap=gap)


class Word(Struct, frozen=True):
    """What an answer's headers say of the limit."""

    left: int | None = None
    wait: float | None = None  # s until there is more


_NOTHING_SAID = Word()


def wait(bucket: Bucket, now: float, *, reserve: int = _RESERVE) -> float:
    """Return the seconds until the next call may leave; 0 for at once. `reserve`: tokens that it has to leave."""
    if not bucket.gap and bucket.paused_until <= now:
        return 0.0  # without limits nothing is to be waited for
    seconds = max(
        bucket.paused_until - now,
        (1 - _level(bucket, now)) * bucket.own_gap,
        0.0 if _to_spare(bucket, reserve) else bucket.sent_at + bucket.gap - now,
    )
    return seconds if seconds > _INSTANT else 0.0


def spend(bucket: Bucket, now: float) -> Bucket:
    """Return the bucket after a call left."""
    if not bucket.gap and bucket.left is None:
        return bucket  # without limits nothing is to be remembered
    left = None if bucket.left is None else bucket.left - 1
    return replace(bucket, level=max(0.0, _level(bucket, now) - 1), at=now, sent_at=now, left=left)


def heard(bucket: Bucket, word: Word, now: float, *, sent_at: float, under_way: int = 0) -> Bucket:
    """Return the bucket after an answer that was no 429, to a call that left at `sent_at`.

    `under_way`: other calls that have no answer yet. They may have overtaken it, so all count as still to be paid.
    """
    if bucket.throttles and sent_at > bucket.throttled_at:
        bucket = replace(bucket, throttles=0)
    if word.left is None:
        return _narrower(bucket, sent_at)
    bucket = _told(bucket, word.left, word.left - under_way, now, sent_at)
    return _narrower(bucket, sent_at) if word.left else _emptied(bucket, word.wait or 0.0, now, sent_at)


def throttled(bucket: Bucket, word: Word, now: float, *, sent_at: float) -> Bucket:
    """Return the bucket after a 429 to a call that left at `sent_at`; of calls under way together the first counts."""
    if sent_at <= bucket.throttled_at:
        return bucket
    left = None if bucket.left is None else 0
    once = replace(bucket, throttles=bucket.throttles + 1, throttled_at=now, left=left, level=0.0, at=now)
    return _paused(_wider(once, _SHARPLY, now), now + _pause(once, word))


def read_word(headers: Mapping[str, str], now_ms: int) -> Word:
    """Read what the headers say; what is absurd is not believed. `now_ms`: our wall clock, UTC epoch milliseconds.

    Where the server's clock, as its header `Date` tells it, is not in step with ours, its times are read by its own.
    """
    tokens = headers.get(_TOKENS_LEFT)
    try:
        left = None if tokens is None else max(0, int(tokens))
    except ValueError:
        left = None
    times = [headers[name] for name in _TIMES if name in headers]
    if not times:
        return Word(left) if left is not None else _NOTHING_SAID
    its_now = _server_time(headers.get(_DATE, ""), now_ms)
    said = (_seconds(text, its_now) for text in times)
    return Word(left, next((seconds for seconds in said if seconds is not None), None))


def _server_time(date: str, now_ms: int) -> float:
    try:
        its_now = parsedate_to_datetime(date).timestamp() * 1000 + _HALF_A_SECOND
    except ValueError:
        return now_ms
    return its_now if abs(its_now - now_ms) > _IN_STEP * 1000 else now_ms


def _seconds(text: str, now_ms: float) -> float | None:
    """Seconds from now, from epoch ms, epoch s, relative seconds, ISO 8601 or an HTTP date; None where absurd."""
    number = _number(text)
    if number is None:
        return None
    if number >= 1e12:  # noqa: PLR2004 - epoch milliseconds since 2001
        number = (number - now_ms) / 1000
    elif number >= 1e9:  # noqa: PLR2004 - epoch seconds since 2001
        number -= now_ms / 1000
    return number if -LONGEST_WAIT <= number <= LONGEST_WAIT else None


def _number(text: str) -> float | None:
    readings: tuple[Callable[[str], float], ...] = (float, _iso_time, _http_date)
    for read in readings:
        try:
            return float(read(text))
        except (ValueError, OverflowError):
            continue
    return None


def _iso_time(text: str) -> float:
    return datetime.fromisoformat(text.strip()).timestamp()


def _http_date(text: str) -> float:
    moment: float = parsedate_to_datetime(text).timestamp()
    return moment


def _level(bucket: Bucket, now: float) -> float:
    if bucket.own_gap == 0:
        return bucket.capacity
    return min(bucket.capacity, bucket.level + (now - bucket.at) / bucket.own_gap)


def _to_spare(bucket: Bucket, reserve: int) -> bool:
    return bucket.left is not None and bucket.left > reserve and bucket.most_left >= _DEEP


def _told(bucket: Bucket, said: int, left: int, now: float, sent_at: float) -> Bucket:
    """Note how many tokens are left. The first ones are a burst that our own ceiling allows; later its pace counts.

    A call that was under way when the server last said how many may be older than that word: it can only lower them.
    """
    level, most_left = _level(bucket, now), max(bucket.most_left, said)
    if bucket.left is not None and sent_at < bucket.told_at:
        return replace(bucket, left=min(bucket.left, left), most_left=most_left)
    return replace(
        bucket,
        left=left,
        told_at=now,
        most_left=most_left,
        capacity=max(bucket.capacity, left + 1.0),
        level=level + max(0, left) if bucket.left is None else level,
        at=now,
    )


def _narrower(bucket: Bucket, sent_at: float) -> Bucket:
    if sent_at <= bucket.widened_at or bucket.gap <= bucket.own_gap:
        return bucket
    gap = bucket.gap * (_MUCH_NARROWER if bucket.gap > _WIDE_GAP * max(1.0, bucket.own_gap) else _NARROWER)
    return replace(bucket, gap=max(bucket.own_gap, gap if gap >= _LEAST_GAP else 0.0))


def _emptied(bucket: Bucket, seconds: float, now: float, sent_at: float) -> Bucket:
    """Note that the server has no token left for so many seconds: wait where that is long, else go a little slower."""
    if seconds > bucket.gap + _UNSURE:
        bucket = _paused(bucket, now + seconds)
    if bucket.most_left < _DEEP and bucket.gap:
        return _narrower(bucket, sent_at)
    return _wider(bucket, _GENTLY, now) if sent_at > bucket.widened_at else bucket


def _wider(bucket: Bucket, factor: float, now: float) -> Bucket:
    wider = bucket.gap * factor if bucket.gap else _FIRST_GAP
    return replace(bucket, gap=min(wider, max(bucket.own_gap, _WIDEST_GAP)), widened_at=now)


def _paused(bucket: Bucket, until: float) -> Bucket:
    return replace(bucket, paused_until=max(bucket.paused_until, until))


def _pause(bucket: Bucket, word: Word) -> float:
    if word.wait is not None:
        return max(SHORTEST_PAUSE, word.wait)
    return min(LONGEST_BACKOFF, FIRST_BACKOFF * 2.0 ** max(0, bucket.throttles - 1))


def never() -> bool:
    """Say no."""
    return False


class Pace:
    """Lets workers take turns, in the order in which they ask."""

    def __init__(self, rate: float, *, clock: Callable[[], float], sleep: Callable[[float], Awaitable[object]]) -> None:
        self.bucket = Bucket.at_rate(rate)
        self._clock, self._sleep = clock, sleep
        self._queue = asyncio.Lock()
        self._waiting: asyncio.Future[object] | None = None
        self._asking = 0
        self._reserve = _RESERVE  # that whoever waits has to leave
        self.under_way = 0  # calls that were given their turn, and are not over

    @property
    def paused(self) -> float:
        """Seconds until the pause after a 429 ends; 0 for none."""
        return max(0.0, self.bucket.paused_until - self._clock())

    @property
    def engaged(self) -> int:
        """How many calls wait for their turn or are under way."""
        return self._asking + self.under_way

    @property
    def limited(self) -> bool:
        """Whether calls have to keep a gap, as far as is known."""
        return self.bucket.gap > 0

    def expected(self, ahead: int) -> float:
        """Return the seconds until the turn of whoever comes after so many others."""
        return wait(self.bucket, self._clock()) + ahead * self.bucket.gap

    async def turn(self, is_last: Callable[[], bool] = never) -> float:
        """Wait for leave to make one call; return when it was given. Whatever becomes of the call, `over` ends it.

        `is_last`: whether no other call is still to come; then it may take the token in reserve.
        """
        if not (self.limited or self._asking or self.paused):
            return self._given()
        self._asking += 1
        try:
            async with self._queue:
                self._reserve = 0 if is_last() else _RESERVE
                while (seconds := self._seconds()) > 0:
                    await self._wait(seconds)
                return self._given()
        finally:
            self._asking -= 1

    def left(self) -> None:
        """Note that a call leaves now: the gap to the next one counts from here."""
        if self.bucket.gap:
            self.bucket = replace(self.bucket, sent_at=max(self.bucket.sent_at, self._clock()))

    def heard(self, turn: float, headers: Mapping[str, str], now_ms: int) -> None:
        """Note an answer that was no 429; whoever waits for what it shows to be there waits no longer."""
        word = read_word(headers, now_ms)
        if word is _NOTHING_SAID and not (self.limited or self.bucket.throttles):
            return  # there is nothing to learn
        now, before = self._clock(), self._seconds()
        self.bucket = heard(self.bucket, word, now, sent_at=turn, under_way=self.under_way - 1)
        if self._waiting and self._seconds() < before:
            self._waiting.cancel()

    def throttled(self, turn: float, headers: Mapping[str, str], now_ms: int) -> None:
        """Note a 429: everyone waits."""
        self.bucket = throttled(self.bucket, read_word(headers, now_ms), self._clock(), sent_at=turn)

    def over(self) -> None:
        """Note that a call is over, once what its answer taught is noted."""
        self.under_way -= 1

    def _given(self) -> float:
        now = self._clock()
        self.bucket = spend(self.bucket, now)
        self.under_way += 1
        return now

    def _seconds(self) -> float:
        return wait(self.bucket, self._clock(), reserve=self._reserve)

    async def _wait(self, seconds: float) -> None:
        self._waiting = asyncio.ensure_future(self._sleep(seconds))
        try:
            await asyncio.wait([self._waiting])
        finally:
            self._waiting.cancel()
            self._waiting = None
