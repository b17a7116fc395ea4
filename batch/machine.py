"""Whether this machine is ready for a run: profiles, journal, folders, disk, and what earlier runs left.

Each check looks, and makes or changes nothing.
"""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from typing import TYPE_CHECKING

from batch.errors import Exit, SettingsError, ShipbatchError
from batch.finding import Finding, warning, well, wrong
from batch.journal.database import Database
from batch.journal.journal import Journal
from batch.journal.migrations import version_known, version_of
from batch.journal.states import OPEN, State
from batch.lock import holder_of, locks_folder
from batch.private import is_exposed
from batch.reading.profiles import load_profiles

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from batch.settings import Account, Settings

LITTLE = 1 << 30  # bytes of free disk; a busy night writes some ten MB
TOO_LITTLE = 100 << 20  # bytes: a journal that cannot grow stops the run


_LAST_COPY = ("Move it away and put its last copy there", "Have whoever runs the server restore its last copy")


def examine_profiles(folder: Path) -> Iterator[Finding]:
    """Look whether the seller's own profiles can be read."""
    try:
        profiles = load_profiles(folder)
    except SettingsError as error:
        for problem in error.problems:
            yield wrong("profiles", f"{problem}.", "Mend the file, or move it away.", exit_code=Exit.USAGE)
        return
    own = sum(profile.own for profile in profiles)
    yield well("profiles", f"{len(profiles)} are known, {own or 'none'} of them your own.")


def examine_journal(settings: Settings, accounts: Mapping[str, Account], *, now_ms: int) -> Iterator[Finding]:
    """Look whether the journal is sound, ours and private, and what earlier runs left in it."""
    try:
        with closing(Database(settings.journal)) as database:
            if not database.exists:
                yield well("journal", f"{database}: there is none yet; the first run makes it.")
                return
            yield from _soundness(database)
            if version_of(database) == version_known():
                for name, account in accounts.items():
                    yield from _left_over(Journal(database), name, account, now_ms)
    except ShipbatchError as error:
        yield wrong("journal", str(error), exit_code=error.exit_code)


def _soundness(database: Database) -> Iterator[Finding]:
    found, known = version_of(database), version_known()
    problems = database.integrity()
    for problem in problems:
        mend = f"{_LAST_COPY[database.file is None]}; orders that were sent are found by reading them."
        yield wrong("journal", problem, mend)
    if found is None:
        said = f"{database}: it holds something else than a journal."
        yield wrong("journal", said, "Name another one under `journal` in the settings.")
    elif found > known:
        said = f"{database}: it has version {found}, this shipbatch knows {known}."
        yield wrong("journal", said, "Use the newer shipbatch that wrote it.")
    elif not problems:
        later = f"; the next run brings it to version {known}" if found < known else ""
        yield well("journal", f"{database}: it is sound{later}.")
    for risk in database.risks():
        yield warning("journal", risk, "Have whoever runs the server set it to on.")
    if database.file is not None and is_exposed(database.file):
        said = f"{database.file}: it can be read by other users of this machine."
        yield warning("journal", said, f"chmod 600 {database.file}")


def _left_over(journal: Journal, name: str, account: Account, now_ms: int) -> Iterator[Finding]:
    """Tell of orders that are not at their end. While a run is under way they are its own."""
    open_ = len(journal.in_states(account.seller, OPEN))
    due = len(journal.in_states(account.seller, [State.PLANNED], due_by=now_ms))
    later = len(journal.in_states(account.seller, [State.PLANNED])) - due
    if open_ + due + later == 0:
        yield well("orders", "Nothing is left over.", account=name)
    elif holder := holder_of(account.seller, journal):
        yield well("orders", f"A run is under way ({holder}), with {_orders(open_ + due)} to go.", account=name)
        return
    if open_:
        said = f"{_orders(open_)} may have been sent, and nobody knows yet."
        yield wrong("orders", said, "`shipbatch resume` finds out.", account=name, exit_code=Exit.UNKNOWN)
    if due:
        said = f"{_orders(due)} {_are(due)} left over from an earlier run."
        mend = "`shipbatch resume` sends them."
        yield warning("orders", said, mend, account=name, exit_code=Exit.TEMPORARY)
    if later:
        said = f"{_orders(later)} {_are(later)} due later; `shipbatch resume` sends them then."
        yield well("orders", said, account=name)


def _orders(count: int) -> str:
    return "1 order" if count == 1 else f"{count:,} orders"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"


def examine_folders(settings: Settings) -> Iterator[Finding]:
    """Look whether reports, copies, journal and locks could be written."""
    folders = _folders(settings)
    obstacles = {what: obstacle for what, folder in folders.items() if (obstacle := _obstacle(folder))}
    for what, obstacle in obstacles.items():
        mend = f"Give this user the right to write there, or name another folder for the {what}."
        yield wrong("folders", f"{folders[what]}: the {what} cannot be written there: {obstacle}.", mend)
    if not obstacles:
        yield well("folders", f"All can be written: {', '.join(folders)}.")


def examine_disk(settings: Settings, *, free: Callable[[Path], int] | None = None) -> Iterator[Finding]:
    """Look whether there is room, in bytes, on each disk that is written to."""
    disks: dict[int, Path] = {}
    for folder in _folders(settings).values():
        there = _nearest(folder)
        disks.setdefault(there.stat().st_dev, there)
    for there in disks.values():
        room = (free or _free)(there)
        said = f"{there}: {room / (1 << 30):,.1f} GiB are free."
        if room < LITTLE:
            mend = "Make room: `shipbatch prune` drops what is older than the retention."
            yield wrong("disk", said, mend) if room < TOO_LITTLE else warning("disk", said, mend)
        else:
            yield well("disk", said)


def _folders(settings: Settings) -> dict[str, Path]:
    """Return what is written where."""
    folders = {"reports": settings.reports, "copies of files": settings.state / "inputs"}
    try:
        with closing(Database(settings.journal)) as database:
            folders |= {"journal": database.file.parent} if database.file else {}
    except ShipbatchError:
        pass  # is told of where the journal is looked at
    return {**folders, "locks": locks_folder()}


def _obstacle(folder: Path) -> str:
    """Return what keeps a folder from being written or made, "" for nothing."""
    there = _nearest(folder)
    if not there.is_dir():
        return f"{there} is no folder"
    return "" if os.access(there, os.W_OK | os.X_OK) else f"{there} does not let this user write"


def _nearest(folder: Path) -> Path:
    """Return the folder itself, or the nearest above it that is there."""
    return next(path for path in (folder, *folder.parents) if os.access(path, os.F_OK))


def _free(folder: Path) -> int:
    return shutil.disk_usage(folder).free
