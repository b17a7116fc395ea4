"""`shipbatch init`."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from batch.commands.options import config_option

_PATH = click.Path(path_type=Path)
_AGAIN = "Mend that in the settings, or with `shipbatch init --force`; `shipbatch doctor` looks again."
_EPILOG = """\b
Examples:
  shipbatch init                                asks what it needs
  shipbatch init --client-id 1a2b --secret-file secret.txt
  pass show walmart | shipbatch init --client-id 1a2b --secret-stdin
  shipbatch init --api walmart-canada --consumer-id 1a2b --channel-type 3c4d --key-file key.pem

\b
A secret is never given as an option: others on this machine could read it there.
"""


@click.command(epilog=_EPILOG)
@config_option
@click.option("--account", default="default", show_default=True, metavar="NAME", help="What to call the account.")
@click.option("--api", metavar="NAME", help="walmart-global, or walmart-canada for the legacy API with signatures.")
@click.option("--base-url", metavar="URL", help="Another address than the marketplace's own, e.g. a sandbox's.")
@click.option("--client-id", metavar="ID", help="Of the Global API.")
@click.option("--secret-file", type=_PATH, metavar="FILE", help="Where the client secret lies already.")
@click.option("--secret-stdin", is_flag=True, help="Read the client secret from standard input, and store it.")
@click.option("--consumer-id", metavar="ID", help="Of the legacy API.")
@click.option("--channel-type", metavar="ID", help="Of the legacy API.")
@click.option("--key-file", "private_key_file", type=_PATH, metavar="FILE", help="Of the legacy API: the private key.")
@click.option("--timezone", metavar="ZONE", help="Of ship times that name none; else America/Toronto.")
@click.option("--ship-from", "ship_from_country", metavar="CC", help="Where goods are sent from; else CA.")
@click.option("--force", is_flag=True, help="Write settings anew that are there; the old ones are kept beside them.")
@click.option("--no-visit", is_flag=True, help="Do not ask the marketplace whether it accepts the account.")
def init(*, config: Path | None, force: bool, no_visit: bool, **given: Any) -> None:  # noqa: ANN401 - a value for each option
    """Ask the few questions, write the settings, and see whether the marketplace accepts the account.

    What is given as an option is not asked; without a terminal nothing is. Settings and secret are written for your
    eyes only. The marketplace is asked with one harmless reading.
    """
    from batch.commands.asking import Asking
    from batch.errors import Exit
    from batch.first_settings import refuse_to_overwrite, write_first
    from batch.settings import settings_file

    file = settings_file(config).absolute()
    refuse_to_overwrite([file], anew=force)
    account, secret = Asking(given, at_terminal=sys.stdin.isatty()).account(file.parent)
    for path in write_first(file, account, secret, anew=force):
        click.echo(f"Written, for your eyes only: {path}")
    code = Exit.OK if no_visit else _visit(file, account.name)
    click.echo("Next: `shipbatch check FILE` says what would be sent." if code is Exit.OK else _AGAIN)
    if code is not Exit.OK:
        raise click.exceptions.Exit(code)


def _visit(file: Path, name: str) -> int:
    """See whether the marketplace accepts the account that was just written; return the exit code."""
    from batch.commands.findings import print_findings
    from batch.doctor import examine_accounts, mistaken_settings
    from batch.errors import SettingsError, gravest
    from batch.settings import load

    try:
        coming = examine_accounts({name: load(file).accounts[name]})
    except SettingsError as error:
        coming = mistaken_settings(error)
    return gravest(*(one.exit_code for one in print_findings(coming)))
