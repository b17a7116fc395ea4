"""`shipbatch history`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batch.commands.completion import accounts
from batch.commands.options import config_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batch.journal.history import Run

_EPILOG = """\b
Examples:
  shipbatch history
  shipbatch history --account outlet --most 100
  shipbatch history --json | jq '.[0]'
"""


@click.command(epilog=_EPILOG)
@config_option
@click.option("--account", metavar="NAME", shell_complete=accounts, help="Only this account's runs.")
@click.option("--most", type=click.IntRange(1), default=20, show_default=True, help="How many runs, the latest first.")
@click.option("--json", "as_json", is_flag=True, help="Print the runs' summaries as JSON.")
def history(*, config: Path | None, account: str | None, most: int, as_json: bool) -> None:
    """List past runs, the latest first."""
    from batch.journal.history import runs
    from batch.journal.journal import Journal
    from batch.settings import load

    settings = load(config)
    journal = Journal.open_existing(settings.journal)
    found: Sequence[Run] = ()
    if journal is not None:
        with closing(journal):
            found = runs(journal.database, account=account, most=most)
    if as_json:
        _print_json(found)
    elif found:
        _print_table(found, settings.timezone)
    else:
        click.echo("There are no runs yet.")


def _print_json(runs: Sequence[Run]) -> None:
    import orjson

    from batch.report.summary import rfc3339

    told = [
        {
            "run": run.run,
            "account": run.account,
            "command": run.command,
            "started_at": rfc3339(run.started_at),
            "finished_at": rfc3339(run.finished_at or 0),
            "summary": run.summary,
        }
        for run in runs
    ]
    click.echo(orjson.dumps(told, option=orjson.OPT_INDENT_2))


def _print_table(runs: Sequence[Run], timezone: str) -> None:
    from rich.console import Console
    from rich.table import Table

    from batch.report.moments import clock

    table = Table(box=None, header_style="bold", pad_edge=False)
    for header in ("run", "account", "command", "started", "orders", "how they ended", "exit code"):
        table.add_column(header, justify="right" if header in ("orders", "exit code") else "left")
    for run in runs:
        orders = (run.summary or {}).get("orders", {})
        ended = ", ".join(f"{count:,} {word}" for word, count in orders.items() if count and word != "total")
        table.add_row(
            run.run,
            run.account,
            run.command,
            clock(run.started_at, timezone)[:16],
            f"{orders.get('total', 0):,}",
            ended if run.summary else "did not come to its end",
            str(run.summary["exit_code"]) if run.summary else "",
        )
    Console().print(table)
