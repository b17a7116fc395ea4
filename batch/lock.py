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

from batch.errors import AccountBusy, Fatal

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def account_lock(seller: str, *, account: str, command: str, wait: bool = False) -> Iterator[None]:
    """Hold the seller's lock. Raises `AccountBusy`, naming the holder, where another run has it and we do not wait.

    Raises `Fatal` where there can be no lock: without one nothing may be sent.
    The lock lies in the user's state folder under the seller's own id, so that two settings files for one seller meet.
    """
    file = _made(locks_folder()) / f"{hashlib.sha256(seller.encode()).hexdigest()[:16]}.lock"
    lock = FileLock(file, timeout=-1 if wait else 0, mode=0o600, thread_local=False)
    try:
        lock.acquire()
    except Timeout:
        raise AccountBusy(
            f"Account {account}: another run holds it ({_holder(file)}); wait for it, or give --wait."
        ) from None
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


def locks_folder() -> Path:
    """Return where the locks lie: in the state folder of whoever runs us. It need not be there yet."""
    return Path(platformdirs.user_state_dir("shipbatch", appauthor=False)) / "locks"


def _made(folder: Path) -> Path:
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise Fatal(f"{folder}: the folder for locks cannot be made: {error.strerror}.") from error
    return folder


def _holder_file(lock: Path) -> Path:
    return lock.with_suffix(".holder")


def _holder(lock: Path) -> str:
    try:
        return _holder_file(lock).read_text()
    except OSError:
        return "it does not say who it is"
