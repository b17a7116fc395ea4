"""One run at a time for each seller: a lock of the operating system, which lets go when its holder dies."""

from __future__ import annotations

import hashlib
import os
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


@contextmanager
def account_lock(seller: str, *, account: str, command: str, wait: bool = False) -> Iterator[None]:
    """Hold the seller's lock. Raises `AccountBusy`, naming the holder, where another run has it and we do not wait.

    Raises `Fatal` where there can be no lock: without one nothing may be sent.
    The lock lies in the user's state folder under the seller's own id, so that two settings files for one seller meet.
    """
    with _held(seller, command, AccountBusy, f"Account {account}: another run holds it", wait=wait):
        yield


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
        raise busy(f"{said} ({_holder(file)}); wait for it, or give --wait.") from None
    except OSError as error:
        raise Fatal(f"{file}: the lock cannot be taken: {error.strerror}.") from error
    try:
        with suppress(OSError):
            _holder_file(file).write_text(
                f"process {os.getpid()}, `shipbatch {command}`, since {datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
            )
        yield
    finally:
        lock.release()


def holder_of(seller: str) -> str:
    """Return who holds the seller's lock now, "" where nobody does. Makes nothing.

    To find out, a lock that is free is held for a moment.
    """
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
