"""The fence around an account: only whoever took its lock last can write for it.

A lock on a server goes when its connection does, and its holder may be alive all the same: cut off, suspended, slow. So
each taking of a lock counts a number up in the journal, the seller's epoch. Every transaction that writes for a seller
compares the writer's epoch with the one that is there, and holds it until it ends. One that comes too late writes
nothing: it can neither begin an order, nor say of one what another has found out since.

Holding the epoch also keeps two transactions for one seller apart, as SQLite's write lock does.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from sqlalchemy import insert, select, update
from sqlalchemy.exc import IntegrityError

from batch.errors import Exit
from batch.journal import tables
from batch.journal.database import EntryRefused

if TYPE_CHECKING:
    from collections.abc import Iterable

    from sqlalchemy import Connection

_locks = tables.locks


class TakenOver(EntryRefused):
    """Another run has taken the account since; nothing more is sent by this one, and `shipbatch resume` goes on."""

    exit_code = Exit.TEMPORARY


class Fence:
    """The epochs in which this process writes; one of a seller whose lock it never took is 0."""

    def __init__(self) -> None:
        self._ours: dict[str, int] = {}

    def take(self, connection: Connection, seller: str, holder: str) -> None:
        """Begin a new epoch of the seller's: from now on only we write for it. `holder`: who we are, for people."""
        admit(connection, seller)
        counted = update(_locks).where(_locks.c.seller == seller).values(epoch=_locks.c.epoch + 1, holder=holder)
        self._ours[seller] = connection.execute(counted.returning(_locks.c.epoch)).scalar_one()

    def hold(self, connection: Connection, seller: str) -> None:
        """Hold the seller's epoch until the transaction ends. Raises `TakenOver` where it is not ours."""
        held = select(_locks.c.seller, _locks.c.epoch).where(_locks.c.seller == seller).with_for_update()
        self.check((row.seller, row.epoch) for row in connection.execute(held))

    def check(self, epochs: Iterable[tuple[str, int]]) -> None:
        """Raise `TakenOver` where a seller's epoch, as the journal has it, is not ours."""
        ours = self._ours
        for seller, epoch in epochs:
            if epoch != ours.get(seller, 0):
                raise TakenOver

    def is_ours(self, connection: Connection, seller: str) -> bool:
        """Whether nobody has taken the seller's lock since we did."""
        found = select(_locks.c.epoch).where(_locks.c.seller == seller)
        return connection.execute(found).scalar_one_or_none() == self._ours.get(seller)


def admit(connection: Connection, seller: str) -> None:
    """Have a seller counted, who may be new."""
    if connection.execute(select(_locks.c.seller).where(_locks.c.seller == seller)).one_or_none() is None:
        with suppress(IntegrityError), connection.begin_nested():  # another process may admit it at this moment
            connection.execute(insert(_locks).values(seller=seller, epoch=0, holder=""))
