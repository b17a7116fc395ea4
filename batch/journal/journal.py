"""The journal: what each order was planned to be, where it stands, and every call that was made for it.

Everything that sends writes here first, in blocks of entries, each block one durable transaction.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson
from sqlalchemy import insert, select, update

from batch.journal import tables
from batch.journal.blocks import blocks
from batch.journal.claims import claim, claims_of
from batch.journal.database import Database, lasting
from batch.journal.ends import ended_well
from batch.journal.entries import (
    Begin,
    Change,
    Claim,
    End,
    Entry,
    JournalOrder,
    Planned,
    parcels_from,
    parts_from,
    sent_from,
)
from batch.journal.fence import admit
from batch.journal.locks import Locks
from batch.journal.many import Lookup, Many
from batch.journal.migrations import prepare
from batch.journal.planning import Planning, known_block
from batch.journal.states import NAMED, UNFINISHED, State
from batch.journal.writing import begin_calls, change_states, end_calls, standings_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from batch.plan import PlannedOrder

_ROWS = 10_000  # input rows that are made at once


class Journal:
    """The durable record of one or many sellers."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.locks = Locks(database)

    @classmethod
    def open(cls, url: str) -> Journal:
        """Open the journal, making it where there is none. Raises `JournalFailed`."""
        database = Database(url)
        try:
            prepare(database)
        except BaseException:
            database.close()
            raise
        return cls(database)

    @classmethod
    def open_existing(cls, url: str) -> Journal | None:
        """Open the journal, or return None where there is none yet. Raises `JournalFailed`."""
        with closing(Database(url)) as database:
            there = database.exists
        return cls.open(url) if there else None

    @property
    def is_far(self) -> bool:
        """Whether it is on a server, which answers in its own time."""
        return self.database.file is None

    def close(self) -> None:
        """Close all connections, which lets go of all locks."""
        self.locks.close()
        self.database.close()

    @contextmanager
    def at_once(self) -> Iterator[None]:
        """Make all that this thread writes in the block one transaction: all of it is on record, or nothing."""
        with self.database.writing():
            yield

    # The run and its files

    def begin_run(self, *, run: str, seller: str, account: str, command: str, at: int) -> int:
        """Record that a run begins; return its number."""
        begun = insert(tables.runs).values(run=run, seller=seller, account=account, command=command, started_at=at)
        with self.database.writing() as connection:
            return int(connection.execute(begun.returning(tables.runs.c.number)).scalar_one())

    def record_files(self, run: int, files: Sequence[Mapping[str, Any]]) -> None:
        """Record the run's input files, in input order."""
        if files:
            with self.database.writing() as connection:
                connection.execute(
                    insert(tables.files), [{"run": run, "file": n, **file} for n, file in enumerate(files)]
                )

    def record_rows(self, rows: Iterable[dict[str, Any]]) -> None:
        """Record a run's input rows; one without an outcome has that of its order."""
        with self.database.writing() as connection:
            for block in blocks(rows, _ROWS):
                _ROW(connection, list(map(_in_sequence, block)))

    @lasting
    def finish_run(self, run: int, *, at: int, summary: Mapping[str, Any]) -> None:
        """Record that the run ended, and its summary."""
        finished = update(tables.runs).where(tables.runs.c.number == run)
        with self.database.writing() as connection:
            connection.execute(finished.values(finished_at=at, summary=orjson.dumps(summary)))

    # Orders

    def plan(self, seller: str, orders: Iterable[PlannedOrder], at: int) -> list[Planned]:
        """Record the orders of a plan, in its order, and return where each stands.

        An order that is known with just this content is the same order, and stays as it ended; but one that was held
        goes back to planned. An older one that is still planned and says something else about the same line is held:
        what was dropped last counts. `at` is the moment for which the files were read: a parcel that has it as its ship
        time comes from a file without ship times.
        """
        planned: list[Planned] = []
        with self.database.writing() as connection:
            admit(connection, seller)
            self.locks.fence.hold(connection, seller)
            planning = Planning(connection, seller, at)
            for block in blocks(orders):
                planned.extend(planning.plan(block))
            planning.finish()
        return planned

    @lasting
    def known(self, seller: str, orders: Iterable[PlannedOrder], at: int = 0) -> list[Planned | None]:
        """Return where each of these orders stands, None where it is new; nothing is written. `at`: as in `plan`."""
        with self.database.reading() as connection:
            return [one for block in blocks(orders) for one in known_block(connection, seller, block, at)]

    @lasting
    def load(self, orders: Sequence[int]) -> list[JournalOrder]:
        """Return these orders with all that sending and settling need, in the order asked for."""
        found: dict[int, JournalOrder] = {}
        with self.database.reading() as connection:
            for block in blocks(orders):
                rows = list(map(_Row._make, _LOAD(connection, block)))
                for seller in {row.seller for row in rows}:
                    ours = [row for row in rows if row.seller == seller]
                    claims = claims_of(connection, seller, {row.purchase_order_id for row in ours} - {""})
                    for row in ours:
                        found[row.id] = _journal_order(row, claims.get(row.purchase_order_id, ()))
        return [found[order] for order in orders]

    @lasting
    def in_states(self, seller: str, states: Sequence[State], *, due_by: int | None = None) -> list[int]:
        """Return the seller's orders in these states, oldest first; with `due_by`, those that are due by then."""
        wanted = select(tables.orders.c.id).where(tables.orders.c.seller == seller, tables.orders.c.state.in_(states))
        if set(states) <= set(UNFINISHED):
            wanted = wanted.where(tables.unfinished)
        if due_by is not None:
            wanted = wanted.where(tables.orders.c.due_at <= due_by)
        with self.database.reading() as connection:
            return list(connection.execute(wanted.order_by(tables.orders.c.id)).scalars())

    @lasting
    def apply(self, entries: Sequence[Entry]) -> list[tuple[Claim, ...]]:
        """Write a block of entries in one transaction.

        Returns beside each entry the claims of other orders that stand against it; one with any was not written.
        Raises `IllegalChange` and `JournalFailed`; then nothing of the block was written.
        """
        begins, ends, changes = _by_kind(entries)
        named = {entry.order for entry in begins} | {entry.order for entry in changes}
        with self.database.writing() as connection:
            standings = standings_of(connection, named)
            self.locks.fence.check({(one.seller, one.epoch) for one in standings.values()})
            against = claim(connection, begins)
            if against:
                begins = [begin for begin in begins if id(begin) not in against]
            begin_calls(connection, begins, standings)
            end_calls(connection, ends)
            change_states(connection, changes, standings)
        return [against.get(id(entry), ()) for entry in entries] if against else [()] * len(entries)

    def decide(self, order: int, *, decision: str, user: str, note: str, change: Change) -> None:
        """Record a person's decision about an order, and carry it out in the same transaction. Raises `IllegalChange`.

        It may end any order that is not shipped, or have it sent. What its last update claimed is free then, but what
        is known to be shipped.
        """
        decided = insert(tables.decisions).values(
            order=order, decided_at=change.at, user=user, decision=decision, note=note
        )
        with self.database.writing() as connection:
            standings = standings_of(connection, [order])
            self.locks.fence.check((one.seller, one.epoch) for one in standings.values())
            connection.execute(decided)
            change_states(connection, [change], standings, by_decision=True)


def _by_kind(entries: Iterable[Entry]) -> tuple[list[Begin], list[End], list[Change]]:
    begins, ends, changes = list[Begin](), list[End](), list[Change]()
    for entry in entries:
        if type(entry) is Change:  # of msgspec's records, `isinstance` costs five times as much where it is false
            changes.append(entry)
        elif type(entry) is End:
            ends.append(entry)
        else:
            begins.append(entry)
    return begins, ends, changes


_MEMBERS = tuple(tables.rows.c.keys())
_ROW = Many(insert(tables.rows), *_MEMBERS)
_in_sequence = itemgetter(*_MEMBERS)


class _Row(NamedTuple):
    """What is loaded of an order."""

    id: int
    seller: str
    purchase_order_id: str
    customer_order_id: str
    state: str
    content: bytes
    sent: bytes | None
    before: bytes | None
    parts: bytes | None
    due_at: int
    correlation_id: str
    sent_at: int
    note: str


_LOAD = Lookup(select(*(tables.orders.c[name] for name in _Row._fields)), tables.orders.c.id)


def _journal_order(row: _Row, claims: Iterable[Claim]) -> JournalOrder:
    parcels = parcels_from(row.content)
    sent, sent_parts = sent_from(row.sent, parcels) if row.sent_at else ((), ())
    ours = [claim for claim in claims if claim.order == row.id]
    return JournalOrder(
        id=row.id,
        purchase_order_id=row.purchase_order_id,
        customer_order_id=row.customer_order_id,
        state=NAMED[row.state],
        parcels=parcels,
        sent=sent,
        sent_parts=sent_parts,
        before=orjson.loads(row.before) if row.before else None,
        ended=ended_well(parts_from(row.parts)) if row.parts else (),
        doubtful=State.PLANNED in [claim.state for claim in ours],
        claims=tuple([claim for claim in claims if claim.order != row.id]),
        due_at=row.due_at,
        correlation_id=row.correlation_id,
        sent_at=row.sent_at,
        note=row.note,
    )
