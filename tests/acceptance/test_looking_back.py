from __future__ import annotations

import json
from typing import TYPE_CHECKING

from batch.sandbox import Action, Kind, Rule
from batch.sandbox.faults import FaultScript
from tests.acceptance.test_run import BROKEN, FIRST, SECOND

if TYPE_CHECKING:
    from tests.trial import Trial


def test_a_report_written_again_is_the_same(trial: Trial) -> None:
    file = trial.write("orders.csv", FIRST, SECOND, BROKEN)
    trial.fill(file)
    ran = trial.shipbatch("run", file, "--json")
    again = trial.shipbatch("report", ran.summary["run"], "--report", "again")
    assert again.code == 0, again.err
    for name in ("summary.json", "rows.csv", "orders.csv", "to_fix/orders.csv"):
        written = (trial.folder / "again" / ran.summary["run"] / name).read_text()
        assert written == (trial.report(ran) / name).read_text(), name


def test_a_report_needs_a_run(trial: Trial) -> None:
    assert trial.shipbatch("report", "never").code == 2
    trial.shipbatch("run", trial.write("orders.csv"))
    ran = trial.shipbatch("report", "never")
    assert (ran.code, ran.err) == (2, "There is no run never; `shipbatch history` lists them.\n")


def test_history_lists_the_latest_run_first(trial: Trial) -> None:
    assert trial.shipbatch("history").out == "There are no runs yet.\n"
    file = trial.write("orders.csv", FIRST)
    trial.fill(file)
    first, second = (trial.shipbatch("run", file, "--json").summary["run"] for _ in range(2))
    told = json.loads(trial.shipbatch("history", "--json").out)
    assert [run["run"] for run in told] == [second, first]
    assert first in trial.shipbatch("history").out


def test_an_order_tells_its_whole_story(trial: Trial) -> None:
    file = trial.write("orders.csv", FIRST)
    trial.fill(file)
    ran = trial.shipbatch("run", file, "--json")
    told = trial.shipbatch("order", FIRST[0]).out
    assert f"run {ran.summary['run']}: orders.csv row 2" in told.replace(str(trial.folder) + "/", "")
    assert "ship: accepted HTTP 200" in told
    assert trial.rows(ran)[0]["_correlation_id"] in told


def test_an_unknown_order_is_a_usage_error(trial: Trial) -> None:
    ran = trial.shipbatch("order", "1")
    assert (ran.code, ran.err) == (2, "The journal knows no order 1.\n")


def test_a_person_can_end_what_no_program_can(trial: Trial) -> None:
    file = trial.write("orders.csv", FIRST)
    trial.fill(file)
    trial.write_settings(settle_time=60, outages=1)
    rule = Rule(action=Action.RESET_BEFORE)
    rule.kind = Kind.SHIP
    trial.sandbox.server.faults = FaultScript((rule,), 0)
    assert trial.shipbatch("run", file).code == 5
    settled = trial.shipbatch("settle", FIRST[0], "--as", "shipped", "--note", "seen in Seller Center")
    assert settled.out == f"Order {FIRST[0]} counts as shipped from now on.\n"
    assert trial.shipbatch("resume").code == 0
    told = trial.shipbatch("order", FIRST[0]).out
    assert "decided: shipped  (seen in Seller Center)" in told


def test_there_is_nothing_to_decide_of_a_shipped_order(trial: Trial) -> None:
    file = trial.write("orders.csv", FIRST)
    trial.fill(file)
    trial.shipbatch("run", file)
    ran = trial.shipbatch("settle", FIRST[0], "--as", "drop", "--note", "no")
    assert (ran.code, ran.err) == (2, f"Order {FIRST[0]} is shipped; there is nothing left to decide.\n")


def test_an_order_whose_rows_are_bad_is_mended_in_the_file(trial: Trial) -> None:
    trial.shipbatch("run", trial.write("orders.csv", BROKEN))
    ran = trial.shipbatch("settle", BROKEN[0], "--as", "send", "--note", "send it")
    assert ran.code == 2
    assert "never came so far as to be sent" in ran.err
    assert "E-notation" in ran.err
