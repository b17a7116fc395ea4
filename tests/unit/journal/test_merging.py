from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from batch.journal import tables
from batch.journal.database import EntryRefused
from batch.journal.entries import Part
from batch.journal.merging import merge, naming, sharing, unnamed
from batch.journal.states import State
from batch.outcomes import Outcome
from tests.unit.journal.making import (
    SELLER,
    begin,
    begin_run,
    change,
    end,
    force,
    parcel,
    plan,
    planned,
    record_input,
    stored,
)

if TYPE_CHECKING:
    from batch.journal.journal import Journal

PO = "309121065891123"


def rows_of(journal: Journal) -> list[tuple[int, int]]:
    wanted = select(tables.rows.c.order, tables.rows.c.part).order_by(tables.rows.c.run, tables.rows.c.position)
    with journal.database.reading() as connection:
        return [(order, part) for order, part in connection.execute(wanted)]


def test_orders_without_purchase_order_are_found_by_their_customer_orders(journal: Journal) -> None:
    first, second, _, refused = plan(
        journal,
        planned("", customer_order="C1"),
        planned("", customer_order="C2"),
        planned(PO, customer_order="C1"),
        planned("", customer_order="C3"),
    )
    plan(journal, planned("", customer_order="C1"), seller="seller-2")
    force(journal, refused, State.REFUSED)
    assert unnamed(journal.database, SELLER) == {"C1": [first], "C2": [second]}


def test_unfinished_orders_of_one_purchase_order_are_found(journal: Journal) -> None:
    first, second, third = (plan(journal, planned(PO, parcel(str(n), f"T{n}")))[0] for n in (1, 2, 3))
    plan(journal, planned("7"), planned("", customer_order="C1"), planned("", customer_order="C2"))
    plan(journal, planned(PO), seller="seller-2")
    force(journal, third, State.SHIPPED)
    force(journal, second, State.UNKNOWN)
    assert sharing(journal.database, SELLER) == {PO: [first, second]}
    assert naming(journal.database, SELLER, PO) == [first, second]
    assert naming(journal.database, SELLER, "8") == []


def test_orders_become_one_with_all_their_parcels_rows_and_ends(journal: Journal) -> None:
    into, other = plan(
        journal,
        planned(PO, parcel("1", "A1"), parcel("2", "B2")),
        planned("", parcel("3", "C3"), parcel("4", "D4"), customer_order="C1"),
    )
    run = begin_run(journal)
    record_input(journal, run, [(into, 0), (into, 1), (other, 1), (other, 0)])
    well = Part(Outcome.SHIPPED, "Confirmed.")
    journal.apply([begin(other, run, parcel("3", "C3"), ended=(None, Part(Outcome.HELD, "no")))])
    journal.apply([change(other, State.HELD, "no", parts=(well, None))])
    journal.apply([change(other, State.PLANNED)])
    merge(journal.database, into, [other])
    (one,) = journal.load([into])
    assert [each.tracking_number for each in one.parcels] == ["A1", "B2", "C3", "D4"]
    assert one.ended == (None, None, well, None)
    assert one.customer_order_id == "C1"
    assert rows_of(journal) == [(into, 0), (into, 1), (into, 3), (into, 2)]


def test_calls_and_claims_of_an_order_go_with_it(journal: Journal) -> None:
    into, other = (plan(journal, planned(PO, parcel(str(n), f"T{n}")))[0] for n in (1, 2))
    run = begin_run(journal)
    begun = begin(other, run, parcel("2", "T2"))
    journal.apply([begun])
    journal.apply([end(begun, verdict="throttled", status=429), change(other, State.PLANNED)])
    journal.apply([change(other, State.HELD)])
    journal.decide(other, decision="send", user="eve", note="go", change=change(other, State.PLANNED))
    merge(journal.database, into, [other])
    with journal.database.reading() as connection:
        pointing = [
            set(connection.execute(select(table.c.order)).scalars()) for table in (tables.attempts, tables.decisions)
        ]
        left = list(connection.execute(select(tables.orders.c.id)).scalars())
    assert (pointing, left) == ([{into}, {into}], [into])


def test_only_planned_orders_become_one(journal: Journal) -> None:
    into, other = (plan(journal, planned(PO, parcel(str(n), f"T{n}")))[0] for n in (1, 2))
    force(journal, other, State.SENDING)
    before = stored(journal, into)
    with pytest.raises(EntryRefused, match="not planned"):
        merge(journal.database, into, [other])
    assert stored(journal, into) == before
