"""`shipbatch prune`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from batch.commands.options import config_option

if TYPE_CHECKING:
    from batch.retention import Removal

_EPILOG = """\b
Examples:
  shipbatch prune --dry-run        what would go
  shipbatch prune                  drop what is older than `retention` in the settings
  shipbatch prune --days 90
"""


@click.command(epilog=_EPILOG)
@click.option("--days", type=click.IntRange(1), metavar="N", help="Keep so many days, in place of `retention`.")
@click.option("--dry-run", is_flag=True, help="Say what would be removed, and remove nothing.")
@click.option("--wait", is_flag=True, help="Wait where a run holds an account.")
@config_option
def prune(*, days: int | None, dry_run: bool, wait: bool, config: Path | None) -> None:
    """Drop what is older than the retention: runs and orders in the journal, reports, copies of input files.

    An order that is not at its end is never dropped, nor what it came from. No run may be under way meanwhile.
    """
    from batch.cli import complain
    from batch.clock import now_ms
    from batch.errors import Exit
    from batch.retention import DAY, rehearse, remove_older
    from batch.settings import load

    settings = load(config)
    kept = days or settings.retention
    before = now_ms() - kept * DAY * 1000
    removal = rehearse(settings, before) if dry_run else remove_older(settings, before, wait=wait)
    click.echo(_told(removal, kept, "Would be removed" if dry_run else "Removed"))
    for problem in removal.problems:
        complain(problem)
    if removal.problems:
        raise click.exceptions.Exit(Exit.FATAL)


def _told(removal: Removal, days: int, verb: str) -> str:
    counts = {
        "run": len(removal.journal.runs),
        "row": removal.journal.rows,
        "order": removal.journal.orders,
        "report": len(removal.reports),
        "copy of a file": len(removal.copies),
    }
    plurals = {"copy of a file": "copies of files"}
    said = [
        f"{count:,} {word if count == 1 else plurals.get(word, f'{word}s')}" for word, count in counts.items() if count
    ]
    if not said:
        return f"Nothing is older than {days:,} {'day' if days == 1 else 'days'}."
    freed = f" ({removal.size / 1e6:,.1f} MB of files)" if removal.size else ""
    return f"{verb}, being older than {days:,} {'day' if days == 1 else 'days'}: {', '.join(said)}{freed}."
