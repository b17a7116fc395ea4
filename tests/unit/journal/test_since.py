from __future__ import annotations

from typing import TYPE_CHECKING

from batch.journal import history
from batch.journal.since import ended_since, open_again, orders_that_are_well, standing_of
from batch.journal.states import State
from tests.unit.journal.making import HELD, SELLER, begin_run, change, force, parcel, plan, planned, record_input, send

if TYPE_CHECKING:
    from batch.journal.journal import Journal

SHA = "0" * 64
OTHER, THIRD = "309121065891124", "309121065891125"


def finish(journal: Journal, run: int) -> None:
    """Write down how a run's rows ended, as its end does."""
    history.keep_rows(journal.database, run, history.rows_of(journal.database, run))


def unended(journal: Journal, path: str = "warehouse.csv", sha256: str = SHA) -> int | None:
    standing = standing_of(journal.database, SELLER, path, sha256)
    return standing.unended if standing else None


def test_a_file_that_no_run_was_about_stands_nowhere(journal: Journal, run: int) -> None:
    record_input(journal, run, plan_of(journal))
    assert unended(journal, path="other.csv") is None
    assert unended(journal, sha256="1" * 64) is None
    assert standing_of(journal.database, "another seller", "warehouse.csv", SHA) is None


def plan_of(journal: Journal) -> list[tuple[int | None, int | None]]:
    """Plan three orders; return the rows of a file that has them, and one that was rejected."""
    orders = plan(journal, planned(), planned(OTHER), planned(THIRD))
    return [(order, 0) for order in orders] + [(None, None)]


def test_a_row_has_not_ended_while_its_order_has_not(journal: Journal, run: int) -> None:
    rows = plan_of(journal)
    record_input(journal, run, rows)
    assert unended(journal) == 3
    finish(journal, run)
    assert unended(journal) == 3  # they were not attempted, and may go on
    first, second, third = (order for order, _ in rows if order)
    force(journal, first, State.SHIPPED)
    force(journal, second, State.UNKNOWN)
    assert unended(journal) == 2
    force(journal, second, State.HELD)
    force(journal, third, State.REFUSED)
    assert unended(journal) == 0


def test_a_row_that_ended_in_its_run_has_ended_whatever_becomes_of_its_order(journal: Journal, run: int) -> None:
    rows = plan_of(journal)
    record_input(journal, run, rows)
    for order, _ in rows:
        if order:
            force(journal, order, State.HELD)
    finish(journal, run)
    for order, _ in rows:
        if order:
            force(journal, order, State.PLANNED)  # a person lets it go
    assert unended(journal) == 0


def test_the_last_run_that_was_about_the_whole_file_counts(journal: Journal, run: int) -> None:
    rows = plan_of(journal)
    record_input(journal, run, rows)
    later = begin_run(journal)
    record_input(journal, later, rows[:1])
    record_input(journal, begin_run(journal, command="resume"), rows[1:2])
    standing = standing_of(journal.database, SELLER, "warehouse.csv", SHA)
    assert standing is not None
    assert (standing.number, standing.file, standing.unended) == (later, 0, 1)


def test_what_was_left_open_is_told_as_it_stands_now(journal: Journal, run: int) -> None:
    two = planned(OTHER, parcel("1"), parcel("2"))
    orders = plan(journal, planned(), two, planned(THIRD))
    rows: list[tuple[int | None, int | None]] = [(orders[0], 0), (orders[1], 0), (orders[1], 1), (orders[2], 0)]
    record_input(journal, run, [*rows, (None, None)])
    force(journal, orders[2], State.REFUSED)
    finish(journal, run)
    later = begin_run(journal)
    send(journal, orders[0], later)
    journal.apply([change(orders[0], State.SHIPPED, "Confirmed.")])
    send(journal, orders[1], later, parcel("1"), purchase_order=OTHER, parts=(0,), ended=(None, HELD))
    journal.apply([change(orders[1], State.SHIPPED, "Confirmed.")])
    told = ended_since(journal.database, run)
    assert told["outcome"].to_dict() == {0: "shipped", 1: "shipped", 2: "held"}
    assert told["reason"].tolist() == ["Confirmed.", "Confirmed.", HELD.reason]
    assert (told["finished_at"] > 0).all()
    assert told["correlation_id"].str.startswith("call-").all()


def test_where_nothing_was_left_open_nothing_has_become_of_it(journal: Journal, run: int) -> None:
    record_input(journal, run, [(None, None)])
    assert ended_since(journal.database, run).empty


def test_a_run_that_goes_on_tells_how_its_open_rows_end_after_all(journal: Journal, run: int) -> None:
    rows = plan_of(journal)
    record_input(journal, run, rows)
    first, second, third = (order for order, _ in rows if order)
    force(journal, third, State.HELD)
    finish(journal, run)
    open_again(journal.database, run, [first, third])
    for order in (first, second, third):
        force(journal, order, State.SHIPPED)
    told = history.rows_of(journal.database, run).set_index("order")["outcome"]
    assert told[[first, second, third]].tolist() == ["shipped", "not_attempted", "held"]


def test_orders_are_well_when_the_last_that_is_known_of_them_is(journal: Journal, run: int) -> None:
    held, shipped, dropped = plan(journal, planned(), planned(OTHER), planned(THIRD))
    for order, to in ((held, State.HELD), (shipped, State.ALREADY_SHIPPED), (dropped, State.DROPPED)):
        force(journal, order, to)
    asked = ["309121065891123", OTHER, THIRD, "unheard of"]
    assert orders_that_are_well(journal.database, SELLER, asked) == {OTHER, THIRD}
    (mended,) = plan(journal, planned("309121065891123", parcel(tracking="1Z5R89390357567127")))
    assert orders_that_are_well(journal.database, SELLER, asked) == {OTHER, THIRD}
    force(journal, mended, State.SHIPPED)
    assert orders_that_are_well(journal.database, SELLER, asked) == {"309121065891123", OTHER, THIRD}
    assert orders_that_are_well(journal.database, "another seller", asked) == set()
    assert run


def test_an_order_that_is_only_known_by_its_customers_number_is_found_by_that(journal: Journal, run: int) -> None:
    (order,) = plan(journal, planned("", customer_order="5000000124456"))
    assert orders_that_are_well(journal.database, SELLER, ["5000000124456"]) == set()
    force(journal, order, State.SHIPPED)
    assert orders_that_are_well(journal.database, SELLER, ["5000000124456"]) == {"5000000124456"}
    assert run
