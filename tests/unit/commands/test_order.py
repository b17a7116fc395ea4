from __future__ import annotations

from typing import TYPE_CHECKING

from batch.sandbox import Action, Kind, Rule
from batch.sandbox.faults import FaultScript
from tests.unit.commands.looking_back import FIRST, SECOND, WRONG

if TYPE_CHECKING:
    from tests.in_process import InProcess


def test_an_order_tells_where_it_came_from_and_every_attempt_in_their_order(trial: InProcess) -> None:
    file = trial.write("orders.csv", FIRST)
    trial.fill(file)
    trial.sandbox.server.faults = FaultScript((Rule(action=Action.UNAVAILABLE, kind=Kind.SHIP, times=1),), 0)
    run = trial.shipbatch("run", file, "--json").summary["run"]
    again = trial.shipbatch("run", trial.write("again.csv", FIRST), "--json").summary["run"]
    lines = trial.shipbatch("order", FIRST[0]).out.splitlines()
    assert lines[0].startswith(f"Order {FIRST[0]}")
    assert lines[0].endswith("(default): shipped")
    happened = [line[23:] for line in lines if line[2:6].isdigit()]
    assert happened[0] == f"run {run}: {file} row 2"
    assert happened[1].startswith("ship: unknown HTTP 503  (")
    assert happened[2].startswith("ship: accepted HTTP 200  (")
    assert happened[3] == f"run {again}: {trial.folder / 'again.csv'} row 2"


def test_an_order_that_the_marketplace_does_not_know_has_no_deadline(trial: InProcess) -> None:
    assert trial.shipbatch("run", trial.write("orders.csv", FIRST)).code == 1
    told = trial.shipbatch("order", FIRST[0]).out
    assert "(default): refused\n  The marketplace does not know this order" in told
    assert "ship by" not in told


def test_rows_that_never_became_part_of_an_order_are_found_too(trial: InProcess) -> None:
    file = trial.write("orders.csv", WRONG)
    trial.shipbatch("run", file)
    told = trial.shipbatch("order", WRONG[0])
    assert told.code == 0
    assert told.out.startswith(f"Order {WRONG[0]} was never sent; these rows name it:\n")
    assert f"{file} row 2\n" in told.out
    assert "rejected: orders.csv C2 quantity" in told.out


def test_an_order_that_was_sent_tells_the_rows_that_were_left_aside(trial: InProcess) -> None:
    trial.fill(trial.write("monday.csv", SECOND))
    trial.shipbatch("run", "monday.csv")
    wrong = (SECOND[0], *WRONG[1:])
    trial.shipbatch("run", trial.write("tuesday.csv", wrong))
    told = trial.shipbatch("order", SECOND[0]).out
    assert "(default): shipped" in told
    assert "Rows that were left aside:" in told
    assert "tuesday.csv row 2" in told.partition("aside:")[2]


def test_what_a_person_decided_is_told(trial: InProcess) -> None:
    trial.fill(trial.write("orders.csv", FIRST))
    trial.sandbox.state.cancel_all(FIRST[0])
    assert trial.shipbatch("run", "orders.csv").code == 1
    assert trial.shipbatch("settle", FIRST[0], "--as", "drop", "--note", "the buyer is right").code == 0
    told = trial.shipbatch("order", FIRST[0]).out
    assert "(default): dropped" in told
    assert "decided: drop  (the buyer is right)" in told


def test_an_unknown_order_is_a_usage_error(trial: InProcess) -> None:
    assert trial.shipbatch("order", "1").code == 2
    trial.shipbatch("run", trial.write("orders.csv"))
    ran = trial.shipbatch("order", "1")
    assert (ran.code, ran.err) == (2, "The journal knows no order 1.\n")
