from __future__ import annotations

import gzip
import os
from typing import TYPE_CHECKING

import pytest

from batch.drop_folder import has_stop, is_cut_short, look_through

if TYPE_CHECKING:
    from pathlib import Path

ACCOUNTS = ("default", "outlet")


def make(folder: Path, *names: str) -> None:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("a\n")


def test_files_belong_to_the_account_of_their_sub_folder_else_to_the_one_given(tmp_path: Path) -> None:
    make(tmp_path, "b.csv", "a.csv", "outlet/c.csv")
    seen = look_through(tmp_path, ACCOUNTS, "default")
    assert seen.accounts == {
        tmp_path / "a.csv": "default",
        tmp_path / "b.csv": "default",
        tmp_path / "outlet/c.csv": "outlet",
    }
    assert list(seen.files) == [tmp_path / "a.csv", tmp_path / "b.csv", tmp_path / "outlet/c.csv"]
    assert seen.folders == {"outlet"}


def test_our_own_folders_hidden_and_temporary_names_are_passed_over(tmp_path: Path) -> None:
    make(
        tmp_path, "done/a.csv", "to_fix/b.csv", "unreadable/c.csv", ".d.csv", "~$e.xlsx", "f.tmp", "g.csv.part", ".h/i"
    )
    make(tmp_path, "outlet/.j.csv", "outlet/done/k.csv", "outlet/.other/l.csv")
    seen = look_through(tmp_path, ACCOUNTS, "default")
    assert seen.files == {}
    assert seen.strange == []
    assert len(seen.temporary) == 5  # they may be renamed: the four files here, and the one in the sub-folder


def test_a_look_tells_size_time_and_identity(tmp_path: Path) -> None:
    make(tmp_path, ".a.csv")
    os.utime(tmp_path / ".a.csv", ns=(5, 7))
    before = next(iter(look_through(tmp_path, ACCOUNTS, "default").temporary))
    (tmp_path / ".a.csv").rename(tmp_path / "a.csv")
    after = look_through(tmp_path, ACCOUNTS, "default").files[tmp_path / "a.csv"]
    assert after == before
    assert (after.size, after.modified) == (2, 7)


def test_a_sub_folder_that_is_no_accounts_is_named_and_not_looked_into(tmp_path: Path) -> None:
    make(tmp_path, "old/a.csv", "outlet/older/b.csv")
    seen = look_through(tmp_path, ACCOUNTS, "default")
    assert (seen.strange, seen.files) == ([tmp_path / "old", tmp_path / "outlet/older"], {})


def test_a_file_stop_pauses_all_accounts_or_that_of_its_sub_folder(tmp_path: Path) -> None:
    make(tmp_path, "outlet/STOP")
    seen = look_through(tmp_path, ACCOUNTS, "default")
    assert (seen.paused, seen.files) == ({"outlet"}, {})
    assert not has_stop(tmp_path)
    make(tmp_path, "STOP")
    assert look_through(tmp_path, ACCOUNTS, "default").paused == set(ACCOUNTS)
    assert has_stop(tmp_path)


def test_links_that_lead_nowhere_and_what_is_no_file_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.csv").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "b.csv")
    assert look_through(tmp_path, ACCOUNTS, "default").files == {}


def test_a_folder_that_cannot_be_read_raises(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        look_through(tmp_path / "gone", ACCOUNTS, "default")


def test_a_sub_folder_that_cannot_be_read_keeps_the_others_from_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "a.csv", "outlet/b.csv")
    scandir = os.scandir

    def scan(folder: Path) -> object:
        if folder.name == "outlet":
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", scan)
    seen = look_through(tmp_path, ACCOUNTS, "default")
    assert list(seen.files) == [tmp_path / "a.csv"]
    assert seen.problems == {tmp_path / "outlet": "Permission denied"}


@pytest.mark.parametrize(
    ("content", "cut_short"),
    [
        (b"", True),  # perhaps the copy has only begun
        (b"a,b\n1,2\n", False),
        (b"a,b\r\n1,2\r\n", False),
        (b"a,b\r1,2\r", False),
        (b"a,b\n1,2", True),
        (b"a,b\n1,", True),
        ("a,b\n1,2\n".encode("utf-16-le"), False),
        ("a,b\n1,2\n".encode("utf-16-be"), False),
        ("a,b\n1,2".encode("utf-16-le"), True),
        (gzip.compress(b"a,b\n1,2", mtime=0), False),  # says itself where it ends
        (b"PK\x03\x04 and so on", False),
        (b"\xd0\xcf\x11\xe0 and so on", False),
    ],
)
def test_a_text_whose_last_line_has_no_line_end_may_be_cut_short(
    *, tmp_path: Path, content: bytes, cut_short: bool
) -> None:
    file = tmp_path / "a.csv"
    file.write_bytes(content)
    assert is_cut_short(file) == cut_short
