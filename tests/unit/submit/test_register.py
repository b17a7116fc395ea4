from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from batch.journal.states import State
from batch.submit.register import Register, lateness

SUMMER = 1_782_000_000_000  # 2026-06-21T00:00:00Z


def expecting(orders: int) -> Register:
    register = Register()
    register.expect(orders)
    return register


def test_all_have_ended_when_as_many_ended_as_were_expected() -> None:
    register = expecting(2)
    register.end(1, State.SHIPPED)
    assert not register.all_ended.is_set()
    register.end(2, State.HELD)
    assert register.all_ended.is_set()
    assert register.ended == {State.SHIPPED: 1, State.HELD: 1}


def test_a_run_without_orders_has_ended() -> None:
    assert expecting(0).all_ended.is_set()


def test_orders_that_became_one_end_together() -> None:
    register = expecting(4)
    register.merge(2, into=1)
    register.merge(1, into=3)
    register.end(3, State.SHIPPED)
    assert (register.ended, register.all_ended.is_set()) == ({State.SHIPPED: 3}, False)


def test_orders_that_are_not_found_are_held_back_until_no_other_is_left() -> None:
    register = expecting(3)
    assert register.miss(1)
    assert register.miss(2)
    assert not register.only_missing_left.is_set()
    register.end(3, State.PLANNED)
    assert register.only_missing_left.is_set()
    assert (register.take_missing(), register.miss(4)) == ([1, 2], False)


@pytest.mark.parametrize(
    ("units", "late", "note"),
    [(0, "", None), (1, "", "1 unit stays open"), (3, "", "3 units stay open"), (2, "late", "late; 2 units stay open")],
)
def test_what_else_is_to_be_said_of_an_order(units: int, late: str, note: str | None) -> None:
    register = Register()
    register.note("1", units_open=units, late=late)
    assert register.notes.get("1") == note


def test_lateness_is_told_in_the_sellers_time() -> None:
    zone = ZoneInfo("America/Toronto")
    assert lateness(SUMMER, SUMMER + 1, zone) == "shipped after its deadline, 2026-06-20 20:00"
    assert lateness(SUMMER, SUMMER, zone) == ""
    assert lateness(0, SUMMER, zone) == ""
