"""The runs of a watch's turns on a cluster: each is handed to it as a task, and again where its scheduler was lost.

Handed out again it is the same run: whoever begins it waits for the account's lock, finds in the journal what was sent,
and goes on. So a scheduler that is lost loses nothing, and nothing is sent twice.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from batch.beginning import WithFiles, WithLeftovers
from batch.cluster.campaign import Campaign
from batch.cluster.engine import connected
from batch.cluster.line import Line
from batch.cluster.sending_far import finished
from batch.cluster.workers import refuse_unfit
from batch.end_of_run import Ended
from batch.errors import Exit, UsageError
from batch.journal.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from distributed import Client

    from batch.cluster.link import Link
    from batch.cluster.mission import Mission
    from batch.cluster.sending_far import Far
    from batch.halts import Halts
    from batch.job import Job
    from batch.reading.table import Source
    from batch.settings import Settings
    from batch.watch_voice import Voice

_LOOK = 0.25  # s between two looks at whether an account is to halt while there is no cluster


@contextmanager
def turns_far(far: Far, settings: Settings, accounts: Sequence[str], halts: Halts, voice: Voice) -> Iterator[TurnsFar]:
    """Connect to the cluster while the block lasts, and say when that is lost. `accounts`: who is known to send.

    Raises UsageError where there is no cluster now, or its workers are not fit for these accounts. One that comes later
    is looked at when it comes, and for an account when it is to send for it: so no account is in another's way.
    """

    def refuse(client: Client, accounts: Sequence[str], workers: Collection[str] | None = None) -> None:
        refuse_unfit(client, settings, far.config, accounts, local=far.address.local, workers=workers)

    Journal.open(settings.journal).close()  # it is made here where there is none: workers look which one it is
    line = Line(
        address=far.address.text,
        connect=lambda patience: connected(far.address, patience=patience),
        check=lambda client, workers: refuse(client, [], workers),
        trouble=partial(voice.trouble, "cluster"),
        well=partial(voice.well, "cluster"),
    )
    with line.held() as link:
        refuse(link.client, accounts)
        voice.say(f"Dashboard: {link.client.dashboard_link}")
        yield TurnsFar(far=far, line=line, halts=halts)


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnsFar:
    """Carries out runs by a cluster, each for a thread that waits for its end, until its account is to halt."""

    far: Far
    line: Line
    halts: Halts

    @property
    def ends_at(self) -> float | None:
        """When the last one has to stop, monotonic seconds."""
        return self.far.ends_at

    @property
    def is_well(self) -> bool:
        """Whether there is a cluster whose workers are fit."""
        return self.line.is_well

    def carry_out(self, job: Job, files: Sequence[Source] | None) -> Ended:
        """Run the files, or go on with what earlier runs left. Raises ShipbatchError where there is no journal."""
        try:
            mission = self._mission(job, files)
        except UsageError as error:  # files that are too large for a worker; each of them may not be
            return Ended(None, None, Exit.FATAL, str(error))
        while (asked := self.halts.asked(job.name)) is None:
            if (link := self.line.link(_LOOK)) is None:
                continue
            campaign = self._campaign(link, job, replace(mission, campaign=link.name))
            (end,) = campaign.carry_out()
            if not campaign.lost:
                return end
            self.line.lose(link)
            mission = replace(mission, wait=True)  # for its lock: workers that lost their scheduler stop by themselves
        exit_code, reason = asked
        return Ended(None, None, exit_code, f"Account {job.name}: the cluster is not there. {reason}")

    def _mission(self, job: Job, files: Sequence[Source] | None) -> Mission:
        begin = WithLeftovers() if files is None else WithFiles({job.name: files})
        with closing(Journal.open(job.settings.journal)) as journal:
            return self.far.mission(job, begin, journal)

    def _campaign(self, link: Link, job: Job, mission: Mission) -> Campaign:
        return Campaign(
            link=link,
            missions=[mission],
            look=self.far.look,
            finish=lambda _mission, end: finished(job, end),
            goes_on=lambda _mission: "the watch tries again",
            stopped_by=partial(self.halts.heeded, job.name),
            shared=True,
        )
