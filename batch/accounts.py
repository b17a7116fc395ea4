"""Which input files belong to which account, and what in a folder is none of ours."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING

from batch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

PASSED_OVER = frozenset({"done", "to_fix", "unreadable"})  # folders into which finished files are moved
STOP = "STOP"  # a file of this name in a drop folder pauses what is done with it
_TEMPORARY = (".tmp", ".part")


def is_passed_over(path: Path) -> bool:
    """Whether a name in a folder is hidden, temporary, a person's STOP, or one of our own folders."""
    name = path.name
    ours = name == STOP or (name in PASSED_OVER and path.is_dir())
    return ours or name.startswith((".", "~$")) or name.lower().endswith(_TEMPORARY)


def files_by_account(
    paths: Iterable[str], accounts: Collection[str], chosen: str | None = None
) -> dict[str, list[Path]]:
    """Return the input files of each account, in the order given; within a folder by name.

    A folder with an account's name, be it within a folder or named itself, belongs to that account unless one is
    `chosen` for the latter; all other files are the chosen account's, else those of `default`.
    Raises `UsageError` for a path that is not there, and for any other sub-folder, one within an account's too.
    """
    found: dict[str, dict[Path, None]] = {}
    for path in _expanded(paths):
        owner = path.name if path.name in accounts and path.is_dir() else "default"
        for account, file in _in_path(path, accounts, chosen or owner):
            found.setdefault(account, {})[file] = None  # once, however often it is named
    return {account: [*files] for account, files in found.items()}


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
            yield from ((entry.name, file) for file in _files_only(entry, accounts))
        else:
            raise _no_account(entry, accounts)


def _files_only(folder: Path, accounts: Collection[str]) -> Iterator[Path]:
    for entry in _entries(folder):
        if entry.is_dir():
            raise _no_account(entry, accounts)
        yield entry


def _no_account(folder: Path, accounts: Collection[str]) -> UsageError:
    return UsageError(
        f"{folder}: this sub-folder is no account's; accounts are {_named(accounts)}. "
        "For its files, name the folder itself."
    )


def _entries(folder: Path) -> Sequence[Path]:
    try:
        return sorted(entry for entry in folder.iterdir() if not is_passed_over(entry))
    except OSError as error:
        raise UsageError(f"{folder}: the folder cannot be read: {error.strerror}.") from error


def _named(accounts: Collection[str]) -> str:
    return ", ".join(sorted(accounts)) or "none yet"
