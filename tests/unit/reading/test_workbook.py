from __future__ import annotations

import datetime as dt
import gc
import io
import struct
import zipfile
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pytest
from openpyxl import Workbook  # type: ignore[import-untyped] # it ships no types
from python_calamine import PasswordError

from batch.errors import UnreadableFile
from batch.reading import workbook as module
from batch.reading.grid import MERGED
from batch.reading.oddities import Oddities
from batch.reading.table import Kind, Limits
from batch.reading.xlsx import xlsx_oddities
from tests.unit.reading.binary import binary_workbook, compound_file
from tests.unit.reading.making import BOOKS, GOOD, HEADER, cells, place, saved, table, tables, workbook

if TYPE_CHECKING:
    from pathlib import Path

NAMES = HEADER.split(",")


def packed(parts: dict[str, str]) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return raw.getvalue()


def records(*kinds: tuple[int, int]) -> bytes:
    """Return records of an XLS, of these kinds and lengths."""
    return b"".join(struct.pack("<HH", kind, length) + bytes(length) for kind, length in kinds)


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


@pytest.mark.parametrize("name", ["formulas.xlsx", "formulas.xls", "formulas.ods"])
def test_error_cells_and_what_is_hidden_are_known_in_every_kind_of_workbook(tmp_path: Path, name: str) -> None:
    one = tables(tmp_path, (BOOKS / name).read_bytes())[0]
    assert one.kinds is not None
    errors = [(int(one.rows[row]), int(column)) for row, column in np.argwhere(one.kinds == Kind.ERROR)]
    assert errors[:2] == [(7, 5), (8, 4)]
    assert (one.cells.iloc[2, 5], one.cells.iloc[3, 4]) == ("#N/A", "#DIV/0!")
    assert one.cells.iloc[4, 5] == "1Z12345E6605272234"  # a formula's value
    assert one.notes == ("hidden rows or columns are read too",)


def test_a_binary_workbook_is_read_like_any_other(tmp_path: Path) -> None:
    rows: list[list[str | float]] = [
        [*NAMES],
        ["1", "UPS", "#N/A", "x"],
        [309121065891123, "#DIV/0!", 7035114477138472.0, "y"],
    ]
    one = table(tmp_path, binary_workbook(rows, hidden=2))
    assert one.sheet == "Sheet1"
    assert cells(one) == [[*map(str, rows[1])], ["309121065891123", "#DIV/0!", "7.03511447713847E+15", "y"]]
    assert one.kinds is not None
    assert one.kinds.tolist() == [[1, 1, 5, 1], [2, 5, 2, 1]]
    assert one.notes == ("hidden rows or columns are read too",)
    assert table(tmp_path, binary_workbook(rows, hidden_column=1)).notes == ("hidden rows or columns are read too",)
    assert table(tmp_path, binary_workbook(rows)).notes == ()


def test_a_formula_without_a_value_is_no_blank_cell(tmp_path: Path) -> None:
    formulas = [NAMES, ["1", '=IF(A2=1,"UPS","")', "=B9&B10", '="0073938000549297"'], ["2", "=A1", "z", "=1+1"]]
    one = table(tmp_path, workbook(formulas))
    assert cells(one) == formulas[1:]
    assert one.kinds is not None
    assert one.kinds.tolist() == [[1, 5, 5, 1], [1, 5, 1, 5]]


@pytest.mark.parametrize(
    ("old", "kind"),
    [
        (b'<c r="B2"><f>A1</f><v /></c>', Kind.ERROR),
        (b'<c r="B2"><f>A1</f></c>', Kind.ERROR),
        (b"<c r=\"B2\" s=\"1\"><f t='shared' si='0'/><v></v></c>", Kind.ERROR),
        (b'<x:c r="B2"><x:f>A1</x:f><x:v></x:v></x:c>', Kind.ERROR),
        (b'<c r="B2" t="e"><f>1/0</f><v>#DIV/0!</v></c>', Kind.ERROR),
        (b'<c t="e" r="B2"><v>#REF!</v></c>', Kind.ERROR),
        (b'<c r="B2" t="str"><f>A1</f><v></v></c>', Kind.EMPTY),
        (b'<c r="B2"><f>A1</f><v>7</v></c>', Kind.NUMBER),
        (b'<c r="B2"/>', Kind.EMPTY),
    ],
)
def test_a_formulas_value_is_known_from_none_however_it_is_written(tmp_path: Path, old: bytes, kind: Kind) -> None:
    book = workbook([NAMES, ["1", "=A1", "x", "y"]])
    one = table(tmp_path, rewritten(book, "xl/worksheets/sheet1.xml", b'<c r="B2"><f>A1</f><v /></c>', old))
    assert one.kinds is not None
    assert one.kinds[0, 1] == kind


def _with_merged(*areas: str) -> bytes:
    book = Workbook()
    for row in (NAMES, *([str(number), "UPS", f"T{number}", ""] for number in range(2, 8))):
        book.active.append(row)
    for area in areas:
        book.active.merge_cells(area)
    return saved(book)


@pytest.mark.parametrize(
    ("areas", "rows"),
    [
        (["A3:A5"], [3, 4, 5]),
        (["A3:B4", "C6:C7"], [3, 4, 6, 7]),
        (["A3:D3"], []),
        (["A1:A2"], []),
        (["D3:D5"], []),  # blank
        (["F3:F5"], []),  # beyond the table
    ],
)
def test_rows_that_share_a_merged_cell_are_faults(tmp_path: Path, areas: list[str], rows: list[int]) -> None:
    one = table(tmp_path, _with_merged(*areas))
    assert [int(one.rows[position]) for position, _ in one.faults] == rows
    assert {reason for _, reason in one.faults} <= {MERGED}


def test_merged_cells_are_seen_in_a_binary_workbook_too(tmp_path: Path) -> None:
    one = table(tmp_path, binary_workbook([NAMES, *[["1", "UPS", "x", "y"]] * 4], merged=(1, 2, 0, 0)))
    assert one.faults == ((0, MERGED), (1, MERGED))


def test_a_workbook_in_the_strict_form_is_looked_through_too() -> None:
    book = workbook([NAMES, GOOD.split(",")])
    office = b"http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    strict = rewritten(book, "xl/workbook.xml", office, b"http://purl.oclc.org/ooxml/officeDocument/relationships")
    with zipfile.ZipFile(io.BytesIO(strict)) as archive:
        assert xlsx_oddities(place(), archive) == {"Sheet1": Oddities()}


def test_a_sheet_whose_part_is_missing_has_nothing_odd() -> None:
    book = workbook([NAMES], [NAMES])
    with zipfile.ZipFile(io.BytesIO(book)) as archive:
        kept = {name: archive.read(name).decode() for name in archive.namelist() if "sheet1.xml" not in name}
    with zipfile.ZipFile(io.BytesIO(packed(kept))) as archive:
        assert xlsx_oddities(place(), archive) == {"Sheet2": Oddities()}


def test_garbage_is_collected_again_after_a_workbook(tmp_path: Path) -> None:
    table(tmp_path, workbook([NAMES]))
    assert gc.isenabled()
    gc.disable()
    try:
        table(tmp_path, workbook([NAMES]))
        assert not gc.isenabled()
    finally:
        gc.enable()


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
        (workbook([NAMES, ["x" * 300, "", "", ""]]), Limits(cell_characters=200), "the cell A2 has 300 characters"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600, Limits(), "no workbook that can be read"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\x00" * 600 + "EncryptedPackage".encode("utf-16-le"),
            Limits(),
            "protected by a password",
        ),
        (compound_file({"Workbook": records((0x809, 4), (0x2F, 6), (0x0A, 0))}), Limits(), "protected by a password"),
        (packed({"mimetype": "x", "encrypted-package": "x"}), Limits(), "protected by a password"),
        (
            packed({"mimetype": "x", "content.xml": "x", "META-INF/manifest.xml": "<manifest:encryption-data/>"}),
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
    [
        (PanicException("index out of bounds"), "the workbook is damaged"),
        (PasswordError("x"), "a password"),
        (OSError("failed to fill whole buffer"), "no workbook that can be read"),
    ],
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
