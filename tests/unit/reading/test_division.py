from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batch.errors import UsageError
from batch.reading.division import divided
from batch.reading.table import Limits, Source
from tests.unit.reading.making import GOOD, HEADER, PROFILES, TORONTO, cells, shipments, source

if TYPE_CHECKING:
    from pathlib import Path

    from batch.reading.division import Division

NOTED = f"{HEADER},Note"


def cut(folder: Path, data: bytes | str, *, part: int = 1, **chosen: object) -> Division | None:
    return divided(source(folder, data), PROFILES, zone=TORONTO, part=part, **chosen)  # type: ignore[arg-type] # any


def contents(division: Division | None) -> list[bytes]:
    assert division is not None
    return [division.content(part) for part in division.parts]


def test_a_text_is_cut_behind_rows_and_all_of_its_body_is_in_a_part(tmp_path: Path) -> None:
    division = cut(tmp_path, f"{HEADER}\n{GOOD}\n{GOOD}\n{GOOD}")
    assert contents(division) == [f"{GOOD}\n".encode()] * 2 + [GOOD.encode()]
    assert division is not None
    assert [part.unterminated for part in division.parts] == [False, False, True]
    assert division.profile.name == "shipbatch"
    assert (division.layout.header_row, division.layout.separator) == (1, ",")


def test_no_cut_lies_between_quotation_marks(tmp_path: Path) -> None:
    rows = [f'{GOOD},"two\nlines"\n', f'{GOOD},"a ""quoted""\n\nword"\n', f"{GOOD},plain\n"]
    assert contents(cut(tmp_path, f"{NOTED}\n{''.join(rows)}")) == [row.encode() for row in rows]


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(notes=st.lists(st.text('a"\n;', max_size=6), min_size=2, max_size=8), part=st.integers(1, 150))
def test_parts_of_any_size_have_the_rows_that_the_whole_has(tmp_path: Path, notes: list[str], part: int) -> None:
    quoted = ['"' + note.replace('"', '""') + '"' for note in notes]
    rows = [f"{GOOD},{note}\n" for note in quoted]
    data = f"{NOTED}\n{''.join(rows)}"
    division = cut(tmp_path, data, part=part)
    if division is None:
        assert 2 * part > len(data) or len("".join(rows[:-1])) < part
        return
    found = []
    for one in division.parts:
        read = division.shipments(one, division.content(one))
        assert read is not None
        found += cells(read[0].table)
        assert read[1] == len(read[0].table.rows)
    assert found == cells(shipments(tmp_path, data).table)


def test_a_byte_order_mark_and_another_separator_are_noted_as_of_the_whole(tmp_path: Path) -> None:
    data = f"\ufeff{HEADER}\n{GOOD}\n{GOOD}\n".replace(",", ";")
    division = cut(tmp_path, data)
    assert division is not None
    assert division.layout.notes == shipments(tmp_path, data).table.notes
    assert contents(division) == [f"{GOOD}\n".replace(",", ";").encode()] * 2


@pytest.mark.parametrize(
    "data",
    [
        f"{HEADER}\n{GOOD}\n",
        f"{HEADER}\n",
        f"{HEADER}\r{GOOD}\r{GOOD}\r",
        f"{HEADER}\n{GOOD}\n{GOOD}\n".encode("utf-16"),
        f"{HEADER}\n{GOOD}\n{GOOD}\n".replace("Canada Post", "Société").encode("cp1252"),
        "these are,no shipments\n1,2\n3,4\n",
        "\n\n\n",
        f"<table>\n{HEADER}\n{GOOD}\n{GOOD}\n",
        b"PK\x03\x04\n\n\n",
        b"",
    ],
)
def test_what_is_no_plain_text_or_too_small_is_not_divided(tmp_path: Path, data: bytes | str) -> None:
    assert cut(tmp_path, data) is None


def test_a_file_that_is_gone_too_large_or_too_small_is_not_divided(tmp_path: Path) -> None:
    data = f"{HEADER}\n{GOOD}\n{GOOD}\n"
    assert cut(tmp_path, data) is not None
    assert cut(tmp_path, data, limits=Limits(file_bytes=len(data) - 1)) is None
    assert cut(tmp_path, data, part=len(data) // 2 + 1) is None
    assert divided(Source(tmp_path / "n", "0", tmp_path / "n"), PROFILES, zone=TORONTO, part=1) is None


def test_a_profile_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="there is no profile 'mine'"):
        cut(tmp_path, f"{HEADER}\n{GOOD}\n{GOOD}\n", profile_name="mine")


@pytest.mark.parametrize(
    "content", [b"\n\n", b"\xff,1,2,3\n", b"1,2\n", b'a "b,c,d,e\n', b"\xef\xbb\xbfa,b,c,d\n", b"a,b\0,c,d\n"]
)
def test_a_part_that_is_not_regular_is_none(tmp_path: Path, content: bytes) -> None:
    division = cut(tmp_path, f"{HEADER}\n{GOOD}\n{GOOD}\n")
    assert division is not None
    assert division.shipments(division.parts[0], content) is None
