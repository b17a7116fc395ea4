"""The fault scenarios of the machine itself: a full disk, two runs at once, a clock that jumps, a stop."""

from __future__ import annotations

import signal
from functools import partial
from typing import TYPE_CHECKING

import pytest

from batch.crashpoints import Step
from batch.sandbox import Status
from tests.faults.checker import check
from tests.faults.parcels import orders
from tests.faults.sabotage import bug_at, clock_jumps, no_file_larger_than, told_at
from tests.trial import HEADER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.ordeal import Ordeal

HOUR, DAY = 3600, 86_400  # seconds
SLOWLY = {"rate": {"ship": 600, "acknowledge": 0, "read": 0}}  # ten updates a second
STOPPED = [(signal.SIGINT, 130), (signal.SIGTERM, 143)]


def dropped(ordeal: Ordeal, count: int) -> Path:
    """Drop a file of so many orders, all of which the marketplace knows."""
    file = ordeal.write("orders.csv", *orders(count))
    ordeal.fill(file)
    return file


@pytest.mark.parametrize("room", [4, 96, 160])
def test_08_disk_full_for_the_journal_sends_nothing_that_is_not_on_record(ordeal: Ordeal, room: int) -> None:
    """`room`: KiB that the journal may grow to, less than a run needs: it fills up at ever later moments."""
    file = dropped(ordeal, 40)
    ordeal.write_settings(rate={"ship": 2400, "acknowledge": 0, "read": 0})
    if room > 90:
        ordeal.does("resume")  # makes the journal
    ran = ordeal.does("run", file, first=partial(no_file_larger_than, room * 1024))
    assert ran.code == 6, ran
    assert "the journal cannot be" in ran.err or "the copies of input files cannot be kept" in ran.err
    assert "Traceback" not in ran.err
    ordeal.resume_until_ended()
    ordeal.does("run", file, "--json")
    check(ordeal, file, orders=40, faults=0)


def test_08_disk_full_for_the_copy_of_a_file_is_not_the_file_s_fault(ordeal: Ordeal) -> None:
    rows = [(*row, "x" * 10_000) for row in orders(6)]
    file = ordeal.write("orders.csv", *rows, header=(*HEADER, "Note"))
    ordeal.fill(file)
    ordeal.does("resume")  # makes the journal
    ran = ordeal.does("run", file, first=partial(no_file_larger_than, 64 * 1024))
    assert (ran.code, ordeal.requests) == (6, {})
    assert "the copies of input files cannot be kept: File too large" in ran.err
    assert [*(ordeal.folder / "state" / "inputs").iterdir()] == []
    ordeal.does("run", file, "--json")
    check(ordeal, file, orders=6, faults=0)


def test_08_disk_read_only_for_the_journal_sends_nothing(ordeal: Ordeal) -> None:
    file = dropped(ordeal, 3)
    (ordeal.folder / "state").write_text("a file where a folder should be")
    ran = ordeal.does("run", file)
    assert (ran.code, ordeal.requests) == (6, {})
    assert "the journal cannot be made" in ran.err
    (ordeal.folder / "state").unlink()
    ordeal.does("run", file, "--json")
    check(ordeal, file, orders=3, faults=0)


def test_08_disk_read_only_for_the_report_leaves_the_journal_to_write_it_from(ordeal: Ordeal) -> None:
    file = dropped(ordeal, 3)
    reports = ordeal.folder / "reports"
    reports.write_text("a file where a folder should be")
    ran = ordeal.does("run", file, "--json")
    assert ran.code == 6
    assert (ran.summary["orders"]["shipped"], ran.summary["exit_code"]) == (3, 6)
    assert f"`shipbatch report {ran.summary['run']}` writes it later" in ran.err
    reports.unlink()
    later = ordeal.does("report", ran.summary["run"])
    assert later.code == 0
    assert set(ordeal.outcomes(ran).values()) == {"shipped"}
    check(ordeal, file, orders=3, faults=0)


def test_08_disk_full_for_the_report_alone(ordeal: Ordeal) -> None:
    file = dropped(ordeal, 3)
    ordeal.does("run", file)
    ran = ordeal.does("run", file, "--json", first=partial(no_file_larger_than, 6 * 1024))
    assert (ran.code, "the report cannot be written" in ran.err or "the journal cannot" in ran.err) == (6, True)
    assert [one.name for one in (ordeal.folder / "reports").iterdir() if one.name.startswith(".")] == []
    check(ordeal, file, orders=3, faults=0)


def test_09_two_at_once_the_second_says_who_is_there_and_goes(ordeal: Ordeal) -> None:
    file = dropped(ordeal, 12)
    ordeal.write_settings(**SLOWLY)
    first = ordeal.begin("run", file, "--json")
    ordeal.until(lambda: ordeal.requests.get("ship", 0) >= 2)
    second = ordeal.does("run", file, "--json")
    assert second.code == 7
    assert f"process {first.number}, `shipbatch run`" in second.err
    assert ordeal.ended(first).code == 0
    assert ordeal.requests["ship"] == 12
    check(ordeal, file, orders=12, faults=0)


def test_09_two_at_once_the_second_waits_if_it_is_told_to(ordeal: Ordeal) -> None:
    file = dropped(ordeal, 8)
    ordeal.write_settings(**SLOWLY)
    first = ordeal.begin("run", file, "--json")
    ordeal.until(lambda: ordeal.requests.get("ship", 0) >= 2)
    second = ordeal.does("run", file, "--json", "--wait")
    assert (ordeal.ended(first).code, second.code, ordeal.requests["ship"]) == (0, 0, 8)
    assert set(ordeal.outcomes(second).values()) == {"already_shipped"}
    check(ordeal, file, orders=8, faults=0)


def test_09_two_at_once_a_dead_holder_holds_nothing(ordeal: Ordeal) -> None:
    file = dropped(ordeal, 12)
    ordeal.write_settings(**SLOWLY)
    first = ordeal.begin("run", file, "--json")
    ordeal.until(lambda: ordeal.requests.get("ship", 0) >= 2)
    ordeal.killed(first)
    assert ordeal.does("run", file, "--json").code == 0
    ordeal.resume_until_ended()
    check(ordeal, file, orders=12)


def test_09_two_at_once_with_two_settings_files_for_one_seller(ordeal: Ordeal) -> None:
    file = dropped(ordeal, 12)
    ordeal.write_settings(**SLOWLY)
    other = ordeal.folder / "other.toml"
    other.write_text(ordeal.settings.read_text().replace("accounts.default", "accounts.another"))
    first = ordeal.begin("run", file, "--json")
    ordeal.until(lambda: ordeal.requests.get("ship", 0) >= 2)
    assert ordeal.does("run", file, "--config", other, "--account", "another").code == 7
    ordeal.ended(first)
    check(ordeal, file, orders=12, faults=0)


def test_09_two_at_once_without_the_lock_the_journal_itself_is_in_the_way(ordeal: Ordeal) -> None:
    """Two users' locks do not meet; their journal does."""
    file = dropped(ordeal, 30)
    ordeal.write_settings(settle_time=3, preflight=False, rate={"ship": 1200, "acknowledge": 0, "read": 0})
    running = [
        ordeal.begin("run", file, "--json", env={"XDG_STATE_HOME": str(ordeal.folder / user)}) for user in ("a", "b")
    ]
    ended = [ordeal.ended(one) for one in running]
    assert min(one.code for one in ended) in (0, 6)
    ordeal.resume_until_ended()
    ordeal.does("run", file, "--json")
    check(ordeal, file, orders=30, faults=0)


@pytest.mark.parametrize("jump", [-HOUR, -DAY, DAY], ids=["an hour back", "a day back", "a day on"])
def test_14_clock_jumps_in_mid_run(ordeal: Ordeal, jump: float) -> None:
    file = dropped(ordeal, 4)
    ordeal.goes_wrong({"match": {"kind": "ship", "nth": 2}, "do": "reset-after"})
    ran = ordeal.does("run", file, "--json", first=partial(clock_jumps, jump, 12))
    assert (ran.code, set(ordeal.outcomes(ran).values())) == (0, {"shipped"})
    check(ordeal, file, orders=4)


def test_14_clock_off_by_an_hour_is_told_and_costs_nothing_where_signatures_rest_on_it(either: Ordeal) -> None:
    file = dropped(either, 3)
    ran = either.does("run", file, "--json", first=partial(clock_jumps, -HOUR, 0))
    assert ran.code == (6 if either.api == "walmart-canada" else 0)
    assert ran.code == 0 or "clock" in ran.err
    either.resume_until_ended()
    check(either, file, orders=3, faults=0)


@pytest.mark.parametrize(("number", "code"), STOPPED)
def test_15_stopped_in_good_order(either: Ordeal, number: signal.Signals, code: int) -> None:
    file = dropped(either, 30)
    either.write_settings(**SLOWLY)
    either.goes_wrong({"match": {"kind": "ship", "every": 1}, "do": "slow", "seconds": 0.3})
    running = either.begin("run", file, "--json")
    either.until(lambda: either.requests.get("ship", 0) >= 4)
    running.tell(number)
    ran = either.ended(running)
    assert ran.code == ran.summary["exit_code"] == code
    assert set(either.outcomes(ran).values()) == {"shipped", "not_attempted"}
    assert "INTERRUPTED" in (either.report(ran) / "report.html").read_text()
    assert len(either.sandbox.state.charges) == list(either.outcomes(ran).values()).count("shipped")
    either.goes_wrong()
    either.write_settings()
    either.resume_until_ended()
    check(either, file, orders=30)


def test_15_stopped_twice_leaves_at_once_and_all_to_recovery(ordeal: Ordeal) -> None:
    file = dropped(ordeal, 6)
    ordeal.goes_wrong({"match": {"kind": "ship", "every": 1}, "do": "hang-after", "seconds": 20})
    running = ordeal.begin("run", file, "--json")
    ordeal.until(lambda: ordeal.requests.get("ship", 0) >= 2)
    running.tell(signal.SIGTERM)
    ordeal.until(lambda: "interrupted" in running.said)
    running.tell(signal.SIGINT)
    ran = ordeal.ended(running)
    assert (ran.code, ran.out) == (130, "")
    ordeal.goes_wrong()
    ordeal.resume_until_ended()
    check(ordeal, file, orders=6)


def test_15_stopped_while_everybody_waits_for_the_limit(ordeal: Ordeal) -> None:
    file = dropped(ordeal, 6)
    ordeal.goes_wrong({"match": {"kind": "ship", "every": 1}, "do": "429", "seconds": 60})
    running = ordeal.begin("run", file, "--json")
    ordeal.until(lambda: ordeal.requests.get("ship", 0) >= 1)
    running.tell(signal.SIGTERM)
    ran = ordeal.ended(running)
    assert (ran.code, set(ordeal.outcomes(ran).values())) == (143, {"not_attempted"})
    ordeal.goes_wrong()
    ordeal.resume_until_ended()
    check(ordeal, file, orders=6)


def test_15_stopped_calls_that_outlast_the_grace_time_are_unknown_and_looked_up_later(ordeal: Ordeal) -> None:
    file = dropped(ordeal, 3)
    ordeal.goes_wrong({"match": {"kind": "ship", "every": 1}, "do": "hang-after", "seconds": 20})
    running = ordeal.begin("run", file, "--json", env={"SHIPBATCH_GRACE": "0.3"})
    ordeal.until(lambda: ordeal.requests.get("ship", 0) >= 1)
    running.tell(signal.SIGINT)
    ran = ordeal.ended(running)
    assert ran.code == 130
    assert "unknown" in ordeal.outcomes(ran).values()
    ordeal.goes_wrong()
    ordeal.resume_until_ended()
    check(ordeal, file, orders=3)


@pytest.mark.parametrize(("number", "code"), STOPPED)
@pytest.mark.parametrize("moment", ["planning", "reporting"])
def test_15_stopped_before_or_after_sending(ordeal: Ordeal, moment: str, number: signal.Signals, code: int) -> None:
    """The report is written all the same; nothing is left half done."""
    file = dropped(ordeal, 3)
    step = Step.COPY_IN_PLACE if moment == "planning" else Step.REPORT_WRITTEN_ASIDE
    ran = ordeal.does("run", file, "--json", first=partial(told_at, step, number))
    assert ran.code == code or (moment == "reporting" and ran.code == 0)
    assert "Traceback" not in ran.err
    ordeal.resume_until_ended()
    ordeal.does("run", file, "--json")
    check(ordeal, file, orders=3, faults=0)


def test_15_a_bug_puts_one_order_aside_and_the_others_go_on(ordeal: Ordeal) -> None:
    file = dropped(ordeal, 6)
    ran = ordeal.does("run", file, "--json", first=partial(bug_at, "309121065000003"))
    assert ran.code == 6
    assert list(ordeal.outcomes(ran).values()).count("shipped") == 5
    assert ordeal.outcomes(ran)["309121065000003"] == "unknown"
    ordeal.resume_until_ended()
    check(ordeal, file, orders=6, faults=0)


def test_15_created_orders_are_acknowledged_once_however_often_it_is_stopped(ordeal: Ordeal) -> None:
    file = ordeal.write("orders.csv", *orders(8))
    ordeal.fill(file, status=Status.CREATED)
    ordeal.write_settings(**SLOWLY)
    for command in (["run", file], ["resume"], ["resume"]):
        shipped = ordeal.requests.get("ship", 0)
        running = ordeal.begin(*command, "--json")
        ordeal.until(partial(more_shipped_than, ordeal, shipped + 1))
        running.tell(signal.SIGTERM)
        ordeal.ended(running)
    ordeal.write_settings()
    ordeal.resume_until_ended()
    assert ordeal.requests["acknowledge"] == 8
    check(ordeal, file, orders=8, faults=0)


def more_shipped_than(ordeal: Ordeal, count: int) -> bool:
    return ordeal.requests.get("ship", 0) > count
