from __future__ import annotations

from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.sandbox.bodies import Cancellation, Dispatch, Package, Shipment, read_shipment
from batch.sandbox.orders import Line, Order, Status, Units, new_line
from batch.sandbox.refusals import Refusal
from batch.sandbox.state import Caller, Marketplace, Rules
from tests.unit.sandbox.saying import DAY, NOW, OTHER_TRACKING, PO, TRACKING, edit, line, order, shipment, status

if TYPE_CHECKING:
    from collections.abc import Callable

ME = Caller(seller="demo", now=NOW, correlation_id="c1")


def market(*orders: Order, **rules: object) -> Marketplace:
    made = Marketplace(rules=Rules(**rules))  # type: ignore[arg-type]  # the rules' own types
    for each in orders:
        made.add(each)
    return made


def said(content: object) -> Shipment:
    return read_shipment(orjson.dumps(content))


def dispatch(number: str = "1", quantity: int = 1, tracking: str = TRACKING, **changes: object) -> Dispatch:
    package = Package(tracking_number=tracking, carrier="CPC", shipped_at=NOW - 1000)
    return Dispatch(line_number=number, quantity=quantity, packages=(package,), **changes)  # type: ignore[arg-type]  # the members' own types


def ship(*dispatches: Dispatch, edits: bool = False) -> Shipment:
    return Shipment(dispatches=dispatches or (dispatch(),), edit=edits)


def counted(marketplace: Marketplace, number: str = "1") -> dict[str, int]:
    return {str(units.status): units.quantity for units in marketplace.orders[PO].lines[number].units}


def _cancelled(made: Order) -> None:
    made.lines["1"].units = [Units(status=Status.CANCELLED, quantity=1)]


def _created(made: Order) -> None:
    made.lines["1"].units = [Units(status=Status.CREATED, quantity=1)]


def _shipped(made: Order) -> None:
    made.lines["1"].units = [Units(status=Status.SHIPPED, quantity=1)]


def _delivered(made: Order) -> None:
    made.lines["1"].units = [Units(status=Status.DELIVERED, quantity=1)]


def _wants_to_cancel(made: Order) -> None:
    made.lines["1"].intent_to_cancel = True


def _walmart_s(made: Order) -> None:
    made.fulfilled_by_walmart = True


def _ordered_later(made: Order) -> None:
    made.ordered_at = NOW


def _as_it_is(_: Order) -> None:
    """Leave it."""


@pytest.mark.parametrize(
    ("change", "update", "reason"),
    [
        (_as_it_is, ship(dispatch("9")), "Qty OverShipped"),
        (_as_it_is, ship(dispatch(quantity=2)), "Qty OverShipped"),
        (_as_it_is, ship(dispatch(), dispatch(tracking=OTHER_TRACKING)), "Qty OverShipped"),
        (_cancelled, ship(), "Qty OverShipped"),
        (_created, ship(), "Qty OverShipped"),
        (_shipped, ship(), f"The Line: 1 of PO: {PO} is in SHIPPED status"),
        (_delivered, ship(), "is in SHIPPED status"),
        (_wants_to_cancel, ship(), "intent to cancel"),
        (_walmart_s, ship(), "fulfilled by Walmart"),
        (_ordered_later, ship(), "before the order date"),
        (_as_it_is, ship(dispatch("9", replaces=TRACKING), edits=True), "Qty OverShipped"),
        (_shipped, ship(dispatch(replaces=TRACKING), edits=True), f"Tracking number {TRACKING} is not found"),
    ],
)
def test_updates_are_refused_with_the_captured_words(
    change: Callable[[Order], None], update: Shipment, reason: str
) -> None:
    made = order()
    change(made)
    marketplace = market(made)
    with pytest.raises(Refusal, match=reason) as refused:
        marketplace.ship(PO, update, ME)
    assert refused.value.status == 400
    assert marketplace.units_charged == 0


def test_an_unknown_order_is_not_found() -> None:
    with pytest.raises(Refusal, match="Orders not found") as refused:
        market().ship(PO, ship(), ME)
    assert refused.value.status == 404


def test_the_override_ships_in_spite_of_the_wish_to_cancel() -> None:
    made = order()
    _wants_to_cancel(made)
    marketplace = market(made)
    marketplace.ship(PO, ship(dispatch(override_intent_to_cancel=True)), ME)
    assert marketplace.units_charged == 1


def test_a_ship_time_may_be_a_day_ahead_but_no_more() -> None:
    marketplace = market(order())
    early = Caller(now=NOW - DAY - 2000)
    marketplace.orders[PO].ordered_at = 0
    with pytest.raises(Refusal, match="in the future"):
        marketplace.ship(PO, ship(), early)
    marketplace.ship(PO, ship(), Caller(now=NOW - DAY))


def test_created_units_can_be_shipped_where_the_rules_say_so() -> None:
    made = order(PO, 2, state=Status.CREATED)
    marketplace = market(made, must_acknowledge=False)
    marketplace.ship(PO, ship(), ME)
    assert counted(marketplace) == {"Created": 1, "Shipped": 1}


def test_one_bad_line_refuses_the_whole_update() -> None:
    marketplace = market(order(PO, 1, 1))
    with pytest.raises(Refusal):
        marketplace.ship(PO, ship(dispatch("1"), dispatch("2", quantity=2)), ME)
    assert marketplace.charges == {}


def test_the_rules_may_let_the_good_lines_through() -> None:
    marketplace = market(order(PO, 1, 1), all_or_nothing=False)
    marketplace.ship(PO, ship(dispatch("1"), dispatch("2", quantity=2)), ME)
    assert marketplace.charges == {PO: {"1": {TRACKING: 1}}}
    with pytest.raises(Refusal):
        marketplace.ship(PO, ship(dispatch("1"), dispatch("2", quantity=2)), ME)


def test_a_line_leaves_in_several_parcels_and_the_same_one_again() -> None:
    marketplace = market(order(PO, 4))
    marketplace.ship(PO, ship(dispatch(quantity=2), dispatch(tracking=OTHER_TRACKING)), ME)
    assert marketplace.charges == {PO: {"1": {TRACKING: 2, OTHER_TRACKING: 1}}}
    marketplace.ship(PO, ship(dispatch()), ME)
    assert marketplace.charges == {PO: {"1": {TRACKING: 3, OTHER_TRACKING: 1}}}
    shipped = [(units.quantity, units.packages[0].tracking_number) for units in marketplace.orders[PO].lines["1"].units]
    assert shipped == [(3, TRACKING), (1, OTHER_TRACKING)]


def test_a_second_charge_needs_units_that_were_once_there() -> None:
    marketplace = market(order(), refuse_reship=False)
    marketplace.ship(PO, ship(), ME)
    with pytest.raises(Refusal, match="Qty OverShipped"):
        marketplace.ship(PO, ship(dispatch(quantity=2)), ME)
    assert marketplace.units_charged == 1


def test_the_charge_log_tells_time_and_correlation_id() -> None:
    marketplace = market(order())
    marketplace.ship(PO, ship(), ME)
    assert marketplace.charge_log[0]._asdict() == {
        "at": NOW,
        "purchase_order_id": PO,
        "line_number": "1",
        "tracking_number": TRACKING,
        "units": 1,
        "correlation_id": "c1",
    }


def test_lettermail_is_charged_without_a_tracking_number() -> None:
    marketplace = market(order())
    info = {"shipDateTime": NOW, "carrierName": {"carrier": "LETTERMAIL"}, "methodCode": "Standard"}
    marketplace.ship(PO, said(shipment(line("1", status(tracking=info)))), ME)
    assert marketplace.charges == {PO: {"1": {"": 1}}}


def test_an_edit_may_concern_some_of_the_units() -> None:
    marketplace = market(order(PO, 3))
    marketplace.ship(PO, ship(dispatch(quantity=3)), ME)
    marketplace.ship(PO, said(edit(TRACKING, OTHER_TRACKING, "2")), ME)
    shown = {units.packages[0].tracking_number: units.quantity for units in marketplace.orders[PO].lines["1"].units}
    assert shown == {TRACKING: 1, OTHER_TRACKING: 2}
    with pytest.raises(Refusal, match="is not found"):
        marketplace.ship(PO, said(edit(TRACKING, OTHER_TRACKING, "2")), ME)


def test_an_edit_may_take_units_from_several_entries() -> None:
    marketplace = market(order(PO, 3))
    package = Package(tracking_number=TRACKING, carrier="CPC", shipped_at=NOW)
    marketplace.orders[PO].lines["1"].units = [
        Units(status=status, quantity=1, packages=(package,), shipped_at=NOW)
        for status in (Status.SHIPPED, Status.DELIVERED, Status.REFUND)
    ]
    marketplace.ship(PO, said(edit(TRACKING, OTHER_TRACKING, "2")), ME)
    shown = sorted(
        (units.packages[0].tracking_number, units.status) for units in marketplace.orders[PO].lines["1"].units
    )
    assert shown == [(TRACKING, "Refund"), (OTHER_TRACKING, "Delivered"), (OTHER_TRACKING, "Shipped")]


def test_an_edit_comes_too_late_after_four_hours() -> None:
    marketplace = market(order())
    marketplace.ship(PO, ship(), ME)
    later = Caller(now=NOW + 4 * 3_600_000 + 1)
    with pytest.raises(Refusal, match="no longer"):
        marketplace.ship(PO, said(edit(TRACKING, OTHER_TRACKING)), later)


def test_an_edit_checks_its_ship_time_too() -> None:
    marketplace = market(order())
    marketplace.ship(PO, ship(), ME)
    marketplace.orders[PO].ordered_at = NOW
    with pytest.raises(Refusal, match="before the order date"):
        marketplace.ship(PO, said(edit(TRACKING, OTHER_TRACKING)), ME)


@pytest.mark.parametrize(
    ("units", "after"),
    [
        ([(Status.CREATED, 2)], {"Acknowledged": 2}),
        ([(Status.ACKNOWLEDGED, 2)], {"Acknowledged": 2}),
        ([(Status.CREATED, 1), (Status.ACKNOWLEDGED, 1)], {"Acknowledged": 2}),
        ([(Status.CREATED, 1), (Status.SHIPPED, 1)], {"Shipped": 1, "Acknowledged": 1}),
    ],
)
def test_created_units_are_acknowledged(units: list[tuple[Status, int]], after: dict[str, int]) -> None:
    marketplace = market(order(PO, 2))
    marketplace.orders[PO].lines["1"].units = [Units(status=state, quantity=count) for state, count in units]
    marketplace.acknowledge(PO, ME)
    assert counted(marketplace) == after


@pytest.mark.parametrize("state", [Status.SHIPPED, Status.CANCELLED, Status.DELIVERED])
def test_what_is_further_on_is_not_acknowledged(state: Status) -> None:
    marketplace = market(order(PO, 1, state=state))
    with pytest.raises(Refusal, match="Some or all qty in higher status"):
        marketplace.acknowledge(PO, ME)


def test_a_buyer_cancels_what_is_open() -> None:
    marketplace = market(order(PO, 2, 1))
    marketplace.ship(PO, ship(), ME)
    assert marketplace.cancel_all(PO, "1") == 1
    assert counted(marketplace) == {"Shipped": 1, "Cancelled": 1}
    assert marketplace.cancel_all(PO, now=NOW) == 1
    assert marketplace.cancel_all(PO) == 0


def test_a_cancellation_of_too_many_units_is_refused() -> None:
    marketplace = market(order(PO, 2))
    one = Cancellation(line_number="1", quantity=1, reason="CANCEL_BY_SELLER")
    with pytest.raises(Refusal, match="cannot be cancelled"):
        marketplace.cancel(PO, [one, one, one], ME)
    with pytest.raises(Refusal, match="cannot be cancelled"):
        marketplace.cancel(PO, [Cancellation(line_number="9", quantity=1, reason="CANCEL_BY_SELLER")], ME)
    marketplace.cancel(PO, [one, one], ME)
    assert counted(marketplace) == {"Cancelled": 2}


def test_the_legacy_api_shows_no_orders_that_walmart_fulfils() -> None:
    marketplace = market(order(fulfilled_by_walmart=True))
    assert marketplace.find(PO, Caller()).purchase_order_id == PO
    with pytest.raises(Refusal):
        marketplace.find(PO, Caller(legacy=True))


def test_an_order_that_comes_again_takes_the_old_one_s_place() -> None:
    marketplace = market(order(customer="A"), order(customer="B"))
    assert marketplace.by_customer == {"A": [], "B": [PO]}
    marketplace.clear()
    assert (marketplace.orders, marketplace.by_customer) == ({}, {})


def test_units_keep_apart_by_what_they_left_in() -> None:
    made = Line(number="1", quantity=3, units=[Units(status=Status.ACKNOWLEDGED, quantity=3)])
    for tracking in ("A", "B", "A"):
        packages = (Package(tracking_number=tracking),)
        made.move(1, (Status.ACKNOWLEDGED,), Units(status=Status.SHIPPED, quantity=0, packages=packages))
    assert [(units.packages[0].tracking_number, units.quantity) for units in made.units] == [("A", 2), ("B", 1)]


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ship", "acknowledge", "cancel", "cancel_all", "edit"]),
        st.sampled_from(["1", "2", "9"]),
        st.integers(1, 3),
        st.sampled_from([TRACKING, OTHER_TRACKING]),
    ),
    max_size=12,
)


@settings(max_examples=60, deadline=None)
@given(steps=_STEPS, created=st.booleans())
def test_units_are_never_lost_and_never_charged_twice(steps: list[tuple[str, str, int, str]], created: bool) -> None:  # noqa: FBT001 - hypothesis draws it
    made = order(PO, 3, 2)
    made.lines["2"] = new_line("2", 2, Status.CREATED if created else Status.ACKNOWLEDGED)
    marketplace = market(made)
    for verb, number, quantity, tracking in steps:
        _take(marketplace, verb, number, quantity, tracking)
    for each in made.lines.values():
        assert sum(units.quantity for units in each.units) == each.quantity
        assert sum(marketplace.charges.get(PO, {}).get(each.number, {}).values()) == each.count(Status.SHIPPED)
    assert marketplace.units_charged == sum(each.count(Status.SHIPPED) for each in made.lines.values())


def _take(marketplace: Marketplace, verb: str, number: str, quantity: int, tracking: str) -> None:
    try:
        if verb == "ship":
            marketplace.ship(PO, ship(dispatch(number, quantity, tracking)), ME)
        elif verb == "edit":
            marketplace.ship(PO, ship(dispatch(number, quantity, OTHER_TRACKING, replaces=tracking), edits=True), ME)
        elif verb == "acknowledge":
            marketplace.acknowledge(PO, ME)
        elif verb == "cancel":
            marketplace.cancel(PO, [Cancellation(line_number=number, quantity=quantity, reason="CANCEL_BY_SELLER")], ME)
        else:
            marketplace.cancel_all(PO, number)
    except Refusal as refusal:
        assert refusal.status == 400  # noqa: PT017 - any refusal will do, but it must be one of these
