"""What only SQLite understands: how its file is opened, kept private, copied and looked through."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Any

from batch.errors import JournalFailed

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from sqlalchemy import Connection

NAME = "sqlite"
_READS_ONLY = "reads_only"
READS = {_READS_ONLY: True}  # execution options of what takes no write lock
MANNERS = {"cached_statements": 256}  # there are some that list rows, for each number of them
# An order costs 1.4 us of CPU less than where statements keep what they would take back in files of their own, and
# 0.6 us less than with the usual pages of a new journal, 4096 bytes.
_QUICK = ("temp_store=MEMORY", "page_size=8192")
_BUSY = 120_000  # ms that a write waits for another's; the longest is the plan of a file with a million orders


def careful(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own
    """Sync fully: a commit survives a power cut, not only the process's death (WAL with NORMAL may lose the last)."""
    connection.isolation_level = None  # we begin transactions ourselves
    safe = ("journal_mode=WAL", "synchronous=FULL", "fullfsync=ON", "foreign_keys=ON")
    for pragma in (f"busy_timeout={_BUSY}", *_QUICK, *safe):
        connection.execute(f"PRAGMA {pragma}")


def begin(connection: Connection) -> None:
    """Begin a transaction; one that writes holds the write lock from its first statement."""
    reads = connection.get_execution_options().get(_READS_ONLY)
    with closing(connection.connection.cursor()) as cursor:
        cursor.execute("BEGIN" if reads else "BEGIN IMMEDIATE")


def make_private(file: Path) -> None:
    """Make the file where there is none. SQLite gives the files beside it (-wal, -shm) the same mode.

    One that is there is not touched: closing it would give up SQLite's locks on it in this process, and another process
    could then take the log away that is still written to.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with suppress(FileExistsError):
            os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    except OSError as error:
        raise JournalFailed(f"{file}: the journal cannot be made: {error.strerror}.") from error


def keep_private(file: Path) -> None:
    """Take away what others may do with the file and those beside it, where they are ours."""
    for end in ("", "-wal", "-shm"):
        with suppress(OSError):  # not there, or another's: then whoever owns it decides
            file.with_name(file.name + end).chmod(0o600)


def back_up(file: Path, name: str) -> Path:
    """Copy the file beside itself; nothing is overwritten: where there is one of that name, the copy gets a number."""
    copy = _unused(file.with_name(f"{file.name}.{name}"))
    make_private(copy)
    try:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
    except sqlite3.Error as error:
        raise JournalFailed(f"{copy}: the journal cannot be copied: {error}; nothing was changed in it.") from error
    return copy


def identity(file: Path) -> str:
    """Return which file this is, by whatever name. Raises `JournalFailed`."""
    try:
        there = file.stat()
    except OSError as error:
        raise JournalFailed(f"{file}: the journal cannot be read there: {error.strerror}.") from None
    return f"{NAME} {there.st_dev}:{there.st_ino}"


def unsound(connection: Connection) -> Iterator[str]:
    """Tell what is wrong with the file's own structures, without a full stop."""
    for row in connection.exec_driver_sql("PRAGMA integrity_check"):
        if row[0] != "ok":
            yield str(row[0])
    for row in connection.exec_driver_sql("PRAGMA foreign_key_check"):
        yield f"row {row[1]} of {row[0]} belongs to nothing in {row[2]}"


def told(error: BaseException, verb: str) -> str:
    """Return what to say where the journal cannot be read or written (`verb`), and what to do about it."""
    if "file is not a database" in str(error):
        return "this file is no journal; name another one under `journal` in the settings, or move this one away"
    return f"the journal cannot be {verb}: {str(error).strip()}; put that right and run the command again"


def _unused(file: Path) -> Path:
    number, free = 1, file
    while free.exists():
        number += 1
        free = file.with_name(f"{file.name}.{number}")
    return free
