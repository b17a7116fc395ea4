"""The story of a run.

    1  hold the account, so that no other run sends for it
    2  copy and read the files            (batch.inputs)
    3  plan: rows become orders           (batch.plan)
    4  write the plan into the journal, and see there what was sent before
    5  send, in deadline order            (batch.sending)
    6  account for every row              (batch.accounting)
    7  write the report                   (batch.report)

`check` does 2, 3 and 6, and sends nothing; `resume` takes what earlier runs left, instead of 2 and 3.
Several accounts are sent for side by side.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pandas as pd
import uvloop

from batch.accounting import file_accounts, journalled_account, of_files, of_leftovers, planned_account, with_foresight
from batch.errors import AccountBusy, AccountsDoNotAdd, Exit, NotBegun, SettingsError, ShipbatchError, gravest
from batch.foresight import foresee
from batch.inputs import Inputs, read_inputs, read_leftovers
from batch.journal.entries import Change, Planned
from batch.journal.journal import Journal
from batch.journal.states import OPEN, State
from batch.lock import account_lock
from batch.marketplace.credentials import open_dialect
from batch.marketplace.exchange import now_ms
from batch.outcomes import NEEDS_PERSON, WELL, Outcome
from batch.plan import Plan, Policy, make_plan
from batch.report.folder import write_report
from batch.report.summary import summary
from batch.sending import Dispatch, Errand, Sending, Sent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from batch.marketplace.dialect import Dialect
    from batch.reading.table import Source, Table
    from batch.report.account import RunAccount
    from batch.settings import Account, Settings

    Begin = Callable[["Job", Journal], AbstractContextManager["Work"]]

log = logging.getLogger(__name__)

_LOOK_AGAIN = 1.0  # s, at an account that another run holds


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that came to its end, or never began: then there is no account of it, and `message` says why."""

    account: RunAccount | None
    report: Path | None
    exit_code: Exit
    message: str = ""  # why it stopped early, or why there is no report


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """A run that is planned and on record, and still to be sent."""

    journal: Journal
    number: int  # of the run in the journal
    told: dict[str, Any]  # what the report tells of the run itself
    tables: Sequence[Table]
    errand: Errand


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

    def check(self, files: Sequence[Path], *, remote: bool = False) -> Ended:
        """Plan and send nothing. What the journal knows to be sent counts as such. `remote`: read each order, too."""
        now = now_ms()
        inputs = read_inputs(files, self.settings, now_ms=now, profile=self.profile)
        plan = make_plan(inputs.shipments, Policy.of(self.account, self.settings.zone, now))
        if journal := Journal.open_existing(self.settings.journal):
            with closing(journal):
                _mark(plan, journal.known(self.account.seller, plan, now))
        told = self._told(new_run(now), "check", now, inputs.files)
        if not remote:
            account = planned_account(plan, **told, seconds_to_send=self._seconds_to_send(plan))
            return ended(replace(account, finished_at=now_ms()))
        seen = foresee(plan, _to_be_sent(plan), self.account, self._dialect(), self.settings.zone)
        _end_rows(plan, seen.end_of)
        told |= {"seconds_to_send": seen.seconds, "requests": seen.requests}
        account = with_foresight(planned_account(plan, **told), plan, seen)
        return ended(replace(account, finished_at=now_ms()), seen.stopped_by, seen.reason)

    @contextmanager
    def planned(self, journal: Journal, files: Sequence[Path | Source]) -> Iterator[Work]:
        """Hold the account, read the files and plan: only what is in them. What an earlier run left open is settled."""
        dialect = self._dialect()
        with self._holding("run"):
            began, now = time.monotonic(), now_ms()
            copies = self.settings.state / "inputs"
            inputs = read_inputs(
                files, self.settings, now_ms=now, profile=self.profile, copies=copies, whole=self.dropped
            )
            policy = replace(Policy.of(self.account, self.settings.zone, now), dropped=self.dropped)
            plan = make_plan(inputs.shipments, policy)
            told = {**self._told(new_run(now), "run", now, inputs.files), **of_files(plan)}
            with journal.at_once():  # else a crash in between would leave orders that no report tells of
                number = self._begin(journal, told, inputs.files)
                known = journal.plan(self.account.seller, plan, now)
                _mark(plan, known)
                journal.record_rows(_rows(number, plan, inputs, known))
            due = dict.fromkeys(  # rows by purchase order and rows by customer order may be the same order
                one.id
                for one, due_at in zip(known, plan.orders["due_at"].tolist(), strict=True)
                if one.state in (State.PLANNED, *OPEN) and due_at <= now
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
        dialect = self._dialect()
        with self._holding("resume"):
            began, now = time.monotonic(), now_ms()
            if refused:
                again = journal.in_states(self.account.seller, [State.REFUSED])
                journal.apply([Change(order=order, to=State.PLANNED, at=now) for order in again])
            orders = journal.in_states(self.account.seller, [State.PLANNED, *OPEN], due_by=now)
            left = read_leftovers(journal.database, orders, self.settings, now_ms=now)
            policy = Policy.of(self.account, self.settings.zone, now)
            told = {**self._told(new_run(now), "resume", now, left.files), **of_leftovers(left, policy)}
            with journal.at_once():
                number = self._begin(journal, told, left.files)
                journal.record_rows({"run": number, **row} for row in left.rows)
            errand = Errand(
                name=self.name, account=self.account, dialect=dialect, run=number, orders=orders, began=began
            )
            yield Work(journal=journal, number=number, told=told, tables=left.tables, errand=errand)

    def finished(self, work: Work, sent: Sent) -> Ended:
        """Account for every row of a run that was sent, and write its report."""
        account = journalled_account(
            work.journal.database,
            work.number,
            work.tables,
            notes=sent.notes,
            **work.told,
            requests=sent.requests,
            interrupted=sent.stopped_by in (Exit.INTERRUPTED, Exit.TERMINATED),
            finished_at=now_ms(),
        )
        end = ended(account, sent.stopped_by, sent.reason)
        assert end.account is not None  # noqa: S101 - it was just given
        told = {**summary(end.account), "interrupted": account.interrupted, "notes": dict(sent.notes)}
        work.journal.finish_run(work.number, at=account.finished_at, summary=told)
        return reported(end, self.reports or self.settings.reports)

    # The steps

    def _dialect(self) -> Dialect:
        try:
            return open_dialect(self.account)
        except SettingsError as error:
            raise SettingsError([f"accounts.{self.name}.{problem}." for problem in error.problems]) from None

    @contextmanager
    def _holding(self, command: str) -> Iterator[None]:
        with account_lock(self.account.seller, account=self.name, command=command):
            yield

    def _told(self, run: str, command: str, started_at: int, files: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        return {
            "run": run,
            "account": self.name,
            "command": command,
            "files": file_accounts(files),
            "started_at": started_at,
            "timezone": self.settings.timezone,
            "limits": self.account.rate.model_dump(),
        }

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

    def _seconds_to_send(self, plan: Plan) -> float:
        return len(_to_be_sent(plan)) * 60 / self.account.rate.ship if self.account.rate.ship else 0.0


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
            return await asyncio.gather(*(_carried_out(job, journal, begin, dispatch, thread) for job in jobs))


async def _carried_out(job: Job, journal: Journal, begin: Begin, dispatch: Dispatch, thread: Executor) -> Ended:
    loop = asyncio.get_running_loop()
    with ExitStack() as held:
        try:
            work = await _begun(job, journal, begin, dispatch, thread, held)
            sent = await dispatch.send(work.errand)
            return await loop.run_in_executor(thread, job.finished, work, sent)
        except ShipbatchError as error:
            return Ended(None, None, error.exit_code, str(error))
        except Exception:
            log.exception("A fault of shipbatch itself in account %s", job.name)
            return Ended(None, None, Exit.FATAL, f"Account {job.name}: a fault of shipbatch itself; the log has it.")


async def _begun(
    job: Job, journal: Journal, begin: Begin, dispatch: Dispatch, thread: Executor, held: ExitStack
) -> Work:
    """Begin the job; while another run holds its account, wait if that is wanted."""
    loop = asyncio.get_running_loop()
    while True:
        if dispatch.stop.requested:
            raise NotBegun(dispatch.stop.exit_code, f"Account {job.name}: nothing was done. {dispatch.stop.reason}")
        try:
            return await loop.run_in_executor(thread, held.enter_context, begin(job, journal))
        except AccountBusy:
            if not job.wait:
                raise
        with suppress(TimeoutError):
            await asyncio.wait_for(dispatch.stop.wait(), _LOOK_AGAIN)


def reported(end: Ended, folder: Path) -> Ended:
    """Write the report. Where it cannot be written the journal stands, and `report` writes it later."""
    assert end.account is not None  # noqa: S101 - only runs that began have a report
    try:
        return replace(end, report=write_report(folder, end.account))
    except AccountsDoNotAdd as error:
        return replace(end, exit_code=Exit.FATAL, message=str(error))
    except OSError as error:
        later = f"`shipbatch report {end.account.run}` writes it later"
        message = f"{folder}: the report cannot be written ({error.strerror}); {later}."
        return replace(end, message=f"{end.message} {message}".strip(), exit_code=gravest(end.exit_code, Exit.FATAL))


def ended(account: RunAccount, stopped_by: Exit = Exit.OK, reason: str = "") -> Ended:
    """Return the end of a run with its exit code: the gravest of what happened to its rows and of why it stopped."""
    outcomes = set(account.rows["outcome"])
    exit_code = gravest(
        stopped_by,
        Exit.UNKNOWN if Outcome.UNKNOWN in outcomes else Exit.OK,
        Exit.TEMPORARY if Outcome.NOT_ATTEMPTED in outcomes else Exit.OK,
        Exit.UNREADABLE if any(file.problem for file in account.files) else Exit.OK,
        Exit.NEEDS_PERSON if NEEDS_PERSON & outcomes else Exit.OK,
    )
    return Ended(replace(account, exit_code=exit_code), None, exit_code, reason)


def new_run(at: int) -> str:
    """Return a name for a run: its time, UTC epoch milliseconds, and a few digits against chance."""
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"


def _mark(plan: Plan, stand: Sequence[Planned | None]) -> None:
    """Give the rows of orders that ended before their outcome, so that a plan says what a run would do."""
    ended_before = {order: _before(one) for order, one in enumerate(stand) if one and _before(one)}
    if ended_before or any(one.parts for one in stand if one):
        _end_rows(plan, lambda order, parcel: _part_before(stand[order], parcel) or ended_before.get(order))


def _end_rows(plan: Plan, end_of: Callable[[int, int], tuple[str, str] | None]) -> None:
    """Give each row that is to be sent the outcome and the reason of its order's parcel, where that has ended."""
    ready = plan.rows.index[(plan.rows["outcome"] == "") & (plan.rows["order"] >= 0)]
    parcels = zip(ready.tolist(), *(plan.rows.loc[ready, name].tolist() for name in ("order", "parcel")), strict=True)
    ends = {row: end for row, order, parcel in parcels if (end := end_of(order, parcel))}
    for name, of in (("outcome", 0), ("reason", 1)):
        texts = plan.rows[name].astype("str").to_numpy(object)
        texts[list(ends)] = [str(end[of]) for end in ends.values()]
        plan.rows[name] = pd.Series(texts, dtype="str")


def _to_be_sent(plan: Plan) -> list[int]:
    """Return the places of the orders that would be sent now."""
    ready = (plan.rows["outcome"] == "") & (plan.rows["order"] >= 0)
    return [int(order) for order in plan.rows.loc[ready, "order"].unique()]


def _part_before(one: Planned | None, parcel: int) -> tuple[str, str] | None:
    """Return how a parcel ended for good in an earlier run that did not end well for its whole order."""
    again = one is not None and one.state in (State.PLANNED, State.REFUSED, State.DROPPED)
    part = one.parts[parcel] if one is not None and again and one.parts else None
    if part is None or part.outcome not in WELL:
        return None
    return Outcome.ALREADY_SHIPPED, "It was shipped before, though not all of its order was."


def _before(one: Planned) -> tuple[str, str] | None:
    """Return how an order ended in an earlier run, None where it is still to be sent or settled."""
    on = f"{datetime.fromtimestamp(one.finished_at / 1000, UTC):%Y-%m-%d %H:%M} UTC"
    match one.state:
        case State.SHIPPED | State.ALREADY_SHIPPED:
            return Outcome.ALREADY_SHIPPED, f"It was shipped before, confirmed on {on}."
        case State.REFUSED:
            again = "`shipbatch resume --refused` sends it again"
            return Outcome.REFUSED, f"Refused on {on} and unchanged since: {one.reason} ({again})."
        case State.DROPPED:
            return Outcome.SKIPPED, f"Dropped on {on}: {one.reason}"
        case _:
            return None


def _rows(run: int, plan: Plan, inputs: Inputs, planned: Sequence[Planned]) -> Iterator[dict[str, Any]]:
    """Return the run's rows for the journal; those that are sent have no outcome yet."""
    places = [(inputs.file_of(index), one.table.sheet) for index, one in enumerate(inputs.shipments)]
    columns = ("shipments", "row", "purchase_order_id", "order", "parcel", "outcome", "reason")
    listed = zip(*(plan.rows[name].tolist() for name in columns), strict=True)
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
