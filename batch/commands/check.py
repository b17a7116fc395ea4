"""`shipbatch check`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from batch.commands.completion import files
from batch.commands.options import sending_options
from batch.commands.running import account_to_use, files_meant, tell

if TYPE_CHECKING:
    from batch.commands.options import Common

_EPILOG = """\b
Examples:
  shipbatch check warehouse.xlsx
  shipbatch check exports/ --report checked     with a report to look at
  shipbatch check warehouse.xlsx --remote       read each order: what would become of it, which miss their deadline
"""


@click.command(epilog=_EPILOG)
@click.option("--remote", is_flag=True, help="Read each order at the marketplace, too; still nothing is sent.")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", shell_complete=files)
@sending_options
def check(*, paths: tuple[str, ...], remote: bool, common: Common) -> None:
    """Make the same plan as `run`, and send nothing.

    Says what would be sent, what is wrong with the other rows, and how long sending will take. Orders that were sent
    before are known from the journal, if there is one. A report is written only with --report.
    """
    from batch.checking import Checking
    from batch.end_of_run import reported
    from batch.errors import UsageError

    if common.cluster is not None:
        raise UsageError("--cluster: check sends nothing, so it needs no workers; leave it out.")
    settings = common.settings()
    files = files_meant(paths, settings, common.account)
    checks = [
        Checking(settings=settings, name=name, account=account_to_use(settings, name), profile=common.profile)
        for name in files
    ]
    ends = [one.of(files[one.name], remote=remote) for one in checks]
    if common.report is not None:
        ends = [reported(end, common.report) for end in ends]
    tell(ends, common, several=len(files) > 1)
