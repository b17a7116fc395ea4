"""Removing what is older than the retention: in the journal, copies of input files, reports.

An unfinished order is never removed, nor the run and the files that it came from (batch.journal.pruning).
"""

from __future__ import annotations

import math
import re
import shutil
import time
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from batch.journal.journal import Journal
from batch.journal.pruning import Pruned, known_runs, prune, unneeded_copies
from batch.lock import account_lock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from batch.journal.database import Database
    from batch.settings import Settings

DAY = 86_400  # seconds
_COPY = re.compile(r"[0-9a-f]{64}|\..+")  # named by its content, or left unfinished by a crash
_REPORT = re.compile(r"(\d{8}-\d{6})-[0-9a-f]{8}")  # as runs are named


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What is removed, or would be."""

    journal: Pruned = field(default_factory=Pruned)
    copies: tuple[Path, ...] = ()
    reports: tuple[Path, ...] = ()
    size: int = 0  # bytes, of copies and reports
    problems: tuple[str, ...] = ()  # what could not be removed, and why


class _Rehearsed(Exception):  # noqa: N818 - no error: the way out of a transaction that is not to last
    pass


def remove_older(settings: Settings, before: int, *, wait: bool = False) -> Removal:
    """Remove what ended before a moment, UTC epoch milliseconds, while no run of any account is under way.

    Raises `AccountBusy` where one is and we do not `wait`, and `JournalFailed`.
    """
    with _journal(settings) as journal, _all_accounts(settings, journal, wait=wait):
        if journal is None:
            return Removal()
        pruned = prune(journal.database, before)
        return _with_files(journal.database, settings, before, pruned, remove=True)


def rehearse(settings: Settings, before: int) -> Removal:
    """Return what `remove_older` would remove, and remove nothing. Raises `JournalFailed`."""
    with _journal(settings) as journal:
        if journal is None:
            return Removal()
        with _given_up(journal.database):
            pruned = prune(journal.database, before)
            return _with_files(journal.database, settings, before, pruned, remove=False)


@contextmanager
def _given_up(database: Database) -> Iterator[None]:
    """Make all that is written in the block one transaction that is not to last."""
    with suppress(_Rehearsed), database.writing():
        yield
        raise _Rehearsed


@contextmanager
def _all_accounts(settings: Settings, journal: Journal | None, *, wait: bool) -> Iterator[None]:
    """Hold the locks of all sellers, in one order whoever asks, so that no two wait for each other."""
    names = {account.seller: name for name, account in settings.accounts.items()}
    with ExitStack() as held:
        for seller in sorted(names):
            held.enter_context(account_lock(seller, account=names[seller], command="prune", journal=journal, wait=wait))
        yield


@contextmanager
def _journal(settings: Settings) -> Iterator[Journal | None]:
    journal = Journal.open_existing(settings.journal)
    if journal is None:
        yield None
        return
    with closing(journal):
        yield journal


def _with_files(database: Database, settings: Settings, before: int, pruned: Pruned, *, remove: bool) -> Removal:
    """Return the removal with the files that nothing in the journal needs any more, which are removed if so told."""
    copies, reports = _old_copies(database, settings.state / "inputs", before), _old_reports(database, settings, before)
    size = sum(_size(path) for path in (*copies, *reports))
    problems = [problem for path in (*copies, *reports) if (problem := _remove(path))] if remove else []
    return Removal(journal=pruned, copies=copies, reports=reports, size=size, problems=tuple(problems))


def _old_copies(database: Database, folder: Path, before: int) -> tuple[Path, ...]:
    """Return the copies that no run of the journal names. A day's grace is for a run that has not named its own yet."""
    newest = min(before / 1000, time.time() - DAY)
    old = {path.name: path for path in _entries(folder, _COPY) if path.is_file() and path.stat().st_mtime < newest}
    return tuple(old[name] for name in unneeded_copies(database, sorted(old)))


def _old_reports(database: Database, settings: Settings, before: int) -> tuple[Path, ...]:
    """Return the reports of runs that the journal has no longer."""
    old = {path.name: path for path in _entries(settings.reports, _REPORT) if _started(path.name) < before}
    known = known_runs(database, old)
    return tuple(path for name, path in old.items() if name not in known and path.is_dir() and not path.is_symlink())


def _started(run: str) -> float:
    """Return when a run started, by its name, UTC epoch milliseconds."""
    try:
        started = datetime.strptime(run.rpartition("-")[0], "%Y%m%d-%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return math.inf  # somebody else's folder
    return started.timestamp() * 1000


def _entries(folder: Path, name: re.Pattern[str]) -> list[Path]:
    return sorted(path for path in folder.iterdir() if name.fullmatch(path.name)) if folder.is_dir() else []


def _size(path: Path) -> int:
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.lstat().st_size for file in files)


def _remove(path: Path) -> str:
    """Remove a file or a folder; return why not, "" where it is gone."""
    try:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)
    except OSError as error:
        return f"{error.filename or path}: cannot be removed: {error.strerror}."
    return ""
