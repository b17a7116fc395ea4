from __future__ import annotations

import pytest
from msgspec.structs import replace

from batch.marketplace.confirmation import confirmed, shipped_units
from batch.marketplace.orders import LineStatus, Order, OrderLine, Parcel, ShippingUpdate

PARCEL = Parcel(line_number="1", quantity=2, carrier="CPC", tracking_number="7035 1144")
LETTER = Parcel(line_number="1", quantity=1, carrier="LETTERMAIL")


def update(*parcels: Parcel, shipment_numbers: tuple[str, ...] = ()) -> ShippingUpdate:
    return ShippingUpdate(purchase_order_id="PO", parcels=parcels, shipment_numbers=shipment_numbers)


def shipped(quantity: int, number: str = "", status: str = "Shipped") -> LineStatus:
    return LineStatus(status=status, quantity=quantity, tracking_number=number)


def order(*statuses: LineStatus, line_number: str = "1") -> Order:
    return Order(purchase_order_id="PO", lines=(OrderLine(line_number=line_number, quantity=9, statuses=statuses),))


@pytest.mark.parametrize(
    ("shown", "confirms"),
    [
        (order(shipped(2, "70351144")), True),
        (order(shipped(2, "7035-1144")), True),
        (order(shipped(1, "70351144"), shipped(1, "70351144")), True),
        (order(shipped(2, "70351144", "Delivered")), True),
        (order(shipped(2, "70351144", "Refund")), True),
        (order(shipped(5, "70351144")), True),
        (order(shipped(1, "70351144")), False),
        (order(shipped(2, "OTHER")), False),
        (order(shipped(2)), False),
        (order(shipped(2, "70351144", "Acknowledged")), False),
        (order(shipped(2, "70351144"), line_number="2"), False),
        (Order(purchase_order_id="PO"), False),
    ],
)
def test_a_parcel_is_confirmed_by_its_line_number_tracking_and_units(shown: Order, confirms: bool) -> None:  # noqa: FBT001 - a table
    assert confirmed(update(PARCEL), shown) == (confirms,)


def test_each_parcel_is_judged_for_itself() -> None:
    other = replace(PARCEL, tracking_number="B")
    assert confirmed(update(PARCEL, other), order(shipped(2, "70351144"))) == (True, False)


def test_two_parcels_of_the_same_number_need_the_units_of_both() -> None:
    twice = update(PARCEL, replace(PARCEL, quantity=1))
    assert confirmed(twice, order(shipped(2, "70351144"))) == (False, False)
    assert confirmed(twice, order(shipped(3, "70351144"))) == (True, True)


def test_what_was_shipped_before_confirms_nothing() -> None:
    before = order(shipped(2, "70351144"))
    assert confirmed(update(PARCEL), before, before) == (False,)
    assert confirmed(update(PARCEL), order(shipped(4, "70351144")), before) == (True,)


def test_lettermail_is_told_by_the_units_of_its_line() -> None:
    before = order(shipped(1), shipped(1, "A"))
    assert confirmed(update(LETTER), before, before) == (False,)
    assert confirmed(update(LETTER), order(shipped(2), shipped(1, "A")), before) == (True,)
    assert confirmed(update(LETTER), order(shipped(1)), None) == (True,)
    assert confirmed(update(LETTER), order(shipped(1, "A")), None) == (False,)


def test_lettermail_beside_a_tracked_parcel_needs_the_units_of_both() -> None:
    before = order(LineStatus(status="Acknowledged", quantity=3))
    both = update(LETTER, PARCEL)
    assert confirmed(both, order(shipped(2, "70351144")), before) == (False, True)
    assert confirmed(both, order(shipped(2, "70351144"), shipped(1)), before) == (True, True)


def test_packages_of_the_same_units_are_confirmed_by_their_numbers() -> None:
    packages = update(PARCEL, replace(PARCEL, tracking_number="B"), shipment_numbers=("S", "S"))
    listed = order(LineStatus(status="Shipped", quantity=2, tracking_number="70351144", packages=("70351144", "B")))
    assert confirmed(packages, listed) == (True, True)
    assert confirmed(packages, order(shipped(1, "70351144"))) == (True, False)


def test_units_are_counted_by_line_and_number() -> None:
    shown = order(shipped(1, "A"), shipped(2, "a"), shipped(1), LineStatus(status="Created", quantity=5))
    assert shipped_units(shown) == {("1", "A"): 3, ("1", ""): 1}
