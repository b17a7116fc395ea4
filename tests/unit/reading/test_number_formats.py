from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest
import xlsxwriter  # type: ignore[import-untyped] # it ships no types

from batch.errors import UnreadableFile
from batch.plan import make_plan
from batch.reading import Kind
from batch.reading.number_formats import LETTERED, digits_shown, old_formats, wide_formats, xlsx_formats
from tests.unit.reading.binary import binary_workbook
from tests.unit.reading.making import BOOKS, HEADER, cells, shipments, table
from tests.unit.tables import policy

if TYPE_CHECKING:
    from pathlib import Path

    from batch.reading import Table

FORMATTED = {
    ("E", 2): "000000000000",
    ("E", 3): '"RB"000000000"CA"',
    ("E", 4): "0",
    ("E", 5): "0000",
}


@pytest.mark.parametrize(
    ("code", "shown"),
    [
        ("General", 0),
        ("@", 0),
        ("", 0),
        ("0", 0),
        ("0.00", 0),
        ("#,##0.00", 0),
        ('#,##0.00 "$"', 0),
        ("0.00E+00", 0),
        ("yyyy-mm-dd hh:mm", 0),
        ('yyyy"year"', 0),
        ("# ?/00", 0),
        ("0_);(0)", 0),
        ("[Red]0", 0),
        ("000000000000", 12),
        ("0000-0000-0000", 12),
        ("00;-000", 2),
        ("[Red]000", 3),
        ('"RB"000000000"CA"', LETTERED),
        ("\\R\\B0", LETTERED),
        ('0" pcs"', LETTERED),
    ],
)
def test_a_format_shows_more_than_the_number_by_noughts_or_letters(code: str, shown: int) -> None:
    assert digits_shown(code) == shown


def book(formats: dict[tuple[str, int], str], value: float = 20595463938) -> bytes:
    raw = io.BytesIO()
    with xlsxwriter.Workbook(raw) as made:
        sheet = made.add_worksheet()
        sheet.write_row(0, 0, HEADER.split(","))
        for row in range(1, 5):
            sheet.write_row(row, 0, ["309121065891123", "Purolator", "x", "2026-11-23"])
        for (_, row), code in formats.items():
            sheet.write_number(row - 1, 2, value, made.add_format({"num_format": code}))
    return raw.getvalue()


def kinds_of(one: Table) -> list[int]:
    assert one.kinds is not None
    return [int(kind) for kind in one.kinds[:, 2]]


def test_a_number_that_is_shown_with_noughts_or_letters_is_marked(tmp_path: Path) -> None:
    one = table(tmp_path, book(FORMATTED))
    assert kinds_of(one) == [Kind.FORMATTED, Kind.FORMATTED, Kind.NUMBER, Kind.NUMBER]
    assert [row[2] for row in cells(one)] == ["20595463938"] * 4


def test_a_workbook_without_styles_has_no_formats() -> None:
    with ZipFile(io.BytesIO(), "w") as archive:
        assert xlsx_formats(archive) == {}


@pytest.mark.parametrize("name", ["formatted.xls", "formatted.ods"])
def test_the_other_workbooks_tell_it_too(tmp_path: Path, name: str) -> None:
    one = table(tmp_path, (BOOKS / name).read_bytes())
    assert kinds_of(one) == [Kind.FORMATTED, Kind.FORMATTED, Kind.NUMBER, Kind.NUMBER]


def test_a_binary_workbook_tells_it_too(tmp_path: Path) -> None:
    rows: list[list[str | float]] = [
        [*HEADER.split(",")],
        ["309121065891123", "Purolator", 20595463938.0, "2026-11-23"],
    ]
    assert kinds_of(table(tmp_path, binary_workbook(rows, codes=["", "000000000000"]))) == [Kind.FORMATTED]
    assert kinds_of(table(tmp_path, binary_workbook(rows, codes=["", "00000"]))) == [Kind.NUMBER]


def test_formats_of_before_excel_97_have_narrow_letters() -> None:
    style = (0xE0, struct.pack("<HH", 0, 164))
    assert old_formats([(0x41E, struct.pack("<HB", 164, 3) + b"000"), style]) == {0: 3}
    assert old_formats([(0x41E, struct.pack("<HHB", 164, 3, 1) + "000".encode("utf-16-le")), style]) == {0: 3}
    assert old_formats([(0xE0, b""), (0x41E, b"")]) == {}


def test_styles_that_are_not_of_cells_are_none_of_ours() -> None:
    code = (44, struct.pack("<HI", 164, 3) + "000".encode("utf-16-le"))
    style = (47, struct.pack("<HH", 0, 164))
    assert wide_formats([code, style, (617, b""), style, (618, b""), style]) == {0: 3}


def test_a_number_that_no_clock_can_show_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="a number in it is formatted as a length of time that no clock can show"):
        table(tmp_path, book({("E", 2): "[h]:mm"}, value=700000290595))


def test_what_a_format_shows_is_not_sent(tmp_path: Path) -> None:
    plan = make_plan([shipments(tmp_path, book(FORMATTED))], policy())
    assert len(plan) == 0
    for cell, reason in zip(("C2", "C3"), plan.rows["reason"], strict=False):
        assert f'{cell} trackingNumber "20595463938": a number format shows noughts or letters here' in reason
