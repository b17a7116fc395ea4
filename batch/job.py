"""The story of a run.

    1  hold the account, so that no other run sends for it
    2  copy and read the files            (batch.inputs)
    3  plan: rows become orders           (batch.plan)
    4  write the plan into the journal, and see there what was sent before
    5  send, in deadline order            (batch.sending)
    6  account for every row              (batch.journalled)
    7  write the report                   (batch.report)

`resume` takes what earlier runs left, instead of 2 and 3. `check` (batch.checking) makes the same plan, and sends
nothing.
Several accounts are sent for side by side.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import TYPE_CHECKING, Any

import uvloop

from batch.accounting import of_files, of_leftovers, of_run
from batch.clock import now_ms
from batch.end_of_run import Ended, ended, reported
from batch.ended_before import mark_ended_before
from batch.errors import AccountBusy, Exit, NotBegun, ShipbatchError, UsageError
from batch.inputs import Inputs, read_inputs
from batch.journal import history
from batch.journal.entries import Change, Planned
from batch.journal.since import open_again
from batch.journal.states import UNFINISHED, State
from batch.journalled import journalled_account
from batch.leftovers import read_leftovers, read_rows_of
from batch.lock import account_lock
from batch.marketplace.credentials import open_dialect_of
from batch.plan import Plan, Policy, make_plan
from batch.report.summary import summary
from batch.sending import Dispatch, Errand, Sending, Sent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from batch.inputs import Unread
    from batch.journal.journal import Journal
    from batch.marketplace.dialect import Dialect
    from batch.reading.shipments import Recognised, Shipments
    from batch.reading.table import Source, Table
    from batch.settings import Account, Settings

    Begin = Callable[["Job", Journal], AbstractContextManager["Work"]]
    Prepare = Callable[["Job", Sequence[Path | Source | Unread], Policy], tuple[Inputs[Recognised], Plan]]

log = logging.getLogger(__name__)

_ROWS_AT_ONCE = 100_000  # of a plan, that are made into Python's objects together
_LOOK_AGAIN = 1.0  # s, at an account that another run holds
_OF_FILE = ("path", "sha256", "profile", "rows", "problem")  # what is told of an input file


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A run that is planned and on record, and still to be sent."""

    journal: Journal
    number: int  # of the run in the journal
    told: dict[str, Any]  # what the report tells of the run itself
    tables: Sequence[Table]
    errand: Errand
    before: Sent = field(default_factory=Sent)  # what sending came to before whoever sent it died


def prepared(job: Job, files: Sequence[Path | Source | Unread], policy: Policy) -> tuple[Inputs[Shipments], Plan]:
    """Copy the files, read and plan them."""
    inputs = read_inputs(
        files,
        job.settings,
        now_ms=policy.now_ms,
        profile=job.profile,
        copies=job.settings.state / "inputs",
        whole=job.dropped,
    )
    return inputs, make_plan(inputs.shipments, policy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One account's work with one set of settings."""

    settings: Settings
    name: str
    account: Account
    reports: Path | None = None  # takes the place of the settings' folder
    profile: str | None = None  # the only one that files may be by
    wait: bool = False  # for the account's lock
    dropped: bool = False  # files come by copying: a last line without a line end may have been cut short
    run: str = ""  # the run's name, where it has one before it begins: whoever begins it again goes on with it
    prepare: Prepare = prepared  # steps 2 and 3: here, or by all workers (batch.cluster.partitions)

    @contextmanager
    def planned(self, journal: Journal, files: Sequence[Path | Source | Unread]) -> Iterator[Work]:
        """Hold the account, read the files and plan: only what is in them. What an earlier run left open is settled."""
        dialect = open_dialect_of(self.name, self.account)
        with self._holding(journal, "run"):
            if found := self._begun_before(journal):
                yield self._taken_up(journal, found, dialect)
                return
            began, now = time.monotonic(), now_ms()
            policy = replace(Policy.of(self.account, self.settings.zone, now), dropped=self.dropped)
            inputs, plan = self.prepare(self, files, policy)
            told = {**self._told("run", now, inputs.files), **of_files(plan)}
            with journal.at_once():  # else a crash in between would leave orders that no report tells of
                number = self._begin(journal, told, inputs.files)
                known = journal.plan(self.account.seller, plan, now)
                mark_ended_before(plan, known)
                journal.record_rows(_rows(number, plan, inputs, known))
            due = dict.fromkeys(  # rows by purchase order and rows by customer order may be the same order
                one.id
                for one, due_at in zip(known, plan.orders["due_at"].tolist(), strict=True)
                if one.state in UNFINISHED and due_at <= now
            )
            errand = Errand(
                name=self.name, account=self.account, dialect=dialect, run=number, orders=[*due], began=began
            )
            tables = [one.table for one in inputs.shipments]
            yield Work(journal=journal, number=number, told=told, tables=tables, errand=errand)

    @contextmanager
    def left_over(self, journal: Journal, *, refused: bool = False) -> Iterator[Work]:
        """Hold the account and take what earlier runs left: not attempted and due, unknown, interrupted.

        `refused`: those that the marketplace refused, too.
        """
        dialect = open_dialect_of(self.name, self.account)
        with self._holding(journal, "resume"):
            if found := self._begun_before(journal):
                yield self._taken_up(journal, found, dialect)
                return
            began, now = time.monotonic(), now_ms()
            if refused:
                again = journal.in_states(self.account.seller, [State.REFUSED])
                journal.apply([Change(order=order, to=State.PLANNED, at=now) for order in again])
            orders = journal.in_states(self.account.seller, UNFINISHED, due_by=now)
            left = read_leftovers(journal.database, orders, self.settings, now_ms=now)
            policy = Policy.of(self.account, self.settings.zone, now)
            told = {**self._told("resume", now, left.files), **of_leftovers(left, policy)}
            with journal.at_once():
                number = self._begin(journal, told, left.files)
                journal.record_rows({"run": number, **row} for row in left.rows)
            errand = Errand(
                name=self.name, account=self.account, dialect=dialect, run=number, orders=orders, began=began
            )
            yield Work(journal=journal, number=number, told=told, tables=left.tables, errand=errand)

    def finished(self, work: Work, sent: Sent) -> Ended:
        """Account for every row of a run that was sent, and write its report."""
        return reported(self.accounted(work, sent), self.reports or self.settings.reports)

    def accounted(self, work: Work, sent: Sent) -> Ended:
        """Account for every row of a run that was sent, in the journal, too."""
        sent = _together(work.before, sent)
        account = journalled_account(
            work.journal.database,
            work.number,
            work.tables,
            notes=sent.notes,
            unattempted=sent.reason,
            **work.told,
            requests=sent.requests,
            interrupted=sent.stopped_by in (Exit.INTERRUPTED, Exit.TERMINATED),
            finished_at=now_ms(),
        )
        end = ended(account, sent.stopped_by, sent.reason)
        assert end.account is not None  # noqa: S101 - it was just given
        told = {**summary(end.account), "interrupted": account.interrupted, "notes": dict(sent.notes)}
        work.journal.finish_run(work.number, at=account.finished_at, summary=told)
        return end

    # The steps

    @contextmanager
    def _holding(self, journal: Journal, command: str) -> Iterator[None]:
        with account_lock(self.account.seller, account=self.name, command=command, journal=journal):
            yield

    def _told(self, command: str, at: int, files: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        told = of_run(self.settings, self.name, command, at, files)
        return told | {"run": self.run} if self.run else told

    def _begun_before(self, journal: Journal) -> history.Run | None:
        """Return the run of our name that somebody began and may have died of."""
        with suppress(UsageError):
            return history.run_named(journal.database, self.run) if self.run else None
        return None

    def _taken_up(self, journal: Journal, found: history.Run, dialect: Dialect) -> Work:
        """Go on with a run whose plan is on record: send what it did not, settle what it left open."""
        began, now = time.monotonic(), now_ms()
        left = read_rows_of(journal.database, found.number, self.settings, now_ms=found.started_at)
        files = [file._asdict() for file in history.files_of(journal.database, found.number)]
        told = self._told(found.command, found.started_at, [{name: one[name] for name in _OF_FILE} for one in files])
        policy = replace(Policy.of(self.account, self.settings.zone, found.started_at), dropped=self.dropped)
        its = {row["order"] for row in left.rows}
        due = journal.in_states(self.account.seller, UNFINISHED, due_by=now)
        orders = [order for order in due if order in its]
        open_again(journal.database, found.number, orders)
        errand = Errand(
            name=self.name, account=self.account, dialect=dialect, run=found.number, orders=orders, began=began
        )
        return Work(
            journal=journal,
            number=found.number,
            told={**told, **of_leftovers(left, policy)},
            tables=left.tables,
            errand=errand,
            before=_sent_before(journal, found),
        )

    def _begin(self, journal: Journal, told: Mapping[str, Any], files: Sequence[Mapping[str, Any]]) -> int:
        number = journal.begin_run(
            run=told["run"],
            seller=self.account.seller,
            account=self.name,
            command=told["command"],
            at=told["started_at"],
        )
        journal.record_files(number, files)
        return number


def carry_out(jobs: Sequence[Job], journal: Journal, begin: Begin, sending: Sending) -> list[Ended]:
    """Carry out the jobs of several accounts side by side; one that cannot begin, or breaks, stops no other.

    While one account is sent for, the next is read and planned; each has its report when it is done.
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(_side_by_side(jobs, journal, begin, sending))


async def _side_by_side(jobs: Sequence[Job], journal: Journal, begin: Begin, sending: Sending) -> list[Ended]:
    # One thread: reading, planning and reporting are all computing, and the accounts' own order is kept.
    with ThreadPoolExecutor(1, thread_name_prefix="planning") as thread:
        async with sending.opened(journal) as dispatch:
            carried_out = (carry_out_one(job, journal, begin, dispatch, thread, finish=Job.finished) for job in jobs)
            return await asyncio.gather(*carried_out)


async def carry_out_one(
    job: Job,
    journal: Journal,
    begin: Begin,
    dispatch: Dispatch,
    thread: Executor,
    *,
    finish: Callable[[Job, Work, Sent], Ended],
) -> Ended:
    """Carry out one account's job: `begin` it, send, and `finish` it. Plans and accounts in the `thread`."""
    loop = asyncio.get_running_loop()
    with ExitStack() as held:
        try:
            work = await _begun(job, journal, begin, dispatch, thread, held)
            sent = await dispatch.send(work.errand)
            return await loop.run_in_executor(thread, finish, job, work, sent)
        except ShipbatchError as error:
            return Ended(None, None, error.exit_code, str(error))
        except Exception:
            log.exception("A fault of shipbatch itself in account %s", job.name)
            return Ended(None, None, Exit.FATAL, f"Account {job.name}: a fault of shipbatch itself; the log has it.")


async def _begun(
    job: Job, journal: Journal, begin: Begin, dispatch: Dispatch, thread: Executor, held: ExitStack
) -> Work:
    """Begin the job; while another run holds its account, wait if that is wanted."""
    loop, stop = asyncio.get_running_loop(), dispatch.stop_of(job.name)
    while True:
        if stop.requested:
            raise NotBegun(stop.exit_code, f"Account {job.name}: nothing was done. {stop.reason}")
        try:
            return await loop.run_in_executor(thread, held.enter_context, begin(job, journal))
        except AccountBusy:
            if not job.wait:
                raise
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _LOOK_AGAIN)


def _sent_before(journal: Journal, found: history.Run) -> Sent:
    """Return what sending had come to: as the run itself told, else as its calls on record show."""
    if found.summary is not None:
        return Sent(found.summary["requests"], found.summary["notes"])
    return Sent(Counter(history.attempts_of(journal.database, found.number)["kind"].tolist()))


def _together(before: Sent, sent: Sent) -> Sent:
    requests = Counter(before.requests)
    requests.update(sent.requests)
    return replace(sent, requests=dict(requests), notes={**before.notes, **sent.notes})


def _rows(run: int, plan: Plan, inputs: Inputs[Recognised], planned: Sequence[Planned]) -> Iterator[dict[str, Any]]:
    """Return the run's rows for the journal; those that are sent have no outcome yet."""
    places = [(inputs.file_of(index), one.table.sheet) for index, one in enumerate(inputs.shipments)]
    columns = ("shipments", "row", "purchase_order_id", "order", "parcel", "outcome", "reason")
    pieces = (plan.rows.iloc[start : start + _ROWS_AT_ONCE] for start in range(0, len(plan.rows), _ROWS_AT_ONCE))
    listed = chain.from_iterable(zip(*(piece[name].tolist() for name in columns), strict=True) for piece in pieces)
    for position, (shipments, row, purchase_order, order, parcel, outcome, reason) in enumerate(listed):
        file, sheet = places[shipments]
        kept = planned[order].places if order >= 0 else ()
        yield {
            "run": run,
            "position": position,
            "file": file,
            "sheet": sheet,
            "row": row,
            "purchase_order_id": purchase_order,
            "order": planned[order].id if order >= 0 else None,
            "part": (kept[parcel] if kept else parcel) if order >= 0 else None,
            "outcome": outcome or None,
            "reason": reason or None,
        }
