from __future__ import annotations

import stat
from dataclasses import replace
from pathlib import Path

import pytest

from batch.cluster import mission
from batch.cluster.mission import Enclosed, Mission, enclosed
from batch.cluster.workers import Worker
from batch.errors import Fatal, UsageError
from batch.inputs import Unread
from batch.reading.table import Source
from batch.settings import Account, Settings

MISSION = Mission(
    campaign="shipbatch-1", run="20261125-1", account="outlet", config=Path("x"), local=False, we=Worker(machine="here")
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "a.csv"
    written.write_bytes(b"one")
    return written


def test_files_travel_with_the_task_and_lie_on_the_worker_under_their_content(tmp_path: Path, file: Path) -> None:
    found = enclosed([file], tmp_path / "ours", whole=False, local=False)
    there = tmp_path / "its" / "inputs"
    laid_down = replace(MISSION, files=found).laid_down(there)
    again = replace(MISSION, files=found).laid_down(there)
    (source,) = laid_down
    assert laid_down == again
    assert isinstance(source, Source)
    assert (source.path, source.content.read_bytes(), source.content.parent) == (file, b"one", there)
    assert stat.S_IMODE(source.content.stat().st_mode) == 0o600
    assert [one.name for one in there.iterdir()] == [source.sha256]


def test_workers_of_our_own_read_our_copies(tmp_path: Path, file: Path) -> None:
    ours = tmp_path / "ours"
    (one,) = enclosed([file], ours, whole=True, local=True)
    assert isinstance(one, Enclosed)
    assert one.content is None
    (source,) = replace(MISSION, files=(one,)).laid_down(ours)
    assert source == Source(file, one.sha256, ours / one.sha256)


def test_a_file_that_cannot_be_read_is_told_of_and_stops_no_other(tmp_path: Path, file: Path) -> None:
    known = Source(file, "1" * 64, file)
    one, gone, other = enclosed([file, tmp_path / "none.csv", known], tmp_path / "ours", whole=False, local=True)
    assert isinstance(one, Enclosed)
    assert isinstance(gone, Unread)
    assert "No such file" in gone.problem
    assert other == Enclosed(file, known.sha256, size=3)
    assert replace(MISSION, files=(gone,)).laid_down(tmp_path) == [gone]


def test_what_is_too_large_for_a_task_is_refused(tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mission, "_MOST", 2)
    with pytest.raises(UsageError, match=r"a\.csv: 0 MiB are too much for workers elsewhere, .* --cluster local:N\.$"):
        enclosed([file], tmp_path / "ours", whole=False, local=False)


def test_workers_of_our_own_take_files_of_any_size_and_rows_of_many_stay(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mission, "_MOST", 2)
    monkeypatch.setattr(mission, "_PART", 1)
    gone = Unread(tmp_path / "none.csv", "gone")
    large = Mission(
        campaign="c",
        run="r",
        account="outlet",
        config=Path("x"),
        local=True,
        we=Worker(machine="here"),
        files=(*enclosed([file], tmp_path / "ours", whole=False, local=True), gone),
    )
    assert (large.rows_stay, large.is_large) == (True, True)
    assert (replace(large, most=3).rows_stay, replace(large, part=2).is_large) == (False, False)
    left = replace(large, files=None)
    assert (left.rows_stay, left.is_large) == (False, False)


def test_a_worker_that_cannot_keep_copies_says_so(file: Path) -> None:
    with pytest.raises(Fatal, match=r"the copies of input files cannot be kept: Not a directory"):
        replace(MISSION, copies=(Enclosed(Path("b.csv"), "2", b"two"),)).laid_down(file / "inputs")


def test_leftovers_need_no_files_of_their_own(tmp_path: Path) -> None:
    left = replace(MISSION, copies=(Enclosed(Path("b.csv"), "2", b"two"),))
    assert left.laid_down(tmp_path) == []
    assert (tmp_path / "2").read_bytes() == b"two"


def test_the_workers_job_has_the_workers_settings_and_the_runs_name() -> None:
    settings, account = Settings(), Account(client_id="one", client_secret="s")
    job = replace(MISSION, profile="shipbatch", wait=True, dropped=True).job(settings, account)
    assert (job.settings, job.account, job.name, job.run) == (settings, account, "outlet", "20261125-1")
    assert (job.profile, job.wait, job.dropped) == ("shipbatch", True, True)
