"""`shipbatch doctor`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from batch.commands.completion import accounts
from batch.commands.options import config_option

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from batch.finding import Finding

_EPILOG = """\b
Examples:
  shipbatch doctor
  shipbatch doctor --account outlet
  shipbatch doctor --json | jq '.findings[] | select(.standing != "well")'

\b
The exit code is that with which a run would end:
  0  all is well, or only warnings      4  the marketplace cannot be reached; orders are left over
  2  settings or credentials files      5  some outcomes are unknown
  6  the marketplace does not know us; the clock, the journal, a folder or the disk is wrong
"""


@click.command(epilog=_EPILOG)
@config_option
@click.option("--account", metavar="NAME", shell_complete=accounts, help="Look at this account only.")
@click.option("--json", "as_json", is_flag=True, help="Print what was found as JSON, alone on standard output.")
def doctor(*, config: Path | None, account: str | None, as_json: bool) -> None:
    """Look whether all is well for the next run, and say how to mend what is not.

    Settings, credentials, the marketplace (one harmless reading for each account), the clock, profiles, the journal and
    what is left over in it, folders, disk. Nothing is made, sent or changed.
    """
    from batch.commands.findings import print_findings
    from batch.errors import Exit, gravest

    coming = _found(config, account)
    found = list(coming) if as_json else print_findings(coming)
    code = gravest(*(one.exit_code for one in found))
    if as_json:
        _print_json(found, code)
    if code is not Exit.OK:
        raise click.exceptions.Exit(code)


def _found(config: Path | None, account: str | None) -> Iterator[Finding]:
    from batch.commands.running import account_named
    from batch.doctor import examine, mistaken_settings
    from batch.errors import SettingsError
    from batch.settings import load, settings_file

    try:
        settings = load(config)
    except SettingsError as error:
        return mistaken_settings(error)
    accounts = {account: account_named(settings, account)} if account else settings.accounts
    return examine(settings, accounts, settings_file(config))


def _print_json(found: Sequence[Finding], code: int) -> None:
    import orjson

    told = [
        {
            "about": one.about,
            "account": one.account,
            "standing": one.standing,
            "said": one.said,
            "mend": one.mend,
            "exit_code": int(one.exit_code),
        }
        for one in found
    ]
    click.echo(orjson.dumps({"findings": told, "exit_code": int(code)}, option=orjson.OPT_INDENT_2))
