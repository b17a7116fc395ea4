"""Every sending command first settles what an earlier run left; there is no exit code 5 that no command can end."""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING

import pytest

from batch.crashpoints import Step
from batch.sandbox import Status, Units
from batch.sandbox.bodies import Package
from tests.faults.checker import check, in_journal, read_reports
from tests.faults.parcels import orders, purchase_order, tracking

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.ordeal import Ordeal

BLIND = {"match": {"kind": "read", "every": 1}, "do": "503"}


@pytest.fixture
def left_open(ordeal: Ordeal) -> Path:
    """Let a run die with one order in the air."""
    file = ordeal.write("orders.csv", *orders(4))
    ordeal.fill(file)
    ordeal.does("run", file, crash_at=f"{Step.ANSWER_CAME} 2")
    return file


def test_a_run_with_another_file_settles_it_and_reports_only_its_own_rows(ordeal: Ordeal, left_open: Path) -> None:
    other = ordeal.write("other.csv", *orders(2, first=10))
    ordeal.fill(other)
    ran = ordeal.does("run", other, "--json")
    assert set(ordeal.outcomes(ran)) == {purchase_order(10), purchase_order(11)}
    assert not in_journal(ordeal, "SELECT id FROM orders WHERE state IN ('sending', 'unknown')")
    ordeal.resume_until_ended()
    check(ordeal, left_open, other, orders=6)


def test_what_may_still_come_is_waited_for(ordeal: Ordeal) -> None:
    """The settle time begins when the lock is taken: who held it is dead by then."""
    ordeal.write_settings(settle_time=1.5)
    file = ordeal.write("orders.csv", *orders(2))
    ordeal.fill(file)
    ordeal.goes_wrong({"match": {"kind": "ship", "once_per_order": True}, "do": "late-commit", "seconds": 1})
    ordeal.does("run", file, crash_at=f"{Step.ANSWER_CAME} 1")
    resumed = ordeal.resume_until_ended()
    assert (resumed.code, ordeal.requests["ship"]) == (0, 2)
    check(ordeal, file, orders=2, faults=2)


def test_crashes_use_up_no_attempts(ordeal: Ordeal) -> None:
    ordeal.write_settings(attempts=2, settle_time=0.2)
    file = ordeal.write("orders.csv", *orders(1))
    ordeal.fill(file)
    for _ in range(5):
        ordeal.does("run", file, crash_at=f"{Step.CALL_LEAVES} 1")
    assert ordeal.requests.get("ship") is None
    ordeal.resume_until_ended()
    assert ordeal.requests["ship"] == 1
    check(ordeal, file, orders=1)


@pytest.mark.parametrize(("decided", "outcome"), [("shipped", "shipped"), ("send", "shipped"), ("drop", "skipped")])
def test_what_stays_unknown_a_person_can_end(ordeal: Ordeal, decided: str, outcome: str) -> None:
    """`send` reads the order first: the person was wrong, and it costs nothing."""
    file = ordeal.write("orders.csv", *orders(1))
    ordeal.fill(file)
    ordeal.does("run", file, crash_at=f"{Step.ANSWER_CAME} 1")
    ordeal.goes_wrong(BLIND)
    assert ordeal.does("resume", "--for", "1s", "--json").code == 5
    ordeal.goes_wrong()
    assert ordeal.does("settle", purchase_order(0), "--as", decided, "--note", "seen there").code == 0
    ordeal.resume_until_ended()
    again = ordeal.does("run", file, "--json")
    assert (again.code, ordeal.requests["ship"]) == (0, 1)
    assert set(ordeal.outcomes(again).values()) == {"already_shipped" if outcome == "shipped" else outcome}
    assert "seen there" in ordeal.does("order", purchase_order(0)).out


def test_an_order_that_the_buyer_cancelled_meanwhile_is_held(ordeal: Ordeal) -> None:
    file = ordeal.write("orders.csv", *orders(2))
    ordeal.fill(file)
    ordeal.does("run", file, crash_at=f"{Step.CALL_LEAVES} 1")
    ordeal.cancel(purchase_order(0))
    resumed = ordeal.resume_until_ended()
    assert resumed.code == 1
    assert ordeal.outcomes(resumed) == {purchase_order(0): "held", purchase_order(1): "shipped"}
    check(ordeal, file, orders=2)


@pytest.mark.parametrize("left", [0.0, 0.4, 0.9])
def test_a_torn_end_of_the_journal_costs_nothing_where_each_order_is_read_first(ordeal: Ordeal, left: float) -> None:
    """The disk said that it had written and had not, and the power went: the last commits are gone."""
    file = ordeal.write("orders.csv", *orders(4))
    ordeal.fill(file)
    ordeal.does("resume")  # makes the journal
    ordeal.does("run", file, crash_at=f"{Step.ANSWER_CAME} 4")
    torn = ordeal.folder / "state" / "journal.db-wal"
    os.truncate(torn, int(torn.stat().st_size * left))
    ordeal.resume_until_ended()
    assert ordeal.does("run", file, "--json").code == 0
    check(ordeal, file, orders=4, journal_lost=True)


def test_a_file_that_a_dying_run_did_not_move_is_moved_by_the_next(ordeal: Ordeal) -> None:
    drop = ordeal.folder / "drop"
    drop.mkdir()
    file = ordeal.write("drop/orders.csv", *orders(3))
    ordeal.fill(file)
    ordeal.does("run", drop, "--move", crash_at=f"{Step.REPORT_IN_PLACE} 1")
    assert file.exists()
    ordeal.resume_until_ended()
    assert ordeal.does("run", drop, "--move").code == 0
    assert sorted(path.name for path in (drop / "done").iterdir()) == ["orders.csv", "orders.report.html"]
    assert (file.exists(), ordeal.requests["ship"]) == (False, 3)


@pytest.mark.parametrize("moment", [Step.ANSWER_CAME, Step.CALL_LEAVES])
def test_a_correction_whose_run_died_is_made_once_and_charges_nobody(ordeal: Ordeal, moment: Step) -> None:
    """Where it was not made a person says so: the order alone cannot tell whether it is still to come."""
    ordeal.write_settings(allow_edits=True, settle_time=0.3)
    rows = orders(1)
    file = ordeal.write("orders.csv", *rows)
    ordeal.fill(file)
    ordeal.does("run", file)
    corrected = ordeal.write("corrected.csv", rows[0]._replace(tracking_number=tracking(77)))
    ordeal.does("run", corrected, crash_at=f"{moment} 1")
    resumed = ordeal.resume_until_ended()
    if moment is Step.CALL_LEAVES:
        assert set(ordeal.outcomes(resumed).values()) == {"held"}
        ordeal.does("settle", purchase_order(0), "--as", "send", "--note", "it is not there")
        resumed = ordeal.resume_until_ended()
    assert set(ordeal.outcomes(resumed).values()) == {"shipped"}
    assert [edit.after for edit in ordeal.sandbox.state.edit_log] == [tracking(77)]
    assert list(ordeal.units_charged) == [(purchase_order(0), "1", rows[0].tracking_number)]


def test_a_parcel_of_which_nobody_knows_what_became_is_not_told_as_shipped(ordeal: Ordeal) -> None:
    """The first update never left, the buyer cancelled, it is held; then the row comes again with another date."""
    ordeal.write_settings(preflight=False)
    rows = orders(1)
    file = ordeal.write("orders.csv", *rows)
    ordeal.fill(file)
    ordeal.does("run", file, crash_at=f"{Step.CALL_LEAVES} 1")
    ordeal.cancel(purchase_order(0))
    assert set(ordeal.outcomes(ordeal.resume_until_ended()).values()) == {"held"}
    again = ordeal.does("run", ordeal.write("again.csv", rows[0]._replace(ship_date="2026-11-01")), "--json")
    assert (again.code, set(ordeal.outcomes(again).values())) == (1, {"held"})
    assert any("`shipbatch settle`" in reason for reason in ordeal.reasons(again))
    assert ordeal.units_charged == {}


def test_an_update_of_which_nobody_knows_is_not_sent_again_by_dropping_its_file_again(ordeal: Ordeal) -> None:
    """Without preflight only the journal stands between it and a second charge."""
    ordeal.write_settings(preflight=False)
    file = ordeal.write("orders.csv", *orders(1))
    ordeal.fill(file)
    ordeal.does("run", file, crash_at=f"{Step.CALL_LEAVES} 1")
    ship_by_hand(ordeal, purchase_order(0), tracking(500))
    assert set(ordeal.outcomes(ordeal.resume_until_ended()).values()) == {"held"}
    for _ in range(2):
        again = ordeal.does("run", file, "--json")
        assert (again.code, set(ordeal.outcomes(again).values())) == (1, {"held"})
    assert ordeal.requests.get("ship", 0) == 0
    ordeal.does("settle", purchase_order(0), "--as", "send", "--note", "the other parcel was a mistake")
    ordeal.does("resume")
    assert ordeal.requests["ship"] == 1


def ship_by_hand(ordeal: Ordeal, order: str, number: str) -> None:
    """Ship an order's only line as somebody in Seller Center would."""
    line = ordeal.sandbox.state.orders[order].lines["1"]
    package = Package(
        tracking_number=number, carrier="UPS", other_carrier="", method="Standard", tracking_url="", shipped_at=0
    )
    line.units = [Units(status=Status.SHIPPED, quantity=line.quantity, packages=(package,))]


def test_resume_needs_no_original_file(ordeal: Ordeal, left_open: Path) -> None:
    content = left_open.read_bytes()
    left_open.unlink()
    resumed = ordeal.resume_until_ended()
    assert {row["_file"] for row in ordeal.rows(resumed)} == {str(left_open)}
    assert all(row["trackingNumber"] for row in ordeal.rows(resumed))
    left_open.write_bytes(content)
    check(ordeal, left_open, orders=4)


def test_the_report_of_a_run_that_died_says_so_and_tells_of_every_row(ordeal: Ordeal, left_open: Path) -> None:
    [run] = ordeal.history()
    assert ordeal.does("report", run["run"]).code == 0
    folder = ordeal.folder / "reports" / run["run"]
    assert "INTERRUPTED" in (folder / "report.html").read_text()
    [report] = read_reports(ordeal.folder / "reports")
    assert len(report.rows) == len(left_open.read_text().splitlines()) - 1
    assert {row["_outcome"] for row in report.rows} <= {"shipped", "unknown", "not_attempted"}
    assert "unknown" in {row["_outcome"] for row in report.rows}


def test_a_watch_that_was_killed_is_taken_up_by_the_next(ordeal: Ordeal) -> None:
    drop = ordeal.folder / "drop"
    drop.mkdir()
    file = ordeal.write("drop/orders.csv", *orders(12))
    ordeal.fill(file)
    ordeal.write_settings(rate={"ship": 600, "acknowledge": 0, "read": 0})
    quickly = {"SHIPBATCH_WATCH__QUIET": "0.2", "SHIPBATCH_WATCH__SCAN": "0.1"}
    killed = ordeal.begin("watch", drop, env=quickly)
    ordeal.until(lambda: ordeal.requests.get("ship", 0) >= 3)
    ordeal.killed(killed)
    second = ordeal.begin("watch", drop, env=quickly)
    ordeal.until((drop / "done" / "orders.csv").exists)
    second.tell(signal.SIGTERM)
    assert ordeal.ended(second).code == 143
    units = {(row.purchase_order_id, row.line_number, row.tracking_number): row.quantity for row in orders(12)}
    assert ordeal.units_charged == units


def test_the_copies_and_the_journal_are_for_their_owner_only(ordeal: Ordeal, left_open: Path) -> None:
    assert left_open.exists()
    kept = [*(ordeal.folder / "state").rglob("*"), *(ordeal.folder / "xdg").rglob("*.lock")]
    assert len(kept) >= 5
    assert {oct(path.stat().st_mode & 0o077) for path in kept} == {"0o0"}, kept
