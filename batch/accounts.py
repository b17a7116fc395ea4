"""Which input files belong to which account, and what in a folder is none of ours."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING

from batch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

PASSED_OVER = frozenset({"done", "to_fix", "unreadable"})  # folders into which finished files are moved
_TEMPORARY = (".tmp", ".part")


def is_passed_over(path: Path) -> bool:
    """Whether a name in a folder is hidden, temporary or one of our own folders."""
    name = path.name
    return name.startswith((".", "~$")) or name.lower().endswith(_TEMPORARY) or (path.is_dir() and name in PASSED_OVER)


def files_by_account(
    paths: Iterable[str], accounts: Collection[str], chosen: str | None = None
) -> dict[str, list[Path]]:
    """Return the input files of each account, in the order given; within a folder by name.

    A sub-folder with an account's name belongs to that account, files beside it to the `chosen` one, else `default`.
    Raises `UsageError` for a path that is not there, and for any other sub-folder.
    """
    found: dict[str, list[Path]] = {}
    for path in _expanded(paths):
        for account, file in _in_path(path, accounts, chosen or "default"):
            files = found.setdefault(account, [])
            if file not in files:
                files.append(file)
    return found


def _expanded(paths: Iterable[str]) -> Iterator[Path]:
    for path in paths:
        if Path(path).exists():
            yield Path(path)
        elif matches := sorted(glob.glob(path, recursive=True)):  # noqa: PTH207 - the pattern may be absolute
            yield from (match for match in map(Path, matches) if not is_passed_over(match))
        else:
            raise UsageError(f"{path}: there is no such file or folder.")


def _in_path(path: Path, accounts: Collection[str], account: str) -> Iterator[tuple[str, Path]]:
    if not path.is_dir():
        yield account, path
        return
    for entry in _entries(path):
        if not entry.is_dir():
            yield account, entry
        elif entry.name in accounts:
            yield from ((entry.name, file) for file in _entries(entry) if file.is_file())
        else:
            raise UsageError(f"{entry}: this sub-folder is no account's; accounts are {_named(accounts)}.")


def _entries(folder: Path) -> Sequence[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if not is_passed_over(entry))
    except OSError as error:
        raise UsageError(f"{folder}: the folder cannot be read: {error.strerror}.") from error


def _named(accounts: Collection[str]) -> str:
    return ", ".join(sorted(accounts)) or "none yet"
