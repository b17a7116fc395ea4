"""`shipbatch watch`."""

from __future__ import annotations

import sys
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from batch.cli import complain
from batch.commands.options import sending_options
from batch.commands.running import accounts_meant, make_jobs, sending, sending_far

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from batch.commands.options import Common
    from batch.errors import Exit
    from batch.halts import Halts
    from batch.handling import Turns
    from batch.job import Job
    from batch.settings import Settings
    from batch.telling import Telling
    from batch.terminal import Terminal
    from batch.watch_voice import Voice

_EPILOG = """\b
Examples:
  shipbatch watch drop/
  shipbatch watch /mnt/warehouse --account outlet
  shipbatch watch drop/ --json >> runs.jsonl
  shipbatch watch drop/ --cluster tcp://scheduler.example:8786
  touch drop/STOP     pause; what is being sent stops in good order
  rm drop/STOP        go on
"""


@click.command(epilog=_EPILOG)
@click.argument("folder", type=click.Path(path_type=Path), metavar="FOLDER")
@sending_options
def watch(*, folder: Path, common: Common) -> None:
    """Run every file that is dropped into a folder, whole and once, and go on with what is left over.

    A finished file goes into done/, to_fix/ or unreadable/ there, with its report next to it. A sub-folder with an
    account's name belongs to that account. A file STOP in the folder pauses. Runs until it is told to end.
    """
    from batch.errors import Exit

    settings = common.settings()
    default = common.account or next((name for name in (folder.name, "default") if name in settings.accounts), "")
    names = accounts_meant(settings, None)
    jobs = {job.name: replace(job, dropped=True, wait=False) for job in make_jobs(settings, names, common)}
    code = _watched(folder, default, jobs, settings, common)
    if code is not Exit.OK:
        raise click.exceptions.Exit(code)


def _watched(folder: Path, account: str, jobs: Mapping[str, Job], settings: Settings, common: Common) -> Exit:
    from concurrent.futures import ThreadPoolExecutor

    from batch.ending import Ending
    from batch.halts import Halts
    from batch.handling import Handler
    from batch.hints import Hints
    from batch.lock import folder_lock
    from batch.metrics import Figures, Totals
    from batch.telling import Telling
    from batch.watch import Machinery, Watch
    from batch.watch_voice import Voice

    _check(folder, jobs)
    figures = Figures()
    telling = Telling(settings=settings, complain=complain, figures=figures, totals=Totals(figures.registry))
    console = _console(settings, common)
    ending = Ending()
    voice = Voice(settings.zone, console=console, print_json=_print_json if common.as_json else None)
    with ExitStack() as held:
        held.enter_context(folder_lock(folder, wait=common.wait))
        hints = held.enter_context(Hints(folder))
        held.enter_context(ending.on_signals(hints.wake))
        held.enter_context(_served(settings, telling))
        halts = Halts()
        here = [name for name in jobs if name == account or (folder / name).is_dir()]
        turns = held.enter_context(_turns(settings, here, common, halts, voice, console))
        handler = Handler(settings=settings, halts=halts, turns=turns, tell=telling.after)
        executor = ThreadPoolExecutor(len(jobs), thread_name_prefix="turn")
        machinery = Machinery(ending=ending, hints=hints, executor=executor)
        watching = Watch(folder, account, jobs, handler=handler, voice=voice, times=settings.watch, machinery=machinery)
        held.enter_context(telling.meanwhile(list(jobs.values()), lambda: watching.sees and turns.is_well))
        voice.say(f"Watching {folder} for {_named(account, jobs)}. A file STOP in it pauses; Ctrl-C ends.")
        return watching.run(turns.ends_at)


@contextmanager
def _turns(
    settings: Settings, accounts: Sequence[str], common: Common, halts: Halts, voice: Voice, console: Terminal | None
) -> Iterator[Turns]:
    """Give what carries out runs, here or by a cluster. `accounts`: who is known to send."""
    if common.cluster is None:
        from batch.turns_here import TurnsHere

        yield TurnsHere(sending=sending(settings, common, console), halts=halts)
        return
    from batch.cluster.turns_far import turns_far

    with turns_far(sending_far(settings, common, console), settings, accounts, halts, voice) as turns:
        yield turns


def _check(folder: Path, jobs: Mapping[str, Job]) -> None:
    """Refuse what cannot be meant: no folder, or a sub-folder that is no account's."""
    from batch.accounts import files_by_account
    from batch.errors import UsageError

    if not folder.is_dir():
        raise UsageError(f"{folder}: there is no such folder.")
    files_by_account([str(folder)], jobs)


def _named(account: str, jobs: Mapping[str, Job]) -> str:
    others = [name for name in jobs if name != account]
    of_sub_folders = f"its sub-folders' accounts ({', '.join(others)})" if others else ""
    return " and ".join(part for part in (f"account {account}" if account else "", of_sub_folders) if part)


def _console(settings: Settings, common: Common) -> Terminal | None:
    """Return the terminal to speak on, None where there is none or where it is to be a log."""
    from batch.terminal import Terminal

    people = sys.stderr.isatty() and settings.log_format == "text" and not common.quiet
    return Terminal(file=sys.stderr) if people else None


def _print_json(summary: dict[str, Any]) -> None:
    import orjson

    click.echo(orjson.dumps(summary))


@contextmanager
def _served(settings: Settings, telling: Telling) -> Iterator[None]:
    """Serve the metrics while the block lasts, if that is wanted and possible."""
    from batch.metrics import served

    metrics = settings.metrics
    if metrics.port is None:
        yield
        return
    with ExitStack() as opened:
        try:
            port = opened.enter_context(served(telling.figures, metrics.port, metrics.address))
        except OSError as error:
            complain(
                f"metrics.port: the figures cannot be served on {metrics.address}:{metrics.port}: {error.strerror}."
            )
        else:
            click.echo(f"Metrics: http://{metrics.address}:{port}/metrics", err=True)
        yield
