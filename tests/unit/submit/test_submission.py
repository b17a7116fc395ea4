from __future__ import annotations

import asyncio
from contextlib import closing
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from batch.errors import Exit
from batch.journal.database import Database
from batch.journal.journal import Journal
from batch.journal.states import State
from batch.marketplace.call import Kind
from batch.outcomes import Outcome
from batch.sandbox import Kind as SandboxKind
from batch.sandbox import Limit, Status, new_line
from tests.unit.submit.market import DAY, NOW_MS, Fault, market_order, parcel, planned, shipped_units, until

if TYPE_CHECKING:
    from batch.submit.submission import Submission
    from tests.postgres import Server
    from tests.unit.submit.conftest import Begin


@pytest.mark.parametrize("api", ["walmart-global", "walmart-canada"])
def test_an_order_is_read_sent_once_and_shipped(begin: Begin, api: str) -> None:
    trial = begin(api)
    trial.market.add(market_order("1"))
    orders = trial.plan(planned("1"))
    submission = trial.submit(orders)
    assert trial.states(orders) == [State.SHIPPED]
    assert trial.market.charged == {"1": 1}
    assert (submission.ended, submission.notes, submission.faults) == ({State.SHIPPED: 1}, {}, 0)
    assert (trial.stop.requested, trial.market.said(Kind.READ), trial.market.said(Kind.SHIP)) == (False, ["1"], ["1"])


# What the reading shows


def test_each_state_of_an_order_has_its_outcome_and_only_what_may_go_is_sent(begin: Begin) -> None:
    trial = begin()
    cancelled = new_line("1", 1, Status.CANCELLED)
    asked = new_line("1", 1)
    asked.intent_to_cancel = True
    done, other = new_line("1", 1), new_line("1", 1)
    done.units, other.units = [shipped_units()], [shipped_units(tracking="OTHER123")]
    trial.market.add(
        market_order("open"),
        market_order("created", status=Status.CREATED),
        market_order("cancelled", cancelled),
        market_order("asked", asked),
        market_order("done", done),
        market_order("other", other),
        market_order("walmarts", fulfilled_by_walmart=True),
    )
    names = ("open", "created", "cancelled", "asked", "done", "other", "walmarts", "missing")
    orders = trial.plan(*(planned(name) for name in names))
    trial.submit(orders)
    assert dict(zip(names, trial.states(orders), strict=True)) == {
        "open": State.SHIPPED,
        "created": State.SHIPPED,
        "cancelled": State.HELD,
        "asked": State.HELD,
        "done": State.ALREADY_SHIPPED,
        "other": State.HELD,
        "walmarts": State.REFUSED,
        "missing": State.REFUSED,
    }
    assert sorted(trial.market.said(Kind.SHIP)) == ["created", "open"]
    assert trial.market.said(Kind.ACKNOWLEDGE) == ["created"]


def test_the_nearest_deadline_goes_first_whatever_the_file_says(begin: Begin) -> None:
    trial = begin(rate={"ship": 60, "acknowledge": 60, "read": 0})
    days = {str(number): number * 37 % 60 for number in range(60)}
    for name, day in days.items():
        trial.market.add(market_order(name, ship_by=NOW_MS + day * DAY))
    orders = trial.plan(*(planned(name) for name in days))
    trial.submit(orders)
    shipped = trial.market.said(Kind.SHIP)
    assert sorted(shipped) == sorted(days)
    taken = 7  # in the second before all were read, and five seconds ahead of their turn
    assert shipped[taken:] == sorted(shipped[taken:], key=lambda name: days[name])


def test_a_reading_over_a_minute_old_is_made_again(begin: Begin) -> None:
    trial = begin(rate={"ship": 1, "acknowledge": 60, "read": 0})
    trial.market.add(*(market_order(str(n), ship_by=NOW_MS + n * DAY) for n in range(1, 5)))
    orders = trial.plan(*(planned(str(n)) for n in range(1, 5)))

    async def cancelled_meanwhile(_: Submission) -> None:
        await asyncio.sleep(90)
        trial.market.state.cancel_all("4")

    trial.submit(orders, during=cancelled_meanwhile)
    assert trial.states(orders) == [State.SHIPPED] * 3 + [State.HELD]
    assert trial.market.said(Kind.SHIP) == ["1", "2", "3"]


def test_what_stays_open_and_what_was_late_is_noted_beside_the_order(begin: Begin) -> None:
    trial = begin()
    done = new_line("1", 1)
    done.units = [shipped_units()]
    trial.market.add(
        market_order("1", new_line("1", 1), new_line("2", 3)),
        market_order("2", ship_by=NOW_MS - DAY),
        market_order("3", done, new_line("2", 1)),
    )
    orders = trial.plan(*(planned(name) for name in ("1", "2", "3")))
    submission = trial.submit(orders)
    assert submission.notes == {
        "1": "3 units stay open",
        "2": "shipped after its deadline, 2026-11-23 15:00",
        "3": "1 unit stays open",
    }


def test_without_preflight_nothing_is_read_or_acknowledged(begin: Begin) -> None:
    trial = begin(preflight=False, acknowledge=True)
    trial.market.add(market_order("1"), market_order("2", status=Status.CREATED))
    orders = trial.plan(planned("1"), planned("2"))
    trial.submit(orders)
    assert trial.states(orders) == [State.SHIPPED, State.REFUSED]  # not acknowledged
    assert trial.market.said(Kind.READ) == trial.market.said(Kind.ACKNOWLEDGE) == []


# Orders that are not found


def test_twenty_orders_that_are_not_found_mean_the_wrong_account(begin: Begin) -> None:
    trial = begin()
    trial.market.add(market_order("there"))
    orders = trial.plan(*(planned(f"missing-{n}") for n in range(40)), planned("there"))
    trial.submit(orders)
    assert set(trial.states(orders)) == {State.PLANNED}
    assert (trial.stop.exit_code, "wrong account" in trial.stop.reason) == (Exit.FATAL, True)
    assert trial.market.charged == {}


def test_exactly_twenty_orders_none_of_them_found_are_refused_to_nobody(begin: Begin) -> None:
    trial = begin()
    orders = trial.plan(*(planned(f"missing-{n}") for n in range(20)))
    trial.submit(orders)
    assert set(trial.states(orders)) == {State.PLANNED}
    assert trial.stop.exit_code is Exit.FATAL


def test_fewer_orders_than_that_are_refused(begin: Begin) -> None:
    trial = begin()
    orders = trial.plan(*(planned(f"missing-{n}") for n in range(19)))
    trial.submit(orders)
    assert set(trial.states(orders)) == {State.REFUSED}
    assert not trial.stop.requested


def test_one_order_that_is_found_shows_that_the_account_is_right(begin: Begin) -> None:
    trial = begin()
    trial.market.add(market_order("there"))
    orders = trial.plan(planned("there"), *(planned(f"missing-{n}") for n in range(40)))
    trial.submit(orders)
    assert trial.states(orders) == [State.SHIPPED] + [State.REFUSED] * 40
    assert "does not know this order" in trial.reason(orders[1])


def test_missing_orders_do_not_wait_for_ever_when_the_others_end_in_another_way(begin: Begin) -> None:
    trial = begin(attempts=1)
    trial.market.fail(Kind.READ, "3", Fault.LOST_BEFORE)
    trial.market.latency = 1.0
    orders = trial.plan(planned("1"), planned("2"), planned("3"))
    submission = trial.submit(orders)
    assert trial.states(orders) == [State.REFUSED, State.REFUSED, State.PLANNED]
    assert submission.ended == {State.REFUSED: 2, State.PLANNED: 1}


# Customer orders, and orders that turn out to be one


def test_rows_that_name_the_customer_order_are_resolved(begin: Begin) -> None:
    trial = begin()
    trial.market.add(market_order("1", customer_order_id="C1"))
    orders = trial.plan(planned("", customer_order="C1"))
    trial.submit(orders)
    assert trial.market.charged == {"1": 1}
    assert trial.stored(orders[0])["purchase_order_id"] == "1"


def test_a_customer_order_with_two_purchase_orders_is_held_naming_them(begin: Begin) -> None:
    trial = begin()
    trial.market.add(market_order("1", customer_order_id="C1"), market_order("2", customer_order_id="C1"))
    orders = trial.plan(planned("", customer_order="C1"))
    trial.submit(orders)
    assert trial.states(orders) == [State.HELD]
    assert "several purchase orders (1, 2)" in trial.reason(orders[0])


def test_what_walmart_fulfils_of_a_customer_order_is_not_the_sellers(begin: Begin) -> None:
    trial = begin()
    trial.market.add(
        market_order("1", customer_order_id="C1", fulfilled_by_walmart=True),
        market_order("2", customer_order_id="C1"),
    )
    orders = trial.plan(planned("", customer_order="C1"))
    trial.submit(orders)
    assert (trial.states(orders), trial.market.charged) == ([State.SHIPPED], {"2": 1})


@pytest.mark.parametrize("preflight", [True, False])
def test_orders_that_turn_out_to_be_one_go_in_one_update(begin: Begin, *, preflight: bool) -> None:
    trial = begin(preflight=preflight)
    trial.market.add(market_order("1", new_line("1", 1), new_line("2", 1), customer_order_id="C1"), market_order("2"))
    orders = trial.plan(
        planned("1", parcel("1", "A1")), planned("", parcel("2", "B2"), customer_order="C1"), planned("2")
    )
    submission = trial.submit(orders)
    assert (trial.market.said(Kind.SHIP).count("1"), trial.market.charged) == (1, {"1": 2, "2": 1})
    assert trial.states([orders[0], orders[2]]) == [State.SHIPPED] * 2
    assert submission.ended == {State.SHIPPED: 3}
    assert [one.tracking_number for one in trial.order(orders[0]).parcels] == ["A1", "B2"]


def test_orders_left_by_two_runs_for_one_purchase_order_go_in_one_update(begin: Begin) -> None:
    trial = begin()
    trial.market.add(market_order("1", new_line("1", 1), new_line("2", 1), customer_order_id="C1"))
    first = trial.plan(planned("1", parcel("1", "A1")))
    second = trial.plan(planned("1", parcel("2", "B2")))
    third = trial.plan(planned("", parcel("2", "B2"), customer_order="C1"))
    submission = trial.submit([*first, *second, *third])
    assert trial.market.charged == {"1": 2}
    assert len(trial.market.state.charge_log) == 2
    assert trial.market.said(Kind.SHIP) == ["1"]
    assert submission.ended == {State.SHIPPED: 3}


# Answers that are lost


def test_a_lost_answer_is_settled_by_reading_and_never_sent_again(begin: Begin) -> None:
    trial = begin()
    trial.market.add(market_order("1"))
    trial.market.fail(Kind.SHIP, "1", Fault.LOST_AFTER)
    orders = trial.plan(planned("1"))
    trial.submit(orders)
    assert (trial.states(orders), trial.market.charged) == ([State.SHIPPED], {"1": 1})
    assert trial.market.said(Kind.SHIP) == ["1"]
    assert "confirmed by reading" in trial.stored(orders[0])["note"]


def test_an_update_that_was_not_made_goes_again_only_after_the_settle_time(begin: Begin) -> None:
    trial = begin(settle_time=300)
    trial.market.add(market_order("1"))
    trial.market.fail(Kind.SHIP, "1", Fault.LOST_BEFORE)
    orders = trial.plan(planned("1"))
    trial.submit(orders)
    first, second = [at for at, kind, _ in trial.market.calls if kind == Kind.SHIP]
    assert (trial.states(orders), trial.market.charged) == ([State.SHIPPED], {"1": 1})
    assert second - first >= 300


def test_a_commit_that_comes_late_is_no_second_charge(begin: Begin) -> None:
    trial = begin(settle_time=300)
    trial.market.add(market_order("1"))
    trial.market.fail(Kind.SHIP, "1", Fault.LATE)
    orders = trial.plan(planned("1"))
    trial.submit(orders)
    assert (trial.states(orders), trial.market.charged) == ([State.SHIPPED], {"1": 1})


def test_others_go_on_while_an_order_is_settled(begin: Begin) -> None:
    trial = begin(settle_time=300, rate={"ship": 60, "acknowledge": 60, "read": 0})
    trial.market.add(*(market_order(str(n)) for n in range(20)))
    trial.market.fail(Kind.SHIP, "0", Fault.LOST_BEFORE)
    orders = trial.plan(*(planned(str(n)) for n in range(20)))
    trial.submit(orders)
    at = {order: when for when, kind, order in trial.market.calls if kind == Kind.SHIP}
    assert max(when for order, when in at.items() if order != "0") < 30
    assert at["0"] > 300


def test_an_update_is_sent_at_most_as_often_as_the_attempts_allow(begin: Begin) -> None:
    trial = begin(attempts=3, settle_time=5)
    trial.market.add(market_order("1"))
    trial.market.fail(Kind.SHIP, "1", *[Fault.LOST_BEFORE] * 10)
    orders = trial.plan(planned("1"))
    trial.submit(orders)
    assert trial.states(orders) == [State.PLANNED]
    assert trial.market.said(Kind.SHIP) == ["1"] * 3


def test_an_answer_that_shows_the_order_as_it_was_is_confirmed_by_reading(begin: Begin) -> None:
    trial = begin()
    trial.market.add(market_order("1"))
    trial.market.fail(Kind.SHIP, "1", Fault.STALE)
    orders = trial.plan(planned("1"))
    trial.submit(orders)
    assert (trial.states(orders), trial.market.charged) == ([State.SHIPPED], {"1": 1})
    assert trial.market.said(Kind.READ) == ["1", "1"]


def test_an_update_that_was_accepted_and_never_shows_is_never_sent_again_not_even_by_later_runs(begin: Begin) -> None:
    trial = begin(settle_time=5)
    trial.market.add(market_order("1"))
    trial.market.fail(Kind.SHIP, "1", Fault.STALE)
    orders = trial.plan(planned("1"))

    async def lose_it(_: Submission) -> None:
        await until(lambda: trial.market.state.charge_log)
        trial.market.add(market_order("1"))  # it shows as if nothing had happened

    trial.submit(orders, during=lose_it)
    assert trial.states(orders) == [State.UNKNOWN]
    trial.submit(orders)
    assert trial.states(orders) == [State.UNKNOWN]
    assert trial.market.said(Kind.SHIP) == ["1"]


def test_what_an_earlier_run_left_open_is_settled_and_only_sent_if_it_is_this_runs(begin: Begin) -> None:
    trial = begin(settle_time=60)
    trial.market.add(*(market_order(name) for name in ("1", "2", "3")))
    for name, fault in (("1", Fault.LOST_AFTER), ("2", Fault.LOST_BEFORE), ("3", Fault.LOST_BEFORE)):
        trial.market.fail(Kind.SHIP, name, fault)
        trial.market.fail(Kind.READ, name)
    orders = trial.plan(*(planned(name) for name in ("1", "2", "3")))

    async def interrupt(_: Submission) -> None:
        await asyncio.sleep(0.5)
        trial.stop.request(Exit.INTERRUPTED, "interrupted")

    trial.market.faults[Kind.READ, "1"] = [Fault.REFUSED_CONNECTION] * 0
    trial.submit(orders, during=interrupt)
    assert trial.states(orders[1:]) == [State.UNKNOWN, State.UNKNOWN]
    submission = trial.submit([orders[0], orders[1]])
    assert trial.states(orders) == [State.SHIPPED, State.SHIPPED, State.PLANNED]
    assert trial.market.charged == {"1": 1, "2": 1}
    assert submission.ended[State.PLANNED] == 1


def test_a_newer_order_waits_until_the_older_one_of_its_purchase_order_is_settled(begin: Begin) -> None:
    trial = begin(settle_time=60)
    trial.market.add(market_order("1", new_line("1", 1), new_line("2", 1)))
    trial.market.fail(Kind.SHIP, "1", Fault.LOST_BEFORE)
    older = trial.plan(planned("1", parcel("1", "A1")))

    async def interrupt(_: Submission) -> None:
        await asyncio.sleep(1)
        trial.stop.request(Exit.INTERRUPTED, "interrupted")

    trial.submit(older, during=interrupt)
    newer = trial.plan(planned("1", parcel("1", "A1"), parcel("2", "B2")))
    submission = trial.submit(newer)
    assert trial.states(newer) == [State.SHIPPED]
    assert trial.market.charged == {"1": 2}
    assert submission.ended == {State.PLANNED: 1, State.SHIPPED: 1}  # the older one is left, and will be found shipped
    trial.submit(older)
    assert (trial.states(older), trial.market.charged) == ([State.ALREADY_SHIPPED], {"1": 2})


def test_an_order_found_by_its_customers_waits_until_its_purchase_order_is_settled(begin: Begin) -> None:
    trial = begin(settle_time=60)
    trial.market.add(market_order("1", new_line("1", 1), new_line("2", 1), customer_order_id="C1"))
    trial.market.fail(Kind.SHIP, "1", Fault.LOST_BEFORE)
    older = trial.plan(planned("1", parcel("1", "A1")))

    async def interrupt(_: Submission) -> None:
        await asyncio.sleep(1)
        trial.stop.request(Exit.INTERRUPTED, "interrupted")

    trial.submit(older, during=interrupt)
    newer = trial.plan(planned("", parcel("2", "B2"), customer_order="C1"))
    trial.submit([*older, *newer])
    assert trial.market.charged == {"1": 2}
    assert trial.market.said(Kind.SHIP) == ["1", "1"]  # the lost one, and one for both


# Refusals, outages, limits


def test_a_vague_400_is_tried_again_and_in_the_end_left_to_a_later_run(begin: Begin) -> None:
    trial = begin(attempts=3)
    trial.market.add(market_order("1"), market_order("2"))
    trial.market.fail(Kind.SHIP, "1", Fault.VAGUE)
    trial.market.fail(Kind.SHIP, "2", *[Fault.VAGUE] * 9)
    orders = trial.plan(planned("1"), planned("2"))
    trial.submit(orders)
    assert trial.states(orders) == [State.SHIPPED, State.PLANNED]
    assert trial.market.said(Kind.SHIP).count("2") == 3
    assert "try again later" in trial.reason(orders[1])


def test_a_locked_order_is_tried_again_after_a_while(begin: Begin) -> None:
    trial = begin(outages=1)
    trial.market.add(market_order("1"))
    trial.market.fail(Kind.SHIP, "1", Fault.LOCKED)
    orders = trial.plan(planned("1"))
    trial.submit(orders)
    first, second = [at for at, kind, _ in trial.market.calls if kind == Kind.SHIP]
    assert trial.states(orders) == [State.SHIPPED]
    assert second - first >= 20


def test_consecutive_outages_stop_the_run_and_leave_the_rest(begin: Begin) -> None:
    trial = begin(outages=5, attempts=10)
    trial.market.add(*(market_order(str(n)) for n in range(30)))
    for n in range(30):
        trial.market.fail(Kind.READ, str(n), *[Fault.BROKEN] * 10)
    orders = trial.plan(*(planned(str(n)) for n in range(30)))
    trial.submit(orders)
    assert set(trial.states(orders)) == {State.PLANNED}
    assert (trial.stop.exit_code, "5 calls in a row failed" in trial.stop.reason) == (Exit.TEMPORARY, True)


def test_refused_credentials_end_the_run_and_mark_nothing_as_refused(begin: Begin) -> None:
    trial = begin()
    trial.market.add(*(market_order(str(n)) for n in range(30)))
    for n in range(30):
        trial.market.fail(Kind.SHIP, str(n), *[Fault.UNAUTHORISED] * 5)
    orders = trial.plan(*(planned(str(n)) for n in range(30)))
    trial.submit(orders)
    assert set(trial.states(orders)) == {State.PLANNED}
    assert trial.stop.exit_code is Exit.FATAL
    assert max(trial.market.said(Kind.SHIP).count(str(n)) for n in range(30)) <= 2


def test_one_401_is_answered_with_new_credentials(begin: Begin) -> None:
    trial = begin()
    trial.market.add(market_order("1"))
    trial.market.fail(Kind.SHIP, "1", Fault.UNAUTHORISED)
    orders = trial.plan(planned("1"))
    trial.submit(orders)
    assert trial.states(orders) == [State.SHIPPED]


def test_a_throttle_costs_no_attempt(begin: Begin) -> None:
    trial = begin(
        market={"limits": {SandboxKind.SHIP: Limit(per_minute=30, burst=1)}, "tells_limits": False}, attempts=1
    )
    trial.market.add(*(market_order(str(n)) for n in range(10)))
    orders = trial.plan(*(planned(str(n)) for n in range(10)))
    trial.submit(orders)
    assert set(trial.states(orders)) == {State.SHIPPED}
    assert trial.market.throttled > 0


def test_reading_first_costs_no_pace(begin: Begin) -> None:
    limits = {SandboxKind.SHIP: Limit(per_minute=60, burst=10), SandboxKind.READ: Limit(per_minute=5000)}
    trial = begin(market={"limits": limits}, rate={"ship": 60, "acknowledge": 60, "read": 5000})
    trial.market.add(*(market_order(str(n)) for n in range(150)))
    orders = trial.plan(*(planned(str(n)) for n in range(150)))
    trial.submit(orders)
    shipped = [at for at, kind, _ in trial.market.calls if kind == Kind.SHIP]
    assert len(shipped) == 150
    assert max(shipped) <= 140 / 0.99 + 1
    assert trial.market.throttled == 0


def test_where_the_server_says_that_it_was_shipped_the_order_tells_with_what(begin: Begin) -> None:
    trial = begin(preflight=False)
    ours, other = new_line("1", 1), new_line("1", 1)
    ours.units, other.units = [shipped_units()], [shipped_units(tracking="OTHER123")]
    trial.market.add(market_order("1", ours), market_order("2", other), market_order("3", other), market_order("4"))
    trial.market.add(market_order("5", ours, new_line("2", 1)))
    trial.market.fail(Kind.READ, "3", *[Fault.LOST_BEFORE] * 9)
    trial.market.fail(Kind.SHIP, "4", Fault.SHIPPED_STATUS)  # which the order does not show
    orders = trial.plan(*(planned(name) for name in "1234"), planned("5", parcel(), parcel("2", "B2")))
    trial.submit(orders)
    assert trial.states(orders) == [State.ALREADY_SHIPPED, State.HELD, State.REFUSED, State.REFUSED, State.HELD]
    assert "OTHER123" in trial.reason(orders[1])
    assert [part and part.outcome for part in trial.order(orders[4]).ended] == [Outcome.ALREADY_SHIPPED, None]


# Being told to stop


def test_calls_in_flight_end_and_nothing_new_begins(begin: Begin) -> None:
    trial = begin(market={"latency": 10.0}, rate={"ship": 600, "acknowledge": 0, "read": 0})
    trial.market.add(*(market_order(str(n)) for n in range(30)))
    orders = trial.plan(*(planned(str(n)) for n in range(30)))

    async def interrupt(_: Submission) -> None:
        await until(lambda: len(trial.market.said(Kind.SHIP)) == 3)
        trial.stop.request(Exit.INTERRUPTED, "interrupted")

    trial.submit(orders, during=interrupt)
    assert sorted(trial.states(orders)) == [State.PLANNED] * 27 + [State.SHIPPED] * 3
    assert len(trial.market.said(Kind.SHIP)) == 3


def test_an_order_that_was_just_acknowledged_is_not_sent_after_the_stop(begin: Begin) -> None:
    trial = begin(market={"latency": 2.0})
    trial.market.add(market_order("1", status=Status.CREATED))
    orders = trial.plan(planned("1"))

    async def interrupt(_: Submission) -> None:
        await until(lambda: trial.market.said(Kind.ACKNOWLEDGE))
        trial.stop.request(Exit.INTERRUPTED, "interrupted")

    trial.submit(orders, during=interrupt)
    assert (trial.states(orders), trial.market.said(Kind.SHIP)) == ([State.PLANNED], [])


def test_what_outlasts_the_grace_time_is_left_to_recovery(begin: Begin) -> None:
    trial = begin(market={"latency": 100.0}, settle_time=5)
    trial.market.add(market_order("1"))
    orders = trial.plan(planned("1"))

    async def interrupt(_: Submission) -> None:
        await until(lambda: trial.market.said(Kind.SHIP))
        await asyncio.sleep(60)
        trial.stop.request(Exit.INTERRUPTED, "interrupted")

    trial.submit(orders, during=interrupt, grace=5)
    assert (trial.states(orders), trial.market.charged) == ([State.SENDING], {"1": 1})
    trial.market.latency = 0.1
    trial.submit(orders)
    assert (trial.states(orders), trial.market.charged) == ([State.SHIPPED], {"1": 1})


def test_an_order_between_two_attempts_that_did_nothing_is_planned_again(begin: Begin) -> None:
    trial = begin()
    trial.market.add(market_order("1"))
    trial.market.fail(Kind.SHIP, "1", Fault.LOCKED)
    orders = trial.plan(planned("1"))

    async def interrupt(_: Submission) -> None:
        await asyncio.sleep(10)
        trial.stop.request(Exit.INTERRUPTED, "interrupted")

    trial.submit(orders, during=interrupt)
    assert (trial.states(orders), trial.market.charged) == ([State.PLANNED], {})


def test_orders_that_are_being_settled_when_the_stop_comes_stay_unknown(begin: Begin) -> None:
    trial = begin(settle_time=300)
    trial.market.add(market_order("1"))
    trial.market.fail(Kind.SHIP, "1", Fault.LOST_BEFORE)
    orders = trial.plan(planned("1"))

    async def interrupt(_: Submission) -> None:
        await asyncio.sleep(100)
        trial.stop.request(Exit.TEMPORARY, "late")

    trial.submit(orders, during=interrupt)
    assert trial.states(orders) == [State.UNKNOWN]


def test_credentials_that_are_refused_while_settling_end_the_run(begin: Begin) -> None:
    trial = begin(settle_time=60)
    trial.market.add(market_order("1"))
    trial.market.fail(Kind.SHIP, "1", Fault.LOST_BEFORE)
    orders = trial.plan(planned("1"))

    async def revoke(_: Submission) -> None:
        await until(lambda: trial.market.said(Kind.SHIP))
        trial.market.fail(Kind.READ, "1", *[Fault.UNAUTHORISED] * 2)

    trial.submit(orders, during=revoke)
    assert (trial.states(orders), trial.stop.exit_code) == ([State.UNKNOWN], Exit.FATAL)


def test_there_are_no_more_workers_than_the_pace_needs(begin: Begin) -> None:
    trial = begin(rate={"ship": 60, "acknowledge": 60, "read": 0}, market={"latency": 3.0})
    trial.market.add(*(market_order(str(n)) for n in range(40)))
    orders = trial.plan(*(planned(str(n)) for n in range(40)))
    submission = trial.submit(orders)
    assert set(trial.states(orders)) == {State.SHIPPED}
    assert 4 <= submission._workers <= 12  # three calls under way, five orders ahead of their turn, some slack


def test_a_run_without_orders_ends_at_once(begin: Begin) -> None:
    trial = begin()
    assert trial.submit([]).ended == {}
    assert trial.market.calls == []


# Our own faults


def test_a_fault_of_ours_puts_one_order_aside_and_stops_no_other(
    begin: Begin, caplog: pytest.LogCaptureFixture
) -> None:
    trial = begin()
    trial.market.add(*(market_order(str(n)) for n in range(5)))
    trial.market.fail(Kind.READ, "1", Fault.BUG)
    trial.market.fail(Kind.SHIP, "2", Fault.BUG)
    orders = trial.plan(*(planned(str(n)) for n in range(5)))
    submission = trial.submit(orders)
    assert trial.states(orders) == [State.SHIPPED, State.HELD, State.UNKNOWN, State.SHIPPED, State.SHIPPED]
    assert submission.faults == 2
    assert "ZeroDivisionError" in caplog.text


def test_a_fault_of_ours_while_settling_leaves_the_order_unknown(begin: Begin) -> None:
    trial = begin()
    trial.market.add(market_order("1"), market_order("2"))
    trial.market.fail(Kind.SHIP, "1", Fault.LOST_AFTER)
    orders = trial.plan(planned("1"), planned("2"))

    async def break_it(_: Submission) -> None:
        await until(lambda: trial.market.state.charges.get("1"))
        trial.market.fail(Kind.READ, "1", Fault.BUG)

    submission = trial.submit(orders, during=break_it)
    assert trial.states(orders) == [State.UNKNOWN, State.SHIPPED]
    assert submission.faults == 1


def test_a_fault_of_ours_at_an_order_that_became_part_of_another_is_that_ones(begin: Begin) -> None:
    trial = begin()
    trial.market.add(market_order("1", new_line("1", 1), new_line("2", 1), customer_order_id="C1"), market_order("2"))
    orders = trial.plan(planned("1", parcel("1", "A1")), planned("", parcel("2"), customer_order="C1"), planned("2"))
    with patch("batch.submit.journey.Journey._resolve", side_effect=[ZeroDivisionError, NotImplementedError]):
        submission = trial.submit(orders)
    assert trial.states([orders[0], orders[2]]) == [State.HELD, State.HELD]
    assert (submission.faults, submission.ended, trial.market.charged) == (2, {State.HELD: 3}, {})


def test_a_fault_of_ours_that_is_no_orders_ends_the_run(begin: Begin) -> None:
    trial = begin()
    trial.submit([4711])  # no such order
    assert (trial.stop.exit_code, trial.stop.reason) == (
        Exit.FATAL,
        "A fault of shipbatch itself; the log has the details.",
    )


def test_a_journal_that_cannot_be_written_ends_the_run_before_anything_is_sent(begin: Begin) -> None:
    trial = begin()
    trial.market.add(market_order("1"))
    orders = trial.plan(planned("1"))

    async def break_it(_: Submission) -> None:
        await until(lambda: trial.market.said(Kind.READ))
        with trial.journal.database.writing() as connection:
            connection.exec_driver_sql("drop table attempts")

    trial.submit(orders, during=break_it)
    assert (trial.stop.exit_code, trial.market.charged) == (Exit.FATAL, {})
    assert trial.states(orders) == [State.PLANNED]


def test_another_run_that_takes_the_account_ends_this_one_and_what_it_began_is_the_others_to_settle(
    begin: Begin,
) -> None:
    trial = begin()
    trial.market.add(*(market_order(str(n)) for n in range(3)))
    orders = trial.plan(*(planned(str(n)) for n in range(3)))

    async def take_over(_: Submission) -> None:
        await until(lambda: trial.market.said(Kind.READ))
        with closing(Journal(Database(f"sqlite:///{trial.journal.database.file}"))) as another:
            another.locks.take(trial.account.seller, "another")

    trial.submit(orders, during=take_over)
    assert trial.stop.exit_code is Exit.TEMPORARY
    assert "Another run has taken the account since" in trial.stop.reason
    assert trial.states(orders) == [State.PLANNED] * 3
    assert trial.market.charged == {}


def test_a_journal_on_a_server_serves_as_a_file_does(begin: Begin, postgres: Server) -> None:
    trial = begin(settle_time=60)
    with closing(Journal.open(postgres.place())) as trial.journal:
        trial.market.add(*(market_order(str(n)) for n in range(5)))
        trial.market.fail(Kind.SHIP, "1", Fault.LOST_BEFORE)
        trial.market.fail(Kind.SHIP, "2", Fault.LOST_AFTER)
        orders = trial.plan(*(planned(str(n)) for n in range(5)))
        trial.submit(orders)
        assert trial.states(orders) == [State.SHIPPED] * 5
        assert set(trial.market.charged.values()) == {1}
