from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from batch.journal import history, tables
from batch.journal.database import EntryRefused
from batch.journal.merging import merge, naming, sharing, unnamed
from batch.journal.states import UNFINISHED, State
from tests.unit.journal.making import (
    HELD,
    NOW,
    SELLER,
    SHIPPED,
    change,
    force,
    insert_row,
    number_of,
    parcel,
    plan,
    planned,
    record_input,
    send,
)

if TYPE_CHECKING:
    from batch.journal.journal import Journal

ORDER = "309121065891123"
FIRST, SECOND, THIRD = parcel("1"), parcel("2", "1Z999AA10123456785"), parcel("3", "1Z999AA10123456786")


def _pointing(journal: Journal, name: str) -> list[int]:
    table = tables.metadata.tables[name]
    with journal.database.reading() as connection:
        return list(connection.execute(select(table.c.order)).scalars())


def test_planned_orders_become_one_with_the_parcels_of_all(journal: Journal) -> None:
    into, second, third = plan(
        journal, planned(ORDER, FIRST), planned("", SECOND, customer_order="C-1"), planned(ORDER, THIRD)
    )

    merge(journal.database, into, [second, third])

    [order] = journal.load([into])
    assert (order.purchase_order_id, order.customer_order_id) == (ORDER, "C-1")
    assert order.parcels == (FIRST, SECOND, THIRD)
    assert journal.in_states(SELLER, list(State)) == [into]


def test_rows_belong_to_the_parcels_they_belonged_to(journal: Journal, run: int) -> None:
    into, other = plan(journal, planned(ORDER, FIRST), planned("", SECOND, THIRD, customer_order="C-1"))
    record_input(journal, run, [(other, 1), (into, 0), (None, None), (other, 0)])

    merge(journal.database, into, [other])
    journal.apply([change(into, State.HELD, "Half.", parts=(SHIPPED, None, HELD))])

    rows = history.rows_of(journal.database, run)
    assert rows["order"].tolist() == [into, into, -1, into]
    assert rows["reason"].tolist() == [HELD.reason, SHIPPED.reason, "The carrier is missing.", "Half."]


def test_parcels_that_ended_well_stay_so_in_the_order_they_join(journal: Journal) -> None:
    into, other = plan(journal, planned(ORDER, FIRST), planned("", SECOND, THIRD, customer_order="C-1"))
    journal.apply([change(other, State.HELD, parts=(None, SHIPPED))])
    plan(journal, planned("", SECOND, THIRD, customer_order="C-1"))

    merge(journal.database, into, [other])

    assert journal.load([into])[0].ended == (None, None, SHIPPED)


def test_calls_claims_and_decisions_go_along(journal: Journal, run: int) -> None:
    into, other = plan(journal, planned(ORDER, FIRST), planned(ORDER, SECOND))
    send(journal, other, run, SECOND)
    journal.apply([change(other, State.HELD, "Lost.")])
    insert_row(journal, "decisions", order=other, decided_at=NOW, user="kim", decision="send", note="")
    plan(journal, planned(ORDER, SECOND))

    merge(journal.database, into, [other])

    assert [_pointing(journal, name) for name in ("attempts", "claims", "decisions")] == [[into]] * 3
    assert journal.database.integrity() == []


@pytest.mark.parametrize("stands", [state for state in State if state is not State.PLANNED])
def test_an_order_that_does_not_wait_to_be_sent_joins_no_other(journal: Journal, stands: State) -> None:
    into, other = plan(journal, planned(ORDER, FIRST), planned(ORDER, SECOND))
    force(journal, other, stands)

    with pytest.raises(EntryRefused, match="An order that is not planned"):
        merge(journal.database, into, [other])

    assert [order.parcels for order in journal.load([into, other])] == [(FIRST,), (SECOND,)]
    assert number_of("orders", journal) == 2


def test_orders_without_a_purchase_order_are_found_by_their_customer_order(journal: Journal) -> None:
    ids = plan(
        journal,
        planned("", FIRST, customer_order="C-1"),
        planned("", SECOND, customer_order="C-1"),
        planned("", FIRST, customer_order="C-2"),
        planned(ORDER, customer_order="C-1"),
        planned("", FIRST, customer_order="C-3"),
    )
    force(journal, ids[4], State.HELD)
    plan(journal, planned("", FIRST, customer_order="C-1"), seller="seller-2")

    assert unnamed(journal.database, SELLER) == {"C-1": ids[:2], "C-2": [ids[2]]}


def test_unfinished_orders_that_share_a_purchase_order_are_found(journal: Journal) -> None:
    ids = plan(
        journal,
        planned("1", FIRST),
        planned("1", SECOND),
        planned("2", FIRST),
        planned("3", FIRST),
        planned("3", SECOND),
        planned("", FIRST, customer_order="C-1"),
        planned("", FIRST, customer_order="C-2"),
    )
    force(journal, ids[1], State.UNKNOWN)
    force(journal, ids[4], State.SHIPPED)
    plan(journal, planned("2", SECOND), seller="seller-2")

    assert sharing(journal.database, SELLER) == {"1": ids[:2]}


@pytest.mark.parametrize("stands", list(State))
def test_unfinished_orders_are_found_by_the_purchase_order_they_name(journal: Journal, stands: State) -> None:
    first, second = plan(journal, planned(ORDER, FIRST), planned(ORDER, SECOND))
    plan(journal, planned(ORDER), seller="seller-2")
    force(journal, second, stands)

    wanted = [first, second] if stands in UNFINISHED else [first]
    assert naming(journal.database, SELLER, ORDER) == wanted
