"""Everything that can end a command, by meaning.

    ShipbatchError
    ├── UsageError              2  the command line or the settings are wrong
    │   └── SettingsError       2  every mistake of the settings at once
    ├── UnreadableFile          3  one input file cannot be read
    │   └── FileChanged         3  it changed while it was read
    ├── Fatal                   6  nothing more may be sent
    │   ├── CredentialsRefused  6  the marketplace does not accept who we say we are
    │   ├── WrongAccount        6  none of the orders is this account's
    │   ├── JournalFailed       6  what we do can no longer be recorded; 4 where that may pass by itself: its server
    │   │                          went away in mid-run (batch.journal.database), or another run took the account
    │   │                          over (batch.journal.fence)
    │   └── AccountsDoNotAdd    6  a row was lost or counted twice
    ├── Paused                  4  a file STOP lies in the folder
    ├── AccountBusy             7  another run holds the account
    ├── FolderBusy              7  another watch has the folder
    └── NotBegun                   the run was told to stop before it began; the code says by what

A class's docstring is its message where none is given; `exit_code` is the command's.
"""

from __future__ import annotations

from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of all commands."""

    OK = 0
    NEEDS_PERSON = 1
    USAGE = 2
    UNREADABLE = 3
    TEMPORARY = 4
    UNKNOWN = 5
    FATAL = 6
    BUSY = 7
    INTERRUPTED = 130
    TERMINATED = 143


# Where several apply, the gravest counts.
_GRAVEST_FIRST = (
    Exit.FATAL,
    Exit.TERMINATED,
    Exit.INTERRUPTED,
    Exit.BUSY,
    Exit.UNKNOWN,
    Exit.TEMPORARY,
    Exit.UNREADABLE,
    Exit.USAGE,
    Exit.NEEDS_PERSON,
    Exit.OK,
)


def gravest(*codes: Exit) -> Exit:
    """Return the gravest of the exit codes, `OK` for none."""
    return min((*codes, Exit.OK), key=_GRAVEST_FIRST.index)


class ShipbatchError(Exception):
    """Something went wrong."""

    exit_code = Exit.FATAL

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class UsageError(ShipbatchError):
    """The command cannot be carried out as given."""

    exit_code = Exit.USAGE


class SettingsError(UsageError):
    """The settings have mistakes."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


class UnreadableFile(ShipbatchError):  # noqa: N818 - named by its meaning
    """The file cannot be read."""

    exit_code = Exit.UNREADABLE


class FileChanged(UnreadableFile):
    """The file changed while it was read."""


class Fatal(ShipbatchError):  # noqa: N818 - named by its meaning
    """The run cannot go on."""

    exit_code = Exit.FATAL


class CredentialsRefused(Fatal):
    """The marketplace refused the credentials."""


class WrongAccount(Fatal):
    """None of the orders is known to this account; perhaps it is the wrong account or market."""


class JournalFailed(Fatal):
    """The journal cannot be written, so nothing more is sent."""


class AccountsDoNotAdd(Fatal):
    """The report does not account for every row exactly once."""


class Paused(ShipbatchError):  # noqa: N818 - named by its meaning
    """A file STOP lies in the folder."""

    exit_code = Exit.TEMPORARY


class AccountBusy(ShipbatchError):  # noqa: N818 - named by its meaning
    """Another run holds the account."""

    exit_code = Exit.BUSY


class FolderBusy(ShipbatchError):  # noqa: N818 - named by its meaning
    """Another watch has the folder."""

    exit_code = Exit.BUSY


class NotBegun(ShipbatchError):  # noqa: N818 - named by its meaning
    """The run was told to stop before it began."""

    def __init__(self, exit_code: Exit, message: str) -> None:
        super().__init__(message)
        self.exit_code = exit_code
