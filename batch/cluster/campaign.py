"""All that one command sends by a cluster: handed out, watched, stopped in good order, gathered."""

from __future__ import annotations

import asyncio
import logging
import secrets
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from math import inf
from typing import TYPE_CHECKING, Any

from batch.cluster.task import carry_out, stop_here, topic
from batch.end_of_run import Ended
from batch.errors import Exit
from batch.glance import Glance
from batch.journal.states import State
from batch.signals import minded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from distributed import Client, Future

    from batch.cluster.mission import Mission
    from batch.progress import Onlooker

log = logging.getLogger(__name__)

_STOPPED = "The run was interrupted; `shipbatch resume` goes on."
_SAY_AGAIN = 1.0  # s between two times that workers are told to stop: some came since, or were about to begin
_MOST_DEATHS = 5  # times that Dask gives an account up for its workers' deaths, nothing having been done between


def new_campaign() -> str:
    """Return a name for all that one command sends."""
    return f"shipbatch-{secrets.token_hex(6)}"


@dataclass(slots=True, kw_only=True)
class Campaign:
    """The missions of one command, and how they end."""

    client: Client
    address: str  # of the cluster, for sentences
    name: str
    missions: Sequence[Mission]
    look: Onlooker
    finish: Callable[[Mission, Ended], Ended]  # here, once a mission has ended: called in a thread, one at a time
    _seen: dict[str, Glance] = field(default_factory=dict)
    _stopped_by: Exit | None = None
    _thread: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "reporting"))

    def carry_out(self) -> list[Ended]:
        """Carry out all missions and return how each ended, in their order; one that breaks stops no other."""
        return asyncio.run(self._carry_out())

    async def _carry_out(self) -> list[Ended]:
        self.client.subscribe_topic(topic(self.name), self._told)  # type: ignore[no-untyped-call] # distributed has few types
        stopping = asyncio.Event()
        with self._signalled(stopping), self.look(lambda: list(self._seen.values())):
            telling = asyncio.create_task(self._keep_stopping(stopping))
            try:
                return await asyncio.gather(*map(self._finished, self.missions))
            finally:
                telling.cancel()

    def _told(self, event: tuple[float, Sequence[dict[str, Any]]]) -> None:
        for told in event[1]:
            ended = {State(state): count for state, count in told["ended"].items()}
            self._seen[told["name"]] = Glance(**{**told, "ended": ended})

    # One mission

    async def _finished(self, mission: Mission) -> Ended:
        end = await self._ended(mission)
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.finish, mission, end)

    async def _ended(self, mission: Mission) -> Ended:
        """Hand a mission out, and again where those who took it died, and return how it ended."""
        from distributed import KilledWorker  # noqa: PLC0415 - the extra `cluster`

        deaths, left = 0, self._left(mission)
        for attempt in count():
            try:
                return await self._result(mission, attempt)
            except KilledWorker:
                now_left = self._left(mission)
                deaths, left = (1 if now_left < left else deaths + 1), now_left
                if deaths == _MOST_DEATHS:
                    break
            except (_SchedulerLost, OSError):
                return _lost(self.address)
            except Exception:
                log.exception("A fault of shipbatch itself in account %s", mission.account)
                said = "a fault of shipbatch itself; the log has it."
                return Ended(None, None, Exit.FATAL, f"Account {mission.account}: {said}")
        return _given_up(mission)

    def _left(self, mission: Mission) -> float:
        """Return how many orders have not ended yet, as far as that was seen."""
        seen = self._seen.get(mission.account)
        return inf if seen is None else seen.left

    async def _result(self, mission: Mission, attempt: int) -> Ended:
        key = f"{self.name}-{mission.account}-{attempt}"
        future: Future[Ended] = self.client.submit(carry_out, mission, key=key)
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(done.set))  # type: ignore[no-untyped-call] # the same
        await done.wait()
        if future.cancelled():  # type: ignore[no-untyped-call] # the same
            raise _SchedulerLost
        return await asyncio.to_thread(_gathered, future)

    # Stopping

    def _signalled(self, stopping: asyncio.Event) -> AbstractContextManager[None]:
        """Let the first signal stop all accounts in good order, and the second leave them at once."""

        def stop(exit_code: Exit) -> None:
            self._stopped_by = exit_code
            stopping.set()

        return minded(stop, at_once="Left at once; `shipbatch resume` finds out what became of calls in flight.")

    async def _keep_stopping(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        while True:
            with suppress(OSError, ValueError):  # a worker went meanwhile; whoever takes over is told next time
                await asyncio.to_thread(self._stop_everywhere)
            await asyncio.sleep(_SAY_AGAIN)

    def _stop_everywhere(self) -> None:
        assert self._stopped_by is not None  # noqa: S101 - a signal said so
        self.client.run(stop_here, self.name, self._stopped_by, _STOPPED, on_error="ignore")


class _SchedulerLost(Exception):  # noqa: N818 - named by its meaning
    """Dask has cancelled what we wait for: its scheduler is gone."""


def _gathered(future: Future[Ended]) -> Ended:
    """Return a task's result. Dask's own word for a lost one would cancel our tasks here, so it gets another."""
    try:
        ended: Ended = future.result()
    except CancelledError:
        raise _SchedulerLost from None
    return ended


def _lost(address: str) -> Ended:
    said = "what was sent is in the journal, and `shipbatch resume --wait` goes on once its workers have stopped"
    return Ended(None, None, Exit.TEMPORARY, f"The scheduler at {address} is lost; {said}.")


def _given_up(mission: Mission) -> Ended:
    said = "what was sent is in the journal, and `shipbatch resume` goes on"
    return Ended(None, None, Exit.TEMPORARY, f"Account {mission.account}: its workers died again and again; {said}.")
