"""One account's turn in `watch`: take files that are whole, run them or go on with what is left, move what has ended.

A turn runs in a thread of its own, so that no account waits for another, and no look at the folder for any of them.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from batch.clock import now_ms
from batch.end_of_run import Ended
from batch.errors import Exit, Fatal, FileChanged, ShipbatchError, UnreadableFile, gravest
from batch.inputs import copied_whole
from batch.journal.journal import Journal
from batch.journal.states import OPEN, State
from batch.moving import Left, Moved, Stays, move_file, move_files_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from batch.halts import Halts
    from batch.job import Job
    from batch.reading.table import Source
    from batch.settings import Settings


class Turns(Protocol):
    """Carries out the runs of turns, here or elsewhere."""

    @property
    def ends_at(self) -> float | None:
        """When the last one has to stop, monotonic seconds."""

    @property
    def is_well(self) -> bool:
        """Whether they can be carried out now."""

    def carry_out(self, job: Job, files: Sequence[Source] | None) -> Ended:
        """Run the files, or go on with what earlier runs left, until the account is to halt."""


@dataclass(slots=True)
class Handled:
    """What came of an account's turn."""

    ends: list[Ended] = field(default_factory=list)  # none: there was nothing to run
    run: list[Source] = field(default_factory=list)  # files that were run
    changed: list[Path] = field(default_factory=list)  # files that changed while they were read
    problems: dict[Path, str] = field(default_factory=dict)  # files that could not be taken, and why
    moved: list[Moved] = field(default_factory=list)
    stay: list[Stays] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)
    fault: bool = False  # the turn broke

    @property
    def exit_code(self) -> Exit:
        """The gravest of the runs' codes."""
        return gravest(*(end.exit_code for end in self.ends))


@dataclass(frozen=True, slots=True, kw_only=True)
class Handler:
    """Handles turns. `tell` is given each job with how it ended."""

    settings: Settings
    halts: Halts
    turns: Turns
    tell: Callable[[Sequence[Job], Sequence[Ended]], None]

    def handle(self, job: Job, files: Sequence[Path], lying: Mapping[Path, str], *, resume: bool) -> Handled:
        """Run the files and, to `resume`, go on with what earlier runs left; then move what has ended.

        `lying`: files of earlier runs that still lie in the folder, with their SHA-256.
        """
        handled = Handled()
        taken = self._taken(files, handled)
        try:
            if taken:
                self._run(job, taken, handled)
            if resume:
                self._resume(job, handled)
            if lying:
                self._move(job, lying, handled)
        except ShipbatchError as error:
            handled.ends.append(Ended(None, None, error.exit_code, str(error)))
            handled.problems |= {source.path: "" for source in taken if source not in handled.run}
        if handled.ends:
            self.tell([job] * len(handled.ends), handled.ends)
        return handled

    def _taken(self, files: Sequence[Path], handled: Handled) -> list[Source]:
        """Copy the files. One that changes meanwhile is not whole; one that cannot be read is tried again."""
        taken = []
        for file in files:
            try:
                taken.append(copied_whole(file, self.settings.state / "inputs"))
            except FileChanged:
                handled.changed.append(file)
            except (UnreadableFile, Fatal) as error:
                handled.problems[file] = str(error)
        return taken

    def _run(self, job: Job, files: Sequence[Source], handled: Handled) -> None:
        """Run the files together; where that breaks, each alone, so that the one it is due to stops no other."""
        end = self.turns.carry_out(job, files)
        if end.account is None and end.exit_code is Exit.FATAL and len(files) > 1:
            for file in files:
                self._run(job, [file], handled)
            return
        handled.ends.append(end)
        if end.account is None:
            handled.problems |= {file.path: "" for file in files}  # the run's own message says it
            return
        handled.run.extend(files)
        for one in move_files_of(end.account):
            _sort(one, handled)

    def _resume(self, job: Job, handled: Handled) -> None:
        with closing(Journal.open(self.settings.journal)) as journal:
            left = journal.in_states(job.account.seller, [State.PLANNED, *OPEN], due_by=now_ms())
        if left:
            end = self.turns.carry_out(job, None)
            if end.exit_code is not Exit.BUSY:  # whoever holds the account goes on with it
                handled.ends.append(end)

    def _move(self, job: Job, lying: Mapping[Path, str], handled: Handled) -> None:
        with closing(Journal.open(self.settings.journal)) as journal:
            for path, sha256 in lying.items():
                one = move_file(journal, self.settings, job.account.seller, path, sha256)
                if isinstance(one, Moved | Left):
                    _sort(one, handled)


def _sort(one: Moved | Stays | Left, handled: Handled) -> None:
    if isinstance(one, Moved):
        handled.moved.append(one)
    elif isinstance(one, Stays):
        handled.stay.append(one)
    else:
        handled.left.append(one)
