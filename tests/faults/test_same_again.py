"""What was sent once is not sent again, in whatever file it comes; what changed is seen to have changed."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import openpyxl  # type: ignore[import-untyped]  # ships no types
import pytest

from tests.faults.checker import check
from tests.faults.ordeal import begun_ordeal
from tests.faults.parcels import by_customer, orders, purchase_order, tracking
from tests.faults.sabotage import clock_is
from tests.trial import HEADER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.faults.ordeal import Ordeal

ROWS = orders(6)


def renamed(folder: Path) -> list[Path]:
    return [(folder / "orders.csv").rename(folder / "orders (2).csv")]


def saved_as_a_workbook(folder: Path) -> list[Path]:
    book = openpyxl.Workbook()
    for row in (HEADER, *ROWS):
        book.active.append(list(row))
    for row in book.active.iter_rows(min_row=2):
        row[5].value = datetime.fromisoformat(row[5].value)  # a date is a date there
        row[5].number_format = "yyyy-mm-dd"
    book.save(folder / "orders.xlsx")
    return [folder / "orders.xlsx"]


def sorted_anew(folder: Path) -> list[Path]:
    return [_written(folder / "sorted.csv", [HEADER, *reversed(ROWS)])]


def with_other_columns(folder: Path) -> list[Path]:
    order = (5, 0, 4, 1, 3, 2)
    rows = [[*(row[place] for place in order), "Gatineau"] for row in (HEADER, *ROWS)]
    rows[0][-1] = "City"
    return [_written(folder / "columns.csv", rows)]


def split_over_files(folder: Path) -> list[Path]:
    return [_written(folder / f"{part}.csv", [HEADER, *ROWS[part::2]]) for part in (0, 1)]


def _written(file: Path, rows: Sequence[Sequence[object]]) -> Path:
    with file.open("w", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)
    return file


@pytest.mark.parametrize("preflight", [True, False], ids=["with preflight", "without"])
def test_the_same_orders_send_nothing_and_the_report_says_when_they_were_sent(
    tmp_path: Path, key: Path, *, preflight: bool
) -> None:
    with begun_ordeal(tmp_path, key=key, preflight=preflight) as ordeal:
        ship(ordeal)
        for again in (sorted_anew, saved_as_a_workbook, with_other_columns, split_over_files, renamed):
            sends_nothing(ordeal, again(tmp_path))
        for one in split_over_files(tmp_path):  # the lines of an order come apart: another order, the same parcels
            sends_nothing(ordeal, [one])


def ship(ordeal: Ordeal) -> None:
    file = ordeal.write("orders.csv", *ROWS)
    ordeal.fill(file)
    assert ordeal.does("run", file, "--json").code == 0


def sends_nothing(ordeal: Ordeal, files: Sequence[Path]) -> None:
    asked = ordeal.changes_asked
    ran = ordeal.does("run", *files, "--json")
    assert (ran.code, ordeal.changes_asked) == (0, asked), (files, ordeal.reasons(ran))
    assert set(ordeal.outcomes(ran).values()) == {"already_shipped"}
    assert all(f"{datetime.now(UTC):%Y-%m-%d}" in reason for reason in ordeal.reasons(ran)), ordeal.reasons(ran)


def test_rows_by_purchase_order_and_rows_by_customer_order_are_one_order_in_every_run(ordeal: Ordeal) -> None:
    file = ordeal.write("orders.csv", *ROWS[:2])
    ordeal.fill(file)
    ordeal.cancel(purchase_order(0))
    customers = ordeal.write("customers.csv", *by_customer(ROWS[:2]), header=("customerOrderId", *HEADER[1:]))
    for _ in range(3):
        ran = ordeal.does("run", file, customers, "--json")
        assert (ran.code, ordeal.requests["ship"]) == (1, 1), ran.err
        assert [row["_outcome"] for row in ordeal.rows(ran)][:1] == ["held"]


def test_each_row_has_its_own_outcome_in_whatever_sequence_the_rows_come_again(ordeal: Ordeal) -> None:
    ordeal.write_settings(on_bad_row="send-rest")
    rows = [row for row in ROWS if row.purchase_order_id == purchase_order(2)]
    ordeal.fill(ordeal.write("known.csv", *rows[:2]))  # of line 2 less was ordered than the file ships
    for again, sequence in enumerate((rows, rows[::-1], [rows[1], rows[0], rows[2]])):
        ran = ordeal.does("run", ordeal.write(f"{again}.csv", *sequence), "--json")
        outcomes = {(row["lineNumber"], row["_outcome"]) for row in ordeal.rows(ran)}
        assert outcomes == {("1", "already_shipped" if again else "shipped"), ("2", "held")}
    assert list(ordeal.units_charged) == [(purchase_order(2), "1", rows[0].tracking_number)]


@pytest.mark.parametrize("preflight", [True, False], ids=["with preflight", "without"])
def test_another_quantity_of_a_parcel_that_was_sent_is_seen_and_held_with_both_figures(
    ordeal: Ordeal, *, preflight: bool
) -> None:
    ship(ordeal)
    ordeal.write_settings(preflight=preflight)
    asked = ordeal.changes_asked
    ran = ordeal.does("run", ordeal.write("changed.csv", ROWS[0]._replace(quantity=5), *ROWS[1:]), "--json")
    assert (ran.code, ordeal.changes_asked) == (1, asked)
    outcomes = ordeal.outcomes(ran)
    assert (outcomes.pop(purchase_order(0)), set(outcomes.values())) == ("held", {"already_shipped"})
    reason = next(row["_reason"] for row in ordeal.rows(ran) if row["_outcome"] == "held")
    assert {"1", "5"} <= set(reason.replace(".", " ").replace(",", " ").split())


@pytest.mark.parametrize("preflight", [True, False], ids=["with preflight", "without"])
def test_another_tracking_number_of_an_order_that_was_sent_is_seen_and_held_with_both(
    ordeal: Ordeal, *, preflight: bool
) -> None:
    ordeal.write_settings(preflight=preflight)
    ship(ordeal)
    asked = ordeal.changes_asked
    changed = ordeal.write("changed.csv", ROWS[0]._replace(tracking_number=tracking(500)), *ROWS[1:])
    ran = ordeal.does("run", changed, "--json")
    assert (ran.code, ordeal.changes_asked) == (1, asked)
    outcomes = ordeal.outcomes(ran)
    assert (outcomes.pop(purchase_order(0)), set(outcomes.values())) == ("held", {"already_shipped"})
    assert any(tracking(0) in reason and tracking(500) in reason for reason in ordeal.reasons(ran))


def test_a_refused_order_goes_again_only_when_it_changed_or_somebody_says_so(ordeal: Ordeal) -> None:
    file = ordeal.write("orders.csv", *ROWS)
    ordeal.fill(file)
    ordeal.goes_wrong({"match": {"kind": "ship", "po": purchase_order(1), "every": 1}, "do": "errors-200"})
    assert ordeal.does("run", file, "--json").code == 1
    asked = ordeal.requests["ship"]
    for command in (["run", file], ["resume"]):
        ordeal.does(*command, "--json")
        assert ordeal.requests["ship"] == asked
    ordeal.goes_wrong()
    again = ordeal.does("resume", "--refused", "--json")
    assert (again.code, ordeal.outcomes(again)) == (0, {purchase_order(1): "shipped"})
    assert ordeal.requests["ship"] == asked + 1
    check(ordeal, file, orders=6)


def test_a_refused_order_goes_again_when_its_row_changed(ordeal: Ordeal) -> None:
    file = ordeal.write("orders.csv", *ROWS)
    ordeal.fill(file)
    ordeal.goes_wrong({"match": {"kind": "ship", "po": purchase_order(1), "every": 1}, "do": "errors-200"})
    ordeal.does("run", file, "--json")
    ordeal.goes_wrong()
    mended = ordeal.write("mended.csv", ROWS[1]._replace(tracking_number=tracking(700)))
    ran = ordeal.does("run", mended, "--json")
    assert (ran.code, ordeal.outcomes(ran)) == (0, {purchase_order(1): "shipped"})
    assert ordeal.units_charged[purchase_order(1), "1", tracking(700)] == ROWS[1].quantity


def test_a_refused_order_of_today_is_the_same_in_the_afternoon(ordeal: Ordeal) -> None:
    """Noon stands for a day without a time, but not before noon: then it is now."""
    day = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    file = ordeal.write("orders.csv", ROWS[0]._replace(ship_date=f"{day:%Y-%m-%d}"))
    ordeal.fill(ordeal.write("known.csv", ROWS[0]))
    ordeal.goes_wrong({"match": {"kind": "ship", "every": 1}, "do": "errors-200"})
    for hour in (14, 15, 20):  # UTC: 9, 10 and 15 o'clock in Toronto, or an hour later
        ran = ordeal.does("run", file, "--json", first=partial(clock_is, day.timestamp() + hour * 3600))
        assert (ran.code, ordeal.requests["ship"]) == (1, 1), hour


def test_a_lost_journal_costs_nothing_where_each_order_is_read_first(ordeal: Ordeal) -> None:
    file = ordeal.write("orders.csv", *ROWS)
    ordeal.fill(file)
    ordeal.does("run", file, "--json")
    for lost in (ordeal.folder / "state").glob("journal.db*"):
        lost.unlink()
    asked = ordeal.changes_asked
    ran = ordeal.does("run", file, "--json")
    assert (ran.code, ordeal.changes_asked) == (0, asked)
    assert set(ordeal.outcomes(ran).values()) == {"already_shipped"}
    check(ordeal, file, orders=6, faults=0, journal_lost=True)
