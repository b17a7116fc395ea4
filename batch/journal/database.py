"""Opening the journal's database: who may read it, how safe its writes are, whether it is sound.

This is the only module that says anything which one kind of database alone understands.
"""

from __future__ import annotations

import os
import sqlite3
import threading
from contextlib import closing, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from batch.crashpoints import Step, reached
from batch.errors import JournalFailed, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from sqlalchemy.engine import URL

_BUSY = 120_000  # ms that a write waits for another's; the longest is the plan of a file with a million orders
_READS_ONLY = "reads_only"


class EntryRefused(JournalFailed):
    """The journal does not take an entry that contradicts what is there; others may still be written."""


class Database:
    """A journal's database. Writing holds the write lock from its first statement, so that two writers queue up."""

    def __init__(self, url: str) -> None:
        parsed = _parsed(url)
        self.file = Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None
        self._engine = _engine(parsed)
        self._driver = self._engine.dialect.loaded_dbapi
        self._turn: AbstractContextManager[object] = threading.Lock() if self.file else nullcontext()
        self._outer = threading.local()

    def __str__(self) -> str:
        return str(self.file or "The journal")

    @property
    def exists(self) -> bool:
        """Whether there is anything to read yet."""
        return self.file is None or (self.file.exists() and self.file.stat().st_size > 0)

    def tables(self) -> set[str]:
        """Return the names of the tables that are there. Raises `JournalFailed`."""
        with self.reading() as connection:
            return set(inspect(connection).get_table_names())

    def make_file(self) -> None:
        """Make the file where there is none, for its owner's eyes only. Raises `JournalFailed`."""
        if self.file is not None:
            _make_private(self.file)

    def keep_private(self) -> None:
        """Take away what others may do with the file and those beside it, where they are ours."""
        for end in ("", "-wal", "-shm"):
            with suppress(OSError):  # not there, or another's: then whoever owns it decides
                if self.file is not None:
                    self.file.with_name(self.file.name + end).chmod(0o600)

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection in a transaction that is durable when the block ends. Raises `JournalFailed`.

        A block within another, in the same thread, is part of the outer one's transaction; of one that fails nothing is
        written, whatever the outer one makes of it.
        """
        if (outer := getattr(self._outer, "connection", None)) is not None:
            with outer.begin_nested():
                yield outer
            return
        with self._failures("written"), self._turn, self._engine.begin() as connection:
            self._outer.connection = connection
            try:
                yield connection
                reached(Step.TRANSACTION_WRITTEN)
            finally:
                self._outer.connection = None
        reached(Step.TRANSACTION_COMMITTED)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees what is committed, all of one moment on SQLite. Raises `JournalFailed`.

        Within a block of writing it is that block's connection.
        """
        if (outer := getattr(self._outer, "connection", None)) is not None:
            yield outer
            return
        with self._failures("read"), self._engine.connect() as connection:
            connection.execution_options(**{_READS_ONLY: True}).begin()
            yield connection

    def back_up(self, name: str) -> Path | None:
        """Copy the database beside itself and return the copy; None where that is for whoever runs the server.

        Nothing is overwritten: where there is a file of that name, the copy's gets a number. Raises `JournalFailed`.
        """
        if self.file is None:
            return None
        copy = _unused(self.file.with_name(f"{self.file.name}.{name}"))
        _make_private(copy)
        try:
            with closing(sqlite3.connect(self.file)) as source, closing(sqlite3.connect(copy)) as target:
                source.backup(target)
        except sqlite3.Error as error:
            raise JournalFailed(f"{copy}: the journal cannot be copied: {error}; nothing was changed in it.") from error
        return copy

    def integrity(self) -> list[str]:
        """Return what is wrong with the database's own structures, a sentence each; none where it is sound."""
        if self.file is None:
            return []  # a server checks its own pages
        try:
            with self.reading() as connection:
                pages = [str(row[0]) for row in connection.exec_driver_sql("PRAGMA integrity_check")]
                orphans = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
        except JournalFailed as error:
            return [str(error)]
        broken = [f"{self.file}: {problem}." for problem in pages if problem != "ok"]
        strays = [f"{self.file}: row {row[1]} of {row[0]} belongs to nothing in {row[2]}." for row in orphans]
        return broken + strays

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def _failures(self, verb: str) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, self._driver.Error) as error:
            cause = getattr(error, "orig", None) or error
            refused = isinstance(cause, self._driver.IntegrityError) or _rolled_back(cause)
            kind = EntryRefused if refused else JournalFailed
            raise kind(f"{self}: {_told(verb, cause)}") from error


def _rolled_back(cause: BaseException) -> bool:
    """Whether a server gave up this transaction for another's sake (SQLSTATE class 40)."""
    return str(getattr(cause, "sqlstate", "")).startswith("40")


def _told(verb: str, cause: BaseException) -> str:
    if "file is not a database" in str(cause):
        return "this file is no journal; name another one under `journal` in the settings, or move this one away."
    return f"the journal cannot be {verb}: {str(cause).strip()}; put that right and run the command again."


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise UsageError(
            "journal: this is no address of a database; write it like sqlite:///state/journal.db."
        ) from None
    if parsed.get_backend_name() not in ("sqlite", "postgresql"):
        raise UsageError("journal: only sqlite:///FILE and postgresql+psycopg://... can hold a journal.")
    if parsed.get_backend_name() == "sqlite" and parsed.database in (None, "", ":memory:"):
        raise UsageError(
            "journal: a journal needs a file that outlives the run; write it like sqlite:///state/journal.db."
        )
    return parsed


def _engine(url: URL) -> Engine:
    try:
        # No statement's values get into an error or a log.
        engine = create_engine(url, hide_parameters=True, pool_pre_ping=url.get_backend_name() != "sqlite")
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise UsageError(f"journal: {error}; for PostgreSQL install shipbatch[cluster].") from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _careful)
        event.listen(engine, "begin", _begin)
    return engine


def _careful(connection: Any, _record: object) -> None:  # noqa: ANN401 - whichever driver
    """Sync fully: a commit survives a power cut, not only the process's death (WAL with NORMAL may lose the last)."""
    connection.isolation_level = None  # we begin transactions ourselves
    for pragma in (f"busy_timeout={_BUSY}", "journal_mode=WAL", "synchronous=FULL", "fullfsync=ON", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    reads = connection.get_execution_options().get(_READS_ONLY)
    with closing(connection.connection.cursor()) as cursor:
        cursor.execute("BEGIN" if reads else "BEGIN IMMEDIATE")


def _make_private(file: Path) -> None:
    """Make the file where there is none. SQLite gives the files beside it (-wal, -shm) the same mode."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as error:
        raise JournalFailed(f"{file}: the journal cannot be made: {error.strerror}.") from error


def _unused(file: Path) -> Path:
    number, free = 1, file
    while free.exists():
        number += 1
        free = file.with_name(f"{file.name}.{number}")
    return free
