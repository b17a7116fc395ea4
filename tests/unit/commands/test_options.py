from __future__ import annotations

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.commands.options import ClockTime, Common, Duration, sending_options


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2h", 7200), ("90m", 5400), ("45s", 45), ("1h30m", 5400), ("1 h 5 min", 3900), ("0.5h", 1800), ("2H", 7200)],
)
def test_a_duration_is_read_as_people_write_it(text: str, seconds: float) -> None:
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "2", "two hours", "1m2h", "-1h"])
def test_what_is_no_duration_is_told_how_to_write_it(text: str) -> None:
    with pytest.raises(click.BadParameter, match="write it like 2h, 90m or 1h30m"):
        Duration().convert(text, None, None)


@given(st.integers(0, 23), st.integers(0, 59))
def test_every_time_of_day_is_read(hours: int, minutes: int) -> None:
    assert ClockTime().convert(f"{hours:02}:{minutes:02}", None, None) == (hours, minutes)


@pytest.mark.parametrize("text", ["24:00", "6", "06:60", "6am", ""])
def test_what_is_no_time_of_day_is_told_how_to_write_it(text: str) -> None:
    with pytest.raises(click.BadParameter, match="write it like 06:00"):
        ClockTime().convert(text, None, None)


def test_the_options_of_all_sending_commands_come_as_one() -> None:
    given_: list[Common] = []

    @click.command()
    @sending_options
    def command(*, common: Common) -> None:
        given_.append(common)

    command.main(["--account", "outlet", "--for", "2h", "--until", "06:00", "--wait"], standalone_mode=False)
    (common,) = given_
    assert (common.account, common.for_, common.until, common.wait) == ("outlet", 7200, (6, 0), True)
    assert (common.config, common.report, common.as_json, common.quiet) == (None, None, False, False)
