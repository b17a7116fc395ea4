from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.reading.dates import (
    DAY_FIRST,
    MONTH_FIRST,
    NO_DATE,
    TWO_DIGIT_YEAR,
    AmbiguousDates,
    DateRules,
    Dates,
    read_dates,
)
from schemas.cells import Kind

if TYPE_CHECKING:
    from collections.abc import Sequence

TORONTO = ZoneInfo("America/Toronto")


def read(*texts: str, kinds: Sequence[Kind] | None = None, rules: DateRules | None = None) -> Dates:
    stored = None if kinds is None else np.array(kinds, dtype=np.uint8)
    return read_dates(pa.array(texts, pa.large_string()), stored, rules or DateRules(), TORONTO)


def shown(dates: Dates) -> list[str]:
    return [
        f"{datetime.fromtimestamp(instant / 1000, UTC):%Y-%m-%dT%H:%M:%SZ}" if instant else ""
        for instant in dates.shipped_at
    ]


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23",
        "2026/11/23",
        "2026.11.23",
        "20261123",
        "23/11/2026",
        "11/23/2026",
        "23.11.2026",
        "23-11-2026",
        "23 novembre 2026",
        "lundi 23 novembre 2026",
        "lun. 23 nov. 2026",
        "23-Nov-2026",
        "November 23, 2026",
        "Monday, November 23rd, 2026",
        "Nov. 23 2026",
        "46349",
    ],
)
def test_a_date_alone_is_noon_there(text: str) -> None:
    dates = read(text)
    assert shown(dates) == ["2026-11-23T17:00:00Z"]
    assert dates.date_only.tolist() == [True]
    assert dates.unreadable == {}


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-11-23T14:05:06", "2026-11-23T19:05:06Z"),
        ("2026-11-23 14:05", "2026-11-23T19:05:00Z"),
        ("2026-11-23T14:05:06.789", "2026-11-23T19:05:06Z"),
        ("2026-11-23T14:05:06Z", "2026-11-23T14:05:06Z"),
        ("2026-11-23T14:05:06.123456Z", "2026-11-23T14:05:06Z"),
        ("2026-11-23T14:05:06+01:00", "2026-11-23T13:05:06Z"),
        ("2026-11-23 14:05:06 -0500", "2026-11-23T19:05:06Z"),
        ("2026-11-23T14:05-08", "2026-11-23T22:05:00Z"),
        ("2026-11-23 14:05 PST", "2026-11-23T22:05:00Z"),
        ("2026-11-23 14:05 HNE", "2026-11-23T19:05:00Z"),
        ("2026-11-23 14:05 UTC+01:00", "2026-11-23T13:05:00Z"),
        ("11/23/2026 2:05:06 PM", "2026-11-23T19:05:06Z"),
        ("11/23/2026 12:05 AM", "2026-11-23T05:05:00Z"),
        ("11/23/2026 12:05 p.m.", "2026-11-23T17:05:00Z"),
        ("23 nov. 2026 14 h 05", "2026-11-23T19:05:00Z"),
        ("23 novembre 2026 à 14h05", "2026-11-23T19:05:00Z"),
        ("23 novembre 2026, 14 h", "2026-11-23T19:00:00Z"),
        ("1er décembre 2026 08:00", "2026-12-01T13:00:00Z"),
        ("Nov 23, 2026 at 2:05 PM EST", "2026-11-23T19:05:00Z"),
        ("20261123140506", "2026-11-23T19:05:06Z"),
        ("46349.5868750", "2026-11-23T19:05:06Z"),
        ("1795442706", "2026-11-23T14:05:06Z"),
        ("1795442706000", "2026-11-23T14:05:06Z"),
        ("2 août 2026 10:00", "2026-08-02T14:00:00Z"),
    ],
)
def test_times_go_to_utc(text: str, instant: str) -> None:
    dates = read(text)
    assert shown(dates) == [instant]
    assert dates.date_only.tolist() == [False]


@pytest.mark.parametrize(
    "text",
    ["soon", "32/13/2026", "2026-02-30", "2026-13-01", "2026-11-23 25:00", "2026-11-23 10:61", "23 brumaire 2026",
     "99999", "2026-11-23 13:05 PM", "2026-11-23 14:05 XYZ", "7.03511E+15", "12", "123456789012345", "0001-01-01",
     "2026-11"],
)  # fmt: skip
def test_what_is_no_date_is_said(text: str) -> None:
    dates = read("2026-11-23", text, "", text)
    assert {reason: places.tolist() for reason, places in dates.unreadable.items()} == {NO_DATE: [1, 3]}
    assert shown(dates)[1:] == ["", "", ""]


def test_a_year_of_two_digits_is_not_guessed() -> None:
    assert list(read("23/11/26").unreadable) == [TWO_DIGIT_YEAR]
    assert shown(read("23/11/26", rules=DateRules(formats=("%d/%m/%y",)))) == ["2026-11-23T17:00:00Z"]


def test_blanks_are_absent() -> None:
    dates = read("", "2026-11-23", "")
    assert dates.shipped_at.tolist()[::2] == [0, 0]
    assert not dates.date_only[0]
    assert shown(read()) == []


@pytest.mark.parametrize("zone", ["+15:00", "-99:00", "+05:60"])
def test_a_zone_that_is_nowhere_on_earth_is_not_read(zone: str) -> None:
    assert shown(read("2026-11-20T15:00:00+14:00", f"2026-11-20T15:00:00{zone}"))[0] == "2026-11-20T01:00:00Z"
    assert read(f"2026-11-20T15:00:00{zone}").unreadable[NO_DATE].tolist() == [0]


def test_a_column_that_fits_only_one_order_is_read_so() -> None:
    assert shown(read("03/04/2026", "25/04/2026"))[0] == "2026-04-03T16:00:00Z"
    assert shown(read("03/04/2026", "04/25/2026"))[0] == "2026-03-04T17:00:00Z"


def test_a_mistake_in_one_row_does_not_hide_the_order_of_the_others() -> None:
    dates = read("03/04/2026", "32/13/2026", "04/25/2026")
    assert shown(dates) == ["2026-03-04T17:00:00Z", "", "2026-04-25T16:00:00Z"]
    assert dates.unreadable[NO_DATE].tolist() == [1]


def test_a_column_that_fits_both_orders_is_refused_with_both_readings() -> None:
    with pytest.raises(AmbiguousDates, match="is 3 April 2026 if the day comes first and 4 March 2026 if") as refused:
        read("", "05/05/2026", "03/04/2026", "05/06/2026")
    assert refused.value.position == 2


def test_a_profile_may_say_which_order_it_is() -> None:
    assert shown(read("03/04/2026", rules=DateRules(order=DAY_FIRST))) == ["2026-04-03T16:00:00Z"]
    assert shown(read("03/04/2026", rules=DateRules(order=MONTH_FIRST))) == ["2026-03-04T17:00:00Z"]
    assert list(read("25/04/2026", rules=DateRules(order=MONTH_FIRST)).unreadable) == [NO_DATE]


def test_dates_that_both_orders_read_alike_are_no_question() -> None:
    assert shown(read("05/05/2026", "11/11/2026")) == ["2026-05-05T16:00:00Z", "2026-11-11T17:00:00Z"]


def test_a_column_of_both_orders_is_refused() -> None:
    with pytest.raises(AmbiguousDates, match="mixes day-first and month-first") as refused:
        read("25/04/2026", "04/25/2026")
    assert refused.value.position == 1


def test_real_dates_beside_dates_left_as_text_are_refused() -> None:
    with pytest.raises(AmbiguousDates, match="Excel left as text") as refused:
        read("2026-03-11", "25/11/2026", kinds=[Kind.DATE, Kind.TEXT])
    assert refused.value.position == 1
    assert len(read("2026-03-25", "25/11/2026", kinds=[Kind.DATE, Kind.TEXT]).unreadable) == 0
    assert list(read("2026-03-11", "32/13/2026", kinds=[Kind.DATE, Kind.TEXT]).unreadable) == [NO_DATE]


def test_midnight_is_a_date_where_the_profile_says_so() -> None:
    rules = DateRules(midnight_is_date=True)
    dates = read(
        "2026-11-23 00:00:00", "11/23/2026 12:00:00 AM", "2026-11-23T00:00:00Z", "2026-11-23 08:00", "", rules=rules
    )
    assert dates.date_only.tolist() == [True, True, False, False, False]
    assert shown(dates)[:3] == ["2026-11-23T17:00:00Z", "2026-11-23T17:00:00Z", "2026-11-23T00:00:00Z"]
    assert read("2026-11-23 00:00:00").date_only.tolist() == [False]


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-08 01:59", "2026-03-08T06:59:00Z"),
        ("2026-03-08 02:30", "2026-03-08T07:30:00Z"),  # does not exist: by the offset from before the change
        ("2026-03-08 03:00", "2026-03-08T07:00:00Z"),
        ("2026-11-01 00:59", "2026-11-01T04:59:00Z"),
        ("2026-11-01 01:30", "2026-11-01T05:30:00Z"),  # twice: the first
        ("2026-11-01 02:00", "2026-11-01T07:00:00Z"),
        ("2026-03-08", "2026-03-08T16:00:00Z"),
        ("2026-11-01", "2026-11-01T17:00:00Z"),
    ],
)
def test_gap_and_overlap_follow_the_rule(text: str, instant: str) -> None:
    assert shown(read(text)) == [instant]


def test_a_format_of_the_profile_goes_first() -> None:
    rules = DateRules(formats=("%Y-%d-%m", "%d.%m.%Y %H:%M"))
    assert shown(read("2026-04-03", "03.04.2026 10:00", rules=rules)) == [
        "2026-03-04T17:00:00Z",
        "2026-04-03T14:00:00Z",
    ]


@settings(max_examples=60, deadline=None)
@given(
    moment=st.datetimes(datetime(2010, 1, 1), datetime(2060, 1, 1)),  # noqa: DTZ001 - wall clock
    pattern=st.sampled_from(
        ["%Y-%m-%dT%H:%M:%S", "%Y/%m/%d %H:%M:%S", "%Y%m%d%H%M%S", "%d %B %Y %H:%M:%S", "%b %d, %Y %I:%M:%S %p"]
    ),
)
def test_every_local_time_is_what_the_standard_library_says(moment: datetime, pattern: str) -> None:
    wall = moment.replace(microsecond=0)
    expected = round(wall.replace(tzinfo=TORONTO, fold=0).timestamp() * 1000)
    assert read(wall.strftime(pattern)).shipped_at.tolist() == [expected]


@settings(max_examples=40, deadline=None)
@given(texts=st.lists(st.text(alphabet=st.sampled_from(list("0123456789-/.: TZapmhnov,é")), max_size=22), max_size=6))
def test_nothing_that_is_typed_breaks_the_reading(texts: list[str]) -> None:
    try:
        dates = read(*texts)
    except AmbiguousDates:
        return
    unread = {place for places in dates.unreadable.values() for place in places.tolist()}
    for place, text in enumerate(texts):
        assert (dates.shipped_at[place] == 0) == (text == "" or place in unread)


def test_a_column_keeps_its_order_and_repeats() -> None:
    days = [f"2026-11-{1 + day % 20:02d}" for day in range(100)]
    expected = [datetime(2026, 11, 1, 17, tzinfo=UTC) + timedelta(days=day % 20) for day in range(100)]
    assert read(*days).shipped_at.tolist() == [round(moment.timestamp() * 1000) for moment in expected]


def test_a_column_in_pieces_is_read_as_one() -> None:
    pieces = pa.chunked_array([["2026-11-23"], ["2026-11-24", "2026-11-23"]], pa.large_string())
    dates = read_dates(pieces, None, DateRules(), TORONTO)
    assert shown(dates) == ["2026-11-23T17:00:00Z", "2026-11-24T17:00:00Z", "2026-11-23T17:00:00Z"]


@pytest.mark.parametrize(
    "other", ["2026-02-30", "2026-13-01", "2026-11-31T10:00", "2026-11-23T24:00", "2026-11-23 10:60"]
)
def test_a_day_or_time_that_does_not_exist_changes_no_other_rows_time(other: str) -> None:
    alone = read("2026-11-23T10:00:00.123Z")
    beside = read("2026-11-23T10:00:00.123Z", other)
    assert alone.shipped_at[0] % 1000 == 123
    assert beside.shipped_at.tolist() == [alone.shipped_at[0], 0]
    assert [positions.tolist() for positions in beside.unreadable.values()] == [[1]]
