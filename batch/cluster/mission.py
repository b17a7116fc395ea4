"""What a task is told: one account's run, with the files that it needs.

Files travel with the task, so that workers on other machines need no folder of ours; workers of our own read our copies
where they lie, and take files of any size. On a worker they are laid beside its own copies, under the name of their
content.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from batch.errors import Fatal, UsageError
from batch.inputs import Unread, kept
from batch.job import Job
from batch.journal import history
from batch.journal.states import OPEN, State
from batch.reading.division import PART
from batch.reading.table import Source

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from batch.cluster.workers import Worker
    from batch.journal.journal import Journal
    from batch.settings import Account, Settings

_MOST = 256 << 20  # bytes of one account's files that travel; they lie in the scheduler's memory until it has ended
_PART = PART


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A copy of an input file. `content` is None where the worker finds it beside ours."""

    path: Path  # as the user gave it
    sha256: str
    content: bytes | None = None
    size: int = 0  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mission:
    """One account's run, for a worker."""

    campaign: str  # all that one command sends
    run: str  # its name; who finds it in the journal goes on with it
    account: str
    config: Path
    local: bool
    we: Worker  # who asks, with what settings say of this account: a worker that came late is compared with it, too
    profile: str | None = None
    wait: bool = False
    dropped: bool = False
    refused: bool = False  # of leftovers: those that the marketplace refused, too
    files: tuple[Enclosed | Unread, ...] | None = None  # None: what earlier runs left
    copies: tuple[Enclosed, ...] = ()  # of those runs' files
    ends_at: float | None = None  # s, epoch
    part: int = field(default_factory=lambda: _PART)  # bytes of a file that are read together; see `batch.in_parts`
    most: int = field(default_factory=lambda: _MOST)  # bytes of files whose rows travel

    @property
    def is_large(self) -> bool:
        """Whether a file of it is read in parts, by all workers."""
        return any(isinstance(one, Enclosed) and one.size >= 2 * self.part for one in self.files or ())

    @property
    def rows_stay(self) -> bool:
        """Whether there are so many rows that how they ended is told from the journal, rather than by the worker."""
        return sum(one.size for one in self.files or () if isinstance(one, Enclosed)) > self.most

    def job(self, settings: Settings, account: Account) -> Job:
        """Return the worker's job."""
        return Job(
            settings=settings,
            name=self.account,
            account=account,
            profile=self.profile,
            wait=self.wait,
            dropped=self.dropped,
            run=self.run,
        )

    def laid_down(self, folder: Path) -> list[Source | Unread]:
        """Lay the files that came along into the worker's folder of copies, and return the run's own."""
        for one in (*(self.files or ()), *self.copies):
            if isinstance(one, Enclosed) and one.content is not None:
                _lay_down(folder / one.sha256, one.content)
        return [
            Source(one.path, one.sha256, folder / one.sha256) if isinstance(one, Enclosed) else one
            for one in self.files or ()
        ]


def _lay_down(file: Path, content: bytes) -> None:
    """Write a copy, for the owner's eyes only, unless it is there: its name is its content's."""
    if file.exists():
        return
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        aside, name = tempfile.mkstemp(dir=file.parent, prefix=".")
        with os.fdopen(aside, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        Path(name).replace(file)
    except OSError as error:
        raise Fatal(f"{file.parent}: the copies of input files cannot be kept: {error.strerror}.") from error


def enclosed(
    files: Iterable[Path | Source | Unread], folder: Path, *, whole: bool, local: bool
) -> tuple[Enclosed | Unread, ...]:
    """Copy the files as a run does. One that cannot be read is told of there, and stops no other.

    `whole`: one that changes meanwhile is not read. `local`: they stay where they are. Raises UsageError where they are
    too large to travel.
    """
    found = [kept(file, folder, whole=whole) for file in files]
    if not local:
        _refuse_too_large([one for one in found if isinstance(one, Source)])
    return tuple(one if isinstance(one, Unread) else _enclosed(one, local=local) for one in found)


def _refuse_too_large(sources: Sequence[Source]) -> None:
    total = sum(source.content.stat().st_size for source in sources)
    if total > _MOST:
        names = ", ".join(str(source.path) for source in sources)
        raise UsageError(
            f"{names}: {total >> 20:,} MiB are too much for workers elsewhere, which take {_MOST >> 20} MiB of an "
            "account; send that one from this machine: without --cluster, or with --cluster local:N."
        )


def _enclosed(source: Source, *, local: bool) -> Enclosed:
    size = source.content.stat().st_size
    return Enclosed(source.path, source.sha256, None if local else source.content.read_bytes(), size)


def copies_of_leftovers(journal: Journal, seller: str, folder: Path, *, refused: bool) -> tuple[Enclosed, ...]:
    """Return our copies of the files that a seller's leftovers come from, as far as they are still there."""
    states = [State.PLANNED, *OPEN, *([State.REFUSED] if refused else [])]
    left = history.last_rows_of(journal.database, journal.in_states(seller, states))
    named = left[["path", "sha256"]].drop_duplicates("sha256")
    there = [
        Source(Path(path), sha256, folder / sha256)
        for path, sha256 in named.itertuples(index=False)
        if (folder / sha256).is_file()
    ]
    return tuple(_enclosed(source, local=False) for source in there)
