from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from batch.journal import tables
from batch.journal.blocks import BLOCK
from batch.journal.history import last_rows_of
from batch.journal.pruning import Pruned, _remove_orders, known_runs, prune, unneeded_copies
from batch.journal.states import UNFINISHED, State
from tests.unit.journal.making import (
    DAY,
    NOW,
    begin,
    begin_run,
    change,
    end,
    force,
    insert_row,
    number_of,
    parcel,
    plan,
    planned,
    record_input,
)

if TYPE_CHECKING:
    from batch.journal.journal import Journal

LONG_AGO = NOW - 500 * DAY
BEFORE = NOW - 400 * DAY
TABLES = ("runs", "files", "rows", "orders", "claims", "attempts", "decisions")


def _run_of(journal: Journal, *orders: int, at: int = LONG_AGO, name: str | None = None, sha256: str = "0" * 64) -> int:
    """Record a run that was about these orders, a row each, and ended."""
    told = {} if name is None else {"run": name}
    run = begin_run(journal, at=at, **told)
    record_input(journal, run, [(order, 0) for order in orders], sha256=sha256)
    journal.finish_run(run, at=at, summary={})
    return run


def _shipped(journal: Journal, number: str, *, at: int = LONG_AGO) -> int:
    """Ship an order in a run of its own."""
    [order] = plan(journal, planned(number), at=at)
    run = _run_of(journal, order, at=at)
    ship = begin(order, run, purchase_order=number, at=at)
    journal.apply([ship])
    journal.apply([end(ship), change(order, State.SHIPPED, at=at)])
    return order


def _counts(journal: Journal) -> dict[str, int]:
    return {name: number_of(name, journal) for name in TABLES}


def test_what_ended_long_ago_goes_with_all_that_belongs_to_it(journal: Journal) -> None:
    order = _shipped(journal, "1")
    insert_row(journal, "decisions", order=order, decided_at=LONG_AGO, user="kim", decision="send", note="")

    pruned = prune(journal.database, BEFORE)

    assert (len(pruned.runs), pruned.rows, pruned.orders) == (1, 1, 1)
    assert set(_counts(journal).values()) == {0}


def test_what_is_younger_stays(journal: Journal) -> None:
    _shipped(journal, "1", at=BEFORE)
    before = _counts(journal)

    assert prune(journal.database, BEFORE) == Pruned()
    assert _counts(journal) == before


def test_the_runs_that_went_are_named_so_that_their_reports_can_go(journal: Journal) -> None:
    _run_of(journal, at=LONG_AGO, name="20250712-200000-0a1b")
    _run_of(journal, at=NOW, name="20261124-200000-0a1b")

    assert prune(journal.database, BEFORE).runs == ("20250712-200000-0a1b",)


@pytest.mark.parametrize("stands", UNFINISHED)
def test_an_unfinished_order_stays_with_what_it_needs_however_old_it_is(journal: Journal, stands: State) -> None:
    [order] = plan(journal, planned("1"), at=LONG_AGO)
    run = _run_of(journal, order)
    journal.apply([begin(order, run, purchase_order="1", at=LONG_AGO)])
    force(journal, order, stands)
    before = _counts(journal)

    assert prune(journal.database, BEFORE) == Pruned()

    assert _counts(journal) == before
    assert last_rows_of(journal.database, [order])["path"].tolist() == ["warehouse.csv"]


def test_a_run_stays_whole_for_the_sake_of_one_order(journal: Journal) -> None:
    done, left = _shipped(journal, "1"), plan(journal, planned("2"), at=LONG_AGO)[0]
    _run_of(journal, done, left)

    pruned = prune(journal.database, BEFORE)

    assert (len(pruned.runs), pruned.rows, pruned.orders) == (1, 1, 0)
    assert number_of("rows", journal) == 2
    assert {order.id for order in journal.load([done, left])} == {done, left}


def test_an_order_that_was_dropped_again_lately_stays(journal: Journal) -> None:
    order = _shipped(journal, "1")
    _run_of(journal, order, at=NOW)

    pruned = prune(journal.database, BEFORE)

    assert (len(pruned.runs), pruned.orders) == (1, 0)
    assert number_of("claims", journal) == 1


def test_an_order_that_a_person_decided_about_lately_stays(journal: Journal) -> None:
    [order] = plan(journal, planned("1"), at=LONG_AGO)
    _run_of(journal, order)
    journal.decide(
        order, decision="drop", user="kim", note="Lost.", change=change(order, State.DROPPED, "Lost.", at=NOW)
    )

    assert prune(journal.database, BEFORE) == Pruned()


def test_an_order_that_a_younger_run_made_a_call_for_stays_as_long_as_the_run(journal: Journal) -> None:
    order = _shipped(journal, "1")
    insert_row(
        journal,
        "attempts",
        order=order,
        run=begin_run(journal, at=NOW),
        kind="ship",
        correlation_id="call-a",
        started_at=LONG_AGO,
    )

    pruned = prune(journal.database, BEFORE)

    assert (len(pruned.runs), pruned.orders) == (1, 0)


def test_a_run_that_never_came_to_its_end_goes_by_its_beginning(journal: Journal) -> None:
    begin_run(journal, at=LONG_AGO)
    begin_run(journal, at=NOW)

    assert len(prune(journal.database, BEFORE).runs) == 1


def test_orders_of_which_no_run_tells_go_too(journal: Journal) -> None:
    ids = plan(journal, *(planned(f"{n}", parcel(tracking=f"1Z999AA1012345{n:04}")) for n in range(BLOCK + 1)))
    with journal.database.writing() as connection:
        connection.execute(tables.orders.update().values(finished_at=LONG_AGO, state=State.HELD.value))

    assert prune(journal.database, BEFORE).orders == len(ids)


def test_an_order_that_is_dropped_again_at_that_moment_stays(journal: Journal) -> None:
    order = _shipped(journal, "1")
    _run_of(journal, order, at=NOW)

    with journal.database.writing() as connection:  # it was unneeded a moment ago
        assert _remove_orders(connection, [order], BEFORE) == 0


def test_copies_of_files_that_no_run_is_about_are_named(journal: Journal) -> None:
    _run_of(journal, at=LONG_AGO, sha256="a" * 64)
    _run_of(journal, at=NOW, sha256="b" * 64)
    names = ["a" * 64, "b" * 64, "c" * 64]

    assert unneeded_copies(journal.database, names) == ["c" * 64]
    prune(journal.database, BEFORE)
    assert unneeded_copies(journal.database, names) == ["a" * 64, "c" * 64]


def test_runs_that_are_left_are_known(journal: Journal) -> None:
    _run_of(journal, at=LONG_AGO, name="old")
    _run_of(journal, at=NOW, name="new")
    prune(journal.database, BEFORE)

    assert known_runs(journal.database, ["old", "new", "never"]) == {"new"}


def test_a_run_whose_order_is_sent_again_at_that_moment_stays(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    [order] = plan(journal, planned("1"), at=LONG_AGO)
    run = _run_of(journal, order)
    with journal.database.writing() as connection:
        connection.execute(tables.orders.update().values(finished_at=LONG_AGO, state=State.REFUSED.value))
    found = iter([[run], []])

    def resumed_meanwhile(*_: object) -> list[int]:
        force(journal, order, State.PLANNED)
        return next(found)

    monkeypatch.setattr("batch.journal.pruning._found", resumed_meanwhile)

    assert prune(journal.database, BEFORE) == Pruned()
    assert number_of("rows", journal) == 1


HISTORY = st.lists(
    st.tuples(
        st.lists(st.integers(0, 3), max_size=3, unique=True),
        st.sampled_from([LONG_AGO, NOW]),
    ),
    max_size=6,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    told=HISTORY,
    ends=st.lists(st.sampled_from([*State]), min_size=4, max_size=4),
    ages=st.lists(st.sampled_from([LONG_AGO, NOW]), min_size=4, max_size=4),
)
def test_pruning_never_takes_what_is_unfinished_or_young_and_leaves_nothing_dangling(
    journal: Journal, told: list[tuple[list[int], int]], ends: list[State], ages: list[int]
) -> None:
    base = number_of("orders", journal)
    orders = [plan(journal, planned(f"{base}-{n}"), at=age)[0] for n, age in enumerate(ages)]
    runs = {_run_of(journal, *(orders[n] for n in places), at=at): (places, at) for places, at in told}
    for order, stands, age in zip(orders, ends, ages, strict=True):
        force(journal, order, stands)
        with journal.database.writing() as connection:
            finished = 0 if stands in UNFINISHED else age
            connection.execute(tables.orders.update().where(tables.orders.c.id == order).values(finished_at=finished))

    prune(journal.database, BEFORE)

    kept = {n for n in range(4) if ends[n] in UNFINISHED or ages[n] == NOW}
    with journal.database.reading() as connection:
        left = set(connection.execute(select(tables.orders.c.id)).scalars())
        left_runs = set(connection.execute(select(tables.runs.c.number)).scalars())
    assert {orders[n] for n in kept} <= left
    for run, (places, at) in runs.items():
        assert (run in left_runs) == (at == NOW or bool(kept & set(places)))
    assert journal.database.integrity() == []
