"""The story of a run.

    1  hold the account, so that no other run sends for it
    2  copy and read the files            (batch.inputs)
    3  plan: rows become orders           (batch.plan)
    4  write the plan into the journal, and see there what was sent before
    5  send, in deadline order            (batch.sending)
    6  account for every row              (batch.accounting)
    7  write the report                   (batch.report)

`check` does 2, 3 and 6, and sends nothing; `resume` takes what earlier runs left, instead of 2 and 3.
"""

from __future__ import annotations

import logging
import secrets
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from batch.accounting import file_accounts, journalled_account, planned_account
from batch.errors import AccountsDoNotAdd, Exit, gravest
from batch.inputs import Inputs, read_inputs, read_leftovers
from batch.journal.entries import Change, Planned
from batch.journal.journal import Journal
from batch.journal.states import OPEN, State
from batch.lock import account_lock
from batch.outcomes import NEEDS_PERSON, Outcome
from batch.plan import Plan, Policy, make_plan
from batch.report.folder import write_report
from batch.report.summary import summary
from batch.sending import Sending, Sent

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from batch.reading.table import Table
    from batch.report.account import RunAccount
    from batch.settings import Account, Settings

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says of a run."""

    reports: Path | None = None  # in place of the settings' folder
    profile: str | None = None
    wait: bool = False  # for the account's lock


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that came to its end."""

    account: RunAccount
    report: Path | None
    exit_code: Exit
    message: str = ""  # why it stopped early, or why there is no report


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One account's work with one set of settings."""

    settings: Settings
    name: str
    account: Account
    options: Options
    sending: Sending

    def check(self, files: Sequence[Path]) -> Ended:
        """Plan and send nothing. What the journal knows to be sent counts as such."""
        now = now_ms()
        inputs = read_inputs(files, self.settings, now_ms=now, profile=self.options.profile)
        plan = make_plan(inputs.shipments, Policy.of(self.account, self.settings.zone, now))
        if journal := Journal.open_existing(self.settings.journal):
            _mark(plan, journal.known(self.account.seller, plan))
            journal.close()
        told = self._told(new_run(now), "check", now, inputs.files)
        account = planned_account(plan, **told, seconds_to_send=self._seconds_to_send(plan))
        return _ended(replace(account, finished_at=now_ms()))

    def run(self, files: Sequence[Path]) -> Ended:
        """Read, plan, send, report: only what is in these files. What an earlier run left open is settled."""
        with self._holding("run"), self._journal() as journal:
            began, now = time.monotonic(), now_ms()
            copies = self.settings.state / "inputs"
            inputs = read_inputs(files, self.settings, now_ms=now, profile=self.options.profile, copies=copies)
            plan = make_plan(inputs.shipments, Policy.of(self.account, self.settings.zone, now))
            told = self._told(new_run(now), "run", now, inputs.files)
            number = self._begin(journal, told, inputs.files)
            planned = journal.plan(self.account.seller, plan, now)
            _mark(plan, planned)
            journal.record_rows(_rows(number, plan, inputs, planned))
            due = [
                one.id
                for one, due_at in zip(planned, plan.orders["due_at"].tolist(), strict=True)
                if one.state in (State.PLANNED, *OPEN) and due_at <= now
            ]
            sent = self.sending.send(journal, number, self.account, due, began)
            return self._end(journal, number, [one.table for one in inputs.shipments], told, sent)

    def resume(self, *, refused: bool = False) -> Ended:
        """Go on with what earlier runs left: not attempted and due, unknown, interrupted; refused ones if asked to."""
        with self._holding("resume"), self._journal() as journal:
            began, now = time.monotonic(), now_ms()
            if refused:
                again = journal.in_states(self.account.seller, [State.REFUSED])
                journal.apply([Change(order=order, to=State.PLANNED, at=now) for order in again])
            orders = journal.in_states(self.account.seller, [State.PLANNED, *OPEN], due_by=now)
            left = read_leftovers(journal.database, orders, self.settings, now_ms=now)
            told = self._told(new_run(now), "resume", now, left.files)
            number = self._begin(journal, told, left.files)
            journal.record_rows({"run": number, **row} for row in left.rows)
            sent = self.sending.send(journal, number, self.account, orders, began)
            return self._end(journal, number, left.tables, told, sent)

    # The steps

    @contextmanager
    def _holding(self, command: str) -> Iterator[None]:
        with account_lock(self.account.seller, account=self.name, command=command, wait=self.options.wait):
            yield

    @contextmanager
    def _journal(self) -> Iterator[Journal]:
        journal = Journal.open(self.settings.journal)
        try:
            yield journal
        finally:
            journal.close()

    def _told(self, run: str, command: str, started_at: int, files: Sequence[dict[str, Any]]) -> dict[str, Any]:
        rate = self.account.rate
        return {
            "run": run,
            "account": self.name,
            "command": command,
            "files": file_accounts(files),
            "started_at": started_at,
            "timezone": self.settings.timezone,
            "limits": {"ship": rate.ship, "acknowledge": rate.acknowledge, "read": rate.read},
        }

    def _begin(self, journal: Journal, told: dict[str, Any], files: Sequence[dict[str, Any]]) -> int:
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
        ready = plan.rows.loc[(plan.rows["outcome"] == "") & (plan.rows["order"] >= 0), "order"].nunique()
        return ready * 60 / self.account.rate.ship if self.account.rate.ship else 0.0

    def _end(self, journal: Journal, number: int, tables: Sequence[Table], told: dict[str, Any], sent: Sent) -> Ended:
        account = journalled_account(
            journal.database,
            number,
            tables,
            notes=sent.notes,
            **told,
            requests=sent.requests,
            interrupted=sent.stopped_by in (Exit.INTERRUPTED, Exit.TERMINATED),
            finished_at=now_ms(),
        )
        ended = _ended(account, sent.stopped_by, sent.reason)
        journal.finish_run(number, at=account.finished_at, summary=summary(ended.account))
        return self.report(ended)

    def report(self, ended: Ended) -> Ended:
        """Write the report. Where it cannot be written the journal stands, and `report` writes it later."""
        folder = self.options.reports or self.settings.reports
        try:
            return replace(ended, report=write_report(folder, ended.account))
        except AccountsDoNotAdd as error:
            return replace(ended, exit_code=Exit.FATAL, message=str(error))
        except OSError as error:
            later = f"`shipbatch report {ended.account.run}` writes it later"
            message = f"{folder}: the report cannot be written ({error.strerror}); {later}."
            return replace(ended, message=f"{ended.message} {message}".strip())


def now_ms() -> int:
    """Return the wall clock, UTC epoch milliseconds."""
    return time.time_ns() // 1_000_000


def new_run(at: int) -> str:
    """Return a name for a run: its time, and a few digits against chance."""
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"


def _ended(account: RunAccount, stopped_by: Exit = Exit.OK, reason: str = "") -> Ended:
    outcomes = set(account.rows["outcome"])
    exit_code = gravest(
        stopped_by,
        Exit.UNKNOWN if Outcome.UNKNOWN in outcomes else Exit.OK,
        Exit.TEMPORARY if Outcome.NOT_ATTEMPTED in outcomes else Exit.OK,
        Exit.UNREADABLE if any(file.problem for file in account.files) else Exit.OK,
        Exit.NEEDS_PERSON if NEEDS_PERSON & outcomes else Exit.OK,
    )
    return Ended(replace(account, exit_code=exit_code), None, exit_code, reason)


def _mark(plan: Plan, stand: Sequence[Planned | None]) -> None:
    """Give the rows of orders that ended before their outcome, so that a plan says what a run would do."""
    ends = {index: end for index, one in enumerate(stand) if one and (end := _before(one))}
    if not ends:
        return
    ready = plan.rows["outcome"] == ""
    for name, of in (("outcome", 0), ("reason", 1)):
        said = plan.rows["order"].map({index: end[of] for index, end in ends.items()})
        plan.rows[name] = plan.rows[name].astype("str").where(~ready | said.isna(), said)


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
        yield {
            "run": run,
            "position": position,
            "file": file,
            "sheet": sheet,
            "row": row,
            "purchase_order_id": purchase_order,
            "order": planned[order].id if order >= 0 else None,
            "part": parcel if order >= 0 else None,
            "outcome": outcome or None,
            "reason": reason or None,
        }
