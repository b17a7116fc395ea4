from __future__ import annotations

import pytest

from batch.marketplace.call import Kind
from batch.marketplace.verdict import Meaning, Verdict
from batch.submit.retry import Act, Attempt, Decision, Tally, decide, until_decided
from tests.unit.submit.virtual import run

SHIP, EDIT, READ, FIND, ACKNOWLEDGE = Kind.SHIP, Kind.EDIT, Kind.READ, Kind.FIND, Kind.ACKNOWLEDGE
ACCEPTED, REFUSED, THROTTLED = Meaning.ACCEPTED, Meaning.REFUSED, Meaning.THROTTLED
UNAUTHORISED, UNAVAILABLE, UNKNOWN = Meaning.UNAUTHORISED, Meaning.UNAVAILABLE, Meaning.UNKNOWN
FIRST = Tally()

# Each case: kinds of call, what the answer meant, what happened before, what comes next, after seconds, counting.
CASES = [
    ((SHIP, EDIT, READ, FIND, ACKNOWLEDGE), ACCEPTED, FIRST, Act.DONE, 0, True),
    ((SHIP, EDIT, READ, FIND, ACKNOWLEDGE), REFUSED, Tally(4), Act.DONE, 0, True),
    ((SHIP, EDIT, READ, FIND, ACKNOWLEDGE), THROTTLED, FIRST, Act.AGAIN, 0, False),
    ((SHIP, EDIT, READ, FIND, ACKNOWLEDGE), THROTTLED, Tally(99), Act.AGAIN, 0, False),
    ((SHIP, EDIT, READ, FIND, ACKNOWLEDGE), UNAUTHORISED, FIRST, Act.RENEW, 0, False),
    ((SHIP, EDIT, READ, FIND, ACKNOWLEDGE), UNAUTHORISED, Tally(0, 1), Act.END_RUN, 0, False),
    ((SHIP, EDIT, READ, FIND, ACKNOWLEDGE), UNAVAILABLE, FIRST, Act.AGAIN, 1, True),
    ((SHIP, EDIT, READ, FIND, ACKNOWLEDGE), UNAVAILABLE, Tally(1), Act.AGAIN, 2, True),
    ((SHIP, EDIT, READ, FIND, ACKNOWLEDGE), UNAVAILABLE, Tally(3), Act.AGAIN, 8, True),
    ((SHIP, EDIT, READ, FIND, ACKNOWLEDGE), UNAVAILABLE, Tally(4), Act.GIVE_UP, 0, True),
    ((SHIP, EDIT), UNKNOWN, FIRST, Act.FIND_OUT, 0, True),
    ((SHIP, EDIT), UNKNOWN, Tally(4), Act.FIND_OUT, 0, True),
    ((ACKNOWLEDGE, READ, FIND), UNKNOWN, FIRST, Act.AGAIN, 1, True),
    ((ACKNOWLEDGE, READ, FIND), UNKNOWN, Tally(4), Act.GIVE_UP, 0, True),
]


@pytest.mark.parametrize(("kinds", "meaning", "tally", "act", "seconds", "counts"), CASES)
def test_what_comes_after_an_answer(
    kinds: tuple[Kind, ...], meaning: Meaning, tally: Tally, act: Act, seconds: float, *, counts: bool
) -> None:
    for kind in kinds:
        decision = decide(kind, Verdict(meaning=meaning), tally, attempts=5, jitter=1.0)
        assert decision == Decision(act, seconds, counts)


@pytest.mark.parametrize("meaning", [UNAUTHORISED, UNAVAILABLE])
def test_what_no_call_can_mend_ends_the_run(meaning: Meaning) -> None:
    verdict = Verdict(meaning=meaning, fatal=True)
    assert decide(SHIP, verdict, FIRST, attempts=5, jitter=0.5) == Decision(Act.END_RUN)


def test_waits_are_spread_and_bounded_and_never_shorter_than_asked_for() -> None:
    again = Verdict(meaning=UNAVAILABLE)
    waits = [decide(READ, again, Tally(2), attempts=9, jitter=jitter).wait for jitter in (0.0, 0.5, 1.0)]
    assert waits == [2.0, 3.0, 4.0]
    assert decide(READ, again, Tally(50), attempts=99, jitter=1.0).wait == 30.0
    locked = Verdict(meaning=UNAVAILABLE, wait=20.0)
    assert decide(SHIP, locked, FIRST, attempts=5, jitter=1.0).wait == 20.0


def test_the_tally_counts_what_counts_and_renewals_in_a_row() -> None:
    tally = FIRST
    for act, counts in ((Act.RENEW, False), (Act.AGAIN, True), (Act.AGAIN, False), (Act.RENEW, False)):
        tally = tally.after(Decision(act, counts=counts))
    assert tally == Tally(answers=1, renewals=1)


def test_tenacity_does_as_decided() -> None:
    decisions = [Decision(Act.AGAIN, 3.0), Decision(Act.RENEW), Decision(Act.AGAIN, 0.5), Decision(Act.DONE)]
    slept = list[float]()

    async def attempt() -> Attempt:
        return Attempt(Verdict(meaning=UNAVAILABLE), decisions.pop(0))

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def told() -> Attempt:
        return await until_decided(await attempt(), attempt, sleep)

    assert run(told()).decision.act is Act.DONE
    assert slept == [3.0, 0.0, 0.5]
