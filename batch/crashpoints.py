"""The durable steps of a run, by name, at each of which a test may let the process die.

What is on disk at that moment is all that the next run knows, and it must be enough. Unless a test has armed it, which
it does with an environment variable, a step costs one comparison.

    _SHIPBATCH_CRASH_AT="7"                die at the seventh step, whichever it is
    _SHIPBATCH_CRASH_AT="a call leaves 2"  die at the second step of this name
"""

from __future__ import annotations

import os
from enum import StrEnum

VARIABLE = "_SHIPBATCH_CRASH_AT"
KILLED = 137  # exit code, as a shell tells of a process that was killed with SIGKILL


class Step(StrEnum):
    """A moment at which something has just become durable, or is about to."""

    JOURNAL_MADE = "the journal's file is made"
    TRANSACTION_WRITTEN = "a transaction is written, not yet committed"
    TRANSACTION_COMMITTED = "a transaction is committed"
    COPY_WRITTEN_ASIDE = "a file's copy is written aside"
    COPY_IN_PLACE = "a file's copy is in its place"
    CALL_LEAVES = "a call leaves"
    ANSWER_CAME = "an answer came"
    REPORT_WRITTEN_ASIDE = "the report is written aside"
    REPORT_STEPPED_ASIDE = "the report before has stepped aside"
    REPORT_IN_PLACE = "the report is in its place"


class _Countdown:
    """Counts the steps until the one at which to die."""

    def __init__(self, wanted: str) -> None:
        name, _, number = wanted.rpartition(" ")
        self.name = name  # blank: whichever
        self.left = int(number) if number else 0  # 0: not armed

    def pass_(self, step: Step) -> None:
        if self.name in ("", step):
            self.left -= 1
            if self.left == 0:
                os.write(2, f"Died where {step}.\n".encode())
                os._exit(KILLED)  # no clean-up of any kind: as a kill -9 or a power cut


_countdown = _Countdown(os.environ.get(VARIABLE, ""))


def reached(step: Step) -> None:
    """Note that a durable step is reached; a process that is armed for it dies here."""
    if _countdown.left:
        _countdown.pass_(step)


def arm(wanted: str) -> None:
    """Choose anew where to die; blank: nowhere."""
    global _countdown  # noqa: PLW0603 - one process, one death
    _countdown = _Countdown(wanted)
