"""Opening the journal's database: who may read it, how safe its writes are, which version its tables have."""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Engine, create_engine, event, func, insert, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from batch.errors import JournalFailed, UsageError
from batch.journal import tables

if TYPE_CHECKING:
    from collections.abc import Iterator


class Database:
    """A journal's database. Writing holds the write lock from its first statement, so that two writers queue up."""

    def __init__(self, url: str) -> None:
        self.file = _file(url)
        self._engine = _engine(url)

    @property
    def exists(self) -> bool:
        """Whether there is anything to read yet."""
        return self.file is None or self.file.exists()

    def prepare(self) -> None:
        """Make the tables where there are none; raise `JournalFailed` for a journal of a newer version."""
        if self.file is not None and not self.file.exists():
            _make_private_file(self.file)
        with self.writing() as connection:
            tables.metadata.create_all(connection)
            if connection.execute(select(func.count()).select_from(tables.version)).scalar_one() == 0:
                connection.execute(insert(tables.version).values(version=tables.VERSION))
        self.check_version()

    def check_version(self) -> None:
        """Raise `JournalFailed` for a journal that a newer shipbatch wrote."""
        with self.reading() as connection:
            found = int(connection.execute(select(tables.version.c.version)).scalar_one())
        if found > tables.VERSION:
            raise JournalFailed(
                f"{self.file or 'The journal'}: the journal has version {found}, this shipbatch knows {tables.VERSION}; "
                "use the newer shipbatch that wrote it."
            )

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Give a connection in a transaction that is durable when the block ends. Raises `JournalFailed`."""
        with self._failures("written"), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees what is committed. Raises `JournalFailed`."""
        with self._failures("read"), self._engine.connect() as connection:
            yield connection.execution_options(isolation_level="AUTOCOMMIT")

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def _failures(self, verb: str) -> Iterator[None]:
        try:
            yield
        except SQLAlchemyError as error:
            cause = getattr(error, "orig", None) or error
            raise JournalFailed(f"{self.file or 'The journal'}: the journal cannot be {verb}: {cause}.") from error


def _file(url: str) -> Path | None:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise UsageError(
            "journal: this is no address of a database; write it like sqlite:///state/journal.db."
        ) from None
    return Path(parsed.database) if parsed.get_backend_name() == "sqlite" and parsed.database else None


def _engine(url: str) -> Engine:
    engine = create_engine(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _careful)
        event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _careful(connection: Any, _record: object) -> None:  # noqa: ANN401 - whichever driver
    """Full sync: a commit survives a power cut, not only the death of the process (WAL with NORMAL may lose the last)."""
    connection.isolation_level = None  # we begin transactions ourselves
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "busy_timeout=30000", "foreign_keys=ON"):
        connection.execute(f"PRAGMA {pragma}")


def _make_private_file(file: Path) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(file, os.O_CREAT | os.O_WRONLY, 0o600))
    except OSError as error:
        raise JournalFailed(f"{file}: the journal cannot be made: {error.strerror}.") from error
