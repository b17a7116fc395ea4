"""`shipbatch history`."""

from __future__ import annotations

import shutil
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batch.commands.completion import accounts
from batch.commands.options import config_option

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from rich.console import RenderableType

    from batch.journal.history import Run

_DATE = click.DateTime(["%Y-%m-%d"])
_WIDE = 110  # characters; below that a table would fold figures
_FOR_PROGRAMS = 200  # characters, where there is no terminal
_EPILOG = """\b
Examples:
  shipbatch history
  shipbatch history --account outlet --most 100
  shipbatch history --since 2026-11-23 --until 2026-11-24 --exit-code 1 --exit-code 5
  shipbatch history --json | jq '.[0]'
"""


@click.command(epilog=_EPILOG)
@config_option
@click.option("--account", metavar="NAME", shell_complete=accounts, help="Only this account's runs.")
@click.option("--since", type=_DATE, metavar="DATE", help="Only runs that began on this day or later (YYYY-MM-DD).")
@click.option("--until", type=_DATE, metavar="DATE", help="Only runs that began on this day or earlier.")
@click.option("--exit-code", "exit_codes", type=int, multiple=True, help="Only runs that ended so. Repeatable.")
@click.option("--most", type=click.IntRange(1), default=20, show_default=True, help="How many runs, the latest first.")
@click.option("--json", "as_json", is_flag=True, help="Print the runs' summaries as JSON.")
def history(
    *,
    config: Path | None,
    account: str | None,
    since: datetime | None,
    until: datetime | None,
    exit_codes: tuple[int, ...],
    most: int,
    as_json: bool,
) -> None:
    """List past runs, the latest first."""
    from batch.commands.printing import show
    from batch.journal.history import runs
    from batch.journal.journal import Journal
    from batch.settings import load

    settings = load(config)
    journal = Journal.open_existing(settings.journal)
    found: Sequence[Run] = ()
    if journal is not None:
        with closing(journal):
            found = runs(
                journal.database,
                account=account,
                since=_midnight(since, settings.zone) if since else 0,
                before=_midnight(until, settings.zone, days=1) if until else None,
                exit_codes=exit_codes,
                most=most,
            )
    if as_json:
        _print_json(found)
    elif found:
        width = shutil.get_terminal_size((_FOR_PROGRAMS, 1)).columns
        show(_table(found, settings.timezone) if width >= _WIDE else _list(found, settings.timezone), width=width)
    else:
        click.echo("There are no such runs." if account or since or until or exit_codes else "There are no runs yet.")


def _midnight(day: datetime, zone: ZoneInfo, *, days: int = 0) -> int:
    """Return when a day, or one so many days after it, begins in the zone: UTC epoch milliseconds."""
    from datetime import timedelta

    return int((day + timedelta(days=days)).replace(tzinfo=zone).timestamp() * 1000)


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


def _table(runs: Sequence[Run], timezone: str) -> RenderableType:
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for header in ("run", "account", "command", "began", "orders", "how they ended", "exit code", "files"):
        right = header in ("orders", "exit code")
        table.add_column(
            header, justify="right" if right else "left", no_wrap=header not in ("how they ended", "files")
        )
    for run in runs:
        began, orders, ended, code, files = _told(run, timezone)
        table.add_row(run.run, run.account, run.command, began, orders, ended, code, files)
    return table


def _list(runs: Sequence[Run], timezone: str) -> RenderableType:
    """Return the same for a terminal on which a table has no room."""
    from rich.console import Group
    from rich.padding import Padding
    from rich.text import Text

    parts: list[RenderableType] = []
    for run in runs:
        began, orders, ended, code, files = _told(run, timezone)
        exit_code = f", exit code {code}" if code else ""
        parts.append(Text(f"{began}  {run.run}", "bold"))
        parts.append(Padding(Text(f"{run.command}, {run.account}{exit_code}\n{files}".strip()), (0, 0, 0, 2)))
        parts.append(Padding(Text(f"{orders} orders: {ended}" if run.summary else ended), (0, 0, 0, 2)))
    return Group(*parts)


def _told(run: Run, timezone: str) -> tuple[str, str, str, str, str]:
    """Return when a run began, how many orders it had, how they ended, its exit code, and its files."""
    from batch.report.moments import clock

    told = run.summary or {}
    orders = told.get("orders", {})
    counts = [f"{count:,} {word.replace('_', ' ')}" for word, count in orders.items() if count and word != "total"]
    files = [Path(file["path"]).name for file in told.get("files", [])]
    more = f" and {len(files) - 1} more" if len(files) > 1 else ""
    return (
        clock(run.started_at, timezone)[:16],
        f"{orders.get('total', 0):,}" if told else "",
        (", ".join(counts) or "nothing to do") if told else "did not come to its end",
        str(told.get("exit_code", "")),
        f"{files[0]}{more}" if files else "",
    )
