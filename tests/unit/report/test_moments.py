from __future__ import annotations

import pytest

from batch.report.moments import clock, span, times


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-1, "0 s"),
        (0.4, "0 s"),
        (59.4, "59 s"),
        (60, "1 min"),
        (125, "2 min 5 s"),
        (3600, "1 h"),
        (8850, "2 h 27 min"),
        (90_000, "1 d 1 h"),
    ],
)
def test_a_span_is_said_in_two_units(seconds: float, said: str) -> None:
    assert span(seconds) == said


def test_a_clock_shows_the_sellers_zone() -> None:
    assert clock(1_795_480_000_000, "America/Toronto") == "2026-11-23 19:26:40"
    assert clock(0, "America/Toronto") == ""


def test_how_often_is_said_in_words() -> None:
    assert [times(1), times(2), times(1_000)] == ["once", "2 times", "1,000 times"]
