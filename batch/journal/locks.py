"""The locks that this process holds on the journal's server, and the fence that stands behind them.

All are held in one session of the server's, which may be on another machine than those who hold them; it lets go when
the session ends, however that comes about. A session that was lost is begun anew, and a lock is taken again if nobody
had it in between, which the epoch proves. On a file of SQLite there is the fence alone: the locks of the operating
system are in `batch.lock`.
"""

from __future__ import annotations

import hashlib
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from batch.errors import JournalFailed
from batch.journal import postgresql, tables
from batch.journal.fence import Fence

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from batch.journal.database import Database

_NAME = "shipbatch locks"
_TAKEN = "Another run has taken the account since its lock was lost; `shipbatch resume` goes on."


class Locks:
    """The sellers' locks that this process holds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.fence = Fence()
        self._held: set[str] = set()
        self._lost: set[str] = set()
        self._session: Connection | None = None
        self._turn = threading.RLock()  # of the session
        self._looked_at = 0.0  # s, monotonic

    @property
    def on_server(self) -> bool:
        """Whether there are locks on a server, and not the fence alone."""
        return self._database.file is None

    def take(self, seller: str, holder: str) -> bool:
        """Take the seller's lock, unless another process has it; return whether it is ours. Raises `JournalFailed`."""
        if self.on_server and not self._take_there(seller):
            return False
        try:
            with self._database.writing() as connection:
                self.fence.take(connection, seller, holder)
        except JournalFailed:
            self.let_go(seller)
            raise
        return True

    def let_go(self, seller: str) -> None:
        """Let another process have the seller's lock; where its session is lost, so is the lock."""
        with self._turn:
            self._held.discard(seller)
            self._lost.discard(seller)
            if self._session is not None:
                with suppress(SQLAlchemyError):
                    postgresql.unlock(self._session, _key(seller))
                if not self._held:
                    self._end_session()

    def holder_of(self, seller: str) -> str:
        """Return who holds the seller's lock on the server now, "" where nobody does. Takes nothing."""
        if not self.on_server:
            return ""
        told = select(tables.locks.c.holder).where(tables.locks.c.seller == seller)
        with self._database.reading() as connection:
            if not postgresql.is_locked(connection, _key(seller)):
                return ""
            return str(connection.execute(told).scalar_one_or_none() or "it does not say who it is")

    # Whether they are still ours

    def is_sure(self, seller: str, *, within: float) -> bool:
        """Whether the seller's lock was ours at a look `within` so many seconds; false while nobody could look."""
        if not self.on_server:
            return True
        ours = seller in self._held and seller not in self._lost
        return ours and time.monotonic() - self._looked_at < within

    def look(self) -> dict[str, str]:
        """Look whether the locks are still ours; return those that are not, each with a sentence that says why.

        What was lost is taken again where nobody had it in between.
        """
        with self._turn:
            if not self._held:
                return {}
            began = time.monotonic()
            try:
                if not self._is_alive():
                    self._begin_anew()
            except JournalFailed as error:
                return dict.fromkeys(self._held, str(error))
            self._looked_at = began
            return dict.fromkeys(self._lost, _TAKEN)

    def close(self) -> None:
        """Let go of all locks."""
        with self._turn:
            self._held.clear()
            self._lost.clear()
            self._end_session()

    def _take_there(self, seller: str) -> bool:
        with self._turn:
            self.look()
            session = self._session = self._session or self._database.session(_NAME)
            with self._database.failures("read"):
                taken = postgresql.lock(session, _key(seller))
            if taken:
                self._held.add(seller)
                self._looked_at = time.monotonic()
            elif not self._held:
                self._end_session()
            return taken

    def _is_alive(self) -> bool:
        if self._session is None:
            return False
        try:
            postgresql.answer(self._session)
        except SQLAlchemyError:
            return False
        return True

    def _begin_anew(self) -> None:
        """Begin another session and take our locks there, but those that another process has or had meanwhile."""
        self._end_session()
        session = self._session = self._database.session(_NAME)
        with self._database.failures("read"):
            for seller in sorted(self._held - self._lost):
                if not (postgresql.lock(session, _key(seller)) and self.fence.is_ours(session, seller)):
                    self._lost.add(seller)

    def _end_session(self) -> None:
        if self._session is not None:
            with suppress(SQLAlchemyError):
                self._session.close()
        self._session = None


def _key(seller: str) -> int:
    """Return the number by which a server knows the seller's lock: 64 bits, with a sign."""
    name = f"shipbatch account {seller}".encode(errors="surrogateescape")
    return int.from_bytes(hashlib.sha256(name).digest()[:8], signed=True)
