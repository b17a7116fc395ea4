from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from batch.errors import Exit
from batch.journal.entries import Begin, Change
from batch.journal.states import State
from batch.marketplace.call import Kind
from batch.marketplace.orders import ShippingUpdate
from batch.sandbox import Status, new_line
from tests.unit.submit.market import NOW_MS, Fault, market_order, parcel, planned, shipped_units, until

if TYPE_CHECKING:
    from batch.sandbox import Order
    from batch.submit.submission import Submission
    from tests.unit.submit.conftest import Begin as BeginTrial
    from tests.unit.submit.market import Trial


def shipped_with(tracking: str) -> Order:
    line = new_line("1", 1)
    line.units = [shipped_units(1, tracking)]
    return market_order("1", line)


# Corrections


def test_a_corrected_number_is_sent_once_and_charges_nobody(begin: BeginTrial) -> None:
    trial = begin(allow_edits=True)
    trial.market.add(shipped_with("OLD1"))
    orders = trial.plan(planned("1", parcel("1", "NEW1")))
    trial.submit(orders)
    assert (trial.states(orders), trial.market.charged) == ([State.SHIPPED], {})
    assert [(edit.before, edit.after) for edit in trial.market.state.edit_log] == [("OLD1", "NEW1")]
    assert (trial.market.said(Kind.EDIT), trial.market.said(Kind.SHIP)) == (["1"], [])


def test_a_correction_that_does_not_show_is_never_sent_again_unless_a_person_says_so(begin: BeginTrial) -> None:
    trial = begin(allow_edits=True, settle_time=5)
    trial.market.add(shipped_with("OLD1"))
    trial.market.fail(Kind.EDIT, "1", Fault.LOST_BEFORE)
    order = planned("1", parcel("1", "NEW1"))
    orders = trial.plan(order)
    trial.submit(orders)
    assert trial.states(orders) == [State.HELD]
    assert "shows 1 units shipped with OLD1; we sent 1 with NEW1" in trial.reason(orders[0])
    trial.submit(trial.plan(order))  # dropped again
    assert (trial.states(orders), trial.market.said(Kind.EDIT)) == ([State.HELD], ["1"])
    assert "This correction was sent before" in trial.reason(orders[0])
    again = Change(order=orders[0], to=State.PLANNED, at=NOW_MS + 10_000_000)
    trial.journal.decide(orders[0], decision="send", user="eve", note="looked", change=again)
    trial.submit(orders)
    assert (trial.states(orders), trial.market.said(Kind.EDIT)) == ([State.SHIPPED], ["1", "1"])


def test_a_correction_that_certainly_did_nothing_goes_again(begin: BeginTrial) -> None:
    trial = begin(allow_edits=True, attempts=1)
    trial.market.add(shipped_with("OLD1"))
    trial.market.fail(Kind.EDIT, "1", Fault.VAGUE)
    orders = trial.plan(planned("1", parcel("1", "NEW1")))
    trial.submit(orders)
    assert trial.states(orders) == [State.PLANNED]
    trial.submit(orders)
    assert trial.states(orders) == [State.SHIPPED]


# What was there before


def test_the_rest_of_a_parcel_is_not_confirmed_by_what_was_shipped_before(begin: BeginTrial) -> None:
    trial = begin()
    line = new_line("1", 2)
    line.move(1, (Status.ACKNOWLEDGED,), shipped_units(1, "T1"))
    trial.market.add(market_order("1", line))
    trial.market.fail(Kind.SHIP, "1", Fault.LOST_BEFORE)
    orders = trial.plan(planned("1", parcel("1", "T1", 2)))
    trial.submit(orders)
    assert (trial.states(orders), trial.market.charged) == ([State.SHIPPED], {"1": 1})
    assert trial.market.said(Kind.SHIP) == ["1", "1"]  # the first was lost, and that was seen


def test_an_answer_that_shows_only_what_was_there_before_confirms_nothing(begin: BeginTrial) -> None:
    trial = begin(settle_time=5)
    line = new_line("1", 2)
    line.move(1, (Status.ACKNOWLEDGED,), shipped_units(1, "T1"))
    trial.market.add(market_order("1", line))
    trial.market.fail(Kind.SHIP, "1", Fault.ECHO)
    orders = trial.plan(planned("1", parcel("1", "T1", 2)))
    trial.submit(orders)
    assert (trial.states(orders), trial.market.charged) == ([State.UNKNOWN], {})


@pytest.mark.parametrize("fault", [None, Fault.LOST_AFTER, Fault.STALE])
def test_a_row_that_did_not_go_is_not_told_as_shipped(begin: BeginTrial, fault: Fault | None) -> None:
    trial = begin(on_bad_row="send-rest")
    trial.market.add(market_order("1", new_line("1", 1), new_line("2", 1, Status.CANCELLED)))
    if fault:
        trial.market.fail(Kind.SHIP, "1", fault)
    orders = trial.plan(planned("1", parcel("1", "A1"), parcel("2", "B2")))
    trial.submit(orders)
    assert (trial.states(orders), trial.market.charged) == ([State.HELD], {"1": 1})
    assert "Line 2 is cancelled" in trial.reason(orders[0])


def test_what_was_inferred_is_on_record_however_the_update_is_confirmed(begin: BeginTrial) -> None:
    trial = begin()
    trial.market.add(market_order("1"), market_order("2"))
    trial.market.fail(Kind.SHIP, "2", Fault.LOST_AFTER)
    orders = trial.plan(planned("1", parcel("")), planned("2", parcel("")))
    trial.submit(orders)
    assert [trial.stored(order)["note"] for order in orders] == [
        "line 1 was found as the order's only line",
        "line 1 was found as the order's only line; confirmed by reading the order",
    ]


def test_line_numbers_that_are_written_in_another_way_are_the_same_line(begin: BeginTrial) -> None:
    trial = begin(preflight=False, settle_time=5)
    trial.market.add(market_order("1"))
    orders = trial.plan(planned("1", parcel("001")))
    trial.submit(orders)
    assert trial.states(orders) == [State.REFUSED]  # the marketplace knows no line 001
    trial = begin()
    trial.market.add(market_order("1"))
    orders = trial.plan(planned("1", parcel("001")))
    trial.submit(orders)
    assert (trial.states(orders), trial.market.charged) == ([State.SHIPPED], {"1": 1})


# Acknowledging


def test_an_acknowledgement_that_is_refused_is_not_believed(begin: BeginTrial) -> None:
    trial = begin()
    trial.market.add(market_order("1", status=Status.CREATED))
    orders = trial.plan(planned("1"))

    async def acknowledge_elsewhere(_: Submission) -> None:
        await asyncio.sleep(0.35)  # it is read by now
        trial.market.add(market_order("1", new_line("1", 1), new_line("2", 1, Status.CANCELLED)))

    trial.submit(orders, during=acknowledge_elsewhere)
    assert (trial.states(orders), trial.market.said(Kind.ACKNOWLEDGE)) == ([State.SHIPPED], ["1"])


def test_an_acknowledgement_whose_answer_is_lost_is_repeated_and_on_record(begin: BeginTrial) -> None:
    trial = begin()
    trial.market.add(market_order("1", status=Status.CREATED))
    trial.market.fail(Kind.ACKNOWLEDGE, "1", Fault.LOST_BEFORE, Fault.LOST_AFTER)
    orders = trial.plan(planned("1"))
    trial.submit(orders)
    assert (trial.states(orders), trial.market.charged) == ([State.SHIPPED], {"1": 1})
    assert trial.calls == [
        ("acknowledge", "unknown"),
        ("acknowledge", "unknown"),
        ("acknowledge", "accepted"),
        ("ship", "accepted"),
    ]


def test_an_order_that_cannot_be_acknowledged_is_left_to_a_later_run(begin: BeginTrial) -> None:
    trial = begin(attempts=2)
    trial.market.add(market_order("1", status=Status.CREATED))
    trial.market.fail(Kind.ACKNOWLEDGE, "1", *[Fault.BROKEN] * 9)
    orders = trial.plan(planned("1"))
    trial.submit(orders)
    assert (trial.states(orders), trial.market.said(Kind.SHIP)) == ([State.PLANNED], [])


# Claims


def claim_meanwhile(trial: Trial, order: int, *, shipped: bool) -> None:
    """Let another process begin, and perhaps end, the update of an order with parcel A1 on line 1."""
    run = trial.journal.begin_run(run="other", seller=trial.account.seller, account="other", command="run", at=NOW_MS)
    update = ShippingUpdate(purchase_order_id="1", parcels=(parcel("1", "A1"),))
    seller = trial.account.seller
    begin = Begin(
        order=order, seller=seller, run=run, kind="ship", correlation_id="other", at=NOW_MS, update=update, parts=(0,)
    )
    ended = [Change(order=order, to=State.SHIPPED, at=NOW_MS)] if shipped else []
    trial.journal.apply([begin, *ended])


@pytest.mark.parametrize(
    ("settings", "shipped", "state", "reason", "charged"),
    [
        ({}, True, State.HELD, "accepted, but the order does not show it", {}),
        ({}, False, State.HELD, "not settled yet", {}),
        ({"on_bad_row": "send-rest"}, True, State.HELD, "accepted, but the order does not show it", {"1": 1}),
    ],
)
def test_a_parcel_that_another_order_claimed_meanwhile_is_not_sent(
    begin: BeginTrial, settings: dict[str, str], state: State, reason: str, charged: dict[str, int], *, shipped: bool
) -> None:
    trial = begin(**settings)
    trial.market.add(market_order("1", new_line("1", 1), new_line("2", 1)))
    (first,) = trial.plan(planned("1", parcel("1", "A1")))
    (second,) = trial.plan(planned("1", parcel("1", "A1"), parcel("2", "B1")))

    async def claim(_: Submission) -> None:
        await until(lambda: trial.market.said(Kind.READ))
        claim_meanwhile(trial, first, shipped=shipped)

    trial.submit([second], during=claim)
    assert (trial.states([second]), trial.market.charged) == ([state], charged)
    assert reason in trial.reason(second)


# Faults and stops on the way


def test_an_update_that_cannot_be_said_is_held_with_the_reason(begin: BeginTrial) -> None:
    trial = begin()
    trial.market.add(market_order("1"))
    orders = trial.plan(planned("1", parcel("1", ship_from_country="CAN")))
    trial.submit(orders)
    assert trial.states(orders) == [State.HELD]
    assert "No update can be made of it: parcel of line 1: ship_from_country" in trial.reason(orders[0])


def test_a_reading_that_is_refused_refuses_the_order(begin: BeginTrial) -> None:
    trial = begin()
    trial.market.fail(Kind.READ, "1", Fault.BAD_NUMBER)
    orders = trial.plan(planned("1"))
    trial.submit(orders)
    assert trial.states(orders) == [State.REFUSED]
    assert "calls the order's number invalid" in trial.reason(orders[0])


def test_an_order_that_can_no_longer_be_read_when_its_turn_comes_stays_planned(begin: BeginTrial) -> None:
    trial = begin(attempts=1, rate={"ship": 0.5, "acknowledge": 0, "read": 0})
    trial.market.add(market_order("1", ship_by=NOW_MS), market_order("2"))
    orders = trial.plan(planned("1"), planned("2"))

    async def break_it(_: Submission) -> None:
        await asyncio.sleep(60)
        trial.market.fail(Kind.READ, "2", Fault.BROKEN)

    trial.submit(orders, during=break_it)
    assert trial.states(orders) == [State.SHIPPED, State.PLANNED]


def test_an_order_that_changed_since_it_was_read_ahead_is_not_sent(begin: BeginTrial) -> None:
    trial = begin(rate={"ship": 0.5, "acknowledge": 0, "read": 0})
    trial.market.add(market_order("1", ship_by=NOW_MS), market_order("2"))
    orders = trial.plan(planned("1"), planned("2"))

    async def cancel(_: Submission) -> None:
        await asyncio.sleep(60)
        trial.market.state.cancel_all("2")

    trial.submit(orders, during=cancel)
    assert (trial.states(orders), trial.market.charged) == ([State.SHIPPED, State.HELD], {"1": 1})


def test_orders_that_were_read_when_the_stop_came_are_not_given_out_any_more(begin: BeginTrial) -> None:
    trial = begin(market={"latency": 4.0})
    trial.market.add(market_order("1"))
    orders = trial.plan(planned("1"))

    async def interrupt(_: Submission) -> None:
        await until(lambda: trial.market.said(Kind.READ))
        trial.stop.request(Exit.INTERRUPTED, "interrupted")

    submission = trial.submit(orders, during=interrupt)
    assert (trial.states(orders), trial.market.said(Kind.SHIP)) == ([State.PLANNED], [])
    assert len(submission.ready) == 0
