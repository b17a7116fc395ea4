from __future__ import annotations

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from batch.marketplace.orders import Parcel
from batch.sandbox.filling import fill
from batch.sandbox.orders import Status
from batch.sandbox.state import Marketplace
from tests.unit.sandbox.saying import DAY, NOW, PO


@dataclass(frozen=True)
class Planned:
    purchase_order_id: str
    customer_order_id: str
    parcels: tuple[Parcel, ...]


def filled(*orders: Planned, status: Status = Status.ACKNOWLEDGED) -> Marketplace:
    marketplace = Marketplace()
    fill(marketplace, orders, now=NOW, status=status)
    return marketplace


def lines(marketplace: Marketplace, po: str = PO) -> dict[str, tuple[int, str]]:
    return {number: (line.quantity, line.sku) for number, line in marketplace.orders[po].lines.items()}


def test_quantities_are_summed_over_parcels() -> None:
    parcels = (
        Parcel(line_number="1", quantity=2, tracking_number="A"),
        Parcel(line_number="1", quantity=1, tracking_number="B", sku="MUG"),
        Parcel(line_number="2", tracking_number="C", sku="CUP"),
    )
    assert lines(filled(Planned(PO, "C1", parcels))) == {"1": (3, "SKU-1"), "2": (1, "CUP")}


def test_rows_without_a_line_number_stand_for_line_one_or_for_their_sku() -> None:
    plain = Planned(PO, "", (Parcel(tracking_number="A"), Parcel(tracking_number="B")))
    assert lines(filled(plain)) == {"1": (2, "SKU-1")}
    with_skus = Planned(PO, "", (Parcel(sku="MUG"), Parcel(sku="CUP", quantity=2), Parcel(sku="MUG")))
    assert lines(filled(with_skus)) == {"1": (2, "MUG"), "2": (2, "CUP")}


def test_orders_known_by_their_customer_get_an_invented_id_or_the_one_that_is_known() -> None:
    by_customer = Planned("", "C1", (Parcel(line_number="2"),))
    (invented,) = filled(by_customer).orders
    assert invented.isdigit()
    assert len(invented) == 15
    both = filled(by_customer, Planned(PO, "C1", (Parcel(line_number="1"),)))
    assert lines(both) == {"1": (1, "SKU-1"), "2": (1, "SKU-2")}
    assert list(both.orders) == [PO]


def test_orders_are_older_than_their_parcels_and_have_a_deadline() -> None:
    parcels = (Parcel(shipped_at=NOW - 3 * DAY, method_code="Express"), Parcel(shipped_at=NOW))
    order = filled(Planned(PO, "", parcels)).orders[PO]
    assert order.ordered_at == NOW - 4 * DAY
    assert NOW - DAY // 4 <= order.ship_by <= NOW + 5 * DAY
    assert order.method == "Express"
    future = filled(Planned(PO, "", (Parcel(shipped_at=NOW + 2 * DAY),))).orders[PO]
    assert future.ordered_at == NOW - DAY


def test_the_status_and_the_seller_can_be_chosen() -> None:
    marketplace = Marketplace()
    planned = Planned(PO, "", (Parcel(), Parcel()))
    assert fill(marketplace, [planned, planned], now=NOW, status=Status.CREATED, seller="demo-1") == 1
    order = marketplace.orders[PO]
    assert order.seller == "demo-1"
    assert order.lines["1"].count(Status.CREATED) == order.lines["1"].quantity == 4


_PARCELS = st.lists(
    st.builds(
        Parcel,
        line_number=st.sampled_from(["", "1", "2"]),
        sku=st.sampled_from(["", "MUG", "CUP"]),
        quantity=st.integers(0, 3),
    ),
    min_size=1,
    max_size=8,
)


@settings(max_examples=50, deadline=None)
@given(parcels=_PARCELS)
def test_every_unit_of_the_plan_is_there(parcels: list[Parcel]) -> None:
    order = filled(Planned(PO, "", tuple(parcels))).orders[PO]
    assert sum(line.quantity for line in order.lines.values()) == sum(parcel.quantity or 1 for parcel in parcels)
    assert all(line.count(Status.ACKNOWLEDGED) == line.quantity for line in order.lines.values())
