"""From jobs to missions and back: a command's runs on a cluster, with the reports written here."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from batch.accounting import new_run
from batch.beginning import WithFiles
from batch.clock import now_ms
from batch.cluster.campaign import Campaign
from batch.cluster.engine import connected
from batch.cluster.link import Link
from batch.cluster.mission import Mission, copies_of_leftovers, enclosed
from batch.cluster.workers import describe_with, refuse_unfit
from batch.end_of_run import Ended, reported
from batch.errors import UsageError
from batch.journal import history
from batch.journal.journal import Journal
from batch.report_again import account_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from batch.beginning import WithLeftovers
    from batch.cluster.address import Address
    from batch.job import Job
    from batch.progress import Onlooker, Say
    from batch.settings import Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Far:
    """How to send by a cluster."""

    address: Address
    config: Path  # the settings' file
    look: Onlooker
    tell: Say  # what is worth saying once
    ends_at: float | None = None  # s, monotonic

    def carry_out(self, settings: Settings, jobs: Sequence[Job], begin: WithFiles | WithLeftovers) -> list[Ended]:
        """Carry out the jobs on the workers and write their reports here; one that breaks stops no other.

        Raises UsageError before anything is sent where the workers are not fit for it.
        """
        names = [job.name for job in jobs]
        with closing(Journal.open(settings.journal)) as journal, connected(self.address) as client:
            refuse_unfit(client, settings, self.config, names, local=self.address.local)
            self.tell(f"Dashboard: {client.dashboard_link}", {})
            link = Link(client, self.address.text)
            missions = [self.mission(job, begin, journal, campaign=link.name) for job in jobs]
            of_mission = dict(zip(names, jobs, strict=True))
            campaign = Campaign(
                link=link,
                missions=missions,
                look=self.look,
                finish=lambda mission, end: finished(of_mission[mission.account], end),
                goes_on=lambda mission: _goes_on(mission, journal),
            )
            return campaign.carry_out()

    def mission(self, job: Job, begin: WithFiles | WithLeftovers, journal: Journal, *, campaign: str = "") -> Mission:
        """Return what a worker is told of a job. Raises UsageError where its files are too large for that."""
        mission = Mission(
            campaign=campaign,
            run=new_run(now_ms()),
            account=job.name,
            config=self.config,
            local=self.address.local,
            we=describe_with(job.settings, [job.name]),
            profile=job.profile,
            wait=job.wait,
            dropped=job.dropped,
            ends_at=None if self.ends_at is None else time.time() + self.ends_at - time.monotonic(),
        )
        local, folder = self.address.local, job.settings.state / "inputs"
        if isinstance(begin, WithFiles):
            files = enclosed(begin.files[job.name], folder, whole=job.dropped, local=local)
            return replace(mission, files=files)
        refused = begin.refused
        copies = () if local else copies_of_leftovers(journal, job.account.seller, folder, refused=refused)
        return replace(mission, refused=refused, copies=copies)


def finished(job: Job, end: Ended) -> Ended:
    """Write the report of a run that came to its end."""
    if end.run:
        with closing(Journal.open(job.settings.journal)) as journal:
            end = replace(end, account=account_of(journal, job.settings, end.run), run="")
    return end if end.account is None else reported(end, job.reports or job.settings.reports)


def _goes_on(mission: Mission, journal: Journal) -> str:
    """Return how to go on with a run that broke: `resume` knows nothing of one that is not on record."""
    try:
        history.run_named(journal.database, mission.run)
    except UsageError:
        if mission.files is not None:
            before = f"nothing of account {mission.account} was begun"
            return f"{before}, so give `shipbatch run --wait` with the same files again"
    return "what was sent is in the journal, and `shipbatch resume --wait` goes on once its workers have stopped"
