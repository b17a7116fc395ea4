"""A run's report, written again from the journal and the copies of its input files."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from batch.accounting import file_accounts, of_leftovers
from batch.end_of_run import ended
from batch.errors import Exit, Fatal, UsageError
from batch.journal import history
from batch.journal.journal import Journal
from batch.journalled import journalled_account
from batch.leftovers import read_rows_of
from batch.plan import Policy
from batch.report.folder import write_report

if TYPE_CHECKING:
    from pathlib import Path

    from batch.report.account import RunAccount
    from batch.settings import Settings


def write_again(settings: Settings, run: str, folder: Path | None = None) -> Path:
    """Write the report of the run of that name into `folder`, else where the settings say; return its path.

    Raises UsageError where there is no such run, and Fatal where the folder cannot be written.
    """
    journal = Journal.open_existing(settings.journal)
    if journal is None:
        raise UsageError("There is no journal yet, so there is no run to report.")
    with closing(journal):
        account = account_of(journal, settings, run)
    target = folder or settings.reports
    try:
        return write_report(target, account)
    except OSError as error:
        raise Fatal(f"{target}: the report cannot be written ({error.strerror}).") from error


def account_of(journal: Journal, settings: Settings, run: str) -> RunAccount:
    """Return the account of an earlier run. One that never came to its end is told as interrupted."""
    found = history.run_named(journal.database, run)
    told = found.summary or {}
    left = read_rows_of(journal.database, found.number, settings, now_ms=found.started_at)
    files = [
        {"path": one.path, "sha256": one.sha256, "profile": one.profile, "rows": one.rows, "problem": one.problem}
        for one in history.files_of(journal.database, found.number)
    ]
    its = settings.accounts.get(found.account)  # a name may have gone from the settings since
    now, zone = found.started_at, settings.zone
    policy = Policy.of(its, zone, now) if its else Policy(zone=zone, now_ms=now)
    account = journalled_account(
        journal.database,
        found.number,
        left.tables,
        **of_leftovers(left, policy),
        notes=told.get("notes", {}),
        keep=False,  # it may still be under way elsewhere
        run=found.run,
        account=found.account,
        command=found.command,
        files=file_accounts(files),
        started_at=found.started_at,
        finished_at=found.finished_at or found.started_at,
        timezone=settings.timezone,
        limits=its.rate.model_dump() if its else {},
        requests=told.get("requests", {}),
        interrupted=told.get("interrupted", found.finished_at is None),
    )
    end = ended(account, Exit(told.get("exit_code", Exit.OK)))
    assert end.account is not None  # noqa: S101 - it was just given
    return end.account
