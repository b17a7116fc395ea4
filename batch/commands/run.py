"""`shipbatch run`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from batch.commands.completion import files
from batch.commands.options import sending_options
from batch.commands.running import carry_out_jobs, files_meant, make_jobs, move_files, refuse_stopped, tell

if TYPE_CHECKING:
    from batch.commands.options import Common

_EPILOG = """\b
Examples:
  shipbatch run warehouse.xlsx
  shipbatch run exports/ --account outlet --until 06:00
  shipbatch run --move drop/
  shipbatch run 'exports/*.csv' --json > summary.json
  shipbatch run drop/ --cluster local:4
"""


@click.command(epilog=_EPILOG)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", shell_complete=files)
@click.option("--move", is_flag=True, help="Then move each finished file into done/, to_fix/ or unreadable/ beside it.")
@sending_options
def run(*, paths: tuple[str, ...], move: bool, common: Common) -> None:
    """Read files, plan, send, and report every row.

    PATH is a file, a folder or a pattern. In a folder, a sub-folder with an account's name belongs to that account.
    What was sent before is not sent again; what an earlier run left unclear is settled by reading the order.
    """
    from batch.beginning import WithFiles

    settings = common.settings()
    files = files_meant(paths, settings, common.account)
    if move:
        refuse_stopped(paths, settings.accounts)
    jobs = [replace(job, dropped=move) for job in make_jobs(settings, files, common)]
    ends = carry_out_jobs(settings, jobs, WithFiles(files), common)
    if move:
        move_files(ends, quiet=common.quiet)
    tell(ends, common, several=len(files) > 1)
