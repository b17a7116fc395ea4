"""From what the command line says to jobs, and from how they ended to what is printed."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import click

from batch.cli import complain
from batch.commands.printing import heard_or_not, show
from batch.errors import Exit, UsageError, gravest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from pathlib import Path

    from batch.beginning import WithFiles, WithLeftovers
    from batch.cluster.sending_far import Far
    from batch.commands.options import Common
    from batch.end_of_run import Ended
    from batch.job import Job
    from batch.sending import Sending
    from batch.settings import Account, Settings
    from batch.terminal import Terminal


_STAYS = "stays until the rest of its rows have ended"


def account_named(settings: Settings, name: str) -> Account:
    """Return the account of that name. Raises UsageError where the settings have none."""
    if name not in settings.accounts:
        there_are = ", ".join(sorted(settings.accounts))
        raise UsageError(
            f"There is no account '{name}' in the settings; "
            + (f"there are: {there_are}." if there_are else "`shipbatch init` asks for what it needs.")
        )
    return settings.accounts[name]


def accounts_meant(settings: Settings, name: str | None) -> list[str]:
    """Return the account that was named, else all of them. Raises UsageError where there is none."""
    names = [name] if name else sorted(settings.accounts) or ["default"]
    for one in names:
        account_named(settings, one)
    return names


def files_meant(paths: Iterable[str], settings: Settings, name: str | None) -> dict[str, list[Path]]:
    """Return the input files by account; an empty folder is the chosen account's, with nothing to do."""
    from batch.accounts import files_by_account

    found = files_by_account(paths, settings.accounts, name) or {name or "default": []}
    for account in found:
        account_named(settings, account)
    return found


def account_to_use(settings: Settings, name: str) -> Account:
    """Return the account of that name, and warn where others can read its secrets. Raises UsageError."""
    from batch.private import exposed_secrets

    account = account_named(settings, name)
    for warning in exposed_secrets(account):
        click.secho(f"Warning: {warning}", err=True, fg="yellow")
    return account


def make_jobs(settings: Settings, names: Collection[str], common: Common) -> list[Job]:
    """Return a job for each account."""
    from batch.job import Job

    return [
        Job(
            settings=settings,
            name=name,
            account=account_to_use(settings, name),
            reports=common.report,
            profile=common.profile,
            wait=common.wait,
        )
        for name in names
    ]


def carry_out_jobs(
    settings: Settings, jobs: Sequence[Job], begin: WithFiles | WithLeftovers, common: Common
) -> list[Ended]:
    """Carry out the jobs, here or by a cluster, with progress on a terminal and a log elsewhere."""
    ends = _carried_out_far if common.cluster else _carried_out_here
    found = ends(settings, jobs, begin, common)
    _tell_others(settings, jobs, found)
    return found


def _carried_out_here(
    settings: Settings, jobs: Sequence[Job], begin: WithFiles | WithLeftovers, common: Common
) -> list[Ended]:
    from batch.job import carry_out
    from batch.journal.journal import Journal

    with closing(Journal.open(settings.journal)) as journal:
        return carry_out(jobs, journal, begin, sending(settings, common))


def _carried_out_far(
    settings: Settings, jobs: Sequence[Job], begin: WithFiles | WithLeftovers, common: Common
) -> list[Ended]:
    return sending_far(settings, common).carry_out(settings, jobs, begin)


def _tell_others(settings: Settings, jobs: Sequence[Job], ends: Sequence[Ended]) -> None:
    """Tell people, Prometheus and a dead-man's switch, where the settings name any."""
    if not (settings.notify.urls or settings.notify.heartbeat_url.get_secret_value() or settings.metrics.textfile):
        return
    from batch.metrics import Figures
    from batch.telling import Telling

    Telling(settings=settings, complain=complain, figures=Figures()).after(jobs, ends)


def refuse_stopped(paths: Iterable[str], accounts: Iterable[str]) -> None:
    """Raise Paused where a folder that is meant, or an account's in it, has a file STOP."""
    from pathlib import Path

    from batch.drop_folder import has_stop
    from batch.errors import Paused

    for path in map(Path, paths):
        for folder in (path, *(path / name for name in accounts)):
            if has_stop(folder):
                raise Paused(f"{folder / 'STOP'}: nothing is sent from this folder until that file is gone.")


def move_files(ends: Iterable[Ended], *, quiet: bool) -> None:
    """Move the files of runs that have ended, and say where each is now."""
    from batch.moving import Left, Moved, move_files_of

    for end in ends:
        for one in move_files_of(end.account) if end.account is not None else ():
            if isinstance(one, Left):
                complain(one.reason)
            elif not quiet:
                said = f"{one.origin}: moved to {one.path}" if isinstance(one, Moved) else f"{one.path}: {_STAYS}"
                click.echo(said, err=True)


def sending(settings: Settings, common: Common, console: Terminal | None = None) -> Sending:
    """Return how to send: until when, and who watches. `console`: the terminal on which others speak meanwhile."""
    from batch.progress import follower
    from batch.sending import Sending

    return Sending(
        zone=settings.zone,
        grace=settings.grace,
        ends_at=_ends_at(settings, common),
        follow=follower(
            quiet=common.quiet, log_format=settings.log_format, timezone=settings.timezone, console=console
        ),
    )


def sending_far(settings: Settings, common: Common, console: Terminal | None = None) -> Far:
    """Return how to send by a cluster. `console`: as of `sending`."""
    from batch.cluster.sending_far import Far
    from batch.logs import say
    from batch.progress import onlooker
    from batch.settings import settings_file

    assert common.cluster is not None  # noqa: S101 - whoever calls has looked
    return Far(
        address=common.cluster,
        config=settings_file(common.config).absolute(),
        look=onlooker(quiet=common.quiet, log_format=settings.log_format, timezone=settings.timezone, console=console),
        tell=say,
        ends_at=_ends_at(settings, common),
    )


def _ends_at(settings: Settings, common: Common) -> float | None:
    """Return when sending has to stop, monotonic seconds: the earlier of --until and --for."""
    lasts = [] if common.for_ is None else [common.for_]
    if common.until is not None:
        now = datetime.now(settings.zone)
        hour, minute = common.until
        end = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
        lasts.append(((end if end > now else end + timedelta(days=1)) - now).total_seconds())
    return time.monotonic() + min(lasts) if lasts else None


def tell(ends: Sequence[Ended], common: Common, *, several: bool = False) -> None:
    """Print how the jobs ended, and exit with the gravest of their codes. `several`: there are several accounts."""
    code = gravest(*(end.exit_code for end in ends))
    with heard_or_not():
        if common.as_json:
            _print_json(ends, code, several=several)
        elif not common.quiet:
            _print_accounts(ends)
    for message in dict.fromkeys(end.message for end in ends if end.message):
        complain(message)
    if code is not Exit.OK:
        raise click.exceptions.Exit(code)


def _print_json(ends: Sequence[Ended], code: Exit, *, several: bool) -> None:
    from batch.report.summary import encoded, summary

    summaries = [summary(replace(end.account, exit_code=end.exit_code)) for end in ends if end.account is not None]
    if several:
        click.echo(encoded({"runs": summaries, "exit_code": int(code)}), nl=False)
    elif summaries:
        click.echo(encoded(summaries[0]), nl=False)


def _print_accounts(ends: Sequence[Ended]) -> None:
    from batch.report.terminal import describe

    show(*(describe(end.account, end.report) for end in ends if end.account is not None))
