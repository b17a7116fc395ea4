"""How a run came to its end: its account, its exit code, its report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from batch.errors import AccountsDoNotAdd, Exit, gravest
from batch.outcomes import NEEDS_PERSON, Outcome

if TYPE_CHECKING:
    from pathlib import Path

    from batch.report.account import RunAccount


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that came to its end, or never began: then there is no account of it, and `message` says why."""

    account: RunAccount | None
    report: Path | None
    exit_code: Exit
    message: str = ""  # why it stopped early, or why there is no report
    run: str = ""  # the run's name where its account, too large to travel, is to be told from the journal


def reported(end: Ended, folder: Path) -> Ended:
    """Write the report. Where it cannot be written the journal stands, and `report` writes it later."""
    assert end.account is not None  # noqa: S101 - only runs that began have a report
    from batch.report.folder import write_report  # noqa: PLC0415 - draws and writes: `check` most often needs neither

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
    outcomes = set(account.rows["outcome"].unique())
    exit_code = gravest(
        stopped_by,
        Exit.UNKNOWN if Outcome.UNKNOWN in outcomes else Exit.OK,
        Exit.TEMPORARY if Outcome.NOT_ATTEMPTED in outcomes else Exit.OK,
        Exit.UNREADABLE if any(file.problem for file in account.files) else Exit.OK,
        Exit.NEEDS_PERSON if NEEDS_PERSON & outcomes else Exit.OK,
    )
    return Ended(replace(account, exit_code=exit_code), None, exit_code, reason)
