"""What is told after a run: to people, to Prometheus, and to a dead-man's switch.

Nothing of it ever stops or breaks a run: what goes wrong here is one sentence on standard error.
"""

from __future__ import annotations

import logging
import threading
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from batch.clock import now_ms
from batch.errors import Exit, gravest
from batch.journal import history
from batch.journal.journal import Journal
from batch.journal.since import orders_that_are_well
from batch.matters import after_run
from batch.messages import daily_message, message
from batch.metrics import Figures, Totals, write
from batch.notify import beat, deliver, recall, remember
from batch.report.summary import summary

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from batch.end_of_run import Ended
    from batch.job import Job
    from batch.matters import Memory
    from batch.messages import Message
    from batch.settings import Settings

_NOW_AND_THEN = 300.0  # s
_MOST_RUNS = 1_000  # that a digest sums up
_NOT_RUN = (Exit.BUSY, Exit.INTERRUPTED, Exit.TERMINATED)  # an account of nothing: another has it, or it was stopped

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling:
    """Tells what the settings ask for. `complain` is given a sentence for each thing that went wrong."""

    settings: Settings
    complain: Callable[[str], None]
    figures: Figures
    totals: Totals | None = None  # counters, in a process that lives long
    _codes: dict[str, Exit] = field(default_factory=dict)  # how each account's last run ended
    _turn: threading.Lock = field(default_factory=threading.Lock)  # of what is remembered

    def after(self, jobs: Sequence[Job], ends: Sequence[Ended]) -> None:
        """Tell how jobs ended; `ends` lie beside them."""
        for job, end in zip(jobs, ends, strict=True):
            self._codes[job.name] = end.exit_code
            if self.settings.notify.urls:
                with self._harmless(f"Account {job.name}: nobody could be told"), self._turn:
                    self._tell(job, end)
            if self.totals and end.account is not None:
                self.totals.count(summary(end.account))
        self.show_figures()
        self.beat()

    @contextmanager
    def meanwhile(self, jobs: Sequence[Job], is_well: Callable[[], bool]) -> Iterator[None]:
        """While the block lasts, do now and then what is not bound to a run: digests and, if well, the switch."""
        over = threading.Event()

        def tell() -> None:
            while not over.wait(_NOW_AND_THEN):
                self.tell_of_the_day(jobs)
                if is_well():
                    self.beat()

        self.show_figures()
        thread = threading.Thread(target=tell, name="telling", daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def show_figures(self) -> None:
        """Bring the figures up to date, where somebody wants them."""
        if self.settings.metrics.textfile is None and self.settings.metrics.port is None:
            return
        with self._harmless("The metrics could not be written"):
            self.figures.read(self.settings)
            if self.settings.metrics.textfile:
                write(self.settings.metrics.textfile, self.figures)

    def beat(self) -> None:
        """Tell the dead-man's switch that all goes on as it should, if no account's last run says otherwise."""
        with self._harmless("The dead-man's switch could not be told"):
            if problem := beat(self.settings.notify.heartbeat_url, gravest(*self._codes.values())):
                self.complain(problem)

    def tell_of_the_day(self, jobs: Sequence[Job]) -> None:
        """Send each account's daily digest, if it is asked for and its day is over."""
        if self.settings.notify.urls and self.settings.notify.digest == "day":
            for job in jobs:
                with self._harmless(f"Account {job.name}: nobody could be told"), self._turn:
                    before = recall(self.settings.state, job.account.seller)
                    self._remember(job, self._digested(job, before), before)

    def _tell(self, job: Job, end: Ended) -> None:
        before = memory = recall(self.settings.state, job.account.seller)
        if end.account is not None or end.exit_code not in _NOT_RUN:
            settled = self._settled_orders(job, memory)
            after, news = after_run(memory, end, settled_orders=settled, at=now_ms())
            told = message(job.name, end, news, digest=self.settings.notify.digest == "run")
            if told is None or self._delivered(told):
                memory = after
        self._remember(job, self._digested(job, memory), before)

    def _digested(self, job: Job, memory: Memory) -> Memory:
        """Send the daily digest where a day is over since the last; the first day of all only begins."""
        if self.settings.notify.digest != "day":
            return memory
        midnight = datetime.now(self.settings.zone).replace(hour=0, minute=0, second=0, microsecond=0)
        begins = int(midnight.timestamp() * 1000)
        if memory.digested_at >= begins:
            return memory
        since = memory.digested_at or int((midnight - timedelta(days=1)).timestamp() * 1000)
        told = daily_message(job.name, self._summaries(job, since, begins), f"{_day(since, self.settings)}")
        return replace(memory, digested_at=begins) if told is None or self._delivered(told) else memory

    def _summaries(self, job: Job, since: int, until: int) -> list[dict[str, object]]:
        with self._journal() as journal:
            runs = history.runs(journal.database, account=job.name, most=_MOST_RUNS) if journal else []
        return [run.summary for run in reversed(runs) if run.summary and since <= run.started_at < until]

    def _settled_orders(self, job: Job, memory: Memory) -> set[str]:
        """Return which purchase orders of open matters are shipped by now, or dropped."""
        wanted = {known.order for known in memory.open.values() if known.order}
        with self._journal() as journal:
            if journal is None or not wanted:
                return set()
            return orders_that_are_well(journal.database, job.account.seller, wanted)

    @contextmanager
    def _journal(self) -> Iterator[Journal | None]:
        journal = Journal.open_existing(self.settings.journal)
        if journal is None:
            yield None
            return
        with closing(journal):
            yield journal

    def _delivered(self, told: Message) -> bool:
        """Send a message; return whether anybody took it. If nobody did, it is news again next time."""
        problems = deliver(self.settings.notify.urls, told)
        for problem in dict.fromkeys(problems):
            self.complain(problem)
        return len(problems) < len(self.settings.notify.urls)

    def _remember(self, job: Job, memory: Memory, before: Memory) -> None:
        if memory != before:
            remember(self.settings.state, job.account.seller, memory)

    @contextmanager
    def _harmless(self, said: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            # Whatever it is: what was to be sent is sent.
            log.debug("%s", said, exc_info=True)
            self.complain(f"{said}: {getattr(error, 'strerror', None) or error}.")


def _day(at: int, settings: Settings) -> str:
    return f"{datetime.fromtimestamp(at / 1000, settings.zone):%Y-%m-%d}"
