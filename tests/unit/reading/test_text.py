from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.errors import UnreadableFile
from batch.reading import text as module
from batch.reading.encoding import as_utf8
from batch.reading.grid import CUT_OFF, TOO_MANY_CELLS
from batch.reading.table import Limits
from tests.unit.reading.making import GOOD, HEADER, KNOWN, cells, place, table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from batch.reading.table import Table


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_separator_and_line_ends_are_found_out(tmp_path: Path, separator: str, line_end: str) -> None:
    data = line_end.join([HEADER, GOOD, GOOD, ""]).replace(",", separator)
    one = table(tmp_path, data)
    assert one.columns == tuple(HEADER.split(","))
    assert cells(one) == [GOOD.split(","), GOOD.split(",")]
    assert one.rows.tolist() == [2, 3]
    assert one.notes == (() if separator == "," else (f"{module.SEPARATORS[separator]}-separated",))


def test_a_separator_line_is_obeyed_and_does_not_count(tmp_path: Path) -> None:
    one = table(tmp_path, f"sep=;\r\n{HEADER.replace(',', ';')}\r\na;b, c;d;e\r\n")
    assert one.header_row == 1
    assert one.rows.tolist() == [2]
    assert cells(one) == [["a", "b, c", "d", "e"]]


def test_a_semicolon_file_with_decimal_commas_is_not_taken_for_a_comma_file(tmp_path: Path) -> None:
    one = table(tmp_path, "thing;price;weight\nlamp;1,50;2,25\nchair;3,50;4,75\n")
    assert one.columns == ("thing", "price", "weight")


def test_banner_lines_and_blank_lines_are_counted_as_excel_counts_them(tmp_path: Path) -> None:
    one = table(tmp_path, f"Report\n\n{HEADER}\n\n{GOOD}\n,,,\n   \n{GOOD}\n\n\n")
    assert one.header_row == 3
    assert one.rows.tolist() == [5, 8]


def test_a_line_break_inside_quotation_marks_makes_no_new_row(tmp_path: Path) -> None:
    data = f'{HEADER},note\n{GOOD},"two\nlines"\n{GOOD},"says ""yes"", twice"\n'
    one = table(tmp_path, data)
    assert one.rows.tolist() == [2, 3]
    assert one.cells[4].tolist() == ["two\nlines", 'says "yes", twice']


@pytest.mark.parametrize("word", ["NA", "null", "NaN", "None", "#N/A", "0073", "1e5", "TRUE", "-"])
def test_every_cell_stays_the_text_it_is(tmp_path: Path, word: str) -> None:
    assert cells(table(tmp_path, f"{HEADER}\n{word},{word},{word},{word}\n")) == [[word] * 4]


def test_the_apostrophe_that_our_reports_write_is_taken_off_once(tmp_path: Path) -> None:
    one = table(tmp_path, f"{HEADER}\n'=1+1,'-5,'73,''=x\n'@a,'+1,don't,'\n")
    assert cells(one) == [["=1+1", "-5", "'73", "''=x"], ["@a", "+1", "don't", "'"]]


def test_short_rows_are_blank_at_their_end_and_long_ones_are_faults(tmp_path: Path) -> None:
    one = table(tmp_path, f"{HEADER}\na,b\n{GOOD},extra\n{GOOD},,\n")
    assert cells(one)[0] == ["a", "b", "", "", ""]
    assert cells(one)[1][4] == "extra"
    assert one.faults == ((1, TOO_MANY_CELLS),)
    assert one.columns == (*HEADER.split(","), "")


def test_faults_name_the_right_row_behind_blank_lines(tmp_path: Path) -> None:
    one = table(tmp_path, f"{HEADER}\n\n\n{GOOD}\n{GOOD},extra\n")
    assert one.faults == ((1, TOO_MANY_CELLS),)
    assert one.rows.tolist() == [4, 5]


def test_a_short_last_row_without_a_line_end_is_cut_off(tmp_path: Path) -> None:
    one = table(tmp_path, f"{HEADER}\n{GOOD}\n3091210658,Cana")
    assert one.unterminated
    assert one.faults == ((1, CUT_OFF),)


def test_a_whole_last_row_without_a_line_end_is_only_told(tmp_path: Path) -> None:
    one = table(tmp_path, f"{HEADER}\n{GOOD}")
    assert one.unterminated
    assert one.faults == ()
    assert not table(tmp_path, f"{HEADER}\n{GOOD}\n").unterminated


def test_a_header_alone_is_an_empty_table(tmp_path: Path) -> None:
    for data in (HEADER, HEADER + "\n", HEADER + "\n\n\n"):
        one = table(tmp_path, data)
        assert one.columns == tuple(HEADER.split(","))
        assert one.cells.shape == (0, 4)
        assert one.rows.tolist() == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("\n\n  \n", "nothing but blank lines"),
        ("1,2,3\n4,5,6\n", "no header row"),
        ("\n" * 28 + f"x\n{HEADER}\n{GOOD}\n", "the header stands in row 30"),
        (",".join(f"c{number}" for number in range(1000)) + "\n", "1,000 columns"),
        (f'{HEADER}\n{GOOD}\n"open,b,c,d\n', "a quotation mark in or after row 3"),
        (f'{HEADER}\n"a"b,b,c,d\n', "a quotation mark in or after row 2"),
        (f"{HEADER}\n{GOOD}\n{'x' * 40_000},b,c,d\n", "the cell A3 has 40,000 characters"),
        (f"{HEADER}\n{'x' * 10_000_000},b,c,d\n", "the cell A2 has 10,000,000 characters"),
        (f"{HEADER}\n{'x' * 10_000_000},b,c,d,e\n", "a cell in row 2 is longer than any cell"),
        (f"{HEADER}\n{GOOD}\n\x00,b,c,d\n", "zero bytes"),
        ('"purchaseOrderId,carrier\n', "a quotation mark in or after row 1"),
    ],
)
def test_a_bad_text_file_is_refused_in_one_sentence(tmp_path: Path, data: str, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason) as refused:
        table(tmp_path, data)
    assert str(tmp_path / "file.csv") in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("regular", [True, False])
def test_more_rows_than_allowed_are_refused(tmp_path: Path, regular: bool) -> None:  # noqa: FBT001 - a table test
    data = f"{HEADER}\n" + f"{GOOD}\n" * 30 + ("" if regular else "short\n")
    with pytest.raises(UnreadableFile, match="at most 20 are read"):
        table(tmp_path, data, Limits(rows=20))


def test_unnamed_columns_that_hold_something_are_kept(tmp_path: Path) -> None:
    one = table(tmp_path, f"{HEADER},,\n{GOOD},remark,\n")
    assert one.columns == (*HEADER.split(","), "")
    assert cells(one) == [[*GOOD.split(","), "remark"]]


def test_regular_files_take_the_fast_way(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "_irregular", pytest.fail)
    quoted = "\n".join('"' + line.replace(",", '","') + '"' for line in (HEADER, GOOD, GOOD)) + "\n"
    assert cells(table(tmp_path, quoted)) == [GOOD.split(",")] * 2


def test_columns_beyond_what_32_bits_count_are_read_alike(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    data = f"{HEADER}\n" + f"{GOOD}\n" * 3
    usual = table(tmp_path, data)
    monkeypatch.setattr(module, "_OFFSETS_END", 1)
    assert cells(table(tmp_path, data)) == cells(usual)


def test_quotation_marks_are_seen_right_across_blocks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "_BLOCK", 7)
    monkeypatch.setattr(module, "_irregular", pytest.fail)
    one = table(tmp_path, f'{HEADER}\n"a ""b"" c","d\ne",f,""\ng,"h","i,j",k\n')
    assert cells(one) == [['a "b" c', "d\ne", "f", ""], ["g", "h", "i,j", "k"]]


def _both_ways(data: bytes) -> list[Table | str]:
    """Read a text by the fast way, where it takes it, by the slow way, and as a large one is read."""
    text = module._understood(as_utf8(data)[0], "", KNOWN)
    ways: list[Table | str] = []
    ways_to_read: tuple[Callable[[], Table | None], ...] = (
        lambda: module._regular(place(), text, memoryview(text.data), module.in_memory),
        lambda: module._irregular(place(), text),
        lambda: module.read_large_text(place(), memoryview(data)),
    )
    for way in ways_to_read:
        try:
            read = way()
        except UnreadableFile as error:
            ways.append(str(error))
        else:
            ways += [read] if read is not None else []
    return ways


CELLS = st.text(alphabet=st.sampled_from(list("ab7 ,;'=\"\n\r\té\u03b1\u00a0")), max_size=6)


@settings(max_examples=150, deadline=None)
@given(
    rows=st.lists(st.lists(st.one_of(CELLS, st.sampled_from(["NA", "", "0073", '"q"', '""'])), max_size=6), max_size=8),
    quoting=st.sampled_from(["none", "all", "exact"]),
    line_end=st.sampled_from(["\n", "\r\n"]),
)
def test_the_fast_and_the_slow_way_give_the_same_table(rows: list[list[str]], quoting: str, line_end: str) -> None:
    def spelt(cell: str) -> str:
        if quoting == "none" or (quoting == "exact" and not set(cell) & set(',"\r\n')):
            return cell
        return '"' + cell.replace('"', '""') + '"'

    text = line_end.join([HEADER, *(",".join(map(spelt, row)) for row in rows)])
    ways = _both_ways(text.encode())
    for fast, slow in pairwise(ways):
        _are_the_same(fast, slow)


def _are_the_same(fast: Table | str, slow: Table | str) -> None:
    if not isinstance(fast, str) and not isinstance(slow, str):
        assert fast.columns == slow.columns
        assert cells(fast) == cells(slow)
        assert np.array_equal(fast.rows, slow.rows)
        assert (fast.header_row, fast.faults, fast.unterminated) == (slow.header_row, slow.faults, slow.unterminated)
    else:
        assert fast == slow
