"""The plan for large nights (`make bench-scale`): what it says must follow from what things cost."""

from __future__ import annotations

import numpy as np
import pytest

from tests.bench.scale import SELLERS, SOON, night, orders_of, own_seconds, table, worked_through
from tests.bench.scale_costs import Costs

COSTS = Costs(planning=0.06, reporting=0.1, order=0.0005, database_order=0.0001, transaction=0.0002)
NIGHT = 8 * 3600


def test_accounts_differ_as_in_life_and_are_the_same_each_time() -> None:
    orders = orders_of(100_000)
    assert 20 < np.median(orders) < 30
    assert orders[0] == orders.max() > 10_000
    assert orders.min() == 1
    assert (orders == orders_of(100_000)).all()


def test_one_account_takes_what_the_marketplace_lets_through() -> None:
    worked = worked_through(np.array([605]), COSTS)
    assert 600 <= worked.seconds <= 603
    assert (worked.busiest, worked.begun) == (1.0, 1.0)


@pytest.mark.parametrize("accounts", [10, 1_000, 20_000])
def test_a_night_is_never_shorter_than_the_largest_account_and_keeps_the_window(accounts: int) -> None:
    one = night(accounts, COSTS, window=NIGHT)
    assert one.least == own_seconds(one.orders)[0] <= one.seconds <= max(NIGHT, one.least * 1.02)
    work = one.orders.sum() * COSTS.order + accounts * (COSTS.planning + COSTS.reporting)
    assert one.cores * one.seconds >= work


def test_who_wants_to_begin_soon_needs_more_cores_and_more_of_the_database() -> None:
    late, soon = (night(20_000, COSTS, window=NIGHT, begin_within=within) for within in (np.inf, SOON))
    assert soon.cores > late.cores
    assert soon.orders_a_second > late.orders_a_second
    assert soon.database > late.database
    assert worked_through(soon.orders[:: soon.cores], COSTS).begun <= SOON


def test_what_costs_twice_as_much_needs_about_twice_as_many_cores() -> None:
    twice = Costs(planning=0.12, reporting=0.2, order=0.001, database_order=0.0001, transaction=0.0002)
    few, many = (night(20_000, costs, window=NIGHT, begin_within=SOON).cores for costs in (COSTS, twice))
    assert 1.6 < many / few < 2.4


def test_the_table_has_a_row_for_each_night() -> None:
    rows = list(table([night(accounts, COSTS, window=NIGHT) for accounts in SELLERS[:2]]))
    assert len(rows) == 4
    assert rows[-1].startswith("| 1,000 | ")
