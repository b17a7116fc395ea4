"""The file drop: who looks when, whose turn it is, and what is tried again. What is done in a turn: batch.handling.

One thread looks at the folder; each account has at most one turn at a time, in a thread of its own. A hint that
something has changed only makes the next look come sooner: what a look shows is what counts.
"""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batch.arrivals import Arrivals, Patience, seconds_left
from batch.drop_folder import is_cut_short, look_through
from batch.errors import Exit
from batch.handling import Handled

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from concurrent.futures import Executor, Future
    from pathlib import Path

    from batch.drop_folder import Seen
    from batch.ending import Ending
    from batch.handling import Handler
    from batch.hints import Hints
    from batch.job import Job
    from batch.settings import Watch as Times
    from batch.watch_voice import Voice

LONGEST = 3600.0  # s between two tries
_AGAIN_LATER = (Exit.TEMPORARY, Exit.UNKNOWN, Exit.FATAL, Exit.BUSY, Exit.USAGE)
_TOLD_TO_END = "The watch was told to end; `shipbatch resume`, or the next watch, goes on."
_PAUSED = "A file STOP was put into the folder; the watch goes on when it is gone."


@dataclass(frozen=True, slots=True)
class Again:
    """When something is tried again, in seconds of a monotonic clock."""

    at: float
    delay: float = 0.0  # s, that led there

    def put_off(self, now: float, first: float) -> Again:
        """Return when the next try is, after one that failed: later and later."""
        delay = min(self.delay * 2, LONGEST) or first
        return Again(now + delay, delay)


@dataclass(frozen=True, slots=True)
class _Turn:
    """An account's turn that is under way."""

    work: Future[Handled]
    files: tuple[Path, ...]
    resume: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Machinery:
    """What a watch runs on."""

    ending: Ending
    hints: Hints
    executor: Executor
    clock: Callable[[], float] = time.monotonic


class Watch:
    """Watches a drop folder for some accounts."""

    def __init__(
        self,
        folder: Path,
        account: str,
        jobs: Mapping[str, Job],
        *,
        handler: Handler,
        voice: Voice,
        times: Times,
        machinery: Machinery,
    ) -> None:
        """Watch `folder`, whose files beside the sub-folders are `account`'s."""
        self.sees = True  # the folder could be read at the last look
        self._folder, self._account, self._jobs = folder, account, jobs
        self._handler, self._voice, self._times = handler, voice, times
        self._ending, self._hints = machinery.ending, machinery.hints
        self._executor, self._clock = machinery.executor, machinery.clock
        self._patience = Patience(quiet=times.quiet, cut_short=times.cut_short)
        self._arrivals = Arrivals()
        self._turns: dict[str, _Turn] = {}
        self._leftovers = dict.fromkeys(jobs, Again(self._clock()))
        self._again: dict[Path, Again] = {}  # files that could not be taken
        self._paused: set[str] = set()  # accounts that a file STOP halts
        self._lying: dict[Path, tuple[str, str]] = {}  # files that were run and stay: account and SHA-256

    def run(self, ends_at: float | None = None) -> Exit:
        """Watch until told to end, or until `ends_at` on the monotonic clock. Returns the exit code."""
        try:
            while not self._ending.requested and (ends_at is None or self._clock() < ends_at):
                self._hints.follow()
                wait = self.step()
                if not self._ending.requested:
                    self._hints.wait(wait if ends_at is None else max(0.0, min(wait, ends_at - self._clock())))
        finally:
            self._end_turns()
        self._collect(self._clock())
        left = Exit.TEMPORARY if self._lying or self._arrivals.waiting() else Exit.OK
        return self._ending.exit_code or left

    def step(self) -> float:
        """Look once, and let each account that has something to do have its turn; return seconds to the next look."""
        now = self._clock()
        self._collect(now)
        seen = self._look(now)
        if seen is None:
            return self._times.scan
        self._mind_stops(seen, now)
        free = [name for name in self._jobs if name not in self._turns and name not in seen.paused]
        return min([self._times.scan, *(self._turn(name, seen, now) for name in free)])

    # What lies there

    def _look(self, now: float) -> Seen | None:
        try:
            seen = look_through(self._folder, self._jobs, self._account)
        except OSError as error:
            said = f"{self._folder}: the folder cannot be read ({error.strerror or error}); trying again."
            self._voice.trouble(self._folder, said)
            self.sees = False
            return None
        self.sees = True
        self._voice.well(self._folder, f"{self._folder}: the folder can be read again.")
        for path, reason in seen.problems.items():
            self._voice.trouble(path, f"{path}: the folder cannot be read ({reason}); trying again.")
        for path in seen.strange:
            said = f"{path}: this sub-folder is no account's and is passed over; accounts are {', '.join(self._jobs)}."
            self._voice.trouble(path, said)
        for path in [path for path, account in seen.accounts.items() if account not in self._jobs]:
            self._voice.trouble(path, f"{path}: whose is it? Put it into an account's sub-folder, or give --account.")
        self._arrivals.look(seen.files, seen.temporary, at=now)
        self._again = {path: again for path, again in self._again.items() if path in seen.files}
        waiting = self._arrivals.waiting()
        self._lying = {path: it for path, it in self._lying.items() if path in seen.files and path not in waiting}
        self._voice.forget_all_but({*seen.files, *seen.problems, *seen.strange, self._folder})
        return seen

    def _mind_stops(self, seen: Seen, now: float) -> None:
        for name in seen.paused - self._paused:
            self._handler.halts.ask(name, Exit.TEMPORARY, _PAUSED)
        for name in self._paused - seen.paused:
            self._handler.halts.withdraw(name)
            self._leftovers[name] = Again(now)
        self._paused = seen.paused
        self._voice.paused(sorted(seen.paused), everything=len(seen.paused) == len(self._jobs))

    # Whose turn it is

    def _turn(self, name: str, seen: Seen, now: float) -> float:
        """Let the account have its turn if there is something to do; return the seconds until there may be."""
        waits = {
            path: self._seconds_left(path, now) for path in self._arrivals.waiting() if seen.accounts.get(path) == name
        }
        whole = [path for path, seconds in waits.items() if seconds <= 0]
        here = name == self._account or name in seen.folders
        to_leftovers = self._leftovers[name].at - now if here else self._times.scan
        if whole or to_leftovers <= 0:
            self._begin(name, whole, resume=to_leftovers <= 0)
            return self._times.scan
        return min([to_leftovers, *waits.values()])

    def _seconds_left(self, path: Path, now: float) -> float:
        if path in self._again:
            return max(0.0, self._again[path].at - now)
        arrival = self._arrivals.waiting()[path]
        left = seconds_left(arrival, self._patience, at=now, cut_short=False)
        if left > 0:
            self._voice.arriving(path, self._patience.quiet)
            return left
        with suppress(OSError):  # then taking it fails, too, and says why
            if is_cut_short(path):
                left = seconds_left(arrival, self._patience, at=now, cut_short=True)
        if left > 0:
            self._voice.cut_short(path, left)
        return left

    def _begin(self, name: str, files: Sequence[Path], *, resume: bool) -> None:
        self._arrivals.take(files)
        if files:
            self._voice.taken(name, files)
        lying = {path: sha256 for path, (account, sha256) in self._lying.items() if account == name}
        work = self._executor.submit(self._handler.handle, self._jobs[name], files, lying, resume=resume)
        self._turns[name] = _Turn(work, tuple(files), resume=resume)
        work.add_done_callback(lambda _work: self._hints.wake())

    # What came of turns

    def _collect(self, now: float) -> None:
        for name in [name for name, turn in self._turns.items() if turn.work.done()]:
            turn = self._turns.pop(name)
            if error := turn.work.exception():
                self._voice.fault(name, error)
                handled = Handled(problems=dict.fromkeys(turn.files, ""), fault=True)
            else:
                handled = turn.work.result()
            self._note(handled, name, now)
            self._leftovers[name] = self._next_try(handled, self._leftovers[name], now, resumed=turn.resume)
            self._voice.handled(name, handled)

    def _note(self, handled: Handled, name: str, now: float) -> None:
        """Take in what came of a turn's files: which are done with, which stay, which are tried again, and when."""
        moved = {one.origin for one in handled.moved}
        self._lying = {path: it for path, it in self._lying.items() if path not in moved}
        self._lying |= {one.path: (name, one.sha256) for one in handled.run if one.path not in moved}
        for path in handled.changed:
            self._arrivals.wait_again(path, at=now)
        for path in handled.problems:
            self._arrivals.give_back(path)
            self._again[path] = self._again.get(path, Again(now)).put_off(now, self._times.retry)

    def _next_try(self, handled: Handled, before: Again, now: float, *, resumed: bool) -> Again:
        """Return when to go on with what is left over."""
        if handled.fault or handled.left or handled.exit_code in _AGAIN_LATER:
            return before.put_off(now, self._times.retry) if resumed else before
        return Again(now + self._times.retry) if resumed else Again(min(before.at, now + self._times.retry))

    def _end_turns(self) -> None:
        """Let the turns that are under way end in good order."""
        for name in self._turns:
            self._handler.halts.ask(name, self._ending.exit_code or Exit.TEMPORARY, _TOLD_TO_END)
        self._executor.shutdown(wait=True)
