"""What is installed on this machine, as `schedule` needs to know it."""

from __future__ import annotations

import os
import pwd
import shutil
import stat
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url

from batch.errors import UsageError
from batch.lock import locks_folder
from batch.schedule import Installation
from batch.settings import CONFIG_VARIABLE, ENVIRONMENT_PREFIX, load, settings_file

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batch.settings import Settings

DROP = "drop"  # the folder beside the settings, where none is named
_STATE_HOME = "XDG_STATE_HOME"


def installation(config: Path | None, folder: Path | None, *, at: tuple[int, int], user: str | None) -> Installation:
    """Return this installation. Raises UsageError and SettingsError for one that could not run."""
    file = settings_file(config).absolute()
    if not file.is_file():
        raise UsageError(f"{file}: there is no settings file yet; `shipbatch init` writes one.")
    settings = load(file)
    person = _person(user)
    drop = (folder or file.parent / DROP).absolute()
    written = _written(settings, drop, person)
    here = Installation(
        command=_command(),
        settings=file,
        folder=drop,
        accounts=tuple(sorted(settings.accounts)),
        written=written,
        user=person.pw_name,
        at=at,
        timezone=settings.timezone,
        quiet=settings.watch.quiet,
        grace=settings.grace,
        environment={_STATE_HOME: os.environ[_STATE_HOME]} if _own_state(person) else {},
        missing=tuple(path for path in (drop, *written) if not path.exists()),
    )
    for path in (*here.command, file, drop, *written):
        if not str(path).isprintable():
            raise UsageError(f"{str(path)!r}: no unit can hold this path; rename it.")
    return here


def traps(config: Path | None, here: Installation) -> Iterator[str]:
    """Tell of what works here and now, and would not at night."""
    if here.user == "root":
        yield "this runs as root; make a user for it and give --user."
    for name in sorted(os.environ):
        if name.startswith(ENVIRONMENT_PREFIX) and name != CONFIG_VARIABLE:
            yield f"{name} is set here and will not be at night; put it into the settings."
    accounts = load(config).accounts
    secrets = [file for one in accounts.values() for file in (one.client_secret_file, one.private_key_file)]
    for path in dict.fromkeys([here.settings, *secrets]):
        if path is not None and path.exists() and not _readable(path, pwd.getpwnam(here.user)):
            yield f"{path} cannot be read by {here.user}; give it to them: chown {here.user} {path}"
    for name, account in accounts.items():
        if account.client_secret_keyring or account.private_key_keyring:
            yield f"account {name}: nobody unlocks the keyring at night; put the secret into a file."


def _readable(file: Path, person: pwd.struct_passwd) -> bool:
    there = file.stat()
    if person.pw_uid in (0, there.st_uid):
        return True
    of_group = there.st_gid in os.getgrouplist(person.pw_name, person.pw_gid)
    return bool(there.st_mode & (stat.S_IRGRP if of_group else stat.S_IROTH))


def _person(name: str | None) -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(name) if name else pwd.getpwuid(os.getuid())
    except KeyError:
        who = name or os.getuid()
        raise UsageError(
            f"There is no user {who} on this machine; make one first: useradd --system --create-home {who}"
        ) from None


def _own_state(person: pwd.struct_passwd) -> bool:
    """Whether whoever asks is whom it runs as, and keeps their state in a place of their own."""
    return person.pw_uid == os.getuid() and bool(os.environ.get(_STATE_HOME))


def _command() -> tuple[str, ...]:
    """Return how this very shipbatch is started."""
    beside = Path(sys.executable).with_name("shipbatch")
    found = str(beside) if beside.is_file() else shutil.which("shipbatch")
    return (str(Path(found).absolute()),) if found else (sys.executable, "-m", "batch")


def _written(settings: Settings, folder: Path, person: pwd.struct_passwd) -> tuple[Path, ...]:
    """Return the folders that a run writes to, each once and none that lies within another."""
    own = person.pw_uid == os.getuid()
    folders = [
        settings.state,
        settings.reports,
        locks_folder() if own else Path(person.pw_dir) / ".local/state/shipbatch/locks",
    ]
    journal = make_url(settings.journal)
    if journal.get_backend_name() == "sqlite" and journal.database:
        folders.append(Path(journal.database).parent)
    if settings.metrics.textfile is not None:
        folders.append(settings.metrics.textfile.parent)
    others = dict.fromkeys(folders)
    return tuple(
        one
        for one in others
        if not any(one != other and one.is_relative_to(other) for other in (*others, folder)) and one != folder
    )
