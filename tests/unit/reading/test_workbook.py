from __future__ import annotations

import datetime as dt
import io
import zipfile
from typing import TYPE_CHECKING, NoReturn

import pytest
from openpyxl import Workbook  # type: ignore[import-untyped] # it ships no types
from python_calamine import PasswordError

from batch.errors import UnreadableFile
from batch.reading import workbook as module
from batch.reading.table import Kind, Limits
from tests.unit.reading.making import BOOKS, GOOD, HEADER, cells, saved, table, tables, workbook

if TYPE_CHECKING:
    from pathlib import Path

NAMES = HEADER.split(",")


def rewritten(book: bytes, part: str, old: bytes, new: bytes) -> bytes:
    """Return a workbook in whose part some bytes are others."""
    raw = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(book)) as before, zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as after:
        for name in before.namelist():
            content = before.read(name)
            after.writestr(name, content.replace(old, new) if name == part else content)
    return raw.getvalue()


@pytest.mark.parametrize(
    ("value", "text", "kind"),
    [
        ("0073938000549297", "0073938000549297", Kind.TEXT),
        ("", "", Kind.EMPTY),
        (309121065891123, "309121065891123", Kind.NUMBER),
        (7035114477138472, "7.03511447713847E+15", Kind.NUMBER),
        (1e20, "1E+20", Kind.NUMBER),
        (1.5, "1.5", Kind.NUMBER),
        (0.1 + 0.2, "0.3", Kind.NUMBER),
        (-3, "-3", Kind.NUMBER),
        (True, "TRUE", Kind.BOOLEAN),
        (False, "FALSE", Kind.BOOLEAN),
        (dt.datetime(2026, 11, 23, 14, 5), "2026-11-23T14:05:00", Kind.DATE),  # noqa: DTZ001 - Excel knows no zones
        (dt.date(2026, 11, 23), "2026-11-23", Kind.DATE),
        (dt.time(14, 5), "14:05:00", Kind.DATE),
        (dt.timedelta(hours=30), "1 day, 6:00:00", Kind.DURATION),
    ],
)
@pytest.mark.parametrize("among", [[], ["text"], [1]])
def test_a_cell_is_the_text_that_a_person_sees_and_keeps_its_kind(
    tmp_path: Path, value: object, text: str, kind: Kind, among: list[object]
) -> None:
    one = table(tmp_path, workbook([NAMES, ["x", value, "y", "z"], *(["x", other, "y", "z"] for other in among)]))
    assert one.cells.iloc[0, 1] == text
    assert one.kinds is not None
    assert one.kinds[0, 1] == kind


def test_rows_and_columns_are_where_excel_shows_them(tmp_path: Path) -> None:
    book = Workbook()
    page = book.active
    for column, name in enumerate(NAMES, start=2):
        page.cell(4, column, name)
        page.cell(7, column, "x")
        page.cell(9, column, "y")
    one = table(tmp_path, saved(book))
    assert one.header_row == 4
    assert one.columns == ("", *NAMES)
    assert one.rows.tolist() == [7, 9]
    assert one.kinds is not None
    assert one.kinds.tolist() == [[0, 1, 1, 1, 1]] * 2


def test_each_sheet_is_a_table_and_a_hidden_one_is_said(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(NAMES)
    hidden = book.create_sheet("Old")
    hidden.append(NAMES)
    hidden.sheet_state = "hidden"
    book.create_sheet("Empty")
    book.create_sheet("Figures").append([1, 2, 3])
    first, second = tables(tmp_path, saved(book))
    assert (first.sheet, second.sheet) == ("Sheet", "Old")
    assert first.notes == ()
    assert second.notes == ("the sheet 'Old' is hidden",)


def test_hidden_rows_and_columns_are_read_and_said(tmp_path: Path) -> None:
    book = Workbook()
    book.active.append(NAMES)
    book.active.append(GOOD.split(","))
    book.active.row_dimensions[2].hidden = True
    one = table(tmp_path, saved(book))
    assert cells(one) == [GOOD.split(",")]
    assert one.notes == ("hidden rows or columns are read too",)


def test_error_cells_are_shown_as_excel_shows_them(tmp_path: Path) -> None:
    book = Workbook()
    for row in (NAMES, ["1", "UPS", "#N/A", "x"], ["2", "UPS", "#REF!", "x"]):
        book.active.append(row)
    for address in ("C2", "C3"):
        book.active[address].data_type = "e"
    one = table(tmp_path, saved(book))
    assert one.cells[2].tolist() == ["#N/A", "#REF!"]
    assert one.kinds is not None
    assert one.kinds[:, 2].tolist() == [Kind.ERROR, Kind.ERROR]


def test_a_header_merged_over_two_rows_stands_in_the_lower_one(tmp_path: Path) -> None:
    book = Workbook()
    page = book.active
    page.append(["purchaseOrderId", "Shipment", "", "", "Remark"])
    page.append(["", "carrier", "trackingNumber", "shipDateTime", ""])
    page.append([*GOOD.split(","), "x"])
    for area in ("A1:A2", "B1:D1", "E1:E2"):
        page.merge_cells(area)
    one = table(tmp_path, saved(book))
    assert one.header_row == 2
    assert one.columns == (*NAMES, "Remark")


@pytest.mark.parametrize("name", ["november.xls", "november.ods"])
def test_other_workbooks_give_the_same_table(tmp_path: Path, name: str) -> None:
    one = tables(tmp_path, (BOOKS / name).read_bytes())[0]
    assert one.columns[:2] == ("purchaseOrderId", "customerOrderId")
    assert one.cells.shape == (203, 15)
    assert one.cells.iloc[0, :2].tolist() == ["309121066091133", "5000000125456"]
    assert one.cells.iloc[29, 6] == "7.03511447713847E+15"
    assert one.kinds is not None
    assert one.kinds[0, [0, 6, 9]].tolist() == [Kind.NUMBER, Kind.TEXT, Kind.DATE]


@pytest.mark.parametrize(
    ("book", "limits", "reason"),
    [
        (workbook([]), Limits(), "the workbook is empty"),
        (workbook([[1, 2], [3, 4]]), Limits(), "no header row found"),
        (workbook([[f"c{number}" for number in range(1000)]]), Limits(), "1,000 columns; at most 500"),
        (workbook([NAMES] * 40), Limits(rows=20), "40 rows; at most 20"),
        (workbook([NAMES], [NAMES]), Limits(sheets=1), "2 sheets; at most 1"),
        (workbook([*[[None]] * 29, NAMES, GOOD.split(",")]), Limits(), "the header stands in row 30"),
        (workbook([NAMES, ["x" * 300, "", "", ""]]), Limits(cell_characters=200), "a cell has 300 characters"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, Limits(), "no workbook that can be read"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600 + "EncryptedPackage".encode("utf-16-le"),
            Limits(),
            "protected by a password",
        ),
    ],
)
def test_a_bad_workbook_is_refused_in_one_sentence(tmp_path: Path, book: bytes, limits: Limits, reason: str) -> None:
    with pytest.raises(UnreadableFile, match=reason) as refused:
        tables(tmp_path, book, limits)
    assert str(tmp_path / "file.csv") in str(refused.value)


def test_two_cells_far_apart_do_not_fill_the_memory(tmp_path: Path) -> None:
    book = workbook([NAMES, GOOD.split(",")])
    wide = rewritten(book, "xl/worksheets/sheet1.xml", b'r="D2"', b'r="XFD2"')
    with pytest.raises(UnreadableFile, match="16,384 columns"):
        tables(tmp_path, wide)
    tall = rewritten(book, "xl/worksheets/sheet1.xml", b'r="D2"', b'r="ZZ9999999"')
    with pytest.raises(UnreadableFile, match="columns; at most"):
        tables(tmp_path, tall)
    both = rewritten(book, "xl/worksheets/sheet1.xml", b'r="D2"', b'r="CV1048576"')
    with pytest.raises(UnreadableFile, match="row 1,048,576, column 100; that is too large"):
        tables(tmp_path, both)


def test_a_wide_sheet_within_the_limits_is_read(tmp_path: Path) -> None:
    one = table(tmp_path, workbook([[*NAMES, *(f"c{number}" for number in range(60))], GOOD.split(",")]))
    assert len(one.columns) == 64
    assert one.rows.tolist() == [2]


@pytest.mark.parametrize("part", ["word/document.xml", "ppt/presentation.xml"])
def test_other_documents_are_refused(tmp_path: Path, part: str) -> None:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as document:
        document.writestr("[Content_Types].xml", "x")
        document.writestr(part, "x")
    with pytest.raises(UnreadableFile, match="no spreadsheet"):
        tables(tmp_path, raw.getvalue())


@pytest.mark.parametrize(
    ("part", "new"),
    [
        ("xl/workbook.xml", b"<broken"),
        ("xl/_rels/workbook.xml.rels", b"<broken"),
        ("xl/worksheets/sheet1.xml", b"\xff"),
    ],
)
def test_a_workbook_with_a_broken_part_is_refused(tmp_path: Path, part: str, new: bytes) -> None:
    with pytest.raises(UnreadableFile):
        tables(tmp_path, rewritten(workbook([NAMES, GOOD.split(",")]), part, b"<", new))


def test_a_repeated_value_in_an_open_document_is_refused(tmp_path: Path) -> None:
    book = (BOOKS / "november.ods").read_bytes()
    cell = b'<table:table-cell table:number-columns-repeated="16384000" office:value-type="float" office:value="1"/>'
    bomb = rewritten(book, "content.xml", b"</table:table-row>", cell + b"</table:table-row>")
    with pytest.raises(UnreadableFile, match="repeated beyond any real sheet"):
        tables(tmp_path, bomb)


class PanicException(BaseException):
    """What a panic inside calamine looks like from here: no Exception."""


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(PanicException("index out of bounds"), "the workbook is damaged"), (PasswordError("x"), "a password")],
)
def test_what_calamine_throws_becomes_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fault: BaseException, reason: str
) -> None:
    def panics(*_: object) -> NoReturn:
        raise fault

    monkeypatch.setattr(module, "_tables", panics)
    with pytest.raises(UnreadableFile, match=reason):
        tables(tmp_path, workbook([NAMES]))


def test_an_interrupt_is_not_swallowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> NoReturn:
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "_tables", interrupted)
    with pytest.raises(KeyboardInterrupt):
        tables(tmp_path, workbook([NAMES]))


def test_a_workbook_that_ends_the_process_that_opens_it_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_survives", lambda _: False)
    with pytest.raises(UnreadableFile, match="the workbook is damaged"):
        tables(tmp_path, (BOOKS / "november.xls").read_bytes())
    assert tables(tmp_path, workbook([NAMES]))[0].columns == tuple(NAMES)
