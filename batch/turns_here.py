"""The runs of a watch's turns in this process: planned one at a time, sent side by side."""

from __future__ import annotations

import threading
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from batch.job import carry_out
from batch.journal.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from batch.end_of_run import Ended
    from batch.errors import Exit
    from batch.halts import Halts
    from batch.job import Job, Work
    from batch.reading.table import Source
    from batch.sending import Followed, Sending

_PLANNING = threading.Lock()  # reading and planning is computing, and not all libraries bear two of it at once


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnsHere:
    """Carries out runs here, each in the thread that asks for it, until its account is to halt."""

    sending: Sending
    halts: Halts

    @property
    def ends_at(self) -> float | None:
        """When the last one has to stop, monotonic seconds."""
        return self.sending.ends_at

    @property
    def is_well(self) -> bool:
        """Whether they can be carried out."""
        return True

    def carry_out(self, job: Job, files: Sequence[Source] | None) -> Ended:
        """Run the files, or go on with what earlier runs left. Raises ShipbatchError where there is no journal."""

        @contextmanager
        def follow(followed: Sequence[Followed]) -> Iterator[None]:
            def stop(exit_code: Exit, reason: str) -> None:
                for one in followed:
                    one.stop.request(exit_code, reason)

            with self.halts.heeded(job.name, stop), self.sending.follow(followed):
                yield

        @contextmanager
        def begin(one: Job, book: Journal) -> Iterator[Work]:
            with ExitStack() as held:
                with _PLANNING:
                    work = held.enter_context(one.left_over(book) if files is None else one.planned(book, files))
                yield work

        with closing(Journal.open(job.settings.journal)) as journal:
            return carry_out([job], journal, begin, replace(self.sending, follow=follow))[0]
