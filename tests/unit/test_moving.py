from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
import pytest

from batch import moving
from batch.journal.since import Standing
from batch.moving import Left, Moved, Stays, Target, move_files_of, target
from batch.outcomes import Outcome
from batch.reading.table import Source
from batch.report.account import FileAccount, RunAccount
from batch.settings import Settings
from tests.unit.report.accounts import make_account, make_table

JOURNAL = cast("Any", SimpleNamespace(database=None))
CONTENT = b"Order #,Tracking Number,Note\n1,2,3\n"


def dropped(path: Path, *outcomes: str, content: bytes = CONTENT) -> RunAccount:
    """Drop a file, and return the account of a run in which its rows ended so."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    sha256 = hashlib.sha256(content).hexdigest()
    table = make_table(*(["1", "2", "3"] for _ in outcomes), path=str(path))
    told = [(outcome, "" if outcome == "shipped" else "This is why.", str(row)) for row, outcome in enumerate(outcomes)]
    file = FileAccount(path=path, sha256=sha256, profile="shipbatch", rows=len(outcomes))
    return make_account([replace(table, source=Source(path, sha256, path))], told, files=(file,))


def broken(path: Path, problem: str, sha256: str | None = None) -> RunAccount:
    path.write_bytes(CONTENT)
    known = hashlib.sha256(CONTENT).hexdigest() if sha256 is None else sha256
    return make_account([], [], files=(FileAccount(path=path, sha256=known, problem=problem),))


def moved(account: RunAccount) -> Moved:
    (one,) = move_files_of(account)
    assert isinstance(one, Moved)
    return one


def left(account: RunAccount) -> Left:
    (one,) = move_files_of(account)
    assert isinstance(one, Left)
    return one


def names(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    ("outcomes", "where"),
    [
        ((), Target.DONE),
        (("shipped", "already_shipped", "skipped"), Target.DONE),
        (("shipped", "rejected"), Target.TO_FIX),
        (("held",), Target.TO_FIX),
        (("refused", "skipped"), Target.TO_FIX),
        (("not_attempted",), None),
        (("shipped", "unknown"), None),
        (("rejected", "not_attempted"), None),
    ],
)
def test_a_file_goes_where_its_gravest_row_sends_it_once_all_have_ended(
    outcomes: tuple[str, ...], where: Target | None
) -> None:
    assert target(outcomes) == where


def test_every_outcome_has_its_place_or_lets_the_file_stay() -> None:
    assert {outcome for outcome in Outcome if target([outcome]) is None} == {Outcome.NOT_ATTEMPTED, Outcome.UNKNOWN}


def test_a_file_that_could_not_be_read_goes_to_the_unreadable_ones() -> None:
    assert target((), "It is a PDF.") is Target.UNREADABLE


def test_a_finished_file_lies_in_done_with_its_report_next_to_it(tmp_path: Path) -> None:
    one = moved(dropped(tmp_path / "march.csv", "shipped"))
    assert (one.path, one.report, one.to_fix) == (
        tmp_path / "done/march.csv",
        tmp_path / "done/march.report.html",
        (),
    )
    assert one.path.read_bytes() == CONTENT
    assert "shipped" in one.report.read_text()
    assert names(tmp_path) == ["done/march.csv", "done/march.report.html"]


def test_a_file_with_rows_to_mend_has_these_beside_it_too(tmp_path: Path) -> None:
    one = moved(dropped(tmp_path / "march.csv", "shipped", "rejected"))
    assert names(tmp_path) == ["to_fix/march.csv", "to_fix/march.report.html", "to_fix/march.to_fix.csv"]
    assert one.to_fix[0].read_text().splitlines()[0] == '"Order #","Tracking Number","Note","_outcome","_reason"'
    assert "beside this page: <code>march.to_fix.csv</code>" in one.report.read_text()


def test_a_workbook_whose_sheets_differ_has_a_file_to_mend_for_each_header(tmp_path: Path) -> None:
    account = dropped(tmp_path / "march.xlsx", "rejected", "rejected")
    first = account.tables[0]
    tables = (
        replace(first, sheet="One", cells=first.cells[:1], rows=first.rows[:1]),
        replace(first, sheet="Two", cells=first.cells[:1], rows=first.rows[:1], columns=("A", "B", "C")),
    )
    rows = account.rows.assign(table=[0, 1], row=[2, 2])
    one = moved(replace(account, tables=tables, rows=rows))
    assert [path.name for path in one.to_fix] == ["march.to_fix.csv", "march.Two.to_fix.csv"]


def test_an_unreadable_file_has_a_report_that_says_why(tmp_path: Path) -> None:
    one = moved(broken(tmp_path / "march.csv", "march.csv: it is a PDF."))
    assert names(tmp_path) == ["unreadable/march.csv", "unreadable/march.report.html"]
    assert "it is a PDF" in one.report.read_text()


def test_nothing_is_overwritten(tmp_path: Path) -> None:
    for name in ("march.csv", "march.csv", "march.xlsx"):
        moved(dropped(tmp_path / name, "shipped", content=CONTENT + name.encode()))
    assert names(tmp_path) == [
        "done/march-2.csv",
        "done/march-2.report.html",
        "done/march-3.report.html",
        "done/march-3.xlsx",
        "done/march.csv",
        "done/march.report.html",
    ]


def test_a_name_that_only_a_report_or_a_file_to_mend_has_is_taken_too(tmp_path: Path) -> None:
    (tmp_path / "to_fix").mkdir()
    (tmp_path / "to_fix/march.to_fix.csv").write_text("somebody is mending this")
    one = moved(dropped(tmp_path / "march.csv", "rejected"))
    assert one.path.name == "march-2.csv"
    assert (tmp_path / "to_fix/march.to_fix.csv").read_text() == "somebody is mending this"


def test_a_name_that_is_taken_at_the_last_moment_is_not_overwritten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = dropped(tmp_path / "march.csv", "shipped")
    (tmp_path / "done").mkdir()
    open_ = os.open

    def late(path: Path, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
        if Path(path) == tmp_path / "done/march.csv" and not Path(path).exists():
            os.close(open_(path, os.O_CREAT | os.O_WRONLY))
        return open_(path, flags, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "open", late)
    assert left(account).reason == f"{tmp_path}/march.csv: cannot be moved into done/ (File exists)."
    assert names(tmp_path) == ["done/march.csv", "march.csv"]
    assert (tmp_path / "done/march.csv").read_bytes() == b""


def test_a_file_whose_rows_have_not_all_ended_stays(tmp_path: Path) -> None:
    (one,) = move_files_of(dropped(tmp_path / "march.csv", "shipped", "not_attempted"))
    assert isinstance(one, Stays)
    assert (one.path, len(one.account.rows)) == (tmp_path / "march.csv", 2)
    assert names(tmp_path) == ["march.csv"]


def test_a_file_that_is_another_by_now_stays(tmp_path: Path) -> None:
    account = dropped(tmp_path / "march.csv", "shipped")
    (tmp_path / "march.csv").write_bytes(b"new")
    assert move_files_of(account) == []
    assert names(tmp_path) == ["march.csv"]


def test_a_file_that_is_gone_is_not_looked_for(tmp_path: Path) -> None:
    account = dropped(tmp_path / "march.csv", "shipped")
    (tmp_path / "march.csv").unlink()
    assert move_files_of(account) == []


def test_a_file_whose_bytes_could_not_be_had_stays(tmp_path: Path) -> None:
    assert move_files_of(broken(tmp_path / "march.csv", "march.csv: Permission denied.", sha256="")) == []
    assert names(tmp_path) == ["march.csv"]


def test_a_folder_that_cannot_be_written_leaves_all_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account = dropped(tmp_path / "march.csv", "shipped")

    def read_only(*_arguments: object, **_named: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr(Path, "mkdir", read_only)
    assert left(account).reason == f"{tmp_path}/march.csv: cannot be moved into done/ (Read-only file system)."
    assert names(tmp_path) == ["march.csv"]


def test_a_disk_that_is_full_half_way_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account = dropped(tmp_path / "march.csv", "rejected")
    replace_ = Path.replace

    def full(path: Path, new: Path) -> Path:
        if new.name == "march.to_fix.csv":
            raise OSError(28, "No space left on device")
        return replace_(path, new)

    monkeypatch.setattr(Path, "replace", full)
    assert "No space left on device" in left(account).reason
    assert names(tmp_path) == ["march.csv"]
    assert list((tmp_path / "to_fix").iterdir()) == []


def test_something_else_under_the_folders_name_is_said(tmp_path: Path) -> None:
    account = dropped(tmp_path / "march.csv", "shipped")
    (tmp_path / "done").write_text("a file")
    assert "cannot be moved into done/ (File exists)" in left(account).reason


def test_each_file_of_a_run_goes_its_own_way(tmp_path: Path) -> None:
    march, april = dropped(tmp_path / "march.csv", "shipped"), dropped(tmp_path / "april.csv", "rejected")
    told = [("shipped", "", "101"), ("rejected", "Why.", "102")]
    both = make_account([*march.tables, *april.tables], told, files=(*march.files, *april.files))
    assert [one.path for one in move_files_of(both)] == [tmp_path / "done/march.csv", tmp_path / "to_fix/april.csv"]


@pytest.mark.parametrize("name", ["no ending", "a.b.csv", ".csv.gz", "é" * 120 + ".csv", "x" * 251 + ".csv"])
def test_names_of_all_kinds_are_kept(tmp_path: Path, name: str) -> None:
    one = moved(dropped(tmp_path / name, "rejected"))
    assert one.path.name == name
    assert one.path.read_bytes() == CONTENT


def test_a_file_of_an_earlier_run_goes_as_its_rows_have_ended_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = dropped(tmp_path / "march.csv", "shipped", "not_attempted", "unknown")
    since = pd.DataFrame(
        [("shipped", "Confirmed.", "c-9", 7), ("refused", "Walmart said no.", "c-8", 8)],
        index=[1, 2],
        columns=["outcome", "reason", "correlation_id", "finished_at"],
    )
    monkeypatch.setattr(moving, "standing_of", lambda *_where: Standing(1, "run-1", 0, unended=0))
    monkeypatch.setattr(moving, "account_of", lambda *_run: replace(account, interrupted=True, exit_code=4))
    monkeypatch.setattr(moving, "ended_since", lambda *_run: since)
    one = moving.move_file(JOURNAL, Settings(), "seller", tmp_path / "march.csv", account.files[0].sha256)
    assert isinstance(one, Moved)
    assert one.path == tmp_path / "to_fix/march.csv"
    assert one.account.rows["outcome"].tolist() == ["shipped", "shipped", "refused"]
    assert one.account.rows["finished_at"].tolist()[1:] == [7, 8]
    assert one.account.orders["outcome"].tolist() == ["shipped", "shipped", "refused"]
    assert (one.account.interrupted, one.account.exit_code) == (False, 1)
    assert "Walmart said no." in one.report.read_text()


def test_where_nothing_has_become_of_it_since_it_goes_as_its_run_left_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = dropped(tmp_path / "march.csv", "shipped")
    monkeypatch.setattr(moving, "standing_of", lambda *_where: Standing(1, "run-1", 0, unended=0))
    monkeypatch.setattr(moving, "account_of", lambda *_run: account)
    monkeypatch.setattr(moving, "ended_since", lambda *_run: pd.DataFrame())
    one = moving.move_file(JOURNAL, Settings(), "seller", tmp_path / "march.csv", account.files[0].sha256)
    assert isinstance(one, Moved)
    assert one.path == tmp_path / "done/march.csv"


@pytest.mark.parametrize("standing", [None, Standing(1, "run-1", 0, unended=1)])
def test_a_file_of_no_run_or_with_rows_still_open_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, standing: Standing | None
) -> None:
    monkeypatch.setattr(moving, "standing_of", lambda *_where: standing)
    assert moving.move_file(JOURNAL, Settings(), "seller", tmp_path / "march.csv", "ab") is None
