from __future__ import annotations

import asyncio
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import formatdate
from math import inf

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from batch.submit.pace import (
    FIRST_BACKOFF,
    LONGEST_BACKOFF,
    SHORTEST_PAUSE,
    Bucket,
    Pace,
    Word,
    heard,
    read_word,
    spend,
    throttled,
    wait,
)
from tests.unit.submit.virtual import now, run

NOW_MS = 1_781_189_744_550
SECOND = Bucket.at_rate(60)  # one call a second
FREE = Bucket.at_rate(0)


def at(bucket: Bucket, **known: float | None) -> Bucket:
    return replace(bucket, **known)


# How long to wait


@pytest.mark.parametrize(
    ("bucket", "seconds"),
    [
        (SECOND, 0.0),  # nothing was sent yet
        (FREE, 0.0),
        (at(FREE, sent_at=100.0), 0.0),  # no limit of our own, and no word of another
        (at(SECOND, level=0.0, at=100.0, sent_at=100.0), 1.0),  # the gap counts from the last send
        (at(SECOND, level=0.0, at=99.4, sent_at=99.4), 0.4),
        (at(SECOND, level=0.0, at=90.0, sent_at=90.0), 0.0),
        (at(SECOND, level=1.0, at=90.0, sent_at=99.9), 0.9),  # what was lost is not caught up
        (at(SECOND, level=1.0, at=100.0, sent_at=99.9, paused_until=107.0), 7.0),
        (at(SECOND, level=5.0, capacity=60, at=100.0, sent_at=100.0, left=5, most_left=59), 0.0),  # tokens may be spent
        (at(SECOND, level=5.0, capacity=60, at=100.0, sent_at=100.0, left=1, most_left=59), 1.0),  # but for the last
        (at(SECOND, level=5.0, capacity=60, at=100.0, sent_at=100.0, left=2, most_left=2), 1.0),  # a shallow bucket
        (at(SECOND, level=0.25, capacity=60, at=100.0, sent_at=100.0, left=40, most_left=59), 0.75),  # our own ceiling
        (at(SECOND, gap=4.0, level=1.0, at=100.0, sent_at=99.0), 3.0),  # a wider gap after a 429
        (at(FREE, gap=2.0, sent_at=99.0, left=0, most_left=59), 1.0),
        (at(FREE, gap=2.0, sent_at=99.0, left=9, most_left=59), 0.0),
    ],
)
def test_the_wait_for_the_next_call(bucket: Bucket, seconds: float) -> None:
    assert wait(bucket, 100.0) == pytest.approx(seconds)


def test_a_call_that_left_counts_at_once() -> None:
    after = spend(at(SECOND, left=7, most_left=9, capacity=10, level=8.0, at=99.0), 100.0)
    assert (after.level, after.at, after.sent_at, after.left) == (8.0, 100.0, 100.0, 6)


def test_without_any_limit_nothing_is_remembered() -> None:
    assert spend(FREE, 100.0) is FREE


def test_no_more_calls_are_in_hand_than_the_burst() -> None:
    assert spend(at(SECOND, level=0.5, at=0.0), 1000.0).level == 0.0


# What answers teach


def test_the_first_word_of_tokens_is_a_burst_that_may_be_spent_at_once() -> None:
    after = heard(spend(SECOND, 100.0), Word(left=59), 100.2, sent_at=100.0)
    assert (after.left, after.most_left, after.capacity) == (59, 59, 60.0)
    assert after.level == pytest.approx(59.2)
    assert wait(after, 100.2) == 0


def test_later_words_of_tokens_leave_our_own_ceiling_as_it_is() -> None:
    bucket = at(SECOND, left=40, most_left=59, capacity=60, level=0.0, at=100.0, sent_at=100.0)
    after = heard(bucket, Word(left=50), 100.5, sent_at=100.0)
    assert (after.left, after.level) == (50, 0.5)


def test_calls_on_their_way_are_taken_off_what_is_left() -> None:
    assert heard(SECOND, Word(left=9), 100.0, sent_at=99.0, under_way=3).left == 6


def test_an_empty_bucket_makes_us_a_little_slower_once_for_all_calls_on_their_way() -> None:
    bucket = at(SECOND, left=3, most_left=9, sent_at=100.0)
    once = heard(bucket, Word(left=0, wait=0.7), 100.2, sent_at=100.0)
    assert once.gap == 1.25
    assert heard(once, Word(left=0, wait=0.6), 100.3, sent_at=100.1).gap == 1.25
    assert heard(once, Word(left=0, wait=0.6), 101.5, sent_at=101.3).gap == pytest.approx(1.5625)


def test_an_empty_bucket_that_says_when_it_is_full_again_is_waited_for() -> None:
    after = heard(at(SECOND, left=3, most_left=9), Word(left=0, wait=30.0), 100.0, sent_at=99.5)
    assert wait(after, 100.0) == pytest.approx(30.0)


def test_a_time_that_may_be_nothing_but_a_clock_that_is_a_second_off_is_not_waited_for() -> None:
    after = heard(at(SECOND, sent_at=100.0), Word(left=0, wait=2.1), 100.2, sent_at=100.0)
    assert wait(after, 100.2) == pytest.approx(0.8)


def test_a_bucket_that_holds_a_single_token_is_always_empty_and_slows_nobody() -> None:
    assert heard(at(SECOND, left=0, gap=1.5), Word(left=0), 100.0, sent_at=99.0).gap == pytest.approx(1.425)


def test_without_any_limit_known_an_empty_bucket_gives_a_first_gap() -> None:
    assert heard(FREE, Word(left=0), 100.0, sent_at=99.0).gap == 0.05


@pytest.mark.parametrize(
    ("bucket", "gap"),
    [
        (at(SECOND, gap=2.0), 1.9),
        (at(SECOND, gap=1.02), 1.0),  # never narrower than our own
        (at(SECOND, gap=60.0), 48.0),  # far from it, faster
        (at(FREE, gap=0.0010), 0.0),  # no gap at all in the end
        (at(FREE, gap=0.5), 0.475),
        (at(SECOND, gap=2.0, widened_at=99.5), 2.0),  # the call left before the gap was widened: it proves nothing
    ],
)
def test_an_answer_without_word_of_tokens_narrows_the_gap(bucket: Bucket, gap: float) -> None:
    assert heard(bucket, Word(), 100.0, sent_at=99.0).gap == pytest.approx(gap)


def test_an_answer_ends_the_row_of_429s() -> None:
    bucket = at(SECOND, throttles=3, throttled_at=99.0)
    assert heard(bucket, Word(), 100.0, sent_at=99.5).throttles == 0
    assert heard(bucket, Word(), 100.0, sent_at=98.5).throttles == 3


# What 429s teach


@pytest.mark.parametrize(
    ("before", "word", "pause"),
    [
        (0, Word(wait=12.0), 12.0),
        (0, Word(left=0, wait=0.4), 0.4),
        (0, Word(wait=-40.0), SHORTEST_PAUSE),  # a time in the past
        (0, Word(), FIRST_BACKOFF),
        (1, Word(), 2 * FIRST_BACKOFF),
        (3, Word(), 8 * FIRST_BACKOFF),
        (30, Word(), LONGEST_BACKOFF),
    ],
)
def test_a_429_pauses_for_as_long_as_it_says_or_ever_longer(before: int, word: Word, pause: float) -> None:
    after = throttled(at(SECOND, throttles=before), word, 100.0, sent_at=99.0)
    assert after.paused_until == pytest.approx(100 + pause)
    assert (after.throttles, after.gap, after.level) == (before + 1, 2.0, 0.0)


def test_429s_to_calls_that_were_on_their_way_count_once() -> None:
    once = throttled(SECOND, Word(wait=5.0), 100.0, sent_at=99.0)
    assert throttled(once, Word(wait=50.0), 100.1, sent_at=99.9) == once
    assert throttled(once, Word(wait=5.0), 106.2, sent_at=106.0).throttles == 2


def test_the_gap_never_grows_out_of_bounds() -> None:
    assert throttled(at(SECOND, gap=50.0), Word(), 100.0, sent_at=99.0).gap == 60.0
    assert throttled(Bucket.at_rate(1 / 3), Word(), 100.0, sent_at=99.0).gap == pytest.approx(180.0)
    assert throttled(FREE, Word(), 100.0, sent_at=99.0).gap == 0.05


def test_after_a_429_no_token_is_taken_to_be_left() -> None:
    assert throttled(at(SECOND, left=5, most_left=59), Word(), 100.0, sent_at=99.0).left == 0
    assert throttled(SECOND, Word(), 100.0, sent_at=99.0).left is None


# What headers say


def iso(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat()


@pytest.mark.parametrize(
    ("headers", "word"),
    [
        ({}, Word()),
        ({"X-Current-Token-Count": "17"}, Word(17)),
        ({"X-Current-Token-Count": "-3"}, Word(0)),
        ({"X-Current-Token-Count": "many"}, Word()),
        ({"X-Next-Replenishment-Time": str(NOW_MS + 1500)}, Word(wait=1.5)),
        ({"X-Next-Replenish-Time": str(NOW_MS + 1500)}, Word(wait=1.5)),  # the short form
        ({"X-Next-Replenishment-Time": str((NOW_MS + 450) // 1000 + 2)}, Word(wait=2.45)),  # epoch seconds
        ({"X-Next-Replenishment-Time": "2.25"}, Word(wait=2.25)),  # from now
        ({"X-Next-Replenishment-Time": iso(NOW_MS + 4000)}, Word(wait=4.0)),
        ({"X-Next-Replenishment-Time": iso(NOW_MS + 4000).replace("+00:00", "Z")}, Word(wait=4.0)),
        ({"X-Next-Replenishment-Time": str(NOW_MS - 2000)}, Word(wait=-2.0)),
        ({"X-Next-Replenishment-Time": str(NOW_MS + 3 * 86_400_000)}, Word()),  # three days: absurd
        ({"X-Next-Replenishment-Time": str(NOW_MS * 1000)}, Word()),  # microseconds
        ({"X-Next-Replenishment-Time": "soon"}, Word()),
        ({"X-Next-Replenishment-Time": "nan"}, Word()),
        ({"X-Next-Replenishment-Time": "1e999"}, Word()),
        ({"X-Next-Replenishment-Time": ""}, Word()),
        ({"Retry-After": "7"}, Word(wait=7.0)),
        ({"Retry-After": formatdate(NOW_MS / 1000 + 9, usegmt=True)}, Word(wait=8.45)),
        ({"Retry-After": "7", "X-Next-Replenishment-Time": "3"}, Word(wait=7.0)),  # looked at first
        ({"Retry-After": "5000", "X-Next-Replenishment-Time": "3"}, Word(wait=3.0)),
        ({"X-Current-Token-Count": "0", "X-Next-Replenishment-Time": "3"}, Word(0, 3.0)),
    ],
)
def test_headers_of_the_limit(headers: dict[str, str], word: Word) -> None:
    said = read_word(headers, NOW_MS)
    assert (said.left, said.wait) == (word.left, word.wait if word.wait is None else pytest.approx(word.wait))


@pytest.mark.parametrize("ahead", [-3600.0, -90.0, 90.0, 3600.0])
def test_a_clock_that_is_not_in_step_is_told_by_the_date(ahead: float) -> None:
    its_now = NOW_MS / 1000 + ahead
    headers = {"X-Next-Replenishment-Time": str(int((its_now + 20) * 1000)), "Date": formatdate(its_now, usegmt=True)}
    assert read_word(headers, NOW_MS).wait == pytest.approx(20, abs=0.6)


@pytest.mark.parametrize("date", [formatdate(NOW_MS / 1000, usegmt=True), "yesterday", ""])
def test_a_clock_in_step_or_unknown_is_ours(date: str) -> None:
    headers = {"X-Next-Replenishment-Time": str(NOW_MS + 250), "Date": date}
    assert read_word(headers, NOW_MS).wait == pytest.approx(0.25)


@given(st.text(max_size=40), st.text(max_size=40))
def test_headers_never_raise_and_never_make_anyone_wait_for_ever(count: str, moment: str) -> None:
    headers = {"X-Current-Token-Count": count, "X-Next-Replenishment-Time": moment, "Date": moment}
    word = read_word(headers, NOW_MS)
    assert word.left is None or word.left >= 0
    assert word.wait is None or -300 <= word.wait <= 300


# Taking turns


def new_pace(rate: float) -> Pace:
    return Pace(rate, clock=now, sleep=asyncio.sleep)


def test_turns_are_given_in_the_order_in_which_they_are_asked_for() -> None:
    async def main() -> list[tuple[int, float]]:
        pace, taken = new_pace(60), list[tuple[int, float]]()

        async def ask(number: int) -> None:
            turn = await pace.turn()
            taken.append((number, turn - began))

        began = now()
        await asyncio.gather(*(ask(number) for number in range(4)))
        return taken

    assert run(main()) == [(0, 0), (1, 1), (2, 2), (3, 3)]


def test_the_gap_counts_from_the_actual_send_and_is_not_caught_up() -> None:
    async def main() -> list[float]:
        pace, sent, began = new_pace(60), list[float](), now()

        async def work() -> None:
            for _ in range(3):
                await pace.turn()
                await asyncio.sleep(0.4)  # the call goes on record
                pace.left()
                sent.append(now() - began)

        await asyncio.gather(work(), work())
        return sent

    assert run(main()) == pytest.approx([0.4, 1.8, 3.2, 4.6, 6.0, 7.4])


async def spent(pace: Pace, tokens: int) -> None:
    """Take one turn after the other until the server has but so many tokens."""
    for left in (5, 4, 3, 2, 1, 0)[: 6 - tokens]:
        turn = await pace.turn(lambda: True)
        pace.heard(turn, {"X-Current-Token-Count": str(left)}, NOW_MS)
        pace.over()


@pytest.mark.parametrize(("is_last", "seconds"), [(True, 0), (False, 180)])
def test_the_last_call_of_all_takes_the_token_in_reserve(is_last: bool, seconds: float) -> None:  # noqa: FBT001 - a parameter
    async def main() -> float:
        pace, began = new_pace(1 / 3), now()  # one in three minutes
        await spent(pace, 1)
        return await pace.turn(lambda: is_last) - began

    assert run(main()) == pytest.approx(seconds)


def test_the_last_call_is_woken_by_word_of_a_single_token() -> None:
    async def main() -> float:
        pace = new_pace(1 / 3)
        await spent(pace, 1)
        before = await pace.turn()  # for which the server has another, after the gap
        last = asyncio.create_task(pace.turn(lambda: True))
        await asyncio.sleep(1)
        pace.heard(before, {"X-Current-Token-Count": "1"}, NOW_MS)
        return await last - before

    assert run(main()) == pytest.approx(1)


def test_whoever_waits_for_the_gap_is_woken_by_word_of_tokens_left() -> None:
    async def main() -> float:
        pace = new_pace(1 / 3)  # one in three minutes
        turn = await pace.turn()
        second = asyncio.create_task(pace.turn())
        await asyncio.sleep(1)
        pace.heard(turn, {"X-Current-Token-Count": "19"}, NOW_MS)
        await second
        return now() - turn

    assert run(main()) == pytest.approx(1)


def test_a_429_makes_everyone_wait_and_is_seen() -> None:
    async def main() -> tuple[float, float, float, int, float]:
        pace = new_pace(0)
        turn = await pace.turn()
        pace.throttled(turn, {"Retry-After": "30"}, NOW_MS)
        others = [asyncio.create_task(pace.turn()) for _ in range(3)]
        await asyncio.sleep(0)
        paused, engaged, expected = pace.paused, pace.engaged, pace.expected(3)
        turns = await asyncio.gather(*others)
        return paused, turns[0] - turn, turns[2] - turns[1], engaged, expected

    assert run(main()) == pytest.approx((30, 30, 0.05, 4, 30.15))


def test_a_worker_that_is_cancelled_while_it_waits_lets_the_next_one_in() -> None:
    async def main() -> float:
        pace = new_pace(60)
        first = await pace.turn()
        waiting, behind = asyncio.create_task(pace.turn()), asyncio.create_task(pace.turn())
        await asyncio.sleep(0.5)
        waiting.cancel()
        return (await behind) - first

    assert run(main()) == pytest.approx(1)


# Against a server with a bucket of its own


@dataclass(kw_only=True)
class Server:
    """A token bucket behind a wire, whose clock may be wrong."""

    rate: float  # tokens a second
    burst: int
    latency: float  # s, there and back
    jitter: float = 0.0  # s more, at most
    ahead: float = 0.0  # s of its clock
    tells: bool = True
    random: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - repeatable, guards nothing
    tokens: float = field(init=False)
    looked_at: float = -inf
    refusals: int = 0

    def __post_init__(self) -> None:
        self.tokens = self.burst

    async def call(self) -> tuple[bool, dict[str, str]]:
        await self._travel()
        if self.looked_at > -inf:
            self.tokens = min(self.burst, self.tokens + (now() - self.looked_at) * self.rate)
        self.looked_at = now()
        accepted = self.tokens >= 1 - 1e-9
        self.tokens -= accepted
        self.refusals += not accepted
        headers = self._headers()
        await self._travel()
        return accepted, headers

    async def _travel(self) -> None:
        await asyncio.sleep((self.latency + self.random.random() * self.jitter) / 2)

    def _headers(self) -> dict[str, str]:
        if not self.tells:
            return {}
        its_now = now() + self.ahead
        missing = 0.0 if self.tokens >= self.burst else 1 - self.tokens % 1
        return {
            "X-Current-Token-Count": str(int(self.tokens + 1e-9)),
            "X-Next-Replenishment-Time": str(int((its_now + missing / self.rate) * 1000) + 1 + NOW_MS),
            "Date": formatdate(its_now + NOW_MS / 1000, usegmt=True),
        }


async def drive(pace: Pace, server: Server, calls: int, workers: int = 32) -> float:
    """Make so many calls, again where they are refused; return the seconds that it took."""
    began, left, done = now(), calls, 0

    def is_last() -> bool:
        return calls - done - pace.under_way <= 1

    async def work() -> None:
        nonlocal left, done
        while left:
            left -= 1
            accepted = False
            while not accepted:
                turn = await pace.turn(is_last)
                await asyncio.sleep(0.002)  # the call goes on record
                pace.left()
                accepted, headers = await server.call()
                (pace.heard if accepted else pace.throttled)(turn, headers, int(NOW_MS + now() * 1000))
                pace.over()
            done += 1

    await asyncio.gather(*(work() for _ in range(workers)))
    return now() - began


CALLS = 200


@settings(max_examples=50, deadline=None)
@given(
    rate=st.sampled_from([1 / 180, 0.5, 1.0, 5.0]),
    burst=st.integers(4, 80),
    latency=st.floats(0.01, 2.0),
    jitter=st.floats(0.0, 1.0),
    ahead=st.floats(-600, 600),
)
@example(rate=1.0, burst=60, latency=0.2, jitter=0.05, ahead=0.0)
@example(rate=1.0, burst=4, latency=2.0, jitter=1.0, ahead=600.0)
def test_where_the_rate_is_known_and_told_no_token_is_lost_and_no_call_refused(
    rate: float, burst: int, latency: float, jitter: float, ahead: float
) -> None:
    server = Server(rate=rate, burst=burst, latency=latency, jitter=min(jitter, 1 / rate), ahead=ahead)
    took = run(drive(new_pace(60 * rate), server, CALLS))
    possible = (CALLS - burst) / rate
    assert took <= possible / 0.99 + 2 / rate + 3 * (latency + jitter)
    assert server.refusals == 0


@settings(max_examples=50, deadline=None)
@given(
    ours=st.sampled_from([0.0, 0.5, 1.0, 2.0, 80.0]),
    rate=st.sampled_from([0.1, 0.5, 1.0, 10.0, 80.0]),
    burst=st.integers(1, 80),
    latency=st.floats(0.01, 2.0),
    jitter=st.floats(0.0, 0.5),
    ahead=st.floats(-600, 600),
    tells=st.booleans(),
)
def test_whatever_the_server_allows_there_is_neither_starvation_nor_a_storm(
    ours: float, rate: float, burst: int, latency: float, jitter: float, ahead: float, *, tells: bool
) -> None:
    server = Server(rate=rate, burst=burst, latency=latency, jitter=jitter, ahead=ahead, tells=tells)
    took = run(drive(new_pace(60 * ours), server, CALLS))
    pace = min(rate, ours) if ours else rate
    assert took <= 2.5 * CALLS / pace + CALLS / 32 * (latency + jitter) + 30
    assert server.refusals <= 32 * 4 + CALLS


def test_two_processes_share_a_limit_that_they_see_in_the_headers() -> None:
    async def main() -> tuple[float, float, int]:
        server = Server(rate=1.0, burst=60, latency=0.2, jitter=0.1)
        took = await asyncio.gather(*(drive(new_pace(60), server, CALLS) for _ in range(2)))
        return max(took), min(took), server.refusals

    longest, shortest, refusals = run(main())
    possible = 2 * CALLS - 60
    assert longest <= possible / 0.99 + 3
    assert shortest >= 0.6 * possible
    assert refusals < 0.2 * 2 * CALLS
