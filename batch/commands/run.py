"""`shipbatch run`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from batch.commands.options import sending_options
from batch.commands.running import carry_out_jobs, files_meant, make_jobs, tell

if TYPE_CHECKING:
    from batch.commands.options import Common

_EPILOG = """\b
Examples:
  shipbatch run warehouse.xlsx
  shipbatch run exports/ --account outlet --until 06:00
  shipbatch run 'exports/*.csv' --json > summary.json
"""


@click.command(epilog=_EPILOG)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...")
@sending_options
def run(*, paths: tuple[str, ...], common: Common) -> None:
    """Read files, plan, send, and report every row.

    PATH is a file, a folder or a pattern. In a folder, a sub-folder with an account's name belongs to that account.
    What was sent before is not sent again; what an earlier run left unclear is settled by reading the order.
    """
    settings = common.settings()
    files = files_meant(paths, settings, common.account)
    jobs = make_jobs(settings, files, common)
    ends = carry_out_jobs(settings, jobs, lambda job, journal: job.planned(journal, files[job.name]), common)
    tell(ends, common, several=len(files) > 1)
