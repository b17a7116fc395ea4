from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from batch.sandbox import Action, Kind, Rule
from batch.sandbox.faults import FaultScript
from tests.unit.commands.looking_back import FIRST, SECOND, WRONG

if TYPE_CHECKING:
    from tests.in_process import InProcess

DOUBTFUL = ("309121065891126", "1", "1", "Canada Post", "7035114477138473", "2026-11-20 15:00")
WARNING = "The check digit is wrong for a number of Canada Post: compare it with the label."


def test_warnings_are_told_on_the_terminal_on_the_page_and_in_the_workbook(trial: InProcess) -> None:
    trial.fill(trial.write("orders.csv", FIRST, DOUBTFUL))
    ran = trial.shipbatch("run", "orders.csv")
    assert ran.code == 0
    assert "1 warning" in ran.out
    assert WARNING in " ".join(ran.out.split())
    assert 'orders.csv E3 trackingNumber "7035114477138473"' in " ".join(ran.out.split())
    [page] = (trial.folder / "reports").glob("*/report.html")
    assert WARNING in page.read_text(encoding="utf-8")


def test_who_wants_it_strict_has_such_rows_rejected(trial: InProcess) -> None:
    trial.write_settings(strict_tracking=True)
    trial.fill(trial.write("orders.csv", FIRST, DOUBTFUL))
    ran = trial.shipbatch("run", "orders.csv")
    assert ran.code == 1
    assert "warning" not in ran.out


def test_a_check_warns_too(trial: InProcess) -> None:
    told = trial.shipbatch("check", trial.write("orders.csv", FIRST, DOUBTFUL))
    assert WARNING in " ".join(told.out.split())


@pytest.mark.parametrize("name", ["report.html", "rows.csv", "orders.csv", "summary.json", "to_fix/orders.csv"])
def test_a_report_that_is_written_again_is_the_same(trial: InProcess, name: str) -> None:
    trial.fill(trial.write("orders.csv", FIRST, SECOND, DOUBTFUL, WRONG))
    run = trial.shipbatch("run", "orders.csv", "--json").summary["run"]
    first = (trial.folder / "reports" / run / name).read_bytes()
    assert trial.shipbatch("report", run, "--report", "again").code == 0
    assert (trial.folder / "again" / run / name).read_bytes() == first


def test_what_is_resumed_tells_carriers_and_warnings_as_well(trial: InProcess) -> None:
    trial.fill(trial.write("orders.csv", FIRST, DOUBTFUL))
    trial.write_settings(attempts=1)
    trial.sandbox.server.faults = FaultScript((Rule(action=Action.UNAVAILABLE, kind=Kind.READ),), 0)
    assert trial.shipbatch("run", "orders.csv").code == 4
    trial.sandbox.server.faults = FaultScript()
    ran = trial.shipbatch("resume", "--json")
    page = (trial.folder / "reports" / ran.summary["run"] / "report.html").read_text(encoding="utf-8")
    assert WARNING in page
    assert "Rows by carrier" in page
