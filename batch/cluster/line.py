"""The way to a cluster for as long as a watch lasts, which may be months: looked after, and made anew when it is lost.

A thread of its own looks at the scheduler and its workers now and then. Whoever wants to send waits until there is a
connection whose workers are all fit; what is wrong meanwhile is said once.
"""

from __future__ import annotations

import logging
import threading
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from batch.cluster.engine import PATIENCE, NoScheduler
from batch.cluster.link import Link
from batch.errors import ShipbatchError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from contextlib import AbstractContextManager

    from distributed import Client

    Connect = Callable[[float], AbstractContextManager[Client]]  # with the patience, in seconds
    Check = Callable[[Client, Collection[str]], None]

log = logging.getLogger(__name__)

_LOOK = 1.0  # s between two looks at the scheduler and its workers, and between two tries to connect
_PATIENCE_AGAIN = 3.0  # s of one try to connect anew: whoever ends the watch waits so long
_PATIENT_LOOKS = 10  # without any worker, before that is said: one that died is most often started anew


@dataclass(slots=True)
class _Connection:
    """A connection, and what was seen of the cluster."""

    link: Link
    held: ExitStack  # closes it
    scheduler: str  # its id: one that was started anew has another, and knows nothing of us
    fit: frozenset[str]  # workers that may send
    deserted: int = 0  # looks, one after the other, that saw no worker


@dataclass(slots=True, kw_only=True)
class Line:
    """Gives a connection to a cluster. `connect` and `check` raise ShipbatchError, a sentence for each reason."""

    address: str
    connect: Connect
    check: Check  # whether these workers may send
    trouble: Callable[[str], None]  # is given what is wrong, again and again for as long as it is so
    well: Callable[[str], None]  # is given a sentence for as long as nothing is wrong
    _link: Link | None = None  # through which may be sent
    _changed: threading.Condition = field(default_factory=threading.Condition)
    _over: threading.Event = field(default_factory=threading.Event)

    @property
    def is_well(self) -> bool:
        """Whether there is a connection through which may be sent."""
        return self._link is not None

    def link(self, seconds: float) -> Link | None:
        """Return a connection through which may be sent; wait for one, at most so long."""
        with self._changed:
            self._changed.wait_for(lambda: self.is_well, seconds)
            return self._link

    def lose(self, link: Link) -> None:
        """Take note that a connection's scheduler was lost."""
        with self._changed:
            link.is_lost = True
            if self._link is link:
                self._link = None

    @contextmanager
    def held(self) -> Iterator[Link]:
        """Connect, and hold the line while the block lasts. Raises ShipbatchError where that cannot be done at once."""
        one = self._connected(PATIENCE)
        thread = threading.Thread(target=self._hold, args=(one,), name="line", daemon=True)
        thread.start()
        try:
            yield one.link
        finally:
            self._over.set()
            thread.join()

    def _hold(self, one: _Connection | None) -> None:
        while one is not None:
            self._look_after(one)
            with suppress(Exception):  # a client whose scheduler is gone may not close as it should
                one.held.close()
            one = self._connected_again()

    # One connection

    def _connected(self, patience: float) -> _Connection:
        with ExitStack() as opened:
            client = opened.enter_context(self.connect(patience))
            fit = frozenset(client.nthreads())  # type: ignore[no-untyped-call] # distributed has few types
            self.check(client, fit)
            one = _Connection(Link(client, self.address), opened.pop_all(), _scheduler(client), fit)
        self._offer(one.link)
        return one

    def _connected_again(self) -> _Connection | None:
        """Connect anew, however long that takes; None where nobody needs it any more."""
        while not self._over.is_set():
            try:
                one = self._connected(_PATIENCE_AGAIN)
            except NoScheduler:
                self.trouble(f"The scheduler at {self.address} is lost; trying again until it is back.")
            except ShipbatchError as error:
                self.trouble(_told(error))
            except Exception:
                log.debug("The scheduler at %s went away again", self.address, exc_info=True)
            else:
                self.well(f"The scheduler at {self.address} is back; going on.")
                return one
            self._over.wait(_LOOK)
        return None

    def _look_after(self, one: _Connection) -> None:
        """Look at a connection until it is lost, or nobody needs it any more."""
        before = ""
        while not self._over.wait(_LOOK):
            problem = self._problem(one) if one.link.is_open else None
            if problem is None or not one.link.is_open:
                self._offer(None)
                self.trouble(f"The scheduler at {self.address} is lost; trying again until it is back.")
                return
            self._offer(None if problem else one.link)
            if not problem:
                self.well(f"The workers at {self.address} are well again; going on.")
            elif problem == before:  # a worker that just died is no problem
                self.trouble(problem)
            before = problem

    def _problem(self, one: _Connection) -> str | None:
        """Return why nothing may be sent now, "" where all is well, None where the scheduler is not there any more."""
        try:
            self._look(one)
        except ShipbatchError as error:
            return _told(error)
        except Exception:
            log.debug("The scheduler at %s does not answer", self.address, exc_info=True)
            return None
        return ""

    def _look(self, one: _Connection) -> None:
        client = one.link.client
        if _scheduler(client) != one.scheduler:
            one.link.is_lost = True
            return
        workers = frozenset(client.nthreads())  # type: ignore[no-untyped-call] # distributed has few types
        one.deserted = 0 if workers else one.deserted + 1
        if one.deserted > _PATIENT_LOOKS:
            raise UsageError(f"The scheduler at {self.address} has no workers; waiting until one comes.")
        if new := workers - one.fit:
            self.check(client, new)
        one.fit = workers

    def _offer(self, link: Link | None) -> None:
        with self._changed:
            self._link = link if link and not link.is_lost else None
            self._changed.notify_all()


def _scheduler(client: Client) -> str:
    """Return which scheduler it is."""
    return str(client.scheduler_info(n_workers=0)["id"])


def _told(error: ShipbatchError) -> str:
    """Return a line that says why nothing may be sent."""
    return " ".join(str(error).split("\n"))
