from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

import pytest

from batch.errors import Fatal, UnreadableFile
from batch.inputs import copied, in_place, read_inputs
from batch.settings import Settings
from tests.unit.tables import NOW

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TEXT = "purchaseOrderId,carrier,trackingNumber,shipDateTime\n1,UPS,1Z5R89390357567127,2026-11-20\n"


def written(path: Path, text: str = TEXT) -> Path:
    path.write_text(text)
    return path


def test_a_copy_is_named_by_its_content_and_private(tmp_path: Path) -> None:
    file = written(tmp_path / "orders.csv")
    source = copied(file, tmp_path / "inputs")
    assert source.content == tmp_path / "inputs" / in_place(file).sha256
    assert source.content.read_text() == TEXT
    assert stat.S_IMODE(source.content.stat().st_mode) == 0o600
    assert [path.name for path in (tmp_path / "inputs").iterdir()] == [source.sha256]


def test_a_file_that_cannot_be_read_leaves_no_copy(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"nowhere\.csv: the file cannot be read"):
        copied(tmp_path / "nowhere.csv", tmp_path / "inputs")
    assert not list((tmp_path / "inputs").iterdir())


@pytest.mark.parametrize("read", [in_place, lambda path: copied(path, path.parent / "inputs")])
def test_a_pipe_is_not_waited_for(tmp_path: Path, read: Callable[[Path], object]) -> None:
    pipe = tmp_path / "pipe.csv"
    os.mkfifo(pipe)
    with pytest.raises(UnreadableFile, match=r"pipe\.csv: this is no ordinary file"):
        read(pipe)


def test_a_name_that_is_no_text_is_refused_and_stops_no_other_file(tmp_path: Path) -> None:
    good, odd = written(tmp_path / "good.csv"), tmp_path / os.fsdecode(b"exp\xe9dition.csv")
    odd.write_bytes(good.read_bytes())
    inputs = read_inputs([odd, good], Settings(accounts={}), now_ms=NOW, copies=tmp_path / "inputs")
    assert [one["rows"] > 0 for one in inputs.files] == [False, True]
    assert inputs.files[0]["path"] == str(tmp_path / "exp?dition.csv")
    assert inputs.files[0]["problem"] == (
        f"{tmp_path}/exp?dition.csv: this name has bytes that are no text; rename the file and try again."
    )


def test_copies_that_cannot_be_kept_end_the_run(tmp_path: Path) -> None:
    written(tmp_path / "inputs")
    with pytest.raises(Fatal, match="the copies of input files cannot be kept"):
        copied(written(tmp_path / "orders.csv"), tmp_path / "inputs")


def test_a_disk_that_is_full_is_not_the_file_s_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("batch.inputs.os.fsync", full)
    with pytest.raises(Fatal, match="the copies of input files cannot be kept: No space left on device"):
        copied(written(tmp_path / "orders.csv"), tmp_path / "inputs")
    assert not list((tmp_path / "inputs").iterdir())


def test_a_file_that_cannot_be_read_is_told_of_and_stops_no_other(tmp_path: Path) -> None:
    good, bad = written(tmp_path / "good.csv"), written(tmp_path / "bad.csv", "")
    inputs = read_inputs([bad, tmp_path / "gone.csv", good], Settings(), now_ms=NOW)
    assert [file["rows"] for file in inputs.files] == [0, 0, 1]
    assert [bool(file["problem"]) for file in inputs.files] == [True, True, False]
    assert inputs.file_of(0) == 2
