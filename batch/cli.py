"""The command line: which commands there are, and what any of them says when it cannot go on.

Each command stands in a module of its own name below `batch.commands`. They parse, call and print. What is heavy is
imported where it is used, so that `--help` is there at once.
"""

from __future__ import annotations

import signal
import sys
import traceback
from importlib import import_module
from typing import NoReturn

import click

from batch.commands.printing import hush
from batch.errors import Exit, ShipbatchError

COMMANDS = (
    "run",
    "check",
    "resume",
    "watch",
    "settle",
    "history",
    "order",
    "report",
    "profiles",
    "sandbox",
    "doctor",
    "init",
    "schedule",
    "prune",
)
"""In the order in which `--help` lists them: what is done every day first."""

_EPILOG = """\b
Examples:
  shipbatch sandbox --ship data/shipbatch/november.csv   try it, nothing leaves this machine
  shipbatch init                                         set up an account, with a few questions
  shipbatch check warehouse.xlsx                         what would be sent, what is wrong
  shipbatch run warehouse.xlsx                           send it
  shipbatch resume                                       go on with what is left

\b
Exit codes:
  0  all is shipped or skipped     4  try again later: `resume`
  1  some rows need a person       5  some outcomes are unknown
  2  usage or settings             6  fatal: nothing more is sent
  3  a file could not be read      7  another run holds the account
  130/143  interrupted

\b
To complete commands, accounts, runs and files with the tab key, put into
  ~/.bashrc                       eval "$(_SHIPBATCH_COMPLETE=bash_source shipbatch)"
  ~/.zshrc                        eval "$(_SHIPBATCH_COMPLETE=zsh_source shipbatch)"
  ~/.config/fish/config.fish      _SHIPBATCH_COMPLETE=fish_source shipbatch | source
"""


class Commands(click.Group):
    """Finds a command in the module of its name, and lists them in our own order."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the library's signature
        """Return the names of all commands."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the same
        """Return the command of that name, None where there is none."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"batch.commands.{cmd_name}"), cmd_name)
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Carry the command out. Where nobody reads its output any more, nobody need be told."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            hush()
            raise click.exceptions.Exit(128 + signal.SIGPIPE) from None


def _version(context: click.Context, _parameter: click.Parameter, wanted: bool) -> None:  # noqa: FBT001 - the library's
    if wanted:
        from importlib import metadata  # noqa: PLC0415 - brings the modules for mail along

        click.echo(f"shipbatch {metadata.version('shipbatch')}")
        context.exit()


@click.group(cls=Commands, epilog=_EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, expose_value=False, is_eager=True, callback=_version, help="Say which it is.")
def cli() -> None:
    """Mark every order of a shipping spreadsheet as shipped on Walmart's Canadian marketplace.

    Exactly once, in deadline order, with an account of every row.
    """


def main() -> NoReturn:
    """Run the command line and exit with its code. One sentence for everything that was foreseen."""
    try:
        code = cli(prog_name="shipbatch", standalone_mode=False)
    except click.exceptions.Exit as end:
        code = end.exit_code
    except click.Abort:
        code = Exit.INTERRUPTED
    except click.ClickException as error:
        error.show()
        code = Exit.USAGE
    except ShipbatchError as error:
        complain(str(error))
        code = error.exit_code
    except KeyboardInterrupt:
        code = Exit.INTERRUPTED
    except Exception:  # noqa: BLE001 - whatever else it is, it is a fault of ours
        traceback.print_exc()
        complain("A fault of shipbatch itself; nothing more was sent. `shipbatch resume` goes on.")
        code = Exit.FATAL
    sys.exit(code or 0)


def complain(message: str) -> None:
    """Say on standard error what keeps us from going on: each line a sentence."""
    for line in message.splitlines():
        click.secho(line, err=True, fg="red")
