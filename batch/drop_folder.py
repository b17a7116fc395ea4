"""A drop folder as it lies there now: which files, whose they are, and what in it is none of ours."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from batch.accounts import STOP, is_passed_over
from batch.arrivals import Look

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

_TAIL = 4  # bytes: a line end in any encoding
_LINE_ENDS = (b"\n", b"\r")
# Files that begin so say themselves where they end: workbooks, archives, and what is no table at all.
_NO_TEXT = (b"PK\x03\x04", b"PK\x05\x06", b"\x1f\x8b", b"\xd0\xcf\x11\xe0", b"%PDF")


@dataclass(slots=True)
class Seen:
    """What a look at a drop folder showed."""

    files: dict[Path, Look] = field(default_factory=dict)
    accounts: dict[Path, str] = field(default_factory=dict)  # beside each file: whose it is
    temporary: set[Look] = field(default_factory=set)  # files under names that are passed over
    strange: list[Path] = field(default_factory=list)  # sub-folders that are no account's
    folders: set[str] = field(default_factory=set)  # accounts that have a sub-folder
    paused: set[str] = field(default_factory=set)  # accounts whose folder has a file STOP
    problems: dict[Path, str] = field(default_factory=dict)  # sub-folders that cannot be read, and why


def look_through(folder: Path, accounts: Collection[str], account: str) -> Seen:
    """Look at everything in the folder; files beside the sub-folders are the `account`'s.

    Raises `OSError` where the folder cannot be read.
    """
    seen = Seen()
    for entry, status in _entries(folder):
        if not stat.S_ISDIR(status.st_mode):
            _note(seen, entry, status, account)
        elif is_passed_over(entry):
            continue
        elif entry.name in accounts:
            seen.folders.add(entry.name)
            _look_into(seen, entry)
        else:
            seen.strange.append(entry)
    if has_stop(folder):
        seen.paused.update(accounts)
    return seen


def _look_into(seen: Seen, folder: Path) -> None:
    """Look at an account's sub-folder."""
    try:
        for entry, status in _entries(folder):
            if not stat.S_ISDIR(status.st_mode):
                _note(seen, entry, status, folder.name)
            elif not is_passed_over(entry):
                seen.strange.append(entry)
    except OSError as error:
        seen.problems[folder] = error.strerror or str(error)
    if has_stop(folder):
        seen.paused.add(folder.name)


def has_stop(folder: Path) -> bool:
    """Whether the folder has a file STOP, which pauses what is done with it."""
    return os.path.lexists(folder / STOP)


def _note(seen: Seen, path: Path, status: os.stat_result, account: str) -> None:
    look = Look(status.st_size, status.st_mtime_ns, (status.st_dev, status.st_ino))
    if is_passed_over(path):
        seen.temporary.add(look)
    elif stat.S_ISREG(status.st_mode):
        seen.files[path] = look
        seen.accounts[path] = account


def _entries(folder: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """Yield what is in the folder, by name; what vanishes meanwhile, or leads nowhere, is left out."""
    with os.scandir(folder) as entries:
        found = sorted(entries, key=lambda entry: entry.name)
    for entry in found:
        try:
            status = os.stat(entry.path)  # noqa: PTH116 - the entry's own is kept from before on some systems
        except OSError:
            continue
        yield Path(entry.path), status


def is_cut_short(path: Path) -> bool:
    """Whether the file is a text whose last line has no line end, as where a copy has stalled; an empty one counts.

    Raises `OSError`.
    """
    with path.open("rb") as stream:
        if stream.read(_TAIL).startswith(_NO_TEXT):
            return False
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, size - _TAIL))
        tail = stream.read()
    # In UTF-16 a nought may stand behind the line end.
    return not tail.removesuffix(b"\0").endswith(_LINE_ENDS)
