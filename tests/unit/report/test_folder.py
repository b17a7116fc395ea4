from __future__ import annotations

import dataclasses
import errno
import os
from pathlib import Path

import orjson
import pytest

from batch.errors import AccountsDoNotAdd
from batch.report import folder
from batch.report.folder import write_report
from tests.unit.report.accounts import ordinary

RUN = "20261124-002640-3f2a"


def test_a_report_is_a_folder_named_by_its_run(tmp_path: Path) -> None:
    written = write_report(tmp_path / "reports", ordinary())
    assert written == tmp_path / "reports" / RUN
    assert {"summary.json", "rows.csv", "orders.csv", "to_fix"} <= {path.name for path in written.iterdir()}
    assert orjson.loads((written / "summary.json").read_bytes())["run"] == RUN
    assert [path.name for path in (tmp_path / "reports").iterdir()] == [RUN]


def test_a_report_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    write_report(tmp_path, ordinary())
    (tmp_path / RUN / "old").touch()
    write_report(tmp_path, dataclasses.replace(ordinary(), exit_code=4))
    assert orjson.loads((tmp_path / RUN / "summary.json").read_bytes())["exit_code"] == 4
    assert not (tmp_path / RUN / "old").exists()
    assert [path.name for path in tmp_path.iterdir()] == [RUN]


def test_an_account_that_does_not_add_up_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(AccountsDoNotAdd):
        write_report(tmp_path, dataclasses.replace(ordinary(), files=()))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("step", ["write_rows", "write_orders", "write_to_fix", "encoded", "_to_disk"])
def test_a_full_disk_leaves_the_report_of_before_and_nothing_half(
    step: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_report(tmp_path, ordinary())

    def fail(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(folder, step, fail)
    with pytest.raises(OSError, match="No space left"):
        write_report(tmp_path, dataclasses.replace(ordinary(), exit_code=4))
    assert orjson.loads((tmp_path / RUN / "summary.json").read_bytes())["exit_code"] == 5
    assert [path.name for path in tmp_path.iterdir()] == [RUN]


@pytest.mark.parametrize("again", [False, True])
def test_a_folder_that_cannot_take_its_place_leaves_all_as_it_was(
    *, again: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if again:
        write_report(tmp_path, ordinary())
    rename = Path.rename

    def fail(path: Path, target: Path) -> Path:
        if path.name == "report":
            raise OSError(errno.EACCES, "Permission denied")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", fail)
    with pytest.raises(OSError, match="Permission denied"):
        write_report(tmp_path, dataclasses.replace(ordinary(), exit_code=4))
    assert [path.name for path in tmp_path.iterdir()] == [RUN] * again
    if again:
        assert orjson.loads((tmp_path / RUN / "summary.json").read_bytes())["exit_code"] == 5


def test_what_a_crash_left_is_cleared_away(tmp_path: Path) -> None:
    (tmp_path / f".{RUN}-crashed" / "report").mkdir(parents=True)
    (tmp_path / ".another-crashed").mkdir()
    write_report(tmp_path, ordinary())
    assert sorted(path.name for path in tmp_path.iterdir()) == [".another-crashed", RUN]


def test_a_share_that_cannot_sync_a_folder_still_gets_its_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_handle: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "fsync", refuse)
    assert write_report(tmp_path, ordinary()).is_dir()
