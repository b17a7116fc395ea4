from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.errors import UnreadableFile
from batch.reading.oddities import Oddities
from batch.reading.records import _wide_number, needs_password, old_oddities
from batch.reading.workbook import _oddities
from tests.unit.reading.binary import binary_workbook, compound_file
from tests.unit.reading.making import BOOKS, HEADER, place

START, END, SHEET = 0x809, 0x0A, 0x85


def record(kind: int, body: bytes = b"") -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def old_workbook(*records: bytes) -> bytes:
    """Return an XLS with one sheet of these records."""
    globals_ = record(START) + record(SHEET, struct.pack("<IH", 0, 0)) + record(END)
    start = struct.pack("<IH", len(globals_), 0)
    globals_ = record(START) + record(SHEET, start) + record(END)
    return compound_file({"Workbook": globals_ + record(START) + b"".join(records) + record(END)})


ERROR = record(0x205, struct.pack("<HHHBB", 4, 2, 0, 0x2A, 1))
FORMULA = struct.pack("<HHH", 6, 1, 0)


@pytest.mark.parametrize(
    ("body", "odd"),
    [
        (ERROR, Oddities(((5, 2, "#N/A"),))),
        (record(0x205, struct.pack("<HHHBB", 4, 2, 0, 1, 0)), Oddities()),  # TRUE
        (record(0x205, struct.pack("<HHHBB", 4, 2, 0, 0x99, 1)), Oddities(((5, 2, "#N/A"),))),
        (record(0x06, FORMULA + b"\x02\0\x07\0\0\0\xff\xff"), Oddities(((7, 1, "#DIV/0!"),))),
        (record(0x06, FORMULA + struct.pack("<d", 2.0)), Oddities()),
        (record(0x208, bytes(12) + b"\x20\0\0\0"), Oddities(hidden=True)),
        (record(0x7D, bytes(8) + b"\x01\0"), Oddities(hidden=True)),
        (record(0x205) + record(0x208) + record(0x7D) + record(0x06), Oddities()),
        (record(START) + ERROR + record(END) + ERROR, Oddities(((5, 2, "#N/A"), (5, 2, "#N/A")))),  # a chart within
    ],
)
def test_records_of_an_old_workbook_tell_what_is_odd(body: bytes, odd: Oddities) -> None:
    assert old_oddities(old_workbook(body)) == [odd]


def test_a_workbook_that_cannot_be_taken_apart_has_nothing_odd() -> None:
    assert old_oddities(b"no workbook") == []
    assert not needs_password(b"no workbook")


WIDE = binary_workbook([HEADER.split(","), ["1", "#N/A", 2.0, ""]], hidden=1, merged=(0, 1, 0, 0))
OLD = (BOOKS / "formulas.xls").read_bytes()


@settings(max_examples=60, deadline=None)
@given(at=st.integers(0, len(OLD)), rubbish=st.binary(min_size=1, max_size=4))
def test_damaged_records_never_raise(at: int, rubbish: bytes) -> None:
    damaged = OLD[:at] + rubbish + OLD[at + len(rubbish) :]
    needs_password(damaged)
    old_oddities(damaged)


def test_numbers_of_a_binary_workbook_have_seven_bits_a_byte_and_end_in_time() -> None:
    assert _wide_number(b"\x9c\x01", 0, 2) == (156, 2)
    assert _wide_number(b"\x05\x01", 0, 4) == (5, 1)
    assert _wide_number(b"\xff\xff\xff", 0, 2) == (0x3FFF, 2)


def test_a_binary_workbook_whose_records_are_cut_off_is_refused() -> None:
    with pytest.raises(UnreadableFile, match="damaged"):
        _oddities(place(), WIDE[:-100], frozenset({"xl/workbook.bin"}), ["Sheet1"])
