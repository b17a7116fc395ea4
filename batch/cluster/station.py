"""In a worker: one event loop and one connection to the journal for all accounts that it sends for.

A station is open as long as a task needs it. Tasks wait for it in threads of their own; what is computed, and what is
sent, is done as on one machine (batch.job, batch.sending).
"""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import uvloop

from batch.errors import Exit
from batch.glance import glance_at
from batch.job import Job, carry_out_one
from batch.journal.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Sequence

    from batch.end_of_run import Ended
    from batch.glance import Glance
    from batch.job import Begin
    from batch.sending import Dispatch, Followed, Sending

    Tell = Callable[[Sequence[Glance]], None]
    Wanted = Callable[[], bool]

_LOOK = 0.5  # s between two looks at what is sent, and at whether anybody still wants it
_LEFT_ALONE = (Exit.TERMINATED, "Whoever asked for this run is gone; `shipbatch resume` goes on.")


@dataclass(frozen=True, slots=True)
class _Opened:
    loop: asyncio.AbstractEventLoop
    journal: Journal
    dispatch: Dispatch
    thread: ThreadPoolExecutor
    closing: asyncio.Event


class Station:
    """Sends for accounts, each asked for by a thread that waits for its end.

    `tell`: is given what is seen of the accounts, now and then. `wanted`: whether anybody still waits for them.
    """

    def __init__(self, journal: str, sending: Sending, *, tell: Tell, wanted: Wanted) -> None:
        self._journal, self._tell, self._wanted = journal, tell, wanted
        self._sending = replace(sending, follow=self._followed)
        self._accounts: dict[str, str] = {}  # of the runs that are here
        self._opened: Future[_Opened] = Future()
        self._thread = threading.Thread(target=self._work, name="station")  # whose end a process that ends waits for
        self._thread.start()

    def carry_out(self, job: Job, begin: Begin) -> Ended:
        """Carry out one account's job to its account; its report is for whoever asked."""
        at = self._opened.result()
        return asyncio.run_coroutine_threadsafe(self._carried_out(at, job, begin), at.loop).result()

    async def _carried_out(self, at: _Opened, job: Job, begin: Begin) -> Ended:
        self._accounts[job.run] = job.name
        try:
            return await carry_out_one(job, at.journal, begin, at.dispatch, at.thread, finish=Job.accounted)
        finally:
            self._tell([glance_at(one) for one in at.dispatch.followed if one.errand.name == job.name])
            at.dispatch.forget(job.name)
            del self._accounts[job.run]

    def stop(self, exit_code: Exit, reason: str, runs: Collection[str] | None = None) -> None:
        """Let all accounts stop in good order, those still to come included; or of these runs those that are here."""
        at = self._opened.result()
        with suppress(RuntimeError):  # the loop has ended: so has all that was to be stopped
            at.loop.call_soon_threadsafe(self._stop, at.dispatch, exit_code, reason, runs)

    def _stop(self, dispatch: Dispatch, exit_code: Exit, reason: str, runs: Collection[str] | None) -> None:
        if runs is None:
            dispatch.stop_all(exit_code, reason)
            return
        for run in self._accounts.keys() & set(runs):
            dispatch.stop_of(self._accounts[run]).request(exit_code, reason)

    def close(self) -> None:
        """Close what was opened, once no account is sent for any more."""
        if self._opened.exception() is None:
            at = self._opened.result()
            at.loop.call_soon_threadsafe(at.closing.set)
        self._thread.join()

    def _work(self) -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(self._open())
        except BaseException as error:
            if self._opened.done():  # tasks were told of it where they waited
                raise
            self._opened.set_exception(error)

    async def _open(self) -> None:
        with closing(Journal.open(self._journal)) as journal, ThreadPoolExecutor(1) as thread:
            async with self._sending.opened(journal) as dispatch:
                ending = asyncio.Event()
                minding = asyncio.create_task(self._mind(dispatch))
                self._opened.set_result(_Opened(asyncio.get_running_loop(), journal, dispatch, thread, ending))
                await ending.wait()
                minding.cancel()

    async def _mind(self, dispatch: Dispatch) -> None:
        """Stop all when nobody wants it any more."""
        while self._wanted():  # noqa: ASYNC110 - Dask sets no event of ours
            await asyncio.sleep(_LOOK)
        dispatch.stop_all(*_LEFT_ALONE)

    @contextmanager
    def _followed(self, followed: Sequence[Followed]) -> Iterator[None]:
        async def tell() -> None:
            told: list[Glance] = []
            while True:
                seen = [glance_at(one) for one in followed]
                if changed := [one for one in seen if one not in told]:
                    self._tell(changed)
                told = seen
                await asyncio.sleep(_LOOK)

        telling = asyncio.get_running_loop().create_task(tell())
        try:
            yield
        finally:
            telling.cancel()
            self._tell([glance_at(one) for one in followed])


class Stations:
    """The stations of this process, by what they are for; each is open while somebody is there."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: dict[str, tuple[Station, int]] = {}
        self._stopped: dict[str, tuple[Exit, str]] = {}

    @contextmanager
    def at(self, campaign: str, make: Callable[[], Station]) -> Iterator[Station]:
        """Give the campaign's station, opened by whoever comes first and closed by whoever leaves last."""
        with self._lock:
            station, count = self._open.get(campaign) or (make(), 0)
            self._open[campaign] = station, count + 1
            stopped = self._stopped.get(campaign)
        try:
            if stopped:
                station.stop(*stopped)
            yield station
        finally:
            with self._lock:
                station, count = self._open.pop(campaign)
                if count > 1:
                    self._open[campaign] = station, count - 1
            if count == 1:
                station.close()

    def stop(self, campaign: str, exit_code: Exit, reason: str, runs: Collection[str] | None = None) -> None:
        """Stop a campaign here, and whatever of it still comes; or of these `runs` those that are here by now."""
        with self._lock:
            if runs is None:
                self._stopped.setdefault(campaign, (exit_code, reason))
            station, _ = self._open.get(campaign) or (None, 0)
        if station is not None:
            station.stop(exit_code, reason, runs)


STATIONS = Stations()
"""This process's own."""
