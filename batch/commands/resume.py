"""`shipbatch resume`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from batch.commands.options import sending_options
from batch.commands.running import accounts_meant, carry_out_jobs, make_jobs, tell

if TYPE_CHECKING:
    from batch.commands.options import Common

_EPILOG = """\b
Examples:
  shipbatch resume
  shipbatch resume --refused --account outlet
  shipbatch resume --cluster tcp://scheduler.example:8786
"""


@click.command(epilog=_EPILOG)
@click.option("--refused", is_flag=True, help="Send again, too, what the marketplace refused.")
@sending_options
def resume(*, refused: bool, common: Common) -> None:
    """Go on with what earlier runs left: not attempted and due, unknown, interrupted.

    Without --account for all accounts. It is a run of its own, with a report of its own.
    """
    from batch.beginning import WithLeftovers

    settings = common.settings()
    names = accounts_meant(settings, common.account)
    jobs = make_jobs(settings, names, common)
    ends = carry_out_jobs(settings, jobs, WithLeftovers(refused), common)
    tell(ends, common, several=len(names) > 1)
