from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from batch.journal.entries import Change
from batch.journal.states import State
from batch.submit.joining import Joining
from tests.unit.submit.market import NOW_MS, parcel, planned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batch.plan import PlannedOrder
    from tests.unit.submit.conftest import Begin
    from tests.unit.submit.market import Trial


@dataclass(slots=True)
class Orders:
    """Orders of one journal, and what became part of what."""

    trial: Trial
    merged: list[tuple[int, int]] = field(default_factory=list)

    def plan(self, *orders: PlannedOrder) -> list[int]:
        return [self.trial.plan(order)[0] for order in orders]

    def joining(self, own: Sequence[int], left_open: Sequence[int] = ()) -> Joining:
        def merge(order: int, into: int) -> None:
            self.merged.append((order, into))

        return Joining(self.trial.journal.database, self.trial.account.seller, own, left_open, merge)

    def force(self, order: int, state: State) -> None:
        with self.trial.journal.database.writing() as connection:
            connection.exec_driver_sql("update orders set state = ? where id = ?", (state.value, order))

    def trackings(self, order: int) -> list[str]:
        return [one.tracking_number for one in self.trial.order(order).parcels]


@pytest.fixture
def orders(begin: Begin) -> Orders:
    return Orders(begin())


def named(number: str, tracking: str) -> PlannedOrder:
    return planned(number, parcel(str(ord(tracking)), tracking))  # a line of its own: it contradicts no other


def unnamed(customer: str, tracking: str) -> PlannedOrder:
    return planned("", parcel(str(ord(tracking)), tracking), customer_order=customer)


def test_orders_that_share_nothing_go_their_own_way(orders: Orders) -> None:
    own = orders.plan(named("1", "A"), named("2", "B"), unnamed("C3", "C"))
    joining = orders.joining(own)
    assert joining.begin() == [own[2]]
    assert joining.named(own) == own[:2]
    assert joining.found(own[2], "3") == own[2]
    assert orders.merged == []


def test_orders_of_one_purchase_order_become_one_at_once(orders: Orders) -> None:
    own = orders.plan(named("1", "A"), named("1", "B"), named("2", "C"), unnamed("C3", "D"), unnamed("C3", "E"))
    joining = orders.joining(own)
    assert joining.begin() == [own[3]]
    assert joining.named(own) == [own[0], own[2]]
    assert orders.merged == [(own[1], own[0]), (own[4], own[3])]
    assert orders.trackings(own[0]) == ["A", "B"]


def test_an_order_whose_purchase_order_is_found_becomes_part_of_the_one_that_names_it(orders: Orders) -> None:
    own = orders.plan(named("1", "A"), unnamed("C1", "B"), unnamed("C2", "C"))
    joining = orders.joining(own)
    assert joining.begin() == own[1:]
    assert joining.found(own[1], "1") == own[0]
    assert joining.found(own[2], "1") == own[2]  # that one goes already
    assert joining.named(own) == []  # and is not given out again
    assert orders.trackings(own[0]) == ["A", "B"]


def test_what_is_not_this_runs_is_left_alone(orders: Orders) -> None:
    others = orders.plan(named("1", "A"), unnamed("C1", "X"))
    own = orders.plan(named("1", "B"), unnamed("C1", "C"))
    joining = orders.joining(own)
    assert joining.begin() == [own[1]]
    assert joining.found(own[1], "1") == own[0]
    assert [orders.trackings(one) for one in others] == [["A"], ["X"]]


def test_an_order_waits_for_one_of_its_purchase_order_that_is_being_settled(orders: Orders) -> None:
    open_, late, mine = orders.plan(named("1", "A"), unnamed("C1", "B"), named("1", "C"))
    orders.force(open_, State.UNKNOWN)
    joining = orders.joining([late, mine], [open_])
    assert joining.begin() == [late]
    assert joining.named([mine]) == []
    assert joining.found(late, "1") == 0
    assert joining.settled(open_, again=False) == [mine]
    assert orders.trackings(mine) == ["C", "B"]


def test_an_order_that_goes_again_takes_those_that_waited_for_it(orders: Orders) -> None:
    open_, mine = orders.plan(named("1", "A"), named("1", "B"))
    orders.force(open_, State.UNKNOWN)
    joining = orders.joining([open_, mine], [open_])
    joining.begin()
    orders.trial.journal.apply([Change(order=open_, to=State.PLANNED, at=NOW_MS)])
    assert joining.settled(open_, again=True) == [mine]
    assert orders.merged == [(open_, mine)]
    assert sorted(orders.trackings(mine)) == ["A", "B"]


def test_an_order_that_goes_again_is_on_its_way_and_takes_no_others_any_more(orders: Orders) -> None:
    open_, late = orders.plan(named("1", "A"), unnamed("C1", "B"))
    orders.force(open_, State.UNKNOWN)
    joining = orders.joining([open_, late], [open_])
    joining.begin()
    orders.trial.journal.apply([Change(order=open_, to=State.PLANNED, at=NOW_MS)])
    assert joining.settled(open_, again=True) == [open_]
    assert joining.found(late, "1") == late
    assert orders.merged == []


def test_an_order_waits_for_all_of_those_that_are_being_settled(orders: Orders) -> None:
    first, second, mine = orders.plan(named("1", "A"), named("1", "B"), named("1", "C"))
    orders.force(first, State.UNKNOWN)
    orders.force(second, State.SENDING)
    joining = orders.joining([mine], [first, second])
    joining.begin()
    assert joining.settled(first, again=False) == []
    assert joining.settled(second, again=False) == [mine]


def test_an_order_that_nobody_waits_for_goes_again_alone_or_not_at_all(orders: Orders) -> None:
    one, other = orders.plan(named("1", "A"), named("2", "B"))
    joining = orders.joining([one, other], [one, other])
    joining.begin()
    assert joining.settled(one, again=True) == [one]
    assert joining.settled(other, again=False) == []
