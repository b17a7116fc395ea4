"""What is sent by a cluster together: handed out, watched, stopped in good order, gathered."""

from __future__ import annotations

import asyncio
import logging
from concurrent.futures import CancelledError, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from math import inf
from typing import TYPE_CHECKING

from batch.cluster.task import carry_out, stop_here
from batch.end_of_run import Ended
from batch.errors import Exit
from batch.signals import minded

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from contextlib import AbstractContextManager

    from distributed import Future

    from batch.cluster.link import Link
    from batch.cluster.mission import Mission
    from batch.progress import Onlooker

    Stop = Callable[[Exit, str], None]  # with the exit code and a sentence; the first one counts

log = logging.getLogger(__name__)

_SAY_AGAIN = 1.0  # s between two times that workers are told to stop: some came since, or were about to begin
_MOST_DEATHS = 5  # times that Dask gives an account up for its workers' deaths, nothing having been sent between


def stopped_by_signals(stop: Stop) -> AbstractContextManager[None]:
    """Let the first signal stop all accounts in good order, and the second leave them at once."""

    def first(exit_code: Exit) -> None:
        stop(exit_code, "The run was interrupted; `shipbatch resume` goes on.")

    return minded(first, at_once="Left at once; `shipbatch resume` finds out what became of calls in flight.")


@dataclass(slots=True, kw_only=True)
class Campaign:
    """Missions that are carried out side by side, and how they end."""

    link: Link
    missions: Sequence[Mission]
    look: Onlooker
    finish: Callable[[Mission, Ended], Ended]  # here, once a mission has ended: called in a thread, one at a time
    goes_on: Callable[[Mission], str]  # how to go on with a mission that broke: a clause
    stopped_by: Callable[[Stop], AbstractContextManager[None]] = stopped_by_signals
    shared: bool = False  # others send through the link, too, and are stopped by themselves
    lost: bool = field(default=False, init=False)  # the scheduler went away, and missions with it
    _asked: tuple[Exit, str] | None = field(default=None, init=False)
    _deserted: asyncio.Event = field(default_factory=asyncio.Event, init=False)

    def carry_out(self) -> list[Ended]:
        """Carry out all missions and return how each ended, in their order; one that breaks stops no other."""
        return asyncio.run(self._carry_out())

    async def _carry_out(self) -> list[Ended]:
        accounts = [mission.account for mission in self.missions]
        self.link.forget(accounts)
        stopping = asyncio.Event()

        def stop(exit_code: Exit, reason: str) -> None:
            self._asked = self._asked or (exit_code, reason)
            stopping.set()

        with (
            ThreadPoolExecutor(1, "reporting") as thread,
            self.stopped_by(stop),
            self.look(lambda: self.link.seen(accounts)),
        ):
            telling = asyncio.create_task(self._keep_stopping(stopping))
            try:
                return await asyncio.gather(*(self._finished(mission, thread) for mission in self.missions))
            finally:
                telling.cancel()

    # One mission

    async def _finished(self, mission: Mission, thread: ThreadPoolExecutor) -> Ended:
        end = await self._ended(mission)
        return await asyncio.get_running_loop().run_in_executor(thread, self.finish, mission, end)

    async def _ended(self, mission: Mission) -> Ended:
        """Hand a mission out, and again where those who took it died, and return how it ended."""
        from distributed import KilledWorker  # noqa: PLC0415 - the extra `cluster`

        deaths, left = 0, (inf, 0)
        for attempt in count():
            try:
                return await self._result(mission, attempt)
            except KilledWorker:
                now_left = self._left()
                deaths, left = (1 if now_left < left else deaths + 1), now_left
                if deaths == _MOST_DEATHS:
                    break
            except _Deserted:
                return self._left_behind(mission)
            except (_SchedulerLost, OSError):
                return await self._lost(mission)
            except Exception:
                if not self.link.is_open:  # the scheduler went while we talked to it, which Dask says in many ways
                    return await self._lost(mission)
                log.exception("A fault of shipbatch itself in account %s", mission.account)
                said = "a fault of shipbatch itself; the log has it."
                return Ended(None, None, Exit.FATAL, f"Account {mission.account}: {said}")
        said = f"its workers died again and again; {await asyncio.to_thread(self.goes_on, mission)}."
        return Ended(None, None, Exit.TEMPORARY, f"Account {mission.account}: {said}")

    def _left(self) -> tuple[float, int]:
        """Return how many accounts nothing was seen of yet, and how many orders of the others have not ended.

        Of all, for it is not an account's fault that workers die while they send for others.
        """
        seen = self.link.seen([mission.account for mission in self.missions])
        return len(self.missions) - len(seen), sum(one.left for one in seen)

    async def _result(self, mission: Mission, attempt: int) -> Ended:
        key = f"{self.link.name}-{mission.account}-{mission.run}-{attempt}"
        future: Future[Ended] = self.link.client.submit(carry_out, mission, key=key)
        loop, done = asyncio.get_running_loop(), asyncio.Event()
        future.add_done_callback(lambda _: loop.call_soon_threadsafe(done.set))  # type: ignore[no-untyped-call] # distributed has few types
        if not await _first_of(done, self._deserted):
            future.cancel()  # type: ignore[no-untyped-call] # the same
            raise _Deserted
        if future.cancelled():  # type: ignore[no-untyped-call] # the same
            raise _SchedulerLost
        return await asyncio.to_thread(_gathered, future)

    async def _lost(self, mission: Mission) -> Ended:
        self.lost = True
        self.link.forget([mission.account])  # else whoever looks would say that its sending has ended
        said = f"The scheduler at {self.link.address} is lost; {await asyncio.to_thread(self.goes_on, mission)}."
        return Ended(None, None, Exit.TEMPORARY, said)

    def _left_behind(self, mission: Mission) -> Ended:
        assert self._asked is not None  # noqa: S101 - before that nobody looks for workers
        exit_code, reason = self._asked
        return Ended(None, None, exit_code, f"Account {mission.account}: no worker is left to send for it. {reason}")

    # Stopping

    async def _keep_stopping(self, stopping: asyncio.Event) -> None:
        await stopping.wait()
        while True:
            # Workers, or the scheduler, may go meanwhile: those who take over are told next time.
            with suppress(Exception):
                if not await asyncio.to_thread(self._stop_everywhere):
                    self._deserted.set()
            await asyncio.sleep(_SAY_AGAIN)

    def _stop_everywhere(self) -> bool:
        """Tell all workers to stop; return whether there are any."""
        assert self._asked is not None  # noqa: S101 - somebody asked
        runs = [mission.run for mission in self.missions] if self.shared else None
        self.link.client.run(stop_here, self.link.name, *self._asked, runs, on_error="ignore")
        return bool(self.link.client.nthreads())  # type: ignore[no-untyped-call] # distributed has few types


class _SchedulerLost(Exception):  # noqa: N818 - named by its meaning
    """Dask has cancelled what we wait for: its scheduler is gone."""


class _Deserted(Exception):  # noqa: N818 - named by its meaning
    """It is to stop, and nobody is there whom to tell."""


async def _first_of(one: asyncio.Event, other: asyncio.Event) -> bool:
    """Wait for either, and return whether it was the one."""
    waits = [asyncio.create_task(event.wait()) for event in (one, other)]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    return one.is_set()


def _gathered(future: Future[Ended]) -> Ended:
    """Return a task's result. Dask's own word for a lost one would cancel our tasks here, so it gets another."""
    try:
        ended: Ended = future.result()
    except CancelledError:
        raise _SchedulerLost from None
    return ended
