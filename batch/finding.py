"""What `doctor` and `init` find: whether a thing is well, and how to mend it where it is not."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from batch.errors import Exit


class Standing(StrEnum):
    """How a thing stands."""

    WELL = "well"
    WARNING = "warning"  # runs go on, but somebody should look
    WRONG = "wrong"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at. `said` and `mend` are sentences."""

    about: str
    standing: Standing
    said: str
    mend: str = ""
    account: str = ""  # blank where it is not one account's
    exit_code: Exit = Exit.OK  # with which a run would end, or `doctor` itself


def well(about: str, said: str, *, account: str = "") -> Finding:
    """Return that a thing is well."""
    return Finding(about=about, standing=Standing.WELL, said=said, account=account)


def warning(about: str, said: str, mend: str = "", *, account: str = "", exit_code: Exit = Exit.OK) -> Finding:
    """Return that somebody should look at a thing."""
    return Finding(about=about, standing=Standing.WARNING, said=said, mend=mend, account=account, exit_code=exit_code)


def wrong(about: str, said: str, mend: str = "", *, account: str = "", exit_code: Exit = Exit.FATAL) -> Finding:
    """Return that a thing keeps runs from doing their work."""
    return Finding(about=about, standing=Standing.WRONG, said=said, mend=mend, account=account, exit_code=exit_code)
