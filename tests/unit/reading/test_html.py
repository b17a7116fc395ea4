from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from batch.errors import UnreadableFile
from batch.reading.grid import MERGED
from tests.unit.reading.making import GOOD, HEADER, cells, tables

if TYPE_CHECKING:
    from pathlib import Path


def rows(*lines: str, tag: str = "td") -> str:
    return "".join("<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in line.split(",")) + "</tr>" for line in lines)


def test_a_web_pages_table_called_xls_is_read(tmp_path: Path) -> None:
    page = f"<html><body><p>Report</p><table border=1>{rows(HEADER, tag='th')}{rows(GOOD)}</table></body></html>"
    (one,) = tables(tmp_path, page, name="report.xls")
    assert one.columns == tuple(HEADER.split(","))
    assert cells(one) == [GOOD.split(",")]
    assert one.rows.tolist() == [2]
    assert one.notes == ("a web page's table",)


def test_entities_spaces_and_encoding_are_resolved(tmp_path: Path) -> None:
    page = f"<table>{rows(HEADER)}<tr><td>1<td> Émile\n  &amp; fils<br>inc. <td><b>7</b>3<td></tr></table>"
    (one,) = tables(tmp_path, page.encode("cp1252"))
    assert cells(one) == [["1", "Émile & fils inc.", "73", ""]]
    assert one.notes == ("a web page's table", "Windows-1252")


def test_cells_that_span_keep_the_others_in_their_columns(tmp_path: Path) -> None:
    page = (
        f"<table><tr><td colspan=4>Report</td></tr>{rows(HEADER)}"
        "<tr><td rowspan=2>1</td><td colspan='2'>a</td><td>b</td></tr><tr><td>c</td><td>d</td><td>e</td></tr>"
        "<tr><td rowspan=x colspan=0>2</td></tr></table>"
    )
    (one,) = tables(tmp_path, page)
    assert cells(one) == [["1", "a", "", "b"], ["", "c", "d", "e"], ["2", "", "", ""]]
    assert one.faults == ((0, MERGED), (1, MERGED))


def test_a_header_that_spans_rows_is_no_fault(tmp_path: Path) -> None:
    head = "".join(f"<th rowspan=2>{name}</th>" for name in HEADER.split(","))
    (one,) = tables(tmp_path, f"<table><tr>{head}</tr><tr></tr><tr><td>1<td>2<td>3<td>4</tr></table>")
    assert cells(one) == [["1", "2", "3", "4"]]
    assert one.faults == ()


def test_each_table_of_a_page_is_one_and_a_table_in_a_cell_is_text(tmp_path: Path) -> None:
    inner = "<table><tr><td>x</td></tr></table>"
    page = (
        f"<table>{rows(HEADER)}<tr><td>1{inner}</td></tr></table><table>{rows(HEADER)}</table><table></table></table>"
    )
    first, second = tables(tmp_path, page)
    assert (first.sheet, second.sheet) == ("table 1", "table 2")
    assert cells(first) == [["1x", "", "", ""]]
    assert cells(second) == []


def test_cells_without_a_row_are_a_row(tmp_path: Path) -> None:
    (one,) = tables(tmp_path, "<table>" + "".join(f"<td>{name}</td>" for name in HEADER.split(",")) + "</table>")
    assert one.columns == tuple(HEADER.split(","))


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        ("<html><body>Please log in</body></html>", "without a table"),
        ("<table></table>", "without a table"),
        ('<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet">', "Excel 2003 XML"),
        ("<table><tr><td>a</td><td>b</td></tr><tr><td>1</td><td>2", "it was cut off"),
        ("<html><table><tr><td>a</td><td>b</td></tr></table><ta", "it was cut off"),
        (b"<table>\x81\xff</table>", "Windows-1252"),
        ("<table><tr>" + "<td colspan=1000>x</td>" * 5000 + "</tr></table>", "columns; at most 500"),
    ],
)
def test_pages_that_are_no_table_are_refused(tmp_path: Path, page: str | bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason):
        tables(tmp_path, page)
