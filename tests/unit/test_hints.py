from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import watchfiles

from batch.hints import Hints

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import pytest

LONG = 30.0  # s; waiting so long is failing


def ended_early(hints: Hints, seconds: float) -> bool:
    began = time.monotonic()
    hints.wait(seconds)
    return time.monotonic() - began < seconds


def hinted_of_files_in(folder: Path, hints: Hints) -> bool:
    """Drop files until there is a hint: the system's watch begins a little after it was asked for."""
    for number in range(100):
        (folder / f"{number}.csv").write_text("a")
        if ended_early(hints, 0.5):
            return True
    return False


def test_a_wait_ends_when_its_time_is_over(tmp_path: Path) -> None:
    with Hints(tmp_path) as hints:
        hints.wait(0)


def test_a_wait_ends_at_once_when_woken_before_it_began_and_only_once(tmp_path: Path) -> None:
    with Hints(tmp_path) as hints:
        hints.wake()
        hints.wake()
        assert ended_early(hints, LONG)
        assert hints._woken.empty()


def test_a_file_that_comes_ends_the_wait(tmp_path: Path) -> None:
    with Hints(tmp_path) as hints:
        hints.follow()
        assert hinted_of_files_in(tmp_path, hints)


def test_a_folder_that_was_replaced_is_watched_again(tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    with Hints(folder) as hints:
        hints.follow()
        first = hints._thread
        hints.follow()
        assert hints._thread is first  # nothing has changed
        folder.rename(tmp_path / "away")
        hints.follow()  # nothing to watch meanwhile
        folder.mkdir()
        hints.follow()
        assert hints._thread is not first
        hints.wait(0)
        assert hinted_of_files_in(folder, hints)


def test_where_the_system_gives_no_hints_there_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def watch(*_paths: str, **_options: object) -> Iterator[None]:
        raise OSError(28, "inotify watch limit reached")

    monkeypatch.setattr(watchfiles, "watch", watch)
    with Hints(tmp_path) as hints:
        hints.follow()
        assert hints._thread is not None
        hints._thread.join(LONG)
        assert not hints._thread.is_alive()
        hints.wait(0)


def test_nothing_watches_after_the_end(tmp_path: Path) -> None:
    with Hints(tmp_path) as hints:
        hints.follow()
    assert "hints" not in {thread.name for thread in threading.enumerate()}
