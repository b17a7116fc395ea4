"""For tests that look back at runs: two good rows, one with a quantity that is none, and a run that never ended."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.trial import Trial

FIRST = ("309121065891123", "1", "2", "Canada Post", "7035114477138472", "2026-11-20 15:00")
SECOND = ("309121065891124", "1", "1", "Purolator", "320595463938", "2026-11-20 15:00")
WRONG = ("309121065891125", "1", "many", "UPS", "1Z5R89390357567127", "2026-11-20 15:00")


def forget_end(trial: Trial, run: str) -> None:
    """Let the journal look as if the power had failed during the run."""
    with closing(sqlite3.connect(trial.folder / "state" / "journal.db")) as connection, connection:
        connection.execute("UPDATE runs SET finished_at = NULL, summary = NULL WHERE run = ?", (run,))
