from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from batch.report.places import places, shortest, stretches, table_names
from batch.report.reasons import cell_of, kinds, names_of, odd_headers_of, said_of, taken_apart, without_place
from batch.report.todo import files_to_mend, tasks, waiting
from tests.unit.report.accounts import make_account, make_table, ordinary

NOTATION = "Excel shows this number in E-notation; export the column as text"
NAMES = names_of(
    [make_table(path="in/march.csv"), make_table(path="in/march.csv", sheet="A"), make_table(path="x/(b) [1]+.xlsx")]
)


def series(*told: str) -> pd.Series:
    return pd.Series(list(told), dtype="str")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (f'march.csv B17 trackingNumber "7.03511E+15": {NOTATION}', f'in/march.csv AC9 Tracking # "7E+15": {NOTATION}'),
        (f'march.csv B17 t "1": {NOTATION}', f"march.csv 'A' B17 t \"2\": {NOTATION}"),
        (f'B17 t "1": {NOTATION}', f'x/(b) [1]+.xlsx row 18 t "=1:2": {NOTATION}'),
        (f"march.csv row 17 shipDateTime: {NOTATION}", f"(b) [1]+.xlsx row 18: {NOTATION}"),
        ("march.csv row 1: as in march.csv row 2", "(b) [1]+.xlsx row 9: as in in/march.csv row 3"),
        ("row 1: because of march.csv row 2", "row 1: because of march.csv row 2 and (b) [1]+.xlsx row 4"),
        ("row 1: because of march.csv row 2", "row 1: because of row 3, row 5, and row 4"),
        ("Order 108 is not known.", "Order 109-2 is not known."),
        ("Rows 17, 18 and 19 are bad.", "Rows 3 and 19 are bad."),
        ("It left on 2026-11-23 17:53.", "It left on 2026-11-24."),
        ('The carrier "Purolater" is not known.', 'The carrier "UPSS, Inc." is not known.'),
        ("Due on 2026-11-24 12:00.", "Due on 2026-12-01 09:30."),
    ],
)
def test_reasons_that_differ_in_places_values_and_numbers_are_of_one_kind(one: str, other: str) -> None:
    found = kinds(without_place(series(one, other), NAMES))
    assert found[0] == found[1]


def test_reasons_that_say_something_else_are_of_another_kind() -> None:
    told = series("The carrier is missing.", "The quantity is missing.", 'The carrier "x" is not known.', "")
    assert kinds(told).nunique() == 4


@pytest.mark.parametrize(
    ("reason", "single"),
    [
        ("A2 x: one; B2 y: two", ["A2 x: one", "B2 y: two"]),
        ("march.csv A2 x: one; march.csv row 2 y: two", ["march.csv A2 x: one", "march.csv row 2 y: two"]),
        ("A2 x: one; two", ["A2 x: one; two"]),
        ("", [""]),
    ],
)
def test_several_reasons_of_a_row_are_taken_apart(reason: str, single: list[str]) -> None:
    found = taken_apart(series("first", reason), NAMES)
    assert found.loc[[1]].tolist() == single


def test_without_names_of_files_reasons_are_still_understood() -> None:
    assert without_place(series("B17 t: one", "row 3: one"), []).tolist() == ["one", "one"]
    assert taken_apart(series("A2 x: one; B2 y: two"), []).tolist() == ["A2 x: one", "B2 y: two"]


def test_a_column_whose_name_has_a_colon_is_part_of_the_place() -> None:
    table = make_table(columns=("Name", "Line: Quantity", "Line: Quantity: Sent"))
    headers = odd_headers_of([table])
    told = series(
        'B7 Line: Quantity "two": no number', "C7 Line: Quantity: Sent: no number", 'A7 Name "5" box": no number'
    )
    assert without_place(told, [], headers).tolist() == ["no number"] * 3
    assert cell_of(told[0], [], headers) == 'B7 Line: Quantity "two"'


def test_a_kind_says_all_that_its_reasons_have_in_common() -> None:
    assert said_of("k", ["the day is over"]) == "The day is over."
    assert said_of("order … is lost.", ["order 1 is lost.", "order 2 is lost."]) == "Order … is lost."
    assert said_of("held because of row …", ["a", "b"]) == "Held because of another row."
    assert said_of("", [""]) == "No reason is given."


def test_a_row_with_two_reasons_stands_under_both() -> None:
    table = make_table(["1", "x", ""], ["2", "y", ""])
    told = [("rejected", "march.csv A2 a: one; march.csv B2 b: two", "1"), ("rejected", "march.csv A3 a: one", "2")]
    found = tasks(make_account([table], told))
    assert [(task.reason, task.orders, task.rows.tolist()) for task in found] == [
        ("One.", 2, [0, 1]),
        ("Two.", 1, [0]),
    ]


def test_tasks_come_by_outcome_and_then_by_frequency_with_their_rows_and_orders() -> None:
    table = make_table(*[["1", "x", ""]] * 7)
    told = [
        ("rejected", "B2: Rare.", "1"),
        ("rejected", "B3: Often.", "2"),
        ("shipped", "", "3"),
        ("rejected", "B5: Often.", "2"),
        ("unknown", "Lost.", "4"),
        ("held", "Wait.", "1"),
        ("rejected", "B8: Often.", ""),
    ]
    found = tasks(make_account([table], told))
    assert [(task.outcome, task.reason, task.orders, task.rows.tolist()) for task in found] == [
        ("unknown", "Lost.", 1, [4]),
        ("rejected", "Often.", 1, [1, 3, 6]),
        ("rejected", "Rare.", 1, [0]),
        ("held", "Wait.", 1, [5]),
    ]
    assert all(task.how and task.who for task in found)


def test_where_nobody_is_needed_there_is_no_task() -> None:
    account = make_account([make_table(["1", "x", ""])], [("not_attempted", "Later.", "1")])
    assert tasks(account) == []
    assert files_to_mend(account) == []


def test_files_to_mend_are_named_below_the_report() -> None:
    assert files_to_mend(ordinary()) == ["to_fix/march.csv"]


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ([5], "5"),
        ([5, 6], "5-6"),
        ([2, 3, 4, 9, 12, 13], "2-4, 9, 12-13"),
        ([1, 3, 5, 7, 8], "1, 3, 5 and 2 more"),
    ],
)
def test_row_numbers_are_drawn_together(numbers: list[int], told: str) -> None:
    assert stretches(np.array(numbers), 3) == told


def test_places_name_file_sheet_and_rows() -> None:
    tables = [make_table(["1", "x", ""]), make_table(*[["1", "x", ""]] * 3, path="b.xlsx", sheet="S")]
    found = places(make_account(tables, [("held", "", "1")] * 4), np.array([0, 1, 3]), 5)
    assert list(map(str, found)) == ["march.csv row 2", "b.xlsx 'S' rows 2, 4"]


def test_a_path_is_told_as_it_is_where_none_leads_there_from_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def nowhere(_path: object) -> str:
        raise FileNotFoundError  # the working folder is gone

    monkeypatch.setattr("os.path.relpath", nowhere)
    assert shortest(Path("/reports/r")) == "/reports/r"


def test_a_kind_shows_one_of_its_cells_or_sentences_as_an_example() -> None:
    table = make_table(*[["1", "x", ""]] * 5)
    told = [
        ("rejected", 'march.csv B2 Tracking "7E+15": Bad cell.', "1"),
        ("rejected", 'march.csv B3 Tracking "8E+15": Bad cell.', "2"),
        ("held", "Line 1 left on Monday.", "3"),
        ("held", "Line 2 left on Monday.", "4"),
        ("refused", "march.csv row 6: Walmart said no.", "5"),
    ]
    found = {task.reason: task.example for task in tasks(make_account([table], told))}
    assert found == {
        "Bad cell.": 'march.csv B2 Tracking "7E+15"',
        "Line … left on Monday.": "Line 1 left on Monday.",
        "Walmart said no.": "",
    }


def test_rows_that_wait_say_why() -> None:
    table = make_table(*[["1", "x", ""]] * 3)
    told = [("not_attempted", "", "1"), ("not_attempted", "Due on 2026-11-24.", "2"), ("not_attempted", "", "3")]
    assert [(one.reason, one.orders, one.rows.tolist()) for one in waiting(make_account([table], told))] == [
        ("The run ended before it was their turn.", 2, [0, 2]),
        ("Due on 2026-11-24.", 1, [1]),
    ]


def test_files_of_one_name_are_told_apart_by_their_paths() -> None:
    tables = [make_table(path="a/x.csv"), make_table(path="b/x.csv", sheet="S"), make_table(path="b/y.csv")]
    assert table_names(tables) == ["a/x.csv", "b/x.csv 'S'", "y.csv"]
