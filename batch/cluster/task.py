"""In a worker: one account, from its lock to its account. Dask runs it again where a worker was lost.

Who begins it again waits for the account's lock, finds the run in the journal, settles what was left open and goes on.
So it does no harm to run it twice, or beside a worker that is cut off and still alive.
"""

from __future__ import annotations

import logging
import threading
import time
from contextlib import closing
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any

import distributed

from batch.beginning import WithFiles, WithLeftovers
from batch.cluster.partitions import Partitions
from batch.cluster.station import STATIONS, Station
from batch.cluster.workers import describe_with, own_settings, refusals
from batch.end_of_run import Ended
from batch.errors import Exit, ShipbatchError, UsageError
from batch.journal import history
from batch.journal.journal import Journal
from batch.sending import Sending

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    from batch.cluster.mission import Mission
    from batch.glance import Glance
    from batch.job import Begin, Job
    from batch.settings import Settings

log = logging.getLogger(__name__)

_LOOKING = threading.Lock()  # one task at a time: else hundreds would ask the journal's server for a connection at once
_GOING = ("closing", "closing_gracefully", "closed", "failed")  # a worker's states in which it is to end


def carry_out(mission: Mission) -> Ended:
    """Carry out one account's run and return how it ended, its report still to be written."""
    worker = distributed.get_worker()
    distributed.secede()  # type: ignore[no-untyped-call] # most of the time is waiting for a limit: others run beside
    return carry_out_by(worker, mission)


def carry_out_by(worker: Any, mission: Mission) -> Ended:  # noqa: ANN401 - it ships no types
    """Carry out one account's run in this worker, whatever goes wrong.

    Raises Reschedule where it stopped because this worker is to end: another goes on with it.
    """
    try:
        end = _carried_out(mission, worker)
    except ShipbatchError as error:
        end = Ended(None, None, error.exit_code, str(error))
    if end.exit_code is Exit.TERMINATED and worker.status.name in _GOING:
        raise distributed.Reschedule
    if end.account is None:
        log.warning("Account %s: nothing to tell of run %s. %s", mission.account, mission.run, end.message)
    elif mission.rows_stay:
        return replace(end, account=None, run=mission.run)
    return end


def _carried_out(mission: Mission, worker: Any) -> Ended:  # noqa: ANN401 - it ships no types
    settings = own_settings(mission.config, local=mission.local)
    with _LOOKING:
        it = describe_with(settings, [mission.account])
    if problems := refusals(mission.we, {str(worker.address): it}):
        raise UsageError("\n".join(f"--cluster: {problem}." for problem in problems))
    files = mission.laid_down(settings.state / "inputs")
    job = mission.job(settings, settings.accounts[mission.account])
    if mission.is_large:
        job = replace(job, prepare=Partitions(distributed.get_client(), local=mission.local, part=mission.part))
    begin: Begin = WithLeftovers(mission.refused) if mission.files is None else WithFiles({job.name: files})

    def make() -> Station:
        tell, wanted = _teller(worker, mission.campaign), _wanted(worker, mission.campaign)
        return Station(settings.journal, _sending(mission, settings), tell=tell, wanted=wanted)

    with STATIONS.at(mission.campaign, make) as station:
        return station.carry_out(_patient(job), begin)


def stop_here(campaign: str, exit_code: Exit, reason: str, runs: Collection[str] | None = None) -> None:
    """Let this process's accounts of the campaign stop in good order, or those of these runs alone."""
    STATIONS.stop(campaign, exit_code, reason, runs)


def topic(campaign: str) -> str:
    """Return under which name workers tell Dask's scheduler what is seen of a campaign."""
    return f"shipbatch {campaign}"


def _patient(job: Job) -> Job:
    """Return a job that waits for the lock where the run is on record: then whoever has it is about to go."""
    with _LOOKING, closing(Journal.open(job.settings.journal)) as journal:
        try:
            history.run_named(journal.database, job.run)
        except UsageError:
            return job
    return replace(job, wait=True)


def _sending(mission: Mission, settings: Settings) -> Sending:
    ends_at = None if mission.ends_at is None else time.monotonic() + mission.ends_at - time.time()
    return Sending(zone=settings.zone, grace=settings.grace, ends_at=ends_at)


def _teller(worker: Any, campaign: str) -> Callable[[Sequence[Glance]], None]:  # noqa: ANN401 - it ships no types
    def tell(seen: Sequence[Glance]) -> None:
        if worker.status.name not in _GOING:
            worker.log_event(topic(campaign), [{**asdict(one), "ended": _named(one)} for one in seen])

    return tell


def _named(one: Glance) -> dict[str, int]:
    return {state.value: count for state, count in one.ended.items()}


def _wanted(worker: Any, campaign: str) -> Callable[[], bool]:  # noqa: ANN401 - it ships no types
    """Return a look at whether anybody wants the campaign's tasks: Dask cancels those of a client that went."""

    def wanted() -> bool:
        tasks = [task for task in list(worker.state.tasks.values()) if str(task.key).startswith(campaign)]
        return worker.status.name not in _GOING and any(task.state != "cancelled" for task in tasks)

    return wanted
