"""With what the jobs of a command begin: with files, or with what earlier runs left."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import AbstractContextManager
    from pathlib import Path

    from batch.inputs import Unread
    from batch.job import Job, Work
    from batch.journal.journal import Journal
    from batch.reading.table import Source


@dataclass(frozen=True, slots=True)
class WithFiles:
    """Begin with input files, those of each account by its name."""

    files: Mapping[str, Sequence[Path | Source | Unread]]

    def __call__(self, job: Job, journal: Journal) -> AbstractContextManager[Work]:
        """Plan what is in the account's files."""
        return job.planned(journal, self.files[job.name])


@dataclass(frozen=True, slots=True)
class WithLeftovers:
    """Begin with what earlier runs left; `refused`: what the marketplace refused, too."""

    refused: bool = False

    def __call__(self, job: Job, journal: Journal) -> AbstractContextManager[Work]:
        """Take what earlier runs of the account left."""
        return job.left_over(journal, refused=self.refused)
