"""Opening the journal's database: who may read it, how safe its writes are, whether it is sound.

What only one kind of database understands is said in `sqlite.py` and `postgresql.py`, and nowhere else.
"""

from __future__ import annotations

import threading
import time
from contextlib import contextmanager, nullcontext, suppress
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from batch.crashpoints import Step, reached
from batch.errors import Exit, JournalFailed, UsageError
from batch.journal import postgresql, sqlite, tables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from sqlalchemy import RootTransaction
    from sqlalchemy.engine import URL

PATIENCE = 60.0  # s that a server which was there may be away, as when it is started anew, before a run gives up
_LOOK_AGAIN = 0.2  # s, for a server that is away
_TRIES = 5  # of work whose connection is lost in its midst, each time

P = ParamSpec("P")
R = TypeVar("R")


class EntryRefused(JournalFailed):
    """The journal does not take an entry that contradicts what is there; others may still be written."""


class ConnectionLost(JournalFailed):
    """The journal's server is away, so nothing more is sent."""

    exit_code = Exit.TEMPORARY


class NotWritten(ConnectionLost):
    """The journal's server let go of us; nothing of what was just being written is on record."""


def lasting(work: Callable[P, R]) -> Callable[P, R]:
    """Let a function begin anew where the connection to the journal's server is lost in its midst.

    Nothing stands then of what it wrote, if it writes in one block.
    """

    @wraps(work)
    def lasting_work(*args: P.args, **kwargs: P.kwargs) -> R:
        for _ in range(_TRIES):
            with suppress(NotWritten):
                return work(*args, **kwargs)
        return work(*args, **kwargs)

    return lasting_work


class Database:
    """A journal's database. On SQLite, writing holds the write lock from its first statement: two writers queue up.

    A server that was reached before may be away for as long as our patience lasts: whoever connects waits for it.
    """

    patience = PATIENCE

    def __init__(self, url: str) -> None:
        parsed = _parsed(url)
        self.file = Path(parsed.database) if parsed.get_backend_name() == sqlite.NAME and parsed.database else None
        self._address = str(self.file) if self.file else postgresql.address_of(parsed)
        self._engine = _engine(parsed)
        self._driver = self._engine.dialect.loaded_dbapi
        self._turn: AbstractContextManager[object] = threading.Lock() if self.file else nullcontext()
        self._reads = sqlite.READS if self.file else postgresql.READS
        self._outer = threading.local()
        self._was_reached = False
        self._away_since: float | None = None  # s, monotonic

    def __str__(self) -> str:
        return self._address

    @property
    def exists(self) -> bool:
        """Whether there is anything to read yet. Raises `JournalFailed` where a server cannot be reached."""
        if self.file is None:
            return bool(self.tables())
        return self.file.exists() and self.file.stat().st_size > 0

    @property
    def identity(self) -> str:
        """Which database this is: the same for all that share it, whatever they call it. Raises `JournalFailed`."""
        if self.file is not None:
            return sqlite.identity(self.file)
        with self.reading() as connection:
            return postgresql.identity(connection)

    def tables(self) -> set[str]:
        """Return the names of the tables that are there. Raises `JournalFailed`."""
        with self.reading() as connection:
            return set(inspect(connection).get_table_names())

    def make_file(self) -> None:
        """Make the file where there is none, for its owner's eyes only. Raises `JournalFailed`."""
        if self.file is not None:
            sqlite.make_private(self.file)

    def keep_private(self) -> None:
        """Take away what others may do with the file and those beside it, where they are ours."""
        if self.file is not None:
            sqlite.keep_private(self.file)

    @contextmanager
    def writing(self, *, alone: bool = False) -> Iterator[Connection]:
        """Give a connection in a transaction that is durable when the block ends. Raises `JournalFailed`.

        `alone`: of those who say so, one at a time; on SQLite every block is alone.

        A block within another, in the same thread, is part of the outer one's transaction; of one that fails nothing is
        written, whatever the outer one makes of it.
        """
        if (outer := getattr(self._outer, "connection", None)) is not None:
            with outer.begin_nested():
                yield outer
            return
        with self._turn, self._connected("written") as connection, connection.begin() as transaction:
            if alone and self.file is None:
                postgresql.wait_for_others(connection)
            self._outer.connection = connection
            try:
                yield connection
                reached(Step.TRANSACTION_WRITTEN)
            finally:
                self._outer.connection = None
            self._commit(connection, transaction)
        reached(Step.TRANSACTION_COMMITTED)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """Give a connection that sees what is committed, all of one moment. Raises `JournalFailed`.

        Within a block of writing it is that block's connection.
        """
        if (outer := getattr(self._outer, "connection", None)) is not None:
            yield outer
            return
        with self._connected("read") as connection:
            connection.execution_options(**self._reads).begin()
            yield connection

    def back_up(self, name: str) -> Path | None:
        """Copy the database beside itself and return the copy; None where that is for whoever runs the server.

        Nothing is overwritten: where there is a file of that name, the copy's gets a number. Raises `JournalFailed`.
        """
        return sqlite.back_up(self.file, name) if self.file is not None else None

    def integrity(self) -> list[str]:
        """Return what is wrong with the database's own structures, a sentence each; none where it is sound."""
        unsound = postgresql.unsound if self.file is None else sqlite.unsound
        try:
            there = self.tables()
            with self.reading() as connection:
                problems = [*unsound(connection)]
        except JournalFailed as error:
            return [str(error)]
        gone = sorted(tables.metadata.tables.keys() - there) if tables.version.name in there else []
        return [f"{self}: {problem}." for problem in [f"the table {name} is missing" for name in gone] + problems]

    def risks(self) -> list[str]:
        """Return what could make a commit be lost, a sentence each."""
        if self.file is not None:
            return []
        with self.reading() as connection:
            return [f"{self}: {risk}." for risk in postgresql.risks(connection)]

    def session(self, application: str) -> Connection:
        """Return a connection to a server that commits each statement, and is the caller's to close.

        `application`: what it is called there.
        """
        with self.failures("read"):
            connection = self._reach().execution_options(isolation_level="AUTOCOMMIT")
            connection.detach()
            postgresql.name(connection, application)
            return connection

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    @contextmanager
    def _connected(self, verb: str) -> Iterator[Connection]:
        """Give a connection; one that is lost in the block is given to nobody any more."""
        with self.failures(verb):
            made = self._reach()
        with self.failures(verb, lost=NotWritten), made as connection:
            try:
                yield connection
            except (SQLAlchemyError, self._driver.Error) as error:
                if self._is_lost(error):
                    connection.invalidate()
                raise

    def _reach(self) -> Connection:
        """Return a connection; wait for a server that was there before and is away."""
        while True:
            try:
                connection = self._engine.connect()
            except DBAPIError as error:
                if not self._may_come_back(error):
                    raise
                time.sleep(_LOOK_AGAIN)
            else:
                self._was_reached, self._away_since = True, None
                return connection

    def _may_come_back(self, error: DBAPIError) -> bool:
        if not self._was_reached or not self._is_lost(error):
            return False
        now = time.monotonic()
        self._away_since = self._away_since or now
        return now - self._away_since < self.patience

    def _is_lost(self, error: BaseException) -> bool:
        return self.file is None and postgresql.is_lost(getattr(error, "orig", None) or error)

    def _commit(self, connection: Connection, transaction: RootTransaction) -> None:
        """Commit; where the connection is lost just then, find out whether the server did it."""
        mark = postgresql.mark_of(connection) if self.file is None else None
        try:
            transaction.commit()
        except DBAPIError as error:
            if mark is None or not self._is_lost(error):
                raise
            if not self._was_committed(mark):
                raise

    def _was_committed(self, mark: str) -> bool:
        """Ask the server what became of a transaction. Raises `ConnectionLost` where that cannot be found out."""
        for _ in range(_TRIES):
            with suppress(DBAPIError), self._reach() as connection:
                return postgresql.was_committed(connection, mark)
        raise ConnectionLost(f"{self}: the server went away in the midst of a commit; `shipbatch resume` goes on.")

    @contextmanager
    def failures(self, verb: str, *, lost: type[ConnectionLost] = ConnectionLost) -> Iterator[None]:
        """Turn the driver's errors into `JournalFailed`.

        `verb`: what is done with the journal. `lost`: what a lost connection means, once there was one.
        """
        try:
            yield
        except (SQLAlchemyError, self._driver.Error) as error:
            cause = getattr(error, "orig", None) or error
            told = (postgresql if self.file is None else sqlite).told(cause, verb)
            raise self._kind_of(cause, lost)(f"{self}: {told}.") from error

    def _kind_of(self, cause: BaseException, lost: type[ConnectionLost]) -> type[JournalFailed]:
        if isinstance(cause, self._driver.IntegrityError) or _rolled_back(cause):
            return EntryRefused
        return lost if self._was_reached and self._is_lost(cause) else JournalFailed


def _rolled_back(cause: BaseException) -> bool:
    """Whether a server gave up this transaction for another's sake (SQLSTATE class 40)."""
    return str(getattr(cause, "sqlstate", "")).startswith("40")


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise UsageError(
            "journal: this is no address of a database; write it like sqlite:///state/journal.db."
        ) from None
    if parsed.get_backend_name() not in (sqlite.NAME, postgresql.NAME):
        raise UsageError("journal: only sqlite:///FILE and postgresql+psycopg://... can hold a journal.")
    if "@" in (parsed.host or ""):
        raise UsageError("journal: in a user's name or password, write @ as %40, : as %3A and / as %2F.")
    if parsed.get_backend_name() == sqlite.NAME and parsed.database in (None, "", ":memory:"):
        raise UsageError(
            "journal: a journal needs a file that outlives the run; write it like sqlite:///state/journal.db."
        )
    return parsed


def _engine(url: URL) -> Engine:
    # No statement's values get into an error or a log.
    if url.get_backend_name() == sqlite.NAME:
        engine = create_engine(url, hide_parameters=True, connect_args=sqlite.MANNERS)
        event.listen(engine, "connect", sqlite.careful)
        event.listen(engine, "begin", sqlite.begin)
        return engine
    try:
        engine = create_engine(
            postgresql.driven(url),
            hide_parameters=True,
            pool_pre_ping=True,
            paramstyle="format",  # values by their places, as with SQLite
            connect_args=postgresql.manners(url),
        )
    except (NoSuchModuleError, ImportError):
        raise UsageError("journal: for one on PostgreSQL, run: pip install 'shipbatch[cluster]'") from None
    event.listen(engine, "connect", postgresql.greet)
    return engine
