from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from batch.errors import UnreadableFile
from batch.reading import read_shipments
from tests.unit.reading.making import GOOD, HEADER, PROFILES, TORONTO, source, workbook

if TYPE_CHECKING:
    from pathlib import Path

GOOD_SHEET = [HEADER.split(","), GOOD.split(",")]
OTHER_SHEET = [["Colour", "Size"], ["red", "L"]]


def test_every_sheet_that_fits_is_read_and_the_others_are_named(tmp_path: Path) -> None:
    book = workbook(OTHER_SHEET, GOOD_SHEET, GOOD_SHEET)
    first, second = read_shipments(source(tmp_path, book), PROFILES, zone=TORONTO)
    assert (first.table.sheet, second.table.sheet) == ("Sheet2", "Sheet3")
    assert first.table.notes == ("the sheet 'Sheet1' fits no profile and is not read",)
    assert second.table.notes == ()


def test_where_no_sheet_fits_the_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="sheet 'Sheet1': no profile fits"):
        read_shipments(source(tmp_path, workbook(OTHER_SHEET, OTHER_SHEET)), PROFILES, zone=TORONTO)


def test_a_named_profile_is_the_only_one_tried(tmp_path: Path) -> None:
    data = f"{HEADER}\n{GOOD}\n"
    (one,) = read_shipments(source(tmp_path, data), PROFILES, profile_name="shipbatch", zone=TORONTO)
    assert one.profile.name == "shipbatch"
    with pytest.raises(UnreadableFile, match="'matrixify'"):
        read_shipments(source(tmp_path, data), PROFILES, profile_name="matrixify", zone=TORONTO)
