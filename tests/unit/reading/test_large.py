"""Large texts, whose cells lie in files: the same tables, and nothing that only a small file may be."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from batch.errors import UnreadableFile
from batch.reading import contents
from batch.reading.encoding import is_plain_utf8
from batch.reading.text import read_large_text
from tests.unit.reading.making import GOOD, HEADER, cells, table, tables

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEXT = f"{HEADER}\n{GOOD}\n\n{GOOD.replace('Canada Post', 'Émile')}\n"


@pytest.fixture
def read_here(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Let every file be a large one, and note each whose cells were left in files."""
    noted: list[str] = []
    spill = read_large_text

    def note(*given: object) -> object:
        found = spill(*given)  # type: ignore[arg-type] # passed on
        noted.append("in files" if found is not None else "in memory")
        return found

    monkeypatch.setattr(contents, "_LARGE", 1)
    monkeypatch.setattr(contents, "read_large_text", note)
    return noted


def test_a_large_text_gives_the_table_that_it_would_give_otherwise(tmp_path: Path, read_here: list[str]) -> None:
    large = table(tmp_path, TEXT)
    assert cells(large) == [GOOD.split(","), GOOD.replace("Canada Post", "Émile").split(",")]
    assert large.rows.tolist() == [2, 4]
    assert not large.unterminated
    assert table(tmp_path, TEXT.rstrip("\n")).unterminated
    assert read_here == ["in files", "in files"]


@pytest.mark.parametrize(
    "data",
    [
        TEXT.encode("cp1252"),
        TEXT.encode("utf-16"),
        TEXT.encode("utf-8-sig"),
        gzip.compress(TEXT.encode()),
        TEXT.replace("Post", 'Po"st').encode(),
    ],
)
def test_what_is_not_plain_is_read_as_ever(tmp_path: Path, read_here: list[str], data: bytes) -> None:
    assert len(tables(tmp_path, data)[0].rows) == 2
    assert "in files" not in read_here


@pytest.mark.parametrize("data", ["<html><body>nothing</body></html>", "\n\n\n", "a,b\0,c\n1,2,3\n"])
def test_what_is_no_table_is_refused_as_ever(tmp_path: Path, read_here: list[str], data: str) -> None:
    with pytest.raises(UnreadableFile):
        table(tmp_path, data)
    assert "in files" not in read_here


def test_a_full_disk_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_given: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(contents, "_LARGE", 1)
    monkeypatch.setattr(contents, "read_large_text", fail)
    with pytest.raises(UnreadableFile, match=r"its cells cannot be laid into .* \(No space left on device\)\.$"):
        table(tmp_path, TEXT)


@pytest.mark.parametrize(
    ("change", "plain"),
    [
        (lambda data: data, True),
        (lambda data: data + "é".encode()[:1], False),
        (lambda data: b"\xff" + data, False),
        (lambda data: data + b"\0", False),
    ],
)
def test_plain_utf8_is_known_across_pieces(
    monkeypatch: pytest.MonkeyPatch, change: Callable[[bytes], bytes], *, plain: bool
) -> None:
    monkeypatch.setattr("batch.reading.encoding._PIECE", 3)
    assert is_plain_utf8(memoryview(change("né à Montréal 😀".encode()))) is plain
