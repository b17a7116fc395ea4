from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from batch.journal import planning
from batch.journal.blocks import BLOCK
from batch.journal.database import EntryRefused
from batch.journal.entries import Part, Planned
from batch.journal.states import State
from batch.outcomes import Outcome
from tests.unit.journal.making import (
    DAY,
    HELD,
    NOW,
    SELLER,
    SHIPPED,
    change,
    force,
    number_of,
    parcel,
    plan,
    planned,
    send,
    state,
    stored,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from sqlalchemy import Connection

    from batch.journal.journal import Journal
    from batch.marketplace.orders import Parcel

ORDER = "309121065891123"
FIRST, SECOND = parcel("1"), parcel("2", "1Z999AA10123456785")
CORRECTED = parcel("1", "1Z999AA10123456786")
REPLACED = "A newer file says something else about the same order line, and that is what counts."


def test_a_new_order_is_planned_with_all_that_the_file_says(journal: Journal) -> None:
    [order] = plan(journal, planned(ORDER, FIRST, SECOND, customer_order="C-1", due_at=NOW + DAY))

    loaded = journal.load([order])[0]
    assert (loaded.purchase_order_id, loaded.customer_order_id) == (ORDER, "C-1")
    assert (loaded.state, loaded.parcels, loaded.due_at) == (State.PLANNED, (FIRST, SECOND), NOW + DAY)
    assert (loaded.sent, loaded.ended, loaded.claims) == ((), (), ())


def test_orders_stand_beside_those_of_the_plan_in_whatever_block_they_are(journal: Journal) -> None:
    orders = [planned(f"{n}", parcel(tracking=f"1Z999AA1012345{n:04}")) for n in range(BLOCK + 3)]
    plan(journal, *orders[5:9])

    ids = plan(journal, *orders)

    assert len(set(ids)) == BLOCK + 3
    assert [one.purchase_order_id for one in journal.load(ids)] == [order.purchase_order_id for order in orders]


def test_a_plan_that_another_process_disturbs_is_refused(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    """It cannot be: the account's lock keeps others away. But an order must never take another's number."""
    plan(journal, planned("1"))
    write = planning._NEW

    def write_beside_another(connection: Connection, rows: Sequence[tuple[Any, ...]]) -> int:
        seller, _, *others = rows[0]
        return write(connection, [*rows, (seller, "another's", *others)])

    monkeypatch.setattr(planning, "_NEW", write_beside_another)

    with pytest.raises(EntryRefused, match="Another process plans"):
        plan(journal, planned("2"))

    assert number_of("orders", journal) == 1


# The same again


@pytest.mark.parametrize("stands", [one for one in State if one is not State.HELD])
def test_the_same_order_again_is_where_it_was(journal: Journal, stands: State) -> None:
    [order] = plan(journal, planned(ORDER))
    force(journal, order, stands)

    [again] = journal.plan(SELLER, [planned(ORDER)], NOW + DAY)

    assert (again.id, again.state) == (order, stands)
    assert state(journal, order) is stands


def test_the_same_parcels_in_another_sequence_are_the_same_order(journal: Journal) -> None:
    first = plan(journal, planned(ORDER, FIRST, SECOND))

    assert plan(journal, planned(ORDER, SECOND, FIRST)) == first


def test_an_order_that_was_refused_and_is_unchanged_says_why_and_when(journal: Journal, run: int) -> None:
    [order] = plan(journal, planned(ORDER))
    send(journal, order, run)
    journal.apply([change(order, State.REFUSED, "Bad carrier.", at=NOW + 5)])

    assert journal.plan(SELLER, [planned(ORDER)], NOW + DAY) == [
        Planned(id=order, state=State.REFUSED, reason="Bad carrier.", finished_at=NOW + 5)
    ]


def test_an_order_of_which_a_parcel_ended_apart_tells_of_it(journal: Journal) -> None:
    [order] = plan(journal, planned(ORDER, FIRST, SECOND))
    journal.apply([change(order, State.REFUSED, "Bad carrier.", parts=(SHIPPED, None))])

    assert journal.plan(SELLER, [planned(ORDER, FIRST, SECOND)], NOW)[0].parts == (SHIPPED, None)


def test_parcels_that_come_in_another_sequence_are_told_their_own_places_and_ends(journal: Journal) -> None:
    [order] = plan(journal, planned(ORDER, SECOND, FIRST))
    journal.apply([change(order, State.HELD, "Cancelled.", parts=(SHIPPED, HELD))])

    [again] = journal.plan(SELLER, [planned(ORDER, SECOND, FIRST)], NOW)
    [sorted_anew] = journal.plan(SELLER, [planned(ORDER, FIRST, SECOND)], NOW)

    assert (again.id, again.places, again.parts) == (order, (1, 0), (None, SHIPPED))
    assert (sorted_anew.id, sorted_anew.places, sorted_anew.parts) == (order, (), (SHIPPED, None))
    assert journal.load([order])[0].parcels == (FIRST, SECOND)


def test_an_order_that_was_held_goes_again_when_it_is_dropped_again(journal: Journal) -> None:
    [order] = plan(journal, planned(ORDER, FIRST, SECOND))
    journal.apply([change(order, State.HELD, "Cancelled.", parts=(SHIPPED, HELD))])

    again = journal.plan(SELLER, [planned(ORDER, FIRST, SECOND)], NOW + DAY)

    assert again == [Planned(id=order, state=State.PLANNED, parts=(SHIPPED, None))]
    assert state(journal, order) is State.PLANNED
    assert stored(journal, order)["reason"] == ""


def test_a_file_without_ship_times_is_the_same_whenever_it_is_read(journal: Journal) -> None:
    first = plan(journal, planned(ORDER, parcel(shipped_at=NOW)), at=NOW)

    assert plan(journal, planned(ORDER, parcel(shipped_at=NOW + DAY)), at=NOW + DAY) == first
    known = journal.known(SELLER, [planned(ORDER, parcel(shipped_at=NOW + 5))], NOW + 5)
    assert [one and one.id for one in known] == first


def test_another_sellers_order_is_another(journal: Journal) -> None:
    assert plan(journal, planned(ORDER)) != plan(journal, planned(ORDER), seller="seller-2")


# Purchase order and customer order


def test_a_column_more_or_less_for_the_customer_order_is_no_other_order(journal: Journal) -> None:
    first = plan(journal, planned(ORDER))

    assert plan(journal, planned(ORDER, customer_order="C-1")) == first


def test_an_order_that_names_only_its_customer_order_is_found_by_it(journal: Journal) -> None:
    first = plan(journal, planned(ORDER, customer_order="C-1"))

    assert plan(journal, planned("", customer_order="C-1")) == first


def test_an_order_that_was_found_by_its_customer_order_is_known_by_either(journal: Journal, run: int) -> None:
    first = plan(journal, planned("", customer_order="C-1"))
    send(journal, first[0], run, purchase_order=ORDER)

    assert plan(journal, planned(ORDER)) == first
    assert plan(journal, planned("", customer_order="C-1")) == first


def test_two_purchase_orders_of_one_customer_order_are_two_orders(journal: Journal) -> None:
    one, other = plan(journal, planned("1", customer_order="C-1"), planned("2", customer_order="C-1"))

    assert one != other
    assert plan(journal, planned("2", customer_order="C-1"), planned("1", customer_order="C-1")) == [other, one]


def test_orders_without_a_customer_order_have_nothing_in_common(journal: Journal) -> None:
    one, other = plan(journal, planned("1"), planned("2", CORRECTED))

    assert (state(journal, one), state(journal, other)) == (State.PLANNED, State.PLANNED)


@pytest.mark.parametrize(
    ("older", "newer", "meant"),
    [
        (State.SHIPPED, State.REFUSED, "older"),
        (State.UNKNOWN, State.SHIPPED, "older"),
        (State.DROPPED, State.PLANNED, "newer"),
        (State.REFUSED, State.REFUSED, "newer"),
    ],
)
def test_of_two_orders_with_the_same_content_the_one_that_came_furthest_is_meant(
    journal: Journal, older: State, newer: State, meant: str
) -> None:
    """They were two as long as one was known by its customer order alone."""
    first, second = plan(journal, planned(ORDER), planned("", customer_order="C-1"))
    journal.apply([change(second, State.HELD, purchase_order_id=ORDER)])
    force(journal, first, older)
    force(journal, second, newer)

    assert plan(journal, planned(ORDER)) == [first if meant == "older" else second]


# One plan that names an order twice


@pytest.mark.parametrize("stands", [State.PLANNED, State.HELD, State.SHIPPED])
@pytest.mark.parametrize("apart", [0, BLOCK])
def test_an_order_that_stands_twice_in_a_plan_is_one(journal: Journal, stands: State, apart: int) -> None:
    """Once by its purchase order, once by its customer order; the plan cannot see that they are one."""
    [order] = plan(journal, planned(ORDER, customer_order="C-1"))
    force(journal, order, stands)
    between = [planned(f"{n}") for n in range(apart)]

    ids = plan(journal, planned(ORDER, customer_order="C-1"), *between, planned("", customer_order="C-1"))

    assert (ids[0], ids[-1]) == (order, order)
    assert state(journal, order) is (State.SHIPPED if stands is State.SHIPPED else State.PLANNED)


@pytest.mark.parametrize("apart", [0, BLOCK])
def test_orders_of_one_plan_never_replace_each_other(journal: Journal, apart: int) -> None:
    between = [planned(f"{n}") for n in range(apart)]

    ids = plan(
        journal,
        planned(ORDER, FIRST, customer_order="C-1"),
        *between,
        planned("", CORRECTED, customer_order="C-1"),
    )

    assert {one.state for one in journal.load(ids)} == {State.PLANNED}


def test_an_order_that_stands_later_in_the_plan_is_not_replaced_by_what_came_before(journal: Journal) -> None:
    [order] = plan(journal, planned(ORDER, FIRST, customer_order="C-1"))
    between = [planned(f"{n}") for n in range(BLOCK)]

    ids = plan(
        journal,
        planned("", CORRECTED, customer_order="C-1"),
        *between,
        planned(ORDER, FIRST, customer_order="C-1"),
    )

    assert ids[-1] == order
    assert state(journal, order) is State.PLANNED


# A changed order


@pytest.mark.parametrize(
    "newer",
    [
        (CORRECTED,),
        (replace(FIRST, quantity=2),),
        (replace(FIRST, carrier="FedEx"),),
        (replace(FIRST, shipped_at=NOW),),
        (FIRST, CORRECTED),
        (replace(CORRECTED, line_number=""),),
        (replace(CORRECTED, line_number="", sku="MUG"),),
    ],
)
def test_an_order_that_waits_is_held_when_a_newer_file_says_something_else(
    journal: Journal, newer: tuple[Parcel, ...]
) -> None:
    [old] = plan(journal, planned(ORDER, FIRST))

    [new] = plan(journal, planned(ORDER, *newer), at=NOW + DAY)

    assert new != old
    assert (state(journal, old), state(journal, new)) == (State.HELD, State.PLANNED)
    kept = stored(journal, old)
    assert (kept["reason"], kept["finished_at"]) == (REPLACED, NOW + DAY)


@pytest.mark.parametrize(
    ("older", "newer"),
    [
        ((FIRST,), (SECOND,)),
        ((FIRST,), (FIRST, SECOND)),
        ((parcel("", sku="MUG"),), (parcel("", "1Z999AA10123456785", sku="CUP"),)),
    ],
)
def test_an_order_that_waits_still_goes_when_a_newer_file_says_nothing_else_of_its_lines(
    journal: Journal, older: tuple[Parcel, ...], newer: tuple[Parcel, ...]
) -> None:
    [old] = plan(journal, planned(ORDER, *older))

    plan(journal, planned(ORDER, *newer))

    assert state(journal, old) is State.PLANNED


@pytest.mark.parametrize("stands", [one for one in State if one is not State.PLANNED])
def test_a_changed_order_is_a_new_one_and_what_the_older_came_to_stands(journal: Journal, stands: State) -> None:
    [old] = plan(journal, planned(ORDER, FIRST))
    force(journal, old, stands)

    [new] = journal.plan(SELLER, [planned(ORDER, CORRECTED)], NOW)

    assert new == Planned(id=new.id, state=State.PLANNED)
    assert new.id != old
    assert state(journal, old) is stands


def test_the_order_that_was_dropped_last_counts_even_if_it_is_the_older_one(journal: Journal) -> None:
    [old] = plan(journal, planned(ORDER, FIRST))
    [new] = plan(journal, planned(ORDER, CORRECTED))

    assert plan(journal, planned(ORDER, FIRST)) == [old]

    assert (state(journal, old), state(journal, new)) == (State.PLANNED, State.HELD)


def test_an_order_known_by_its_customer_order_alone_is_replaced_by_one_that_says_more(journal: Journal) -> None:
    [old] = plan(journal, planned("", FIRST, customer_order="C-1"))

    plan(journal, planned(ORDER, CORRECTED, customer_order="C-1"))

    assert state(journal, old) is State.HELD


def test_an_order_known_by_its_customer_order_alone_still_goes_when_a_newer_file_says_the_same(
    journal: Journal,
) -> None:
    """Whichever goes first, reading and the claims stop the other."""
    [old] = plan(journal, planned("", FIRST, customer_order="C-1"))

    [new] = plan(journal, planned(ORDER, FIRST, customer_order="C-1"))

    assert new != old
    assert state(journal, old) is State.PLANNED


def test_orders_known_by_their_customer_orders_alone_have_nothing_in_common(journal: Journal) -> None:
    ours, others = plan(journal, planned("", FIRST, customer_order="C-1"), planned("", SECOND, customer_order="C-2"))

    plan(
        journal,
        planned("", CORRECTED, replace(SECOND, quantity=2), customer_order="C-1"),
        planned("", SECOND, parcel("3"), customer_order="C-2"),
    )

    assert (state(journal, ours), state(journal, others)) == (State.HELD, State.PLANNED)


def test_another_purchase_order_of_the_same_customer_order_is_not_replaced(journal: Journal) -> None:
    [other] = plan(journal, planned("1", FIRST, customer_order="C-1"))

    plan(journal, planned("2", CORRECTED, customer_order="C-1"))

    assert state(journal, other) is State.PLANNED


def test_an_order_that_ended_long_ago_replaces_nothing(journal: Journal) -> None:
    [old] = plan(journal, planned(ORDER, FIRST))
    force(journal, old, State.REFUSED)
    [new] = plan(journal, planned(ORDER, CORRECTED))

    plan(journal, planned(ORDER, FIRST))

    assert state(journal, new) is State.PLANNED


# Only looking


def test_looking_tells_where_orders_stand_and_writes_nothing(journal: Journal) -> None:
    shipped, held = plan(journal, planned("1"), planned("2"))
    force(journal, shipped, State.SHIPPED)
    journal.apply([change(held, State.HELD, "Cancelled.", parts=(None,))])
    before = [stored(journal, order) for order in (shipped, held)]

    known = journal.known(SELLER, [planned("1"), planned("2"), planned("3"), planned("2", CORRECTED)])

    assert known == [
        Planned(id=shipped, state=State.SHIPPED, finished_at=NOW),
        Planned(id=held, state=State.PLANNED),
        None,
        None,
    ]
    assert [stored(journal, order) for order in (shipped, held)] == before
    assert number_of("orders", journal) == 2


FILES = st.lists(
    st.dictionaries(
        st.sampled_from(["1", "2", "3"]),
        st.lists(st.sampled_from([FIRST, SECOND, CORRECTED]), min_size=1, max_size=2, unique=True),
        min_size=1,
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files=FILES)
def test_what_waits_to_be_sent_never_contradicts_the_file_dropped_last(
    journal: Journal, files: list[dict[str, list[Parcel]]]
) -> None:
    seller = f"seller-{number_of('orders', journal)}"
    for file in files:
        plan(journal, *(planned(order, *parcels) for order, parcels in file.items()), seller=seller)

    waiting = journal.load(journal.in_states(seller, [State.PLANNED]))
    for order, parcels in files[-1].items():
        mine = [one.parcels for one in waiting if one.purchase_order_id == order]
        assert tuple(parcels) in mine or tuple(reversed(parcels)) in mine
        said = {one.line_number: {p for p in parcels if p.line_number == one.line_number} for one in parcels}
        for other in mine:
            for line, wanted in said.items():
                assert {one for one in other if one.line_number == line} in (set(), wanted)


def test_the_parts_of_an_order_that_goes_again_are_only_those_that_ended_well(journal: Journal) -> None:
    [order] = plan(journal, planned(ORDER, FIRST, SECOND))
    already = Part(Outcome.ALREADY_SHIPPED, "It was shipped before.")
    journal.apply([change(order, State.HELD, "No such line.", parts=(already, HELD))])
    plan(journal, planned(ORDER, FIRST, SECOND))

    assert journal.load([order])[0].ended == (already, None)
