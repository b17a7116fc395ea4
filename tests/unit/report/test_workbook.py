from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np
import openpyxl  # type: ignore[import-untyped]  # ships no types
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from python_calamine import CalamineWorkbook

from batch.report import workbook
from batch.report.account import FINDING_COLUMNS
from batch.report.bad_cells import bad_cells
from batch.report.todo import tasks
from tests.unit.report.accounts import make_account, make_table, ordinary

if TYPE_CHECKING:
    from pathlib import Path

    from batch.report.account import RunAccount

RED, AMBER = "FFF8C9C4", "FFFBE7B2"


def write_workbook(path: Path, account: RunAccount) -> None:
    workbook.write_workbook(path, account, tasks(account))


def sheets(path: Path) -> dict[str, list[list[Any]]]:
    book = CalamineWorkbook.from_path(str(path))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def written(tmp_path: Path, account: RunAccount) -> dict[str, list[list[Any]]]:
    write_workbook(tmp_path / "report.xlsx", account)
    return sheets(tmp_path / "report.xlsx")


def findings(*told: tuple[int, int, int, str, str]) -> pd.DataFrame:
    return pd.DataFrame(told, columns=list(FINDING_COLUMNS))


def mending() -> RunAccount:
    table = make_table(["0073", "7.03E+15", "=1+1"], ["2", "ok", ""], columns=("Order", "Tracking", "Note"))
    told = [("rejected", 'B2 Tracking "7.03E+15": Excel lost its last digits.', "1"), ("shipped", "", "2")]
    return make_account([table], told)


def test_the_workbook_has_its_four_sheets(tmp_path: Path) -> None:
    told = written(tmp_path, dataclasses.replace(ordinary(), interrupted=True))
    assert list(told) == ["Summary", "To fix", "Orders", "Rows"]
    summary = [[cell for cell in line if cell != ""] for line in told["Summary"]]
    assert summary[0] == ["2 of 8 orders are shipped; 4 need a person, 1 is still to be sent."]
    assert ["INTERRUPTED", "The run was stopped before its end."] in summary
    assert ["rejected", 1, 1, "the file is wrong"] in summary
    assert ["shipbatch", 8, "in/march.csv"] in summary
    assert [line[0] for line in told["Orders"][1:]] == [f"10{at}" for at in range(8)]
    assert [line[-8:-5] for line in told["Rows"][1:]] == [["in/march.csv", "", at + 2] for at in range(8)]


def test_what_was_fine_needs_no_sheet_to_mend(tmp_path: Path) -> None:
    told = written(tmp_path, make_account([make_table(["1", "x", ""])], [("shipped", "", "1")]))
    assert list(told) == ["Summary", "Orders", "Rows"]


def test_a_sheet_to_mend_has_the_files_own_columns_as_text_and_the_reason_beside_them(tmp_path: Path) -> None:
    assert written(tmp_path, mending())["To fix"] == [
        ["Order", "Tracking", "Note", "_outcome", "_reason", "_file", "_row"],
        [
            "0073",
            "7.03E+15",
            "=1+1",
            "rejected",
            'B2 Tracking "7.03E+15": Excel lost its last digits.',
            "in/march.csv",
            2,
        ],
    ]
    sheet = openpyxl.load_workbook(tmp_path / "report.xlsx")["To fix"]
    assert [cell.data_type for cell in sheet[2]] == ["s"] * 6 + ["n"]
    assert sheet["A2"].number_format == "@"
    assert sheet.freeze_panes == "A2"
    assert sheet.auto_filter.ref == "A1:G2"
    assert sheet.column_dimensions["E"].width > 40


def test_only_sheets_to_mend_have_headers_that_reading_knows(tmp_path: Path) -> None:
    told = written(tmp_path, mending())
    assert all(header.startswith("_") for name in ("Orders", "Rows") for header in told[name][0])


def test_bad_cells_are_coloured_and_say_why(tmp_path: Path) -> None:
    found = findings(
        (0, 0, 1, "warning", "It is odd, too."),
        (0, 0, 2, "warning", "It is odd."),
        (0, 0, 0, "note", "A space was taken away."),
        (0, 0, -1, "warning", "The whole row."),
        (0, 1, 2, "warning", "A row that nobody has to mend."),
    )
    write_workbook(tmp_path / "report.xlsx", dataclasses.replace(mending(), findings=found))
    sheet = openpyxl.load_workbook(tmp_path / "report.xlsx")["To fix"]
    assert sheet["B2"].fill.fgColor.rgb == RED
    assert sheet["C2"].fill.fgColor.rgb == AMBER
    assert sheet["B2"].comment.text == 'B2 Tracking "7.03E+15": Excel lost its last digits.'
    assert sheet["C2"].comment.text == "It is odd."
    assert sheet["A2"].comment is None


def test_each_bad_cell_says_only_what_is_wrong_with_it() -> None:
    told = [("rejected", 'march.csv A2 Order "": one; two; B2 Tracking "x": three', "1")]
    found = bad_cells(make_account([make_table(["", "x", ""])], told), np.array([0]))
    assert [cell.reason for cell in found[0]] == ['march.csv A2 Order "": one; two', 'B2 Tracking "x": three']


@pytest.mark.parametrize(
    ("reason", "columns"),
    [
        ("A2 x: one; C2 y: two", [0, 2]),
        ("march.csv A2 x: one; in/march.csv C2 y: two", [0, 2]),
        ("april.csv A2 x: one", []),
        ("B17 names a cell of another row: no.", []),
        ("AA2 is a column that this table has not: no", [26]),
        ("Nothing is named.", []),
    ],
)
def test_cells_are_found_in_a_reason_only_where_they_are_its_own(reason: str, columns: list[int]) -> None:
    account = make_account([make_table(["1", "x", ""])], [("held", reason, "1")])
    assert [cell.column for bad in bad_cells(account, np.array([0])).values() for cell in bad] == columns


def test_the_columns_of_an_earlier_report_neither_appear_nor_shift_the_colours(tmp_path: Path) -> None:
    table = make_table(["old", "1", "bad"], columns=("_reason", "Order", "Tracking"))
    found = findings((0, 0, 0, "warning", "Of no interest."))
    write_workbook(tmp_path / "r.xlsx", make_account([table], [("rejected", "C2: Bad.", "1")], findings=found))
    sheet = openpyxl.load_workbook(tmp_path / "r.xlsx")["To fix"]
    assert [cell.value for cell in sheet[1]][:3] == ["Order", "Tracking", "_outcome"]
    assert sheet["B2"].fill.fgColor.rgb == RED
    assert sheet["B2"].comment.text == "C2: Bad."


def test_files_with_other_headers_are_mended_on_other_sheets(tmp_path: Path) -> None:
    tables = [
        make_table(["1", "x", ""], path="a.csv"),
        make_table(["2"], path="b.csv", columns=("PO",)),
        make_table(["3", "y", ""], path="c.csv"),
    ]
    told = written(tmp_path, make_account(tables, [("rejected", "Why.", "")] * 3))
    assert [line[0] for line in told["To fix"]] == ["Order #", "1", "3"]
    assert [line[0] for line in told["To fix 2"]] == ["PO", "2"]


def test_too_many_rows_are_a_word_that_points_to_the_csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_ROWS", 7)
    monkeypatch.setattr(workbook, "MOST_TO_FIX", 3)
    told = written(tmp_path, ordinary())
    assert [line[0] for line in told["Orders"][1:]] == ["8 orders are too many for a sheet: orders.csv has all."]
    assert [line[0] for line in told["Rows"][1:]] == ["8 rows are too many for a sheet: rows.csv has all."]
    assert [line[0] for line in told["To fix"][4:]] == ["1 more rows: the files under to_fix have all."]


def test_comments_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "_MOST_COMMENTS", 1)
    table = make_table(["1", "x", ""], ["2", "y", ""])
    account = make_account([table], [("rejected", "A2: One.", "1"), ("rejected", "A3: Two.", "2")])
    write_workbook(tmp_path / "r.xlsx", account)
    sheet = openpyxl.load_workbook(tmp_path / "r.xlsx")["To fix"]
    assert (sheet["A2"].comment.text, sheet["A3"].comment) == ("A2: One.", None)
    assert sheet["A3"].fill.fgColor.rgb == RED


CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=10) | st.sampled_from(
    ["=1+1", "0073", "1E5", "_x0041_", "\x01", "http://x", "TRUE", "#N/A", " a "]
)


@settings(max_examples=25, deadline=None)
@given(lines=st.lists(st.lists(CELL, min_size=2, max_size=2), min_size=1, max_size=4))
def test_a_cell_to_mend_comes_back_as_the_text_it_was(
    tmp_path_factory: pytest.TempPathFactory, lines: list[list[str]]
) -> None:
    table = make_table(*lines, columns=("a", "b"))
    told = written(tmp_path_factory.mktemp("book"), make_account([table], [("rejected", "Why.", "")] * len(lines)))
    # XML has line ends of one kind only, and a workbook cannot hold two codes that are no characters.
    expected = [[cell.replace("\r\n", "\n").replace("\r", "\n") for cell in line] for line in lines]
    found = [[str(cell).replace("\r", "\n") for cell in line[:2]] for line in told["To fix"][1:]]
    assert found == expected
