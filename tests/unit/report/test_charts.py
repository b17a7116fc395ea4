from __future__ import annotations

import dataclasses
from xml.etree import ElementTree as ET

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.report import charts
from batch.report.account import RunAccount
from tests.unit.report.accounts import STARTED, make_account, make_table, ordinary

SVG = "{http://www.w3.org/2000/svg}"


def busy(*, throttled: bool = True, down: bool = True, limit: float = 60, seconds: int = 200) -> RunAccount:
    account = ordinary()
    verdicts = ["accepted"] * seconds
    if throttled:
        verdicts[3] = "throttled"
    if down:
        verdicts[50:60] = ["unavailable"] * 10
    started = pd.Series([STARTED + at * 1000 for at in range(seconds)])
    attempts = pd.DataFrame(
        {
            "kind": pd.Series(["ship"] * seconds, dtype="str"),
            "started_at": started,
            "ended_at": started + 250,
            "status": 200,
            "verdict": pd.Series(verdicts, dtype="str"),
            "order": 0,
        }
    )
    return dataclasses.replace(
        account,
        attempts=attempts,
        limits={"ship": limit},
        timezone="America/Toronto",
        carriers=pd.Series(["UPS", "<script>alert(1)</script>"] * 4, dtype="str"),
    )


def test_a_full_account_gives_four_pictures_with_a_sentence_each() -> None:
    told = {chart.title: chart.said for chart in charts.charts(busy())}
    assert told == {
        "Over time": "60 updates a minute on average over 3 min 19 s, of 60 allowed; told to wait once; "
        "the marketplace was not available for 9 s.",
        "Time left to the deadline": "1 shipped in time, 0 late; the next deadline of what is not shipped: "
        "2026-11-23 20:26:40.",
        "Time to answer": "Half of the shipping updates were answered within 250 ms, 95 of 100 within 250 ms.",
        "Rows by carrier": "Most of what needs a person is of UPS: 2 of 4 rows.",
    }


def test_an_account_of_nothing_gives_no_picture() -> None:
    assert charts.charts(RunAccount(run="r", account="a", command="run")) == []


def test_what_did_not_happen_is_not_in_the_legend() -> None:
    chart = charts.over_time(busy(throttled=False, down=False, limit=0))
    assert chart is not None
    assert [word for word, _ in chart.legend] == ["sent"]
    assert chart.said == "60 updates a minute on average over 3 min 19 s."


def test_times_are_the_sellers_own() -> None:
    chart = charts.over_time(busy())
    assert chart is not None
    assert ">19:27:00<" in chart.svg
    longer = charts.over_time(busy(seconds=400))
    assert longer is not None
    assert ">19:28<" in longer.svg


def test_pictures_bring_no_script_style_link_or_colour_of_their_own() -> None:
    account = busy()
    for picture in [chart.svg for chart in charts.charts(account)] + [charts.share({"shipped": 3, "held": 1})]:
        tree = ET.fromstring(picture)  # noqa: S314 - our own picture
        names = {element.tag.removeprefix(SVG) for element in tree.iter()}
        assert names <= {"svg", "g", "rect", "path", "text", "title", "desc", "circle"}
        attributes = {key for element in tree.iter() for key in element.attrib}
        assert not attributes & {"style", "href", "onclick", "fill", "id"}
        assert "pygal" not in picture
        assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")


def test_a_hostile_carrier_stays_text() -> None:
    chart = charts.by_carrier(busy())
    assert chart is not None
    assert "<script" not in chart.svg
    assert "&lt;script&gt;" in chart.svg


def test_a_bar_fills_its_place_and_shows_the_smallest_part() -> None:
    picture = ET.fromstring(charts.share({"shipped": 100_000, "unknown": 1}))  # noqa: S314 - our own picture
    _, _, width, _ = map(float, picture.attrib["viewBox"].split())
    bars = [float(bar.attrib["width"]) for bar in picture.iter(f"{SVG}rect") if bar.get("class") == "rect"]
    assert sum(bars) == pytest.approx(width, abs=0.1)
    assert min(bars) > width * 0.005
    assert {title.text for title in picture.iter(f"{SVG}title")} == {"shipped: 100,000", "unknown: 1"}


def test_where_nobody_is_needed_the_carriers_say_so() -> None:
    table = make_table(["1", "x", ""])
    account = make_account([table], [("shipped", "", "1")], carriers=pd.Series(["UPS"], dtype="str"))
    chart = charts.by_carrier(account)
    assert chart is not None
    assert chart.said == "No row of any carrier needs a person."


def test_overdue_orders_are_named() -> None:
    account = ordinary()
    account.orders["ship_by"] = account.started_at - 1
    chart = charts.deadlines(account)
    assert chart is not None
    assert chart.said == "0 shipped in time, 1 late; 5 not shipped and past the deadline."


MOMENTS = st.integers(STARTED, STARTED + 90_000_000)
ATTEMPTS = st.lists(
    st.tuples(
        st.sampled_from(["ship", "read", "acknowledge", "edit", "find", "token"]),
        MOMENTS,
        st.integers(0, 60_000),
        st.sampled_from([0, 200, 429, 500]),
        st.sampled_from(["accepted", "refused", "throttled", "unauthorised", "unavailable", "unknown"]),
    ),
    max_size=12,
)


@settings(max_examples=20, deadline=None)
@given(attempts=ATTEMPTS, limit=st.sampled_from([0, 0.5, 60, 5000]), zone=st.sampled_from(["UTC", "America/St_Johns"]))
def test_whatever_happened_the_pictures_can_be_drawn(
    attempts: list[tuple[str, int, int, int, str]], limit: float, zone: str
) -> None:
    frame = pd.DataFrame(
        {
            "kind": pd.Series([kind for kind, *_ in attempts], dtype="str"),
            "started_at": pd.Series([start for _, start, *_ in attempts], dtype="int64"),
            "ended_at": pd.Series([start + length for _, start, length, *_ in attempts], dtype="int64"),
            "status": pd.Series([status for *_, status, _ in attempts], dtype="int64"),
            "verdict": pd.Series([verdict for *_, verdict in attempts], dtype="str"),
            "order": pd.Series([0] * len(attempts), dtype="int64"),
        }
    )
    account = dataclasses.replace(ordinary(), attempts=frame, limits={"ship": limit}, timezone=zone)
    for chart in charts.charts(account):
        assert "nan" not in chart.svg
        ET.fromstring(chart.svg)  # noqa: S314 - our own picture
