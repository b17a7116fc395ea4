"""`shipbatch report`."""

from __future__ import annotations

from pathlib import Path

import click

from batch.commands.completion import runs
from batch.commands.options import config_option

_EPILOG = """\b
Examples:
  shipbatch report 20261124-231500-3fa1c29e
  shipbatch report 20261124-231500-3fa1c29e --report /tmp/again
"""


@click.command(epilog=_EPILOG)
@click.argument("run", shell_complete=runs)
@config_option
@click.option("--report", type=click.Path(path_type=Path), metavar="FOLDER", help="Where, in place of `reports`.")
def report(*, run: str, config: Path | None, report: Path | None) -> None:
    """Write a run's report again, from the journal and the copies of its files.

    RUN is the run's name; `shipbatch history` lists them.
    """
    from batch.report_again import write_again
    from batch.settings import load

    click.echo(f"Report: {write_again(load(config), run, report)}")
