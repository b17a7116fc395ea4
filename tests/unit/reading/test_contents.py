from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from batch.errors import Exit, UnreadableFile
from batch.reading import Source, read_tables
from batch.reading.table import Limits, Table, cell_address
from tests.unit.reading.making import GOOD, HEADER, cells, source, tables, workbook

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"%PDF-1.7\n...", "a PDF"),
        (b"\x89PNG\r\n\x1a\n", "a picture"),
        (b"\xff\xd8\xff\xe0", "a picture"),
        (b"BM\x36\x00\x00\x00", "a picture"),
        (b"Rar!\x1a\x07", "a RAR archive"),
        (b"{\\rtf1}", "a text document"),
        (b"PK\x03\x04 cut off", "damaged or was cut off"),
        (b"\x1f\x8b\x08 cut off", "damaged or was cut off"),
    ],
)
def test_what_is_no_table_is_refused_by_what_it_is(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason) as refused:
        tables(tmp_path, data, name="shipments.xlsx")
    assert refused.value.exit_code == Exit.UNREADABLE
    assert str(tmp_path / "shipments.xlsx") in str(refused.value)


def test_the_content_decides_and_not_the_name(tmp_path: Path) -> None:
    text, book = f"{HEADER}\n{GOOD}\n", workbook([HEADER.split(","), GOOD.split(",")])
    for name in ("a.xls", "a.xlsx", "a.csv", "a.pdf", "a"):
        assert cells(tables(tmp_path, text.replace(",", "\t"), name=name)[0]) == [GOOD.split(",")]
        assert cells(tables(tmp_path, book, name=name)[0]) == [GOOD.split(",")]


def test_a_text_may_begin_as_a_picture_does(tmp_path: Path) -> None:
    assert tables(tmp_path, "BM,carrier,trackingNumber\n1,2,3\n")[0].columns[0] == "BM"


def test_a_file_that_is_not_there_or_too_large_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="cannot be opened"):
        read_tables(Source(tmp_path / "gone.csv", "", tmp_path / "gone.csv"))
    with pytest.raises(UnreadableFile, match=r"at most 10 are read"):
        read_tables(source(tmp_path, "a" * 20), Limits(file_bytes=10))


def test_reports_name_the_file_as_the_user_gave_it(tmp_path: Path) -> None:
    copy = source(tmp_path, "a,b\n1,2\n", "3f2a")
    given = Source(tmp_path / "mine.csv", copy.sha256, copy.content)
    assert read_tables(given)[0].name == str(tmp_path / "mine.csv")


def test_a_table_is_named_with_its_sheet(tmp_path: Path) -> None:
    one: Table = tables(tmp_path, workbook([HEADER.split(",")]))[0]
    assert one.name == f"{tmp_path / 'file.csv'}, sheet 'Sheet1'"


@pytest.mark.parametrize(
    ("column", "row", "address"),
    [(0, 1, "A1"), (1, 17, "B17"), (25, 2, "Z2"), (26, 2, "AA2"), (701, 9, "ZZ9"), (702, 9, "AAA9")],
)
def test_addresses_are_excels(column: int, row: int, address: str) -> None:
    assert cell_address(column, row) == address
