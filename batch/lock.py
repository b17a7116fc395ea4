"""One run at a time for each seller: a lock of the operating system, which lets go when its holder dies.

Where the journal is on a server, which runs on several machines may share, its lock there is held, too.
"""

from __future__ import annotations

import hashlib
import os
import socket
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs
from filelock import FileLock, Timeout

from batch.errors import AccountBusy, Fatal, FolderBusy

if TYPE_CHECKING:
    from collections.abc import Iterator

    from filelock import BaseFileLock

    from batch.errors import ShipbatchError
    from batch.journal.journal import Journal

_LOOK_AGAIN = 1.0  # s, at a lock on a server that another run has


@contextmanager
def account_lock(
    seller: str, *, account: str, command: str, journal: Journal | None = None, wait: bool = False
) -> Iterator[None]:
    """Hold the seller's lock. Raises `AccountBusy`, naming the holder, where another run has it and we do not wait.

    Raises `Fatal` where there can be no lock: without one nothing may be sent.
    The lock lies in the user's state folder under the seller's own id, so that two settings files for one seller meet,
    and on the journal's server, if it has one. Whoever takes it begins an epoch in the journal (batch.journal.fence);
    only where there is no journal yet goes it without.
    """
    said = f"Account {account}: another run holds it"
    with _held(seller, command, AccountBusy, said, wait=wait):
        if journal is None:
            yield
            return
        _take_there(journal, seller, f"{_us(command)} on {socket.gethostname()}", said, wait=wait)
        try:
            yield
        finally:
            journal.locks.let_go(seller)


@contextmanager
def folder_lock(folder: Path, *, wait: bool = False) -> Iterator[None]:
    """Hold a drop folder's lock, whatever path leads to it. Raises `FolderBusy`, naming the holder, and `Fatal`.

    It keeps apart the watchers of one user on one machine; what others watch, their accounts' locks keep apart.
    """
    what = f"folder {folder.resolve()}"
    with _held(what, "watch", FolderBusy, f"{folder}: another watch has this folder", wait=wait):
        yield


@contextmanager
def _held(what: str, command: str, busy: type[ShipbatchError], said: str, *, wait: bool) -> Iterator[None]:
    _make(locks_folder())
    file, lock = _lock(what, timeout=-1 if wait else 0)
    try:
        lock.acquire()
    except Timeout:
        raise busy(_wait_for(said, _holder(file))) from None
    except OSError as error:
        raise Fatal(f"{file}: the lock cannot be taken: {error.strerror}.") from error
    try:
        with suppress(OSError):
            _holder_file(file).write_text(_us(command))
        yield
    finally:
        lock.release()


def _take_there(journal: Journal, seller: str, holder: str, said: str, *, wait: bool) -> None:
    while not journal.locks.take(seller, holder):
        if not wait:
            raise AccountBusy(_wait_for(said, journal.locks.holder_of(seller) or "it was let go just now"))
        time.sleep(_LOOK_AGAIN)


def _us(command: str) -> str:
    return f"process {os.getpid()}, `shipbatch {command}`, since {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"


def _wait_for(said: str, holder: str) -> str:
    return f"{said} ({holder}); wait for it, or give --wait."


def holder_of(seller: str, journal: Journal) -> str:
    """Return who holds the seller's lock now, here or on the journal's server, "" where nobody does. Makes nothing.

    To find out, a lock that is free here is held for a moment.
    """
    return _holder_here(seller) or journal.locks.holder_of(seller)


def _holder_here(seller: str) -> str:
    file, lock = _lock(seller, timeout=0)
    if not file.is_file():
        return ""
    try:
        lock.acquire()
    except OSError:  # held, or not ours to take
        return _holder(file)
    lock.release()
    return ""


def locks_folder() -> Path:
    """Return where the locks lie: in the state folder of whoever runs us. It need not be there yet."""
    return Path(platformdirs.user_state_dir("shipbatch", appauthor=False)) / "locks"


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Fatal(f"{folder}: the folder for locks cannot be made: {error.strerror}.") from error


def _lock(what: str, *, timeout: float) -> tuple[Path, BaseFileLock]:
    file = locks_folder() / f"{hashlib.sha256(what.encode(errors='surrogateescape')).hexdigest()[:16]}.lock"
    return file, FileLock(file, timeout=timeout, mode=0o600, thread_local=False)


def _holder_file(lock: Path) -> Path:
    return lock.with_suffix(".holder")


def _holder(lock: Path) -> str:
    try:
        return _holder_file(lock).read_text()
    except OSError:
        return "it does not say who it is"
