from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from batch.report import figures
from batch.report.account import RunAccount, empty
from tests.unit.report.accounts import STARTED, make_account, make_table

HOUR = 3_600_000


def calls(*told: tuple[float, float, str], kind: str = "ship", status: int = 200) -> pd.DataFrame:
    """Make attempts of (start in s, length in s, verdict)."""
    return pd.DataFrame(
        {
            "kind": pd.Series([kind] * len(told), dtype="str"),
            "started_at": [STARTED + round(start * 1000) for start, _, _ in told],
            "ended_at": [STARTED + round((start + length) * 1000) for start, length, _ in told],
            "status": status,
            "verdict": pd.Series([verdict for _, _, verdict in told], dtype="str"),
            "order": 0,
        }
    )


def account_of(**fields: Any) -> RunAccount:  # noqa: ANN401 - as the dataclass takes them
    return RunAccount(run="r", account="a", command="run", **fields)


def test_where_nothing_was_sent_there_is_no_pace() -> None:
    assert figures.pace(account_of()) is None
    assert figures.pace(account_of(attempts=calls((0, 1, "accepted"), kind="read"))) is None


def test_one_update_a_second_is_sixty_a_minute() -> None:
    pace = figures.pace(
        account_of(attempts=calls(*((at, 0.2, "accepted") for at in range(120))), limits={"ship": 60.0})
    )
    assert pace is not None
    assert (pace.step, pace.limit, pace.sent) == (2, 60, 120)
    assert pace.per_minute.tolist() == [60] * 60
    assert pace.outages == []


def test_a_call_that_was_told_to_wait_is_marked_and_not_counted() -> None:
    pace = figures.pace(account_of(attempts=calls((0, 1, "accepted"), (1, 0, "throttled"), (2, 1, "accepted"))))
    assert pace is not None
    assert pace.sent == 2
    assert pace.throttled_at.tolist() == [STARTED + 1_000]
    assert pace.limit == 0


@pytest.mark.parametrize("seconds", [0, 0.5, 99, 101, 3_599, 10_020, 90_000, 5_000_000])
def test_a_run_of_any_length_is_shown_in_a_hundred_steps_or_fewer(seconds: float) -> None:
    pace = figures.pace(account_of(attempts=calls((0, 0, "accepted"), (seconds, 0.1, "accepted"))))
    assert pace is not None
    assert len(pace.per_minute) <= max(101, 5_000_000 // 43_200 + 1)
    assert pace.sent == 2


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        ([(0, 1, "accepted")], []),
        ([(0, 3, "unavailable")], [(0, 3)]),
        ([(0, 3, "unavailable"), (1, 9, "unavailable"), (2, 1, "unavailable")], [(0, 10)]),
        ([(0, 3, "unavailable"), (4, 1, "accepted"), (6, 2, "unavailable")], [(0, 3), (6, 8)]),
        ([(0, 3, "unavailable"), (4, 1, "throttled"), (6, 2, "unavailable")], [(0, 8)]),
        ([(0, 3, "unavailable"), (64, 1, "unavailable")], [(0, 3), (64, 65)]),
        ([(0, 3, "accepted"), (4, 1, "unknown"), (6, 1, "accepted")], []),
        ([(0, 3, "accepted"), (4, 1, "unknown"), (6, 1, "unknown")], [(4, 7)]),
        ([(0, 3, "unknown"), (4, 1, "unavailable"), (6, 1, "accepted")], [(0, 5)]),
    ],
)
def test_an_outage_lasts_until_something_succeeds(
    told: list[tuple[float, float, str]], expected: list[tuple[int, int]]
) -> None:
    found = figures.outages(calls(*told))
    assert found == [(STARTED + start * 1000, STARTED + end * 1000) for start, end in expected]


def test_only_the_longest_outages_are_marked() -> None:
    told = [(at * 100, 1 + at % 7, "unavailable") for at in range(60)]
    found = figures.outages(calls(*told))
    assert len(found) == 40
    assert found == sorted(found)


def test_time_to_answer_is_told_by_kind_and_without_lost_answers() -> None:
    attempts = pd.concat(
        [
            calls((0, 0.05, "accepted"), (1, 0.15, "refused"), (2, 60, "accepted")),
            calls((0, 30, "unknown"), status=0),
            calls((0, 0.02, "accepted"), kind="read"),
        ]
    )
    ship, read = figures.latencies(account_of(attempts=attempts))
    assert (ship.kind, ship.counts.tolist()) == ("ship", [1, 0, 1, 0, 0, 0, 0, 0, 1])
    assert ship.median == 150
    assert (read.kind, read.median, read.high) == ("read", 20, 20)


def deadline_account(*told: tuple[str, float]) -> RunAccount:
    """Make an account of (outcome, hours left to the deadline when the order ended; 0 for no deadline)."""
    table = make_table(*([str(at), "x", ""] for at in range(len(told))))
    account = make_account([table], [(outcome, "", str(at)) for at, (outcome, _) in enumerate(told)])
    account.orders["finished_at"] = account.finished_at
    account.orders["ship_by"] = [account.finished_at + round(hours * HOUR) if hours else 0 for _, hours in told]
    return account


def test_deadlines_are_met_or_missed_and_the_next_one_is_named() -> None:
    account = deadline_account(
        ("shipped", 0.5),
        ("shipped", 100),
        ("shipped", -0.1),
        ("shipped", -30),
        ("held", -1),
        ("not_attempted", 5),
        ("refused", 7),
        ("already_shipped", -5),
        ("skipped", -5),
        ("shipped", 0),
    )
    told = figures.deadlines(account)
    assert told is not None
    assert told.shipped.tolist() == [1, 1, 1, 0, 0, 0, 1]
    assert told.still_open.tolist() == [0, 1, 0, 1, 1, 0, 0]
    assert (told.met, told.missed, told.overdue) == (2, 2, 1)
    assert told.next_open == account.finished_at + 5 * HOUR


def test_a_deadline_that_is_met_to_the_millisecond_is_met() -> None:
    account = deadline_account(("shipped", 1))
    account.orders["ship_by"] = account.orders["finished_at"]
    told = figures.deadlines(account)
    assert told is not None
    assert (told.met, told.next_open) == (1, 0)


def test_without_deadlines_there_is_nothing_to_tell() -> None:
    assert figures.deadlines(deadline_account(("shipped", 0))) is None
    assert figures.deadlines(account_of()) is None


def test_carriers_are_told_the_busiest_first_and_the_rest_together() -> None:
    names = ["UPS"] * 5 + ["Purolator"] * 3 + ["", " "] + [f"carrier {at}" for at in range(9)]
    table = make_table(*[["1", "x", ""]] * len(names))
    told = [("held" if name == "UPS" else "shipped", "", str(at)) for at, name in enumerate(names)]
    account = make_account([table], told, carriers=pd.Series(names, dtype="str"))
    found = figures.by_carrier(account)
    assert found is not None
    assert found.index[:3].tolist() == ["UPS", "Purolator", "not named"]
    assert found.index[-1] == figures.OTHERS
    assert found.columns.tolist() == ["shipped", "held"]
    assert list(found.loc["UPS"]) == [0, 5]
    assert found.to_numpy().sum() == len(names)


def test_without_carriers_there_is_nothing_to_tell() -> None:
    assert figures.by_carrier(account_of()) is None


def test_empty_tables_have_the_columns_they_should() -> None:
    assert empty({"kind": "str", "order": "int64"}).dtypes.astype(str).to_dict() == {"kind": "str", "order": "int64"}
    assert np.array_equal(empty({"a": "int64"}).shape, (0, 1))
