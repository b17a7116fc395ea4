"""Finished files go into `done/`, `to_fix/` or `unreadable/` beside where they lay, with their report next to them.

A file stays until each of its rows has ended, be it in a later run. Nothing is ever overwritten, and a file that is not
what was read any more is left alone: it is a new one. The file itself goes last, so that its being gone means that all
the rest is there.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

from batch.end_of_run import ended
from batch.journal.since import ended_since, standing_of
from batch.outcomes import NEEDS_PERSON, Outcome
from batch.report.one_file import of_one_file, with_rows
from batch.report.page import write_page
from batch.report.to_fix import plan_to_fix, stem, write_to_fix
from batch.report.todo import tasks
from batch.report_again import account_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from batch.journal.journal import Journal
    from batch.report.account import RunAccount
    from batch.settings import Settings

_UNENDED = (Outcome.NOT_ATTEMPTED, Outcome.UNKNOWN)
_REPORT, _TO_FIX = ".report.html", ".to_fix.csv"


class Target(StrEnum):
    """Where a finished file goes."""

    DONE = "done"  # each row is shipped, was already, or is skipped
    TO_FIX = "to_fix"  # some row needs a person
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Moved:
    """A file that was moved."""

    origin: Path  # where it lay
    path: Path  # where it lies now
    target: Target
    account: RunAccount  # of this file alone
    report: Path
    to_fix: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class Stays:
    """A file that stays where it lies until the rest of its rows have ended."""

    path: Path
    account: RunAccount  # of this file alone


@dataclass(frozen=True, slots=True)
class Left:
    """A file that was to be moved and could not be."""

    path: Path
    reason: str  # a sentence


def target(outcomes: Collection[str], problem: str = "") -> Target | None:
    """Return where a file goes whose rows ended so, None while some row has not ended."""
    if problem:
        return Target.UNREADABLE
    if any(outcome in _UNENDED for outcome in outcomes):
        return None
    return Target.TO_FIX if any(outcome in NEEDS_PERSON for outcome in outcomes) else Target.DONE


def move_files_of(account: RunAccount) -> list[Moved | Stays | Left]:
    """Move each of a run's files whose rows have all ended in it. Those that are not what was read are left out."""
    moved = (_move(of_one_file(account, place)) for place in range(len(account.files)))
    return [one for one in moved if one is not None]


def move_file(
    journal: Journal, settings: Settings, seller: str, path: Path, sha256: str
) -> Moved | Stays | Left | None:
    """Move a file of an earlier run if all its rows have ended since; None while they have not, or if it is gone."""
    standing = standing_of(journal.database, seller, str(path), sha256)
    if standing is None or standing.unended:
        return None
    whole = account_of(journal, settings, standing.run)
    return _move(of_one_file(_as_it_stands(whole, journal, standing.number), standing.file))


def _as_it_stands(account: RunAccount, journal: Journal, run: int) -> RunAccount:
    """Return the account of a run with what has become since of the rows that it left open."""
    now = ended_since(journal.database, run)
    if now.empty:
        return account
    rows = account.rows.copy()
    for name in now.columns:
        rows.loc[now.index, name] = now[name].astype(rows[name].dtype)
    current = replace(account, rows=rows, orders=with_rows(account.orders, rows), interrupted=False)
    return ended(current).account or current


def _move(account: RunAccount) -> Moved | Stays | Left | None:
    """Move the one file of this account, None where it is not what was read, or could not be read at all."""
    file = account.files[0]
    where = target(set(account.rows["outcome"].unique()), file.problem)
    try:
        if not file.sha256 or _sha256(file.path) != file.sha256:
            return None
        return _moved(account, where) if where else Stays(file.path, account)
    except FileNotFoundError:
        return None
    except OSError as error:
        return Left(file.path, f"{file.path}: cannot be moved into {where}/ ({error.strerror or error}).")


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _moved(account: RunAccount, where: Target) -> Moved:
    path = account.files[0].path
    folder = path.parent / where
    folder.mkdir(exist_ok=True)
    to_fix = _to_fix(account)
    name = _free_name(folder, path.name, [_REPORT, *to_fix])
    with tempfile.TemporaryDirectory(prefix=".report-", dir=folder) as private:
        written = _write_beside(account, Path(private), [f"{stem(name)}{ending}" for ending in to_fix])
        placed: list[Path] = []
        try:
            for ending, file in zip((_REPORT, *to_fix), written, strict=True):
                placed.append(_placed(file, folder / f"{stem(name)}{ending}"))
            new = _placed(path, folder / name)
        except OSError:
            for one in placed:
                with suppress(OSError):
                    one.unlink()
            raise
    return Moved(path, new, where, account, placed[0], tuple(placed[1:]))


def _to_fix(account: RunAccount) -> list[str]:
    """Return what follows the stem in the names of the files to mend: one for each header that the file has."""
    own = stem(account.files[0].path.name)
    return [f"{file.name.removeprefix(own).removesuffix('.csv')}{_TO_FIX}" for file in plan_to_fix(account)]


def _write_beside(account: RunAccount, folder: Path, to_fix: Sequence[str]) -> list[Path]:
    """Write the page and the files to mend; `to_fix`: the names that these will have beside the page."""
    page = folder / "report.html"
    write_page(page, account, tasks(account), beside=to_fix)
    write_to_fix(folder / "to_fix", account)
    return [page, *(folder / "to_fix" / file.name for file in plan_to_fix(account))]


def _free_name(folder: Path, name: str, endings: Sequence[str]) -> str:
    """Return the first of NAME.csv, NAME-2.csv, NAME-3.csv that nothing in the folder stands in the way of."""

    def is_free(wanted: str) -> bool:
        ours = (wanted, *(f"{stem(wanted)}{ending}" for ending in endings))
        return not any(os.path.lexists(folder / one) for one in ours)

    own = stem(name)
    numbered = (f"{own}-{number}{name.removeprefix(own)}" for number in count(2))
    return next(filter(is_free, chain([name], numbered)))


def _placed(path: Path, new: Path) -> Path:
    """Rename the file. The new name is taken first, which fails where somebody has it: nothing is overwritten."""
    os.close(os.open(new, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    try:
        path.replace(new)
    except OSError:
        new.unlink()
        raise
    return new
