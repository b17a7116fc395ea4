"""What a shell offers to complete: accounts, runs and files. Whatever goes wrong meanwhile, it offers nothing."""

from __future__ import annotations

from contextlib import closing, suppress
from typing import TYPE_CHECKING

from click.shell_completion import CompletionItem

if TYPE_CHECKING:
    import click

_MOST_RUNS = 20


def accounts(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Offer the accounts of the settings."""
    from batch.errors import ShipbatchError
    from batch.settings import load

    with suppress(ShipbatchError):
        return [name for name in sorted(load(context.params.get("config")).accounts) if name.startswith(begun)]
    return []


def runs(context: click.Context, _parameter: click.Parameter, begun: str) -> list[str]:
    """Offer the latest runs of the journal."""
    from batch.errors import ShipbatchError
    from batch.journal import history
    from batch.journal.database import Database
    from batch.settings import load

    with suppress(ShipbatchError), closing(Database(load(context.params.get("config")).journal)) as database:
        if database.exists:
            latest = history.runs(database, most=_MOST_RUNS)
            return [run.run for run in latest if run.run.startswith(begun)]
    return []


def files(_context: click.Context, _parameter: click.Parameter, begun: str) -> list[CompletionItem]:
    """Let the shell offer files and folders."""
    return [CompletionItem(begun, type="file")]
