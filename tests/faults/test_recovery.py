"""Every sending command first settles what an earlier run left; there is no exit code 5 that no command can end."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from batch.crashpoints import Step
from tests.faults.checker import check, in_journal
from tests.faults.parcels import orders, purchase_order, tracking

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.ordeal import Ordeal

BLIND = {"match": {"kind": "read", "every": 1}, "do": "503"}


@pytest.fixture
def left_open(either: Ordeal) -> Path:
    """Let a run die with one order in the air."""
    file = either.write("orders.csv", *orders(4))
    either.fill(file)
    either.does("run", file, crash_at=f"{Step.ANSWER_CAME} 2")
    return file


def test_a_run_with_another_file_settles_it_and_reports_only_its_own_rows(either: Ordeal, left_open: Path) -> None:
    other = either.write("other.csv", *orders(2, first=10))
    either.fill(other)
    ran = either.does("run", other, "--json")
    assert set(either.outcomes(ran)) == {purchase_order(10), purchase_order(11)}
    assert not in_journal(either, "SELECT id FROM orders WHERE state IN ('sending', 'unknown')")
    either.resume_until_ended()
    check(either, left_open, other, orders=6)


def test_what_may_still_come_is_waited_for(either: Ordeal) -> None:
    """The settle time begins when the lock is taken: who held it is dead by then."""
    either.write_settings(settle_time=1.5)
    file = either.write("orders.csv", *orders(2))
    either.fill(file)
    either.goes_wrong({"match": {"kind": "ship", "once_per_order": True}, "do": "late-commit", "seconds": 1})
    either.does("run", file, crash_at=f"{Step.ANSWER_CAME} 1")
    resumed = either.resume_until_ended()
    assert (resumed.code, either.requests["ship"]) == (0, 2)
    check(either, file, orders=2, faults=2)


def test_crashes_use_up_no_attempts(either: Ordeal) -> None:
    either.write_settings(attempts=2, settle_time=0.2)
    file = either.write("orders.csv", *orders(1))
    either.fill(file)
    for _ in range(5):
        either.does("run", file, crash_at=f"{Step.CALL_LEAVES} 1")
    assert either.requests.get("ship") is None
    either.resume_until_ended()
    assert either.requests["ship"] == 1
    check(either, file, orders=1)


@pytest.mark.parametrize(("decided", "outcome"), [("shipped", "shipped"), ("send", "shipped"), ("drop", "skipped")])
def test_what_stays_unknown_a_person_can_end(either: Ordeal, decided: str, outcome: str) -> None:
    """`send` reads the order first: the person was wrong, and it costs nothing."""
    file = either.write("orders.csv", *orders(1))
    either.fill(file)
    either.does("run", file, crash_at=f"{Step.ANSWER_CAME} 1")
    either.goes_wrong(BLIND)
    assert either.does("resume", "--for", "1s", "--json").code == 5
    either.goes_wrong()
    assert either.does("settle", purchase_order(0), "--as", decided, "--note", "seen there").code == 0
    either.resume_until_ended()
    again = either.does("run", file, "--json")
    assert (again.code, either.requests["ship"]) == (0, 1)
    assert set(either.outcomes(again).values()) == {"already_shipped" if outcome == "shipped" else outcome}
    assert "seen there" in either.does("order", purchase_order(0)).out


def test_an_order_that_the_buyer_cancelled_meanwhile_is_held(either: Ordeal) -> None:
    file = either.write("orders.csv", *orders(2))
    either.fill(file)
    either.does("run", file, crash_at=f"{Step.CALL_LEAVES} 1")
    either.cancel(purchase_order(0))
    resumed = either.resume_until_ended()
    assert resumed.code == 1
    assert either.outcomes(resumed) == {purchase_order(0): "held", purchase_order(1): "shipped"}
    check(either, file, orders=2)


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


def test_a_file_that_a_dying_run_did_not_move_is_moved_by_the_next(either: Ordeal) -> None:
    drop = either.folder / "drop"
    drop.mkdir()
    file = either.write("drop/orders.csv", *orders(3))
    either.fill(file)
    either.does("run", drop, "--move", crash_at=f"{Step.REPORT_IN_PLACE} 1")
    assert file.exists()
    either.resume_until_ended()
    assert either.does("run", drop, "--move").code == 0
    assert sorted(path.name for path in (drop / "done").iterdir()) == ["orders.csv", "orders.report.html"]
    assert (file.exists(), either.requests["ship"]) == (False, 3)


@pytest.mark.parametrize("moment", [Step.ANSWER_CAME, Step.CALL_LEAVES])
def test_a_correction_whose_run_died_is_made_once_and_charges_nobody(either: Ordeal, moment: Step) -> None:
    """Where it was not made a person says so: the order alone cannot tell whether it is still to come."""
    either.write_settings(allow_edits=True, settle_time=0.3)
    rows = orders(1)
    file = either.write("orders.csv", *rows)
    either.fill(file)
    either.does("run", file)
    corrected = either.write("corrected.csv", rows[0]._replace(tracking_number=tracking(77)))
    either.does("run", corrected, crash_at=f"{moment} 1")
    resumed = either.resume_until_ended()
    if moment is Step.CALL_LEAVES:
        assert set(either.outcomes(resumed).values()) == {"held"}
        either.does("settle", purchase_order(0), "--as", "send", "--note", "it is not there")
        resumed = either.resume_until_ended()
    assert set(either.outcomes(resumed).values()) == {"shipped"}
    assert [edit.after for edit in either.sandbox.state.edit_log] == [tracking(77)]
    assert list(either.units_charged) == [(purchase_order(0), "1", rows[0].tracking_number)]


def test_a_parcel_of_which_nobody_knows_what_became_is_not_told_as_shipped(either: Ordeal) -> None:
    """The first update never left, the buyer cancelled, it is held; then the row comes again with another date."""
    either.write_settings(preflight=False)
    rows = orders(1)
    file = either.write("orders.csv", *rows)
    either.fill(file)
    either.does("run", file, crash_at=f"{Step.CALL_LEAVES} 1")
    either.cancel(purchase_order(0))
    assert set(either.outcomes(either.resume_until_ended()).values()) == {"held"}
    again = either.does("run", either.write("again.csv", rows[0]._replace(ship_date="2026-11-01")), "--json")
    assert (again.code, set(either.outcomes(again).values())) == (1, {"held"})
    assert any("`shipbatch settle`" in reason for reason in either.reasons(again))
    assert either.units_charged == {}


def test_resume_needs_no_original_file(either: Ordeal, left_open: Path) -> None:
    content = left_open.read_bytes()
    left_open.unlink()
    resumed = either.resume_until_ended()
    assert {row["_file"] for row in either.rows(resumed)} == {str(left_open)}
    assert all(row["trackingNumber"] for row in either.rows(resumed))
    left_open.write_bytes(content)
    check(either, left_open, orders=4)


def test_the_copies_and_the_journal_are_for_their_owner_only(either: Ordeal, left_open: Path) -> None:
    assert left_open.exists()
    kept = [*(either.folder / "state").rglob("*"), *(either.folder / "xdg").rglob("*.lock")]
    assert len(kept) >= 5
    assert {oct(path.stat().st_mode & 0o077) for path in kept} == {"0o0"}, kept
