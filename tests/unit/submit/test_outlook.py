from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from batch.errors import Exit
from batch.marketplace.call import Kind
from batch.marketplace.credentials import open_dialect
from batch.marketplace.exchange import Exchange
from batch.outcomes import Outcome
from batch.sandbox import Status, new_line
from batch.submit.conversation import Enquiry, Surroundings
from batch.submit.outlook import Foreseen, Outlook, Turn, timetable
from batch.submit.stop import Stop
from tests.unit.submit.market import (
    DAY,
    NOW_MS,
    TORONTO,
    Fault,
    Market,
    account_for,
    market_order,
    parcel,
    planned,
    shipped_units,
    wall_ms,
)
from tests.unit.submit.virtual import now, run

if TYPE_CHECKING:
    from pathlib import Path

    from batch.plan import PlannedOrder


class Look:
    """One look ahead."""

    def __init__(self, folder: Path, **settings: Any) -> None:  # noqa: ANN401 - the account's own types
        self.market = Market(folder=folder)
        self.stop = Stop()
        self.account = account_for(folder, **settings)

    def ahead(self, *orders: PlannedOrder) -> list[Foreseen]:
        async def look() -> list[Foreseen]:
            world = Surroundings(clock=now, wall_ms=wall_ms, sleep=asyncio.sleep, random=lambda: 0.5)
            exchange = Exchange(open_dialect(self.account), self.market.send, now_ms=wall_ms, clock=now)
            enquiry = Enquiry(exchange, self.account, stop=self.stop, surroundings=world)
            outlook = Outlook(enquiry, self.account, zone=TORONTO, stop=self.stop, wall_ms=wall_ms)
            return await outlook.foresee(orders)

        return run(look())


@pytest.fixture
def look(key_folder: Path) -> Look:
    return Look(key_folder)


def test_each_order_is_read_and_nothing_is_changed(look: Look) -> None:
    done = new_line("1", 1)
    done.units = [shipped_units()]
    look.market.add(
        market_order("open", new_line("1", 1), new_line("2", 3), ship_by=NOW_MS + DAY),
        market_order("created", status=Status.CREATED),
        market_order("cancelled", new_line("1", 1, Status.CANCELLED)),
        market_order("done", done),
    )
    names = ("open", "created", "cancelled", "done", "missing")
    foreseen = look.ahead(*(planned(name) for name in names))
    assert [one.outcome for one in foreseen] == [
        None,
        None,
        Outcome.HELD,
        Outcome.ALREADY_SHIPPED,
        Outcome.REFUSED,
    ]
    assert [one.acknowledged for one in foreseen] == [False, True, False, False, False]
    assert (foreseen[0].stays_open, foreseen[0].ship_by, foreseen[0].purchase_order_id) == (3, NOW_MS + DAY, "open")
    assert "cancelled at the marketplace" in foreseen[2].reason
    assert "does not know this order" in foreseen[4].reason
    assert {kind for _, kind, _ in look.market.calls} == {Kind.READ}


def test_what_was_inferred_is_told(look: Look) -> None:
    look.market.add(market_order("1"))
    (foreseen,) = look.ahead(planned("1", parcel("")))
    assert (foreseen.outcome, foreseen.note) == (None, "line 1 was found as the order's only line")


def test_orders_of_one_purchase_order_are_decided_as_one(look: Look) -> None:
    look.market.add(market_order("1", new_line("1", 1), new_line("2", 1), customer_order_id="C1"))
    foreseen = look.ahead(planned("", parcel("2", "B2"), customer_order="C1"), planned("1", parcel("1", "A1")))
    assert [(one.outcome, one.stays_open, one.purchase_order_id) for one in foreseen] == [(None, 0, "1")] * 2
    turns = timetable(foreseen, per_minute=60, now_ms=NOW_MS)
    assert [turn.at for turn in turns] == [NOW_MS, NOW_MS]  # one call


def test_a_sibling_that_cannot_go_holds_the_order_that_is_part_of_it(look: Look) -> None:
    look.market.add(market_order("1", new_line("1", 1), customer_order_id="C1"))
    foreseen = look.ahead(planned("", parcel("7", "B2"), customer_order="C1"), planned("1"))
    assert [one.outcome for one in foreseen] == [Outcome.HELD, Outcome.HELD]


def test_a_customer_order_is_found_by_its_number(look: Look) -> None:
    look.market.add(market_order("1", customer_order_id="C1"), market_order("2", customer_order_id="C2"))
    look.market.add(market_order("3", customer_order_id="C2"))
    foreseen = look.ahead(planned("", customer_order="C1"), planned("", customer_order="C2"))
    assert [(one.outcome, one.purchase_order_id) for one in foreseen] == [(None, "1"), (Outcome.HELD, "")]


def test_refused_credentials_end_it(look: Look) -> None:
    look.market.add(market_order("1"), market_order("2"))
    look.market.fail(Kind.READ, "1", *[Fault.UNAUTHORISED] * 2)
    look.market.fail(Kind.READ, "2", *[Fault.UNAUTHORISED] * 2)
    foreseen = look.ahead(planned("1"), planned("2"))
    assert [one.outcome for one in foreseen] == [Outcome.NOT_ATTEMPTED] * 2
    assert look.stop.exit_code is Exit.FATAL
    assert "credentials were not accepted" in foreseen[0].reason


def test_twenty_unknown_orders_are_the_wrong_account(look: Look) -> None:
    foreseen = look.ahead(*(planned(str(n)) for n in range(50)))
    assert {one.outcome for one in foreseen} == {Outcome.NOT_ATTEMPTED}
    assert (look.stop.exit_code, "wrong account" in foreseen[-1].reason) == (Exit.FATAL, True)


def test_fewer_unknown_orders_would_be_refused(look: Look) -> None:
    assert {one.outcome for one in look.ahead(*(planned(str(n)) for n in range(19)))} == {Outcome.REFUSED}


def test_an_outage_stops_it_and_leaves_the_rest(key_folder: Path) -> None:
    look = Look(key_folder, outages=3)
    for n in range(30):
        look.market.fail(Kind.READ, str(n), *[Fault.BROKEN] * 9)
    foreseen = look.ahead(*(planned(str(n)) for n in range(30)))
    assert {one.outcome for one in foreseen} == {Outcome.NOT_ATTEMPTED}
    assert (look.stop.exit_code, len(look.market.calls) < 60) == (Exit.TEMPORARY, True)


def test_an_order_that_cannot_be_read_costs_no_other(key_folder: Path) -> None:
    look = Look(key_folder, attempts=2)
    look.market.add(market_order("1"), market_order("2"))
    look.market.fail(Kind.READ, "1", *[Fault.BROKEN] * 9)
    foreseen = look.ahead(planned("1"), planned("2"))
    assert [one.outcome for one in foreseen] == [Outcome.NOT_ATTEMPTED, None]


def test_a_fault_of_ours_is_not_hidden(look: Look) -> None:
    look.market.fail(Kind.READ, "1", Fault.BUG)
    with pytest.raises(ExceptionGroup):
        look.ahead(planned("1"))


def test_no_orders_need_no_look(look: Look) -> None:
    assert look.ahead() == []


def test_the_timetable_goes_by_deadline_and_tells_what_is_late() -> None:
    foreseen = [
        Foreseen(outcome=None, purchase_order_id="1", ship_by=NOW_MS + 500),
        Foreseen(outcome=Outcome.HELD, purchase_order_id="2"),
        Foreseen(outcome=None, purchase_order_id="3"),  # no deadline known
        Foreseen(outcome=None, purchase_order_id="4", ship_by=NOW_MS + 400),
        Foreseen(outcome=None, purchase_order_id="5", ship_by=NOW_MS + 5000),
    ]
    assert timetable(foreseen, per_minute=60, now_ms=NOW_MS) == [
        Turn(3, NOW_MS, late=False),
        Turn(0, NOW_MS + 1000, late=True),
        Turn(4, NOW_MS + 2000, late=False),
        Turn(2, NOW_MS + 3000, late=False),
    ]
    assert {turn.at for turn in timetable(foreseen, per_minute=0, now_ms=NOW_MS)} == {NOW_MS}
