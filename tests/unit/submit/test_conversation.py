from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest

from batch.errors import Exit, JournalFailed
from batch.journal.entries import Begin, Change, Claim, End
from batch.journal.states import State
from batch.marketplace.call import Answer, Call, Kind, NoAnswer
from batch.marketplace.exchange import Reply, Signed
from batch.marketplace.orders import ShippingUpdate
from batch.marketplace.verdict import Meaning, Verdict
from batch.settings import Account
from batch.submit.conversation import Conversation, Surroundings
from batch.submit.retry import Act, Attempt
from batch.submit.saying import Saying
from batch.submit.stop import Stop
from tests.unit.submit.market import parcel
from tests.unit.submit.virtual import now, run

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from batch.journal.entries import Entry
    from batch.journal.recorder import Recorder
    from batch.marketplace.exchange import Exchange

NOW_MS = 1_795_550_400_000
ACCEPTED = Verdict(meaning=Meaning.ACCEPTED, status=200)
REFUSED = Verdict(meaning=Meaning.REFUSED, status=400, reason="no")
THROTTLED = Verdict(meaning=Meaning.THROTTLED, status=429)
UNAVAILABLE = Verdict(meaning=Meaning.UNAVAILABLE, status=503, reason="down")
LOCKED = Verdict(meaning=Meaning.UNAVAILABLE, status=423, wait=20.0)
UNKNOWN = Verdict(meaning=Meaning.UNKNOWN, reason="lost")
UNAUTHORISED = Verdict(meaning=Meaning.UNAUTHORISED, status=401)
UPDATE = ShippingUpdate(purchase_order_id="1", parcels=(parcel(),))
CLAIM = Claim("1", "X", 1, 99, State.SHIPPED, 0)


def call(kind: Kind = Kind.SHIP) -> Call:
    return Call(kind=kind, method="POST", url="http://127.0.0.1/", purchase_order_id="1")


@dataclass(slots=True)
class Talk:
    """A conversation whose answers are given, and all that is written down of it, in one sequence."""

    settings: dict[str, Any] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)
    events: list[str] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    signed: list[str] = field(default_factory=list)  # of those that left, signed ahead
    renewed: int = 0
    against: tuple[Claim, ...] = ()
    latency: float = 0.1
    stop: Stop = field(default_factory=Stop)
    ours: bool = True  # the account
    said: Conversation = field(init=False)

    async def sign(self, _call: Call) -> Signed:
        await asyncio.sleep(0)
        return Signed("signature", NOW_MS)

    async def __call__(self, call: Call, correlation_id: str, signed: Signed | None = None) -> Reply:
        self.signed += [signed.text] if signed else []
        self.events.append(f"sent {call.kind} {correlation_id[:0]}".strip())
        await asyncio.sleep(self.latency)
        verdict = self.verdicts.pop(0)
        answer = Answer(verdict.status, {}, b"") if verdict.status else NoAnswer(sent=True, reason="lost")
        return Reply(answer, verdict)

    def renew(self, _reply: Reply) -> bool:
        self.renewed += 1
        return True

    async def write(self, *entries: Entry) -> list[tuple[Claim, ...]]:
        self.entries += entries
        self.events.append("wrote " + " ".join(_named(entry) for entry in entries))
        return [self.against if isinstance(entry, Begin) else () for entry in entries]

    def run(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> Any:  # noqa: ANN401 - whatever the work returns
        async def main() -> Any:  # noqa: ANN401 - the same
            account = Account.model_validate({"client_id": "me", "client_secret": "hush", **self.settings})
            world = Surroundings(
                clock=now,
                wall_ms=lambda: NOW_MS,
                sleep=asyncio.sleep,
                random=lambda: 1.0,
                is_ours=lambda: self.ours,
            )
            exchange, recorder = cast("Exchange", self), cast("Recorder", self)
            self.said = Conversation(exchange, recorder, account, run=3, stop=self.stop, surroundings=world)
            return await work()

        return run(main())

    def tell(self, saying: Saying, kind: Kind = Kind.SHIP) -> Attempt:
        return cast("Attempt", self.run(lambda: self.said.tell(call(kind), saying)))

    def ask(self) -> Attempt:
        return cast("Attempt", self.run(lambda: self.said.ask(call(Kind.READ))))


def _named(entry: Entry) -> str:
    return f"change {entry.to}" if isinstance(entry, Change) else type(entry).__name__.lower()


def talk(*verdicts: Verdict, **settings: object) -> Talk:
    free = {"rate": {"ship": 0, "acknowledge": 0, "read": 0}}
    return Talk({**free, **settings}, [*verdicts])


def test_an_update_is_on_record_before_it_leaves_and_its_end_is_for_the_caller() -> None:
    one = talk(ACCEPTED)
    saying = Saying(7, UPDATE, parts=(0,), before={"1": 2})
    attempt = one.tell(saying)
    assert one.events == ["wrote begin", "sent ship"]
    (begin,) = one.entries
    assert isinstance(begin, Begin)
    assert (begin.order, begin.run, begin.seller, begin.update, begin.parts) == (7, 3, "me", UPDATE, (0,))
    assert attempt.end is not None
    assert (attempt.end.correlation_id, attempt.end.verdict) == (begin.correlation_id, "accepted")
    assert (attempt.decision.act, saying.begun, saying.answers) == (Act.DONE, True, 1)


def test_each_attempt_has_an_id_of_its_own_and_claims_once() -> None:
    one = talk(THROTTLED, UNAVAILABLE, UNAUTHORISED, ACCEPTED)
    one.tell(Saying(7, UPDATE))
    begins = [entry for entry in one.entries if isinstance(entry, Begin)]
    ends = [entry for entry in one.entries if isinstance(entry, End)]
    assert len({begin.correlation_id for begin in begins}) == 4
    assert [begin.update for begin in begins] == [UPDATE, None, None, None]
    assert [end.correlation_id for end in ends] == [begin.correlation_id for begin in begins[:-1]]
    assert one.events[2] == "wrote end begin"
    assert one.renewed == 1


def test_what_is_asked_leaves_no_trace() -> None:
    one = talk(UNAVAILABLE, ACCEPTED)
    assert one.ask().decision.act is Act.DONE
    assert one.entries == []


def test_requests_are_counted_by_kind_with_retries_and_throttles() -> None:
    one = talk(THROTTLED, UNAVAILABLE, UNKNOWN, ACCEPTED, ACCEPTED, ACCEPTED)

    async def work() -> None:
        await one.said.ask(call(Kind.READ))
        await one.said.ask(call(Kind.FIND))
        await one.said.tell(call(Kind.EDIT), Saying(7, UPDATE))

    one.run(work)
    assert one.said.requests == {"read": 5, "ship": 1, "throttled": 1, "retries": 2}
    assert all(type(name) is str for name in one.said.requests)  # JSON's keys


def test_answers_to_earlier_updates_of_the_order_count_with_them() -> None:
    one = talk(UNAVAILABLE, UNAVAILABLE, ACCEPTED, attempts=3)
    saying = Saying(7, UPDATE, answers=1)
    assert one.tell(saying).decision.act is Act.GIVE_UP
    assert (saying.answers, len(one.verdicts)) == (3, 1)


def test_claims_of_others_keep_an_update_from_leaving() -> None:
    one = talk(ACCEPTED)
    one.against = (CLAIM,)
    saying = Saying(7, UPDATE)
    attempt = one.tell(saying)
    assert (attempt.against, attempt.decision.act, saying.begun) == ((CLAIM,), Act.DONE, False)
    assert one.events == ["wrote begin"]
    assert one.said.requests == {}


def test_a_journal_that_fails_keeps_an_update_from_leaving() -> None:
    one = talk(ACCEPTED)

    async def work() -> None:
        async def fail(*_entries: Entry) -> list[tuple[Claim, ...]]:
            raise JournalFailed

        one.said._recorder = cast("Any", type("Broken", (), {"write": staticmethod(fail)}))
        with pytest.raises(JournalFailed):
            await one.said.tell(call(), Saying(7, UPDATE))

    one.run(work)
    assert one.events == []
    assert one.said.paces[Kind.SHIP].engaged == 0


# Whose the account is


def test_what_is_on_record_leaves_only_once_the_account_is_known_to_be_ours() -> None:
    one = talk(ACCEPTED)
    one.ours = False

    async def work() -> Attempt:
        telling = asyncio.create_task(one.said.tell(call(), Saying(7, UPDATE)))
        await asyncio.sleep(5)
        assert one.events == ["wrote begin"]
        one.ours = True
        return await telling

    attempt = cast("Attempt", one.run(work))
    assert one.events == ["wrote begin", "sent ship"]
    assert (attempt.decision.act, attempt.end and attempt.end.verdict) == (Act.DONE, "accepted")


def test_what_never_left_since_the_account_was_lost_is_known_to_have_done_nothing() -> None:
    one = talk(ACCEPTED)
    one.ours = False

    async def work() -> Attempt:
        telling = asyncio.create_task(one.said.tell(call(), Saying(7, UPDATE)))
        await asyncio.sleep(5)
        one.stop.request(Exit.TEMPORARY, "another has it")
        return await telling

    attempt = cast("Attempt", one.run(work))
    assert one.events == ["wrote begin"]
    assert (attempt.decision.act, attempt.verdict.reason) == (Act.GIVE_UP, "another has it")
    assert (attempt.end and attempt.end.verdict, one.said.in_flight) == ("unavailable", set())


def test_reading_asks_nobody_whose_the_account_is() -> None:
    one = talk(ACCEPTED)
    one.ours = False
    assert one.ask().decision.act is Act.DONE


# Being told to stop


def test_nothing_begins_once_the_run_is_told_to_stop() -> None:
    one = talk(ACCEPTED)
    one.stop.request(Exit.TEMPORARY, "late")
    attempt = one.tell(Saying(7, UPDATE))
    assert (attempt.decision.act, attempt.verdict.reason, one.events) == (Act.GIVE_UP, "late", [])


def test_nobody_waits_for_a_turn_once_the_run_is_told_to_stop() -> None:
    one = talk(ACCEPTED, rate={"ship": 1, "acknowledge": 1, "read": 1})
    one.stop.request(Exit.TEMPORARY, "late")

    async def work() -> float:
        await one.said.paces[Kind.SHIP].turn()
        began = now()
        await one.said.tell(call(), Saying(7, UPDATE))
        return now() - began

    assert one.run(work) == 0


def test_nothing_begins_when_the_stop_comes_before_the_turn() -> None:
    one = talk(ACCEPTED, rate={"ship": 60, "acknowledge": 60, "read": 60})

    async def work() -> Attempt:
        await one.said.paces[Kind.SHIP].turn()
        telling = asyncio.create_task(one.said.tell(call(), Saying(7, UPDATE)))
        await asyncio.sleep(0.5)
        one.stop.request(Exit.TEMPORARY, "late")
        return await telling

    assert cast("Attempt", one.run(work)).decision.act is Act.GIVE_UP
    assert one.events == []


def test_an_answer_after_the_stop_is_not_followed_by_another_attempt() -> None:
    one = talk(UNAUTHORISED)

    async def work() -> Attempt:
        telling = asyncio.create_task(one.said.tell(call(), Saying(7, UPDATE)))
        await asyncio.sleep(0.05)
        assert one.said.in_flight == {telling}
        one.stop.request(Exit.TEMPORARY, "late")
        return await telling

    attempt = cast("Attempt", one.run(work))
    assert (attempt.decision.act, attempt.end is not None, one.said.in_flight) == (Act.GIVE_UP, True, set())
    assert one.renewed == 0


@pytest.mark.parametrize(
    ("verdict", "update", "written"),
    [
        (LOCKED, UPDATE, ["wrote end change planned"]),  # nothing was done
        (UNKNOWN, None, []),  # an acknowledgement that may have been made: recovery is not needed, the update tells
        (LOCKED, None, ["wrote end"]),
    ],
)
def test_what_waits_for_another_attempt_is_taken_back(
    verdict: Verdict, update: ShippingUpdate | None, written: list[str]
) -> None:
    one = talk(verdict)

    async def work() -> None:
        kind = Kind.SHIP if update else Kind.ACKNOWLEDGE
        telling = asyncio.create_task(one.said.tell(call(kind), Saying(7, update)))
        await asyncio.sleep(0.5)
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)

    one.run(work)
    assert one.events[2:] == written


def test_what_is_under_way_when_it_is_cancelled_is_left_as_it_is() -> None:
    one = talk(ACCEPTED)

    async def work() -> None:
        telling = asyncio.create_task(one.said.tell(call(), Saying(7, UPDATE)))
        await asyncio.sleep(0.05)
        telling.cancel()
        await asyncio.gather(telling, return_exceptions=True)

    one.run(work)
    assert one.events == ["wrote begin", "sent ship"]


# Ahead of a connection


async def _telling(one: Talk, orders: int) -> list[asyncio.Task[Attempt]]:
    """Tell so many orders at once; it is a moment before the first answer then."""
    tasks = [asyncio.create_task(one.said.tell(call(), Saying(order, UPDATE))) for order in range(orders)]
    await asyncio.sleep(one.latency / 2)
    return tasks


def test_more_is_on_record_than_there_are_connections_where_no_limit_is_known() -> None:
    one = talk(*[ACCEPTED] * 5, workers=2)

    async def work() -> tuple[list[str], int]:
        tasks = await _telling(one, 5)
        before = one.events.copy()
        await asyncio.gather(*tasks)
        return before, one.said.paces[Kind.SHIP].engaged

    before, engaged = one.run(work)
    assert sorted(before) == ["sent ship"] * 2 + ["wrote begin"] * 5
    assert (one.events[len(before) :], engaged) == (["sent ship"] * 3, 0)
    assert one.signed == ["signature"] * 3  # while they waited


def test_where_a_limit_is_known_nothing_is_on_record_before_its_turn() -> None:
    one = talk(*[ACCEPTED] * 3, workers=1, rate={"ship": 6000, "acknowledge": 0, "read": 0})

    async def work() -> list[str]:
        tasks = await _telling(one, 3)
        before = one.events.copy()
        await asyncio.gather(*tasks)
        return before

    assert one.run(work) == ["wrote begin", "sent ship"]
    assert one.events == ["wrote begin", "sent ship"] * 3
    assert not one.signed


def test_what_waits_for_a_connection_keeps_the_pause_after_a_429() -> None:
    one = talk(THROTTLED, *[ACCEPTED] * 3, workers=1)

    async def work() -> float:
        tasks = await _telling(one, 3)
        answered = now() + one.latency / 2
        await asyncio.sleep(one.latency)
        assert one.said.paces[Kind.SHIP].paused > 0
        assert one.events.count("sent ship") == 1
        await asyncio.gather(*tasks)
        return now() - answered

    assert one.run(work) > 1.0
    assert one.events.count("sent ship") == 4


def test_what_waits_for_a_connection_is_taken_back_once_the_run_is_told_to_stop() -> None:
    one = talk(ACCEPTED, workers=1)

    async def work() -> list[Attempt]:
        tasks = await _telling(one, 2)
        one.stop.request(Exit.TEMPORARY, "late")
        return await asyncio.gather(*tasks)

    first, second = one.run(work)
    assert (first.decision.act, second.decision.act, second.verdict.reason) == (Act.DONE, Act.GIVE_UP, "late")
    begun = [entry.correlation_id for entry in one.entries if isinstance(entry, Begin)]
    assert (second.end.correlation_id, second.end.verdict, second.end.status) == (begun[1], "unavailable", 0)
    assert one.events.count("sent ship") == 1


def test_what_waits_for_a_connection_when_it_is_cancelled_is_taken_back() -> None:
    one = talk(ACCEPTED, workers=1)

    async def work() -> set[asyncio.Task[Any] | None]:
        tasks = await _telling(one, 2)
        flying = one.said.in_flight.copy()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return flying - {tasks[0]}

    assert one.run(work) == set()
    assert one.events[-1] == "wrote end change planned"
    assert [entry.order for entry in one.entries if isinstance(entry, Change)] == [1]
    assert one.events.count("sent ship") == 1


# Outages


def test_outages_in_a_row_stop_the_run() -> None:
    one = talk(*[UNAVAILABLE] * 3, outages=3, attempts=9)
    assert one.ask().decision.act is Act.GIVE_UP
    assert (one.stop.exit_code, one.stop.reason) == (
        Exit.TEMPORARY,
        "3 calls in a row failed; the last one: down",
    )
    assert one.said.outages == 3


def test_an_answer_in_between_ends_the_row_and_a_throttle_does_not() -> None:
    one = talk(UNAVAILABLE, THROTTLED, UNAVAILABLE, REFUSED, UNAVAILABLE, ACCEPTED, outages=3, attempts=9)

    async def work() -> list[int]:
        counted = list[int]()
        await one.said.ask(call(Kind.READ))
        counted.append(one.said.outages)
        await one.said.ask(call(Kind.READ))
        return [*counted, one.said.outages]

    assert one.run(work) == [0, 0]
    assert not one.stop.requested


def test_a_locked_order_is_no_outage() -> None:
    one = talk(*[LOCKED] * 5, outages=2)
    one.ask()
    assert (one.said.outages, one.stop.requested) == (0, False)


def test_outages_are_counted_for_each_kind_of_call() -> None:
    one = talk(UNAVAILABLE, ACCEPTED, UNAVAILABLE, attempts=1, outages=2)

    async def work() -> None:
        await one.said.tell(call(Kind.SHIP), Saying(7, UPDATE))
        await one.said.ask(call(Kind.READ))
        await one.said.tell(call(Kind.SHIP), Saying(8, UPDATE))

    one.run(work)
    assert one.stop.requested


def test_kinds_of_call_have_paces_of_their_own_but_corrections_go_with_updates() -> None:
    one = talk()
    one.run(lambda: asyncio.sleep(0))
    paces = one.said.paces
    assert paces[Kind.EDIT] is paces[Kind.SHIP]
    assert len({id(paces[kind]) for kind in (Kind.SHIP, Kind.ACKNOWLEDGE, Kind.READ, Kind.FIND)}) == 4
