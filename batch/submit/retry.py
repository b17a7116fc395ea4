"""What to do after an answer: one pure function decides, tenacity obeys.

| verdict | of an update | of a read or an acknowledgement |
|---|---|---|
| accepted, refused | done | done |
| throttled | wait, without counting | the same |
| unauthorised | once again with new credentials, then the run ends | the same |
| unavailable | again after a while, counting | the same |
| any that is fatal | the run ends | the same |
| unknown | find out first | again after a while, counting: repeating it does no harm |
"""

from __future__ import annotations

from enum import StrEnum, auto
from typing import TYPE_CHECKING

from msgspec import Struct
from tenacity import AsyncRetrying, RetryCallState, retry_if_result, stop_never

from batch.marketplace.call import Kind
from batch.marketplace.verdict import Meaning, Verdict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from batch.journal.entries import Claim, End

FIRST_WAIT, LONGEST_WAIT = 1.0, 30.0  # s between answers that count
_CHARGES = frozenset({Kind.SHIP, Kind.EDIT})


class Act(StrEnum):
    """What comes next."""

    DONE = auto()
    AGAIN = auto()
    RENEW = auto()  # new credentials, then again
    FIND_OUT = auto()  # whether it was done, before anything else
    GIVE_UP = auto()  # for this run; nothing was done
    END_RUN = auto()


_GOING_ON = frozenset({Act.AGAIN, Act.RENEW})


class Decision(Struct, frozen=True):
    """What comes next, after so many seconds, and whether the answer counts towards the most allowed."""

    act: Act
    wait: float = 0.0
    counts: bool = True


class Tally(Struct, frozen=True):
    """What has happened so far to one call."""

    answers: int = 0  # those that count
    renewals: int = 0  # of the credentials, since the last answer to somebody who was known

    def after(self, decision: Decision) -> Tally:
        """Return the tally after one more attempt."""
        return Tally(self.answers + decision.counts, self.renewals + 1 if decision.act is Act.RENEW else 0)


def decide(kind: Kind, verdict: Verdict, tally: Tally, *, attempts: int, jitter: float) -> Decision:
    """Decide what comes after this verdict. `attempts`: answers allowed; `jitter`: 0 to 1, spreads the waits."""
    if verdict.fatal:
        return Decision(Act.END_RUN)
    match verdict.meaning:
        case Meaning.ACCEPTED | Meaning.REFUSED:
            return Decision(Act.DONE)
        case Meaning.THROTTLED:
            return Decision(Act.AGAIN, counts=False)  # the pace makes everyone wait
        case Meaning.UNAUTHORISED:
            return Decision(Act.END_RUN if tally.renewals else Act.RENEW, counts=False)
        case Meaning.UNKNOWN if kind in _CHARGES:
            return Decision(Act.FIND_OUT)
        case _:
            return _again(verdict, tally, attempts, jitter)


def _again(verdict: Verdict, tally: Tally, attempts: int, jitter: float) -> Decision:
    if tally.answers + 1 >= attempts:
        return Decision(Act.GIVE_UP)
    backoff = min(LONGEST_WAIT, FIRST_WAIT * 2.0**tally.answers) * (0.5 + jitter / 2)
    return Decision(Act.AGAIN, max(backoff, verdict.wait))


class Attempt(Struct, frozen=True):
    """One exchange and what follows from it."""

    verdict: Verdict
    decision: Decision
    end: End | None = None  # not yet in the journal: it is written together with what follows from it
    against: tuple[Claim, ...] = ()  # nothing was sent: other orders have claimed parcels of it


async def until_decided(
    first: Attempt, attempt: Callable[[], Awaitable[Attempt]], sleep: Callable[[float], Awaitable[None]]
) -> Attempt:
    """Call `attempt` after the first one for as long as the last decision says so."""
    await sleep(first.decision.wait)
    retrying = AsyncRetrying(retry=retry_if_result(goes_on), wait=_as_decided, stop=stop_never, sleep=sleep)
    return await retrying(attempt)


def goes_on(attempt: Attempt) -> bool:
    """Say whether another attempt follows."""
    return attempt.decision.act in _GOING_ON


def _as_decided(state: RetryCallState) -> float:
    assert state.outcome is not None  # noqa: S101 - tenacity asks after an outcome only
    attempt: Attempt = state.outcome.result()
    return attempt.decision.wait
