"""Two thousand orders in every state that an order can be in, on both dialects: each has the right end."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from batch.journal.states import State
from batch.marketplace.call import Kind
from batch.sandbox import Line, Status, new_line
from tests.unit.submit.market import DAY, NOW_MS, market_order, parcel, planned, shipped_units

if TYPE_CHECKING:
    from batch.plan import PlannedOrder
    from batch.sandbox import Order
    from tests.unit.submit.conftest import Begin

ORDERS = 2000


def _line(number: str, quantity: int, *units: tuple[int, str]) -> Line:
    """Return a line of which so many units are shipped with these numbers."""
    line = new_line(number, quantity)
    for shipped, tracking in units:
        line.move(shipped, (Status.ACKNOWLEDGED,), shipped_units(shipped, tracking))
    return line


def _asked(line: Line) -> Line:
    line.intent_to_cancel = True
    return line


def _cases(number: str, tracking: str) -> list[tuple[Order | None, PlannedOrder, State, int]]:
    """Return all cases for one number: the marketplace's order, the plan's, how it ends, units charged by the run."""
    name, customer = f"PO{number}", f"C{number}"
    mine = parcel("1", tracking)
    plain = planned(name, mine)
    due = NOW_MS + (int(number) % 97 + 1) * DAY // 8

    def order(*lines: Line, status: Status = Status.ACKNOWLEDGED, **members: object) -> Order:
        return market_order(name, *lines, status=status, **{"ship_by": due, "customer_order_id": customer, **members})

    return [
        (order(), plain, State.SHIPPED, 1),
        (order(status=Status.CREATED), plain, State.SHIPPED, 1),
        (
            order(new_line("1", 3)),
            planned(name, parcel("1", tracking, 2), parcel("1", f"{tracking}B")),
            State.SHIPPED,
            3,
        ),
        (order(new_line("1", 1), new_line("2", 2)), planned(name, mine, parcel("2", tracking, 2)), State.SHIPPED, 3),
        (order(), planned(name, parcel("", tracking)), State.SHIPPED, 1),
        (order(), planned("", mine, customer_order=customer), State.SHIPPED, 1),
        (order(_line("1", 2, (1, tracking))), planned(name, parcel("1", tracking, 2)), State.SHIPPED, 1),
        (order(_line("1", 1, (1, tracking))), plain, State.ALREADY_SHIPPED, 0),
        (order(_line("1", 1, (1, "OTHER"))), plain, State.HELD, 0),
        (order(_line("1", 2, (1, "OTHER"))), plain, State.HELD, 0),
        (order(_asked(new_line("1", 1))), plain, State.HELD, 0),
        (order(new_line("1", 1, Status.CANCELLED)), plain, State.HELD, 0),
        (order(new_line("1", 1)), planned(name, parcel("1", tracking, 2)), State.HELD, 0),
        (order(new_line("1", 1), new_line("2", 1)), planned(name, parcel("", tracking)), State.HELD, 0),
        (order(ordered_at=NOW_MS), plain, State.HELD, 0),
        (order(new_line("1", 1)), planned(name, parcel("7", tracking)), State.HELD, 0),
        (order(fulfilled_by_walmart=True), plain, State.REFUSED, 0),
        (None, plain, State.REFUSED, 0),
    ]


@pytest.mark.parametrize("api", ["walmart-global", "walmart-canada"])
def test_every_order_has_the_right_end_and_nothing_was_sent_that_the_reading_spoke_against(
    begin: Begin, api: str
) -> None:
    trial = begin(api)
    plans, expected, units = [], [], 0
    for number in range(ORDERS):
        cases = _cases(str(number), f"T{number}")
        at_market, plan, state, charged = cases[number % len(cases)]
        if at_market:
            trial.market.add(at_market)
        plans.append(plan)
        expected.append(state)
        units += charged
    orders = trial.plan(*plans)
    trial.submit(orders)
    assert trial.states(orders) == expected
    assert trial.market.state.units_charged == units
    assert {verdict for _, verdict in trial.calls} == {"accepted"}
    assert len(trial.market.said(Kind.SHIP)) == expected.count(State.SHIPPED)
