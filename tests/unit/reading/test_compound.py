from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.reading.compound import stream
from tests.unit.reading.binary import compound_file
from tests.unit.reading.making import BOOKS

CONTENTS = st.integers(0, 9000).map(lambda size: bytes(place % 251 for place in range(size)))


@settings(max_examples=30, deadline=None)
@given(streams=st.dictionaries(st.sampled_from(["Workbook", "Summary", "Other"]), CONTENTS), chained=st.booleans())
def test_every_stream_comes_out_as_it_went_in(streams: dict[str, bytes], *, chained: bool) -> None:
    data = compound_file(streams, listed_in_chain=chained)
    assert {name: stream(data, name) for name in streams} == streams


def test_the_first_name_that_is_there_counts_whatever_its_case() -> None:
    data = compound_file({"WORKBOOK": b"new", "Book": b"old"})
    assert stream(data, "Workbook", "Book") == b"new"
    assert stream(data, "Bok", "Book") == b"old"
    assert stream(data, "Nothing") is None


def test_a_real_workbook_has_its_stream() -> None:
    workbook = stream((BOOKS / "typed.xls").read_bytes(), "Workbook")
    assert workbook is not None
    assert workbook[:2] == struct.pack("<H", 0x809)


@pytest.mark.parametrize("power", [0, 40, 60_000])
def test_sectors_of_impossible_sizes_are_no_compound_file(power: int) -> None:
    data = bytearray(compound_file({"Workbook": b"x"}))
    data[30:32] = struct.pack("<H", power)
    assert stream(bytes(data), "Workbook") is None


@settings(max_examples=100, deadline=None)
@given(at=st.integers(0, 3000), rubbish=st.binary(min_size=1, max_size=8), cut=st.integers(0, 3000))
def test_a_damaged_file_gives_something_or_nothing_but_never_an_error(at: int, rubbish: bytes, cut: int) -> None:
    whole = compound_file({"Workbook": b"x" * 700, "Big": b"y" * 5000})
    damaged = (whole[:at] + rubbish + whole[at + len(rubbish) :])[: len(whole) - cut]
    for name in ("Workbook", "Big"):
        stream(damaged, name)
