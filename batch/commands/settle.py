"""`shipbatch settle`."""

from __future__ import annotations

from pathlib import Path

import click

from batch.commands.completion import accounts
from batch.commands.options import config_option

_EPILOG = """\b
Examples:
  shipbatch settle 309121065891123 --as shipped --note "Seller Center shows it, 24 November"
  shipbatch settle 309121065891123 --as send --note "not there, and Walmart's support says so too"
  shipbatch settle 309121065891123 --as drop --note "the parcel came back"
"""


@click.command(epilog=_EPILOG)
@click.argument("order_id", metavar="PO")
@click.option(
    "--as",
    "decision",
    type=click.Choice(["shipped", "send", "drop"]),
    required=True,
    help="shipped: it is. send: it is not; `resume` sends it. drop: it is never to be sent.",
)
@click.option("--note", required=True, metavar="TEXT", help="Why; it stays in the journal beside your name.")
@config_option
@click.option(
    "--account",
    metavar="NAME",
    shell_complete=accounts,
    help="Whose order, where several accounts have one of that number.",
)
@click.option("--wait", is_flag=True, help="Wait where another run holds the account.")
def settle(*, order_id: str, decision: str, note: str, config: Path | None, account: str | None, wait: bool) -> None:
    """Decide what became of a held, unknown or planned order, or what is to become of it.

    The decision is journalled with your name and the time. Nothing is sent by this command.
    """
    from batch.decision import Decision, settle_order
    from batch.settings import load

    for line in settle_order(load(config), order_id, Decision(decision), note, account=account, wait=wait):
        click.echo(line)
