from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import pytest

from batch.report.to_fix import plan_to_fix, write_to_fix
from tests.unit.report.accounts import make_account, make_table, ordinary

if TYPE_CHECKING:
    from pathlib import Path

    from batch.reading.table import Table

GOOD = ("shipped", "", "")
BAD = ("rejected", "Why.", "")


def parsed(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


def test_all_rows_of_an_order_that_needs_a_person_are_there_and_no_others(tmp_path: Path) -> None:
    table = make_table(["1", "a", ""], ["2", "b", ""], ["1", "c", ""], ["3", "=d", ""])
    told = [("shipped", "", "1"), ("shipped", "", "2"), ("held", "Wait.", "1"), ("rejected", "-Bad.", "")]
    write_to_fix(tmp_path / "to_fix", make_account([table], told))
    assert parsed(tmp_path / "to_fix" / "march.csv") == [
        ["Order #", "Tracking Number", "Note", "_outcome", "_reason"],
        ["1", "a", "", "shipped", ""],
        ["1", "c", "", "held", "Wait."],
        ["3", "'=d", "", "rejected", "'-Bad."],
    ]


@pytest.mark.parametrize("outcome", ["shipped", "already_shipped", "skipped", "not_attempted"])
def test_there_is_nothing_to_mend_where_nobody_is_needed(outcome: str, tmp_path: Path) -> None:
    write_to_fix(tmp_path / "to_fix", make_account([make_table(["1", "a", ""])], [(outcome, "", "1")]))
    assert not (tmp_path / "to_fix").exists()


def test_a_file_without_a_bad_row_is_not_among_those_to_mend() -> None:
    tables = [make_table(["1", "a", ""], path="a.csv"), make_table(["1", "b", ""], path="b.csv")]
    account = make_account(tables, [("shipped", "", "1"), ("rejected", "Why.", "1")])
    assert [file.name for file in plan_to_fix(account)] == ["b.csv"]


def names(*tables: Table) -> list[str]:
    return [file.name for file in plan_to_fix(make_account(tables, [BAD] * len(tables)))]


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["in/march.csv", "out/march.csv"], ["march.csv", "march-2.csv"]),
        (["march.csv", "MARCH.xlsx", "March.txt"], ["march.csv", "MARCH-2.csv", "March-3.csv"]),
        (["march.csv", "march-2.csv", "x/march.csv"], ["march.csv", "march-2.csv", "march-3.csv"]),
        (["march.csv.gz", "noending", "v1.2.zip"], ["march.csv", "noending.csv", "v1.csv"]),
        (["é" * 120 + ".csv"], ["é" * 100 + ".csv"]),
    ],
)
def test_two_inputs_of_one_name_do_not_meet(paths: list[str], expected: list[str]) -> None:
    assert names(*(make_table(["1", "a", ""], path=path) for path in paths)) == expected


def test_sheets_with_one_header_are_mended_in_one_file_and_others_apart(tmp_path: Path) -> None:
    source = make_table(path="book.xlsx").source
    first = make_table(["1", "a", ""], path="book.xlsx", sheet="A")
    second = make_table(["2", "b", ""], path="book.xlsx", sheet="B")
    third = make_table(["3"], path="book.xlsx", sheet="C/d", columns=("PO",))
    assert source == first.source
    account = make_account([first, second, third], [BAD] * 3)
    write_to_fix(tmp_path / "to_fix", account)
    assert [file.name for file in plan_to_fix(account)] == ["book.csv", "book.C_d.csv"]
    assert [row[0] for row in parsed(tmp_path / "to_fix" / "book.csv")] == ["Order #", "1", "2"]
    assert parsed(tmp_path / "to_fix" / "book.C_d.csv") == [["PO", "_outcome", "_reason"], ["3", "rejected", "Why."]]


def test_accents_are_marked_so_that_excel_reads_them_right(tmp_path: Path) -> None:
    write_to_fix(tmp_path / "accents", ordinary())
    write_to_fix(tmp_path / "plain", make_account([make_table(["1", "a", ""])], [BAD]))
    header = make_table(["1"], columns=("Numéro",))
    write_to_fix(tmp_path / "header", make_account([header], [BAD]))
    assert (tmp_path / "header" / "march.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert (tmp_path / "accents" / "march.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    assert (tmp_path / "plain" / "march.csv").read_bytes().startswith(b'"Order #"')


def test_a_file_to_mend_that_is_dropped_again_gives_no_doubled_verdicts(tmp_path: Path) -> None:
    table = make_table(["1", "rejected", "Old."], columns=("PO", "_outcome", "_reason"))
    write_to_fix(tmp_path / "to_fix", make_account([table], [BAD]))
    assert parsed(tmp_path / "to_fix" / "march.csv") == [["PO", "_outcome", "_reason"], ["1", "rejected", "Why."]]
