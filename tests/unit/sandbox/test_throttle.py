from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.sandbox.routes import Kind
from batch.sandbox.throttle import REAL_LIMITS, Limit, Moment, Taken, Throttle, ThrottleHeaders


def test_tokens_come_back_one_by_one() -> None:
    throttle = Throttle({Kind.SHIP: Limit(per_minute=20, burst=1)})
    taken = [throttle.take("me", Kind.SHIP, tick) for tick in (0.0, 0.0, 2.9, 3.0, 3.1)]
    assert [each and each.allowed for each in taken] == [True, False, False, True, False]
    assert [each and round(each.wait, 3) for each in taken] == [3.0, 3.0, 0.1, 3.0, 2.9]


def test_a_burst_is_a_minute_s_worth_unless_it_is_said() -> None:
    throttle = Throttle(REAL_LIMITS)
    first = throttle.take("me", Kind.SHIP, 0)
    assert first
    assert first.left == 59
    assert all(throttle.take("me", Kind.SHIP, 0).allowed for _ in range(59))  # type: ignore[union-attr]  # this kind is limited
    last = throttle.take("me", Kind.SHIP, 0)
    assert last == Taken(allowed=False, left=0, wait=1.0)


def test_sellers_and_endpoints_have_their_own_buckets_but_an_edit_is_a_shipping_update() -> None:
    throttle = Throttle({Kind.SHIP: Limit(per_minute=1), Kind.READ: Limit(per_minute=1)})
    calls = [("a", Kind.SHIP), ("b", Kind.SHIP), ("a", Kind.READ), ("a", Kind.EDIT)]
    assert [taken and taken.allowed for taken in (throttle.take(*call, 0) for call in calls)] == [
        True,
        True,
        True,
        False,
    ]


@pytest.mark.parametrize("limits", [{}, {Kind.READ: Limit(per_minute=0)}])
def test_without_a_rate_there_is_no_limit(limits: dict[Kind, Limit]) -> None:
    assert Throttle(limits).take("me", Kind.READ, 0) is None


def test_a_clock_that_goes_back_gives_no_tokens() -> None:
    throttle = Throttle({Kind.SHIP: Limit(per_minute=60, burst=1)})
    assert [taken and taken.allowed for taken in (throttle.take("me", Kind.SHIP, t) for t in (5.0, 1.0, 5.5, 6.0))] == [
        True,
        False,
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("how", "headers"),
    [
        (ThrottleHeaders(), {"X-Current-Token-Count": "0", "X-Next-Replenishment-Time": "1700000001500"}),
        (
            ThrottleHeaders(replenishment="x-next-replenish-time", moment=Moment.SECONDS),
            {"X-Current-Token-Count": "0", "x-next-replenish-time": "1700000002"},
        ),
        (
            ThrottleHeaders(moment=Moment.RELATIVE, retry_after=True),
            {"X-Current-Token-Count": "0", "X-Next-Replenishment-Time": "1.500", "Retry-After": "2"},
        ),
        (
            ThrottleHeaders(moment=Moment.ISO),
            {"X-Current-Token-Count": "0", "X-Next-Replenishment-Time": "2023-11-14T22:13:21.500Z"},
        ),
        (ThrottleHeaders(told=False), {}),
    ],
)
def test_the_wait_is_told_in_each_of_the_ways_that_were_seen(how: ThrottleHeaders, headers: dict[str, str]) -> None:
    taken = Taken(allowed=False, left=0, wait=1.5)
    assert Throttle({}, how).headers(taken, 1_700_000_000_000) == headers


def test_retry_after_stands_on_refusals_only() -> None:
    headers = Throttle({}, ThrottleHeaders(retry_after=True)).headers(Taken(allowed=True, left=1, wait=1), 0)
    assert "Retry-After" not in headers


@settings(max_examples=50, deadline=None)
@given(
    rate=st.floats(1, 6000),
    burst=st.integers(1, 100),
    gaps=st.lists(st.floats(0, 30), min_size=1, max_size=60),
)
def test_no_more_pass_than_the_burst_and_what_came_back(rate: float, burst: int, gaps: list[float]) -> None:
    throttle = Throttle({Kind.SHIP: Limit(per_minute=rate, burst=burst)})
    tick, passed = 0.0, 0
    for gap in gaps:
        tick += gap
        taken = throttle.take("me", Kind.SHIP, tick)
        assert taken
        passed += taken.allowed
        assert 0 <= taken.left <= burst
        assert taken.wait <= 60 / rate + 1e-6
    assert passed <= burst + (tick * rate / 60) + 1e-6


@settings(max_examples=50, deadline=None)
@given(rate=st.floats(1, 6000), burst=st.integers(1, 5), start=st.floats(0, 1e6))
def test_who_waits_as_told_passes(rate: float, burst: int, start: float) -> None:
    throttle = Throttle({Kind.SHIP: Limit(per_minute=rate, burst=burst)})
    tick = start
    for _ in range(burst + 5):
        taken = throttle.take("me", Kind.SHIP, tick)
        assert taken
        if not taken.allowed:
            tick += taken.wait + 1e-6
            after = throttle.take("me", Kind.SHIP, tick)
            assert after
            assert after.allowed
