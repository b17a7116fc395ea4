from __future__ import annotations

import gzip
import io
import zipfile
from typing import TYPE_CHECKING

import pytest

from batch.errors import UnreadableFile
from batch.reading.archive import check_members
from batch.reading.table import Limits
from tests.unit.reading.making import GOOD, HEADER, cells, place, tables, workbook

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

TEXT = f"{HEADER}\n{GOOD}\n".encode()


def zipped(members: Mapping[str, bytes]) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return raw.getvalue()


def test_a_gzip_file_is_read_as_what_it_holds(tmp_path: Path) -> None:
    (one,) = tables(tmp_path, gzip.compress(TEXT), name="file.csv.gz")
    assert cells(one) == [GOOD.split(",")]
    assert one.sheet == ""


def test_every_member_of_an_archive_is_a_table_named_by_it(tmp_path: Path) -> None:
    book = workbook([HEADER.split(","), GOOD.split(",")])
    members = {"a/one.csv": TEXT, "two.xlsx": book, ".hidden": b"x", "__MACOSX/one.csv": b"x", "~$two.xlsx": b"x",
               "copy.part": b"x", "empty.csv": b"", "folder/": b""}  # fmt: skip
    read = tables(tmp_path, zipped(members))
    assert [table.sheet for table in read] == ["a/one.csv", "two.xlsx/Sheet1"]
    assert all(cells(table) == [GOOD.split(",")] for table in read)


def test_archives_inside_archives_are_read_to_a_depth(tmp_path: Path) -> None:
    twice = zipped({"outer.zip": zipped({"inner.csv": TEXT})})
    assert tables(tmp_path, twice)[0].sheet == "outer.zip/inner.csv"
    deep = TEXT
    for _ in range(5):
        deep = gzip.compress(deep)
    with pytest.raises(UnreadableFile, match="too deep"):
        tables(tmp_path, deep)


@pytest.mark.parametrize("data", [zipped({}), zipped({"empty.csv": b""}), zipped({".DS_Store": b"x"})])
def test_an_archive_without_a_file_is_refused(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(UnreadableFile, match="holds no file"):
        tables(tmp_path, data)


def test_one_bad_member_refuses_the_archive_and_is_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"'bad\.pdf': it is a PDF"):
        tables(tmp_path, zipped({"good.csv": TEXT, "bad.pdf": b"%PDF-1.7"}))


@pytest.mark.parametrize("pack", [gzip.compress, lambda data: zipped({"bomb.csv": data})])
def test_what_unpacks_to_far_too_much_is_refused(tmp_path: Path, pack: object) -> None:
    with pytest.raises(UnreadableFile, match="refused as a danger"):
        tables(tmp_path, pack(b"a,b\n" * 2_000_000))  # type: ignore[operator] # a function, as the table says


def test_a_size_that_the_archive_hides_is_still_counted(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="refused as a danger"):
        tables(tmp_path, gzip.compress(TEXT * 20_000), Limits(unpacked_bytes=100_000))


def test_too_many_members_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="at most 2 are read"):
        tables(tmp_path, zipped({f"{number}.csv": TEXT for number in range(3)}), Limits(members=2))


@pytest.mark.parametrize("cut", [20, 40, -30, -8])
@pytest.mark.parametrize("packed", [gzip.compress(TEXT, mtime=0), zipped({"one.csv": TEXT})])
def test_a_truncated_archive_is_refused(tmp_path: Path, packed: bytes, cut: int) -> None:
    with pytest.raises(UnreadableFile, match="damaged or was cut off"):
        tables(tmp_path, packed[:cut])


def test_a_password_is_said(tmp_path: Path) -> None:
    data = bytearray(zipped({"one.csv": TEXT}))
    data[6] |= 1  # the flag of an encrypted member, in its own header ...
    data[data.index(b"PK\x01\x02") + 8] |= 1  # ... and in the directory
    with pytest.raises(UnreadableFile, match="password"):
        tables(tmp_path, bytes(data))


def test_small_archives_may_have_any_ratio() -> None:
    info = zipfile.ZipInfo("one.csv")
    info.file_size = 1 << 20
    check_members(place(), [info], 10)
    info.file_size = (1 << 20) + 1
    with pytest.raises(UnreadableFile):
        check_members(place(), [info], 10)
