from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from batch.errors import UsageError
from batch.journal import history
from batch.journal.blocks import BLOCK
from batch.journal.entries import Part
from batch.journal.states import OUTCOMES, State
from batch.outcomes import Outcome
from tests.unit.journal.making import (
    HELD,
    NOW,
    SELLER,
    SHIPPED,
    begin,
    begin_run,
    change,
    end,
    force,
    number_of,
    parcel,
    plan,
    planned,
    record_input,
    send,
)

if TYPE_CHECKING:
    import pandas as pd

    from batch.journal.journal import Journal

ORDER = "309121065891123"
FIRST, SECOND = parcel("1"), parcel("2", "1Z999AA10123456785")
OF_ORDER = ("correlation_id", "note", "ship_by", "sent_at", "finished_at")


def _told(frame: pd.DataFrame, *columns: str) -> list[tuple[Any, ...]]:
    return list(frame[list(columns)].itertuples(index=False, name=None))


# Runs


def test_runs_come_newest_first_and_no_more_than_wanted(journal: Journal) -> None:
    for name in ("a", "b", "c"):
        begin_run(journal, run=name)

    assert [run.run for run in history.runs(journal.database)] == ["c", "b", "a"]
    assert [run.run for run in history.runs(journal.database, most=1)] == ["c"]


def test_runs_of_one_account_are_told_apart(journal: Journal) -> None:
    begin_run(journal, run="a", account="default")
    begin_run(journal, run="b", account="outlet")

    assert [run.run for run in history.runs(journal.database, account="outlet")] == ["b"]


def test_runs_are_chosen_by_when_they_began(journal: Journal) -> None:
    for name, at in (("a", NOW), ("b", NOW + 10), ("c", NOW + 20)):
        begin_run(journal, run=name, at=at)

    assert [run.run for run in history.runs(journal.database, since=NOW + 10)] == ["c", "b"]
    assert [run.run for run in history.runs(journal.database, before=NOW + 10)] == ["a"]


def test_runs_are_chosen_by_how_they_ended(journal: Journal) -> None:
    for name, code in (("a", 0), ("b", 1), ("c", 5), ("d", 1)):
        journal.finish_run(begin_run(journal, run=name), at=NOW, summary={"exit_code": code})
    begin_run(journal, run="never ended")

    assert [run.run for run in history.runs(journal.database, exit_codes=[1, 5])] == ["d", "c", "b"]
    assert [run.run for run in history.runs(journal.database, exit_codes=[1, 5], most=2)] == ["d", "c"]


def test_a_run_is_found_by_its_name_with_its_summary(journal: Journal) -> None:
    number = begin_run(journal, run="a", command="resume", at=NOW)
    assert history.run_named(journal.database, "a").summary is None

    journal.finish_run(number, at=NOW + 5, summary={"exit_code": 4})

    assert history.run_named(journal.database, "a") == history.Run(
        number=number,
        run="a",
        seller=SELLER,
        account="default",
        command="resume",
        started_at=NOW,
        finished_at=NOW + 5,
        summary={"exit_code": 4},
    )


def test_an_unknown_run_is_told_with_what_lists_them(journal: Journal) -> None:
    with pytest.raises(UsageError, match="There is no run b; `shipbatch history` lists them"):
        history.run_named(journal.database, "b")


def test_files_come_in_input_order(journal: Journal, run: int) -> None:
    names = ["z.csv", "a.csv"]
    journal.record_files(
        run, [{"path": name, "sha256": "", "profile": "", "rows": 0, "problem": "empty"} for name in names]
    )

    assert [(file.file, file.path) for file in history.files_of(journal.database, run)] == [(0, "z.csv"), (1, "a.csv")]


# Rows


def test_a_row_without_an_order_ended_as_the_plan_said(journal: Journal, run: int) -> None:
    record_input(journal, run, [(None, None)])

    rows = history.rows_of(journal.database, run)

    assert _told(rows, "position", "row", "purchase_order_id", "order", "outcome", "reason") == [
        (0, 2, ORDER, -1, "rejected", "The carrier is missing.")
    ]


@pytest.mark.parametrize("stands", list(State))
def test_a_row_stands_where_its_order_stands(journal: Journal, run: int, stands: State) -> None:
    [order] = plan(journal, planned())
    record_input(journal, run, [(order, 0)])
    force(journal, order, stands)

    assert history.rows_of(journal.database, run)["outcome"].tolist() == [OUTCOMES[stands].value]


def test_rows_of_one_order_end_each_as_its_parcel(journal: Journal, run: int) -> None:
    half, held = plan(journal, planned(ORDER, FIRST, SECOND), planned("2", FIRST, SECOND))
    record_input(journal, run, [(half, 0), (half, 1), (held, 1), (None, None), (held, 0)])
    for order in (half, held):
        journal.apply([change(order, State.HELD, "Another is held.", parts=(SHIPPED, None))])

    rows = history.rows_of(journal.database, run)

    assert _told(rows, "order", "outcome", "reason") == [
        (half, "shipped", SHIPPED.reason),
        (half, "held", "Another is held."),
        (held, "held", "Another is held."),
        (-1, "rejected", "The carrier is missing."),
        (held, "shipped", SHIPPED.reason),
    ]


def test_a_row_of_a_parcel_that_goes_again_is_not_attempted_yet(journal: Journal, run: int) -> None:
    [order] = plan(journal, planned(ORDER, FIRST, SECOND))
    record_input(journal, run, [(order, 0), (order, 1)])
    journal.apply([change(order, State.HELD, parts=(SHIPPED, HELD))])
    plan(journal, planned(ORDER, FIRST, SECOND))

    assert history.rows_of(journal.database, run)["outcome"].tolist() == ["shipped", "not_attempted"]


def test_a_purchase_order_that_was_found_is_told_with_the_rows(journal: Journal, run: int) -> None:
    by_customer, by_number = plan(journal, planned("", customer_order="C-1"), planned(ORDER))
    record_input(journal, run, [(by_customer, 0), (by_number, 0)])
    journal.apply([change(by_customer, State.ALREADY_SHIPPED, purchase_order_id="309121065891199")])

    rows = history.rows_of(journal.database, run)

    assert rows["purchase_order_id"].tolist() == ["309121065891199", ORDER]


def test_how_rows_ended_in_a_run_stays_whatever_becomes_of_their_orders(journal: Journal, run: int) -> None:
    [order] = plan(journal, planned(ORDER, FIRST, SECOND))
    record_input(journal, run, [(order, 0), (None, None), (order, 1)])
    journal.apply([change(order, State.HELD, "Cancelled.", parts=(SHIPPED, None))])
    ended = history.rows_of(journal.database, run)
    history.keep_rows(journal.database, run, ended)
    plan(journal, planned(ORDER, FIRST, SECOND))
    send(journal, order, run, SECOND, parts=(1,))

    again = history.rows_of(journal.database, run)

    assert _told(again, "outcome", "reason") == _told(ended, "outcome", "reason")
    assert again["outcome"].tolist() == ["shipped", "rejected", "held"]


def test_the_rows_of_a_run_without_any_are_none(journal: Journal, run: int) -> None:
    rows = history.rows_of(journal.database, run)
    history.keep_rows(journal.database, run, rows)

    assert len(rows) == 0
    assert list(rows.columns) == [*("position", "row", "purchase_order_id", "order", "outcome", "reason"), *OF_ORDER]


def test_rows_are_read_in_pieces_and_are_one_table(journal: Journal, run: int, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = plan(journal, *(planned(f"{n}", parcel(tracking=f"1Z999AA1012345{n:04}")) for n in range(7)))
    record_input(journal, run, [(None, None), *((order, 0) for order in ids)])
    monkeypatch.setattr(history, "_PIECE", 3)

    rows = history.rows_of(journal.database, run)

    assert rows["position"].tolist() == list(range(8))
    assert rows["order"].tolist() == [-1, *ids]
    assert rows.index.tolist() == list(range(8))
    assert [str(rows[name].dtype) for name in ("position", "reason", "outcome")] == ["int64", "str", "str"]


# Orders and their calls


def test_beside_each_row_stands_what_is_told_of_its_order(journal: Journal, run: int) -> None:
    sent, waits, other = plan(journal, planned("1"), planned("2"), planned("3"))
    record_input(journal, run, [(sent, 0), (None, None), (waits, 0)])
    ship = begin(sent, run, purchase_order="1", correlation_id="call-a")
    journal.apply([ship, begin(other, run, purchase_order="3")])
    journal.apply([end(ship), change(sent, State.SHIPPED, note="line 1", ship_by=NOW + 9, at=NOW + 2)])

    rows = history.rows_of(journal.database, run)

    assert _told(rows, "order", *OF_ORDER) == [
        (sent, "call-a", "line 1", NOW + 9, NOW, NOW + 2),
        (-1, "", "", 0, 0, 0),
        (waits, "", "", 0, 0, 0),
    ]


def test_a_run_without_calls_has_none(journal: Journal, run: int) -> None:
    assert len(history.attempts_of(journal.database, run)) == 0


def test_the_calls_of_a_run_come_in_their_order_also_those_without_an_answer(journal: Journal, run: int) -> None:
    first, second = plan(journal, planned("1"), planned("2"))
    answered = begin(first, run, purchase_order="1")
    journal.apply([answered, begin(second, run, purchase_order="2")])
    journal.apply([end(answered, verdict="refused", status=400), change(first, State.REFUSED)])

    calls = history.attempts_of(journal.database, run)

    assert _told(calls, "kind", "started_at", "ended_at", "status", "verdict", "order") == [
        ("ship", NOW, NOW + 1, 400, "refused", first),
        ("ship", NOW, 0, 0, "unknown", second),
    ]


# One order


def test_everything_that_happened_to_an_order_is_told(journal: Journal, run: int) -> None:
    [order] = plan(journal, planned(ORDER, customer_order="C-1"))
    record_input(journal, run, [(None, None), (order, 0)], path="monday.csv")
    again = begin_run(journal, run="the second")
    record_input(journal, again, [(order, 0)], path="tuesday.csv")
    ship = begin(order, run)
    journal.apply([ship])
    journal.apply([end(ship), change(order, State.UNKNOWN)])
    shipped = change(order, State.SHIPPED)
    journal.decide(order, decision="shipped", user="kim", note="Seen there.", change=shipped)

    [story] = history.stories_of(journal.database, ORDER)

    assert (story.order.id, story.order.state) == (order, "shipped")
    assert [attempt.correlation_id for attempt in story.attempts] == [ship.correlation_id]
    assert [(one.path, one.row) for one in story.origins] == [("monday.csv", 3), ("tuesday.csv", 2)]
    assert story.origins[1].run_name == "the second"
    assert [(one.user, one.note) for one in story.decisions] == [("kim", "Seen there.")]


def test_an_order_is_found_by_its_customer_order_too_and_oldest_first(journal: Journal) -> None:
    ids = plan(journal, planned("1", customer_order="C-1"), planned("2", customer_order="C-1"))

    assert [story.order.id for story in history.stories_of(journal.database, "C-1")] == ids
    assert history.stories_of(journal.database, "C-2") == []


def test_an_order_of_one_seller_is_told_apart_from_anothers(journal: Journal) -> None:
    [ours], [theirs] = plan(journal, planned()), plan(journal, planned(), seller="seller-2")

    assert [story.order.id for story in history.stories_of(journal.database, ORDER)] == [ours, theirs]
    assert [one.order.id for one in history.stories_of(journal.database, ORDER, seller="seller-2")] == [theirs]


def test_rows_that_became_part_of_no_order_are_found_by_the_one_they_name(journal: Journal, run: int) -> None:
    [order] = plan(journal, planned(ORDER))
    record_input(journal, run, [(order, 0), (None, None), (None, None)], path="monday.csv")

    found = history.rows_aside_of(journal.database, ORDER)

    assert [(one.path, one.row, one.account) for one in found] == [
        ("monday.csv", 3, "default"),
        ("monday.csv", 4, "default"),
    ]
    assert history.rows_aside_of(journal.database, "1") == []


# Where rows stand in their files


def test_orders_come_from_their_last_run(journal: Journal) -> None:
    one, other = plan(journal, planned("1", FIRST, SECOND), planned("2"))
    record_input(journal, begin_run(journal), [(one, 0), (one, 1), (other, 0)], path="monday.csv")
    record_input(journal, begin_run(journal), [(one, 1), (None, None), (one, 0)], path="tuesday.csv")

    places = history.last_rows_of(journal.database, [one, other])

    assert _told(places, "order", "part", "row", "path") == [
        (other, 0, 4, "monday.csv"),
        (one, 1, 2, "tuesday.csv"),
        (one, 0, 4, "tuesday.csv"),
    ]
    assert list(places.columns) == ["order", "part", "purchase_order_id", "sheet", "row", "path", "sha256", "profile"]


def test_only_the_orders_asked_for_are_told_however_many(journal: Journal, run: int) -> None:
    ids = plan(journal, *(planned(f"{n}", parcel(tracking=f"1Z999AA1012345{n:04}")) for n in range(BLOCK + 5)))
    record_input(journal, run, [(order, 0) for order in ids])

    assert history.last_rows_of(journal.database, ids[2:])["order"].tolist() == ids[2:]
    assert len(history.last_rows_of(journal.database, [])) == 0


def test_the_rows_of_a_run_are_found_in_their_files(journal: Journal, run: int) -> None:
    [order] = plan(journal, planned())
    record_input(journal, run, [(None, None), (order, 0)], path="monday.csv", sha256="a" * 64)

    places = history.places_of(journal.database, run)

    assert _told(places, "order", "row", "path", "sha256") == [
        (-1, 2, "monday.csv", "a" * 64),
        (order, 3, "monday.csv", "a" * 64),
    ]


# What is left


def test_what_is_unfinished_is_counted_for_each_seller(journal: Journal) -> None:
    ids = plan(journal, *(planned(f"{n}") for n in range(5)))
    plan(journal, planned(), seller="seller-2")
    for order, stands in zip(ids, [State.SHIPPED, State.UNKNOWN, State.SENDING, State.HELD], strict=False):
        force(journal, order, stands)

    assert history.unfinished(journal.database, SELLER) == 3
    assert history.unfinished(journal.database, "nobody") == 0


def test_many_orders_whose_parcels_ended_alike_are_told_alike(journal: Journal, run: int) -> None:
    ids = plan(journal, *(planned(f"{n}", FIRST, SECOND) for n in range(20)))
    record_input(journal, run, [(order, part) for order in ids for part in (0, 1)])
    already = Part(Outcome.ALREADY_SHIPPED, "It was shipped before, with this tracking number.")
    journal.apply([change(order, State.HELD, "Cancelled.", parts=(already, None)) for order in ids])

    rows = history.rows_of(journal.database, run)

    assert rows["outcome"].tolist() == ["already_shipped", "held"] * 20
    assert number_of("rows", journal) == 40
