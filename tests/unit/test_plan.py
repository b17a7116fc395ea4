from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from batch.marketplace.orders import Parcel
from batch.plan import PlannedOrder, make_plan
from batch.settings import Account
from schemas.cells import Kind
from schemas.findings import Effect, findings
from schemas.shipment import PARCEL_COLUMNS, SHIPMENT_COLUMNS
from tests.unit.tables import GOOD, HOUR, NOW, TORONTO, YESTERDAY, policy, shipments

if TYPE_CHECKING:
    from batch.plan import Plan, Policy
    from batch.reading.shipments import Shipments

NOON_TODAY = NOW - 3 * HOUR
MIDNIGHT_TOMORROW = NOW + 9 * HOUR
ORDERS = ("309121065891123", "309121065891124", "309121065891125")


def _number(serial: int) -> str:
    """Return a Canada Post number with its check digit."""
    digits = f"{serial:015d}"
    total = sum(int(digit) * (1 if place % 2 else 3) for place, digit in enumerate(digits))
    return f"{digits}{-total % 10}"


def _row(order: int, parcel: int, **changed: str) -> dict[str, str]:
    return GOOD | {"purchase_order_id": ORDERS[order], "tracking_number": _number(7_000_000 + parcel)} | changed


def _outcomes(plan: Plan) -> list[str]:
    outcomes: list[str] = plan.rows["outcome"].tolist()
    return outcomes


def _reasons(plan: Plan) -> list[str]:
    reasons: list[str] = plan.rows["reason"].tolist()
    return reasons


def _planned(*rows: dict[str, str], **changed: object) -> Plan:
    return make_plan([shipments(rows)], policy(**changed))


def test_rows_of_one_order_become_one_order_in_order_of_first_appearance() -> None:
    plan = _planned(_row(1, 1), _row(0, 2), _row(1, 3, line_number="2", quantity="4"))

    assert [(order.purchase_order_id, order.rows) for order in plan] == [
        (ORDERS[1], ((0,), (2,))),
        (ORDERS[0], ((1,),)),
    ]
    assert plan.order(0).parcels[1] == Parcel(
        line_number="2",
        quantity=4,
        carrier="CPC",
        tracking_number=_number(7_000_003),
        shipped_at=YESTERDAY,
        ship_from_country="CA",
    )
    assert plan.rows[["order", "parcel"]].to_numpy().tolist() == [[0, 0], [1, 0], [0, 1]]
    assert _outcomes(plan) == _reasons(plan) == ["", "", ""]


def test_a_plan_of_many_orders_streams_each_as_it_is_looked_up() -> None:
    rows = [
        GOOD | {"purchase_order_id": str(10**14 + place // 2), "line_number": str(place % 2 + 1)}
        for place in range(5_000)
    ]
    plan = _planned(*rows)

    streamed = list(plan)
    assert len(streamed) == len(plan) == 2_500
    assert [streamed[place] for place in (0, 1_023, 1_024, 2_499)] == [
        plan.order(place) for place in (0, 1_023, 1_024, 2_499)
    ]
    assert all(len(order.parcels) == 2 for order in streamed)


def test_one_order_in_several_files_and_sheets_is_one_order() -> None:
    first = shipments([_row(0, 1)], file="in/a.csv")
    second = shipments(
        [_row(1, 2), _row(0, 3, line_number="2", carrier="Nationex", tracking_url="https://n.ca/t")], sheet="B"
    )
    plan = make_plan([first, second], policy())

    assert [order.rows for order in plan] == [((0,), (2,)), ((1,),)]
    assert plan.order(0).parcels[1].other_carrier == "Nationex"
    assert plan.rows["shipments"].tolist() == [0, 1, 1]


def test_rows_that_name_only_the_customers_order_are_grouped_by_it() -> None:
    customer = {"purchase_order_id": "", "customer_order_id": "5121"}
    plan = _planned(_row(0, 1, **customer), _row(0, 2, line_number="2", **customer), _row(0, 3))

    assert [(order.purchase_order_id, order.customer_order_id) for order in plan] == [("", "5121"), (ORDERS[0], "")]
    assert plan.rows["purchase_order_id"].tolist() == ["5121", "5121", ORDERS[0]]


def test_an_order_knows_the_customers_order_where_any_row_names_it() -> None:
    plan = _planned(_row(0, 1), _row(0, 2, line_number="2", customer_order_id="5121"))

    assert plan.order(0).customer_order_id == "5121"


def test_blanks_go_on_where_orders_are_read_and_are_held_where_not() -> None:
    row = _row(0, 1, line_number="", quantity="")

    assert _outcomes(_planned(row)) == [""]
    held = _planned(row, preflight=False)
    assert _outcomes(held) == ["held"]
    assert "line number is missing, and orders are not read" in _reasons(held)[0]
    assert "quantity is missing" in _reasons(held)[0]
    assert _planned(_row(0, 1), preflight=False, method_code="Value").order(0).parcels[0].method_code == "Value"


def test_lettermail_needs_no_tracking_number() -> None:
    plan = _planned(_row(0, 1, carrier="Lettermail", tracking_number=""))

    assert plan.order(0).parcels[0].carrier == "LETTERMAIL"


def test_a_reason_names_file_cell_header_value_and_what_to_do() -> None:
    table = shipments([_row(0, 1, tracking_number="7.03511E+15")], file="in/warehouse.csv")

    [reason] = _reasons(make_plan([table], policy()))
    assert reason.startswith('warehouse.csv E2 trackingNumber "7.03511E+15": Excel shows this number in E-notation')


def test_reasons_name_the_sheet_and_the_path_of_files_of_one_name() -> None:
    rows = [_row(0, 1, quantity="x")]
    tables = [shipments(rows, file="a/w.xlsx", sheet="March"), shipments(rows, file="b/w.xlsx", sheet="April")]

    reasons = _reasons(make_plan(tables, policy()))
    assert [reason.split(" quantity")[0] for reason in reasons] == ["a/w.xlsx 'March' C2", "b/w.xlsx 'April' C2"]


def test_long_values_are_cut_and_put_on_one_line() -> None:
    [reason] = _reasons(_planned(_row(0, 1, line_number="1\n" + "9" * 200)))

    assert f'"1 {"9" * 78}…"' in reason


def test_a_cell_that_the_file_does_not_have_is_named_by_row_and_our_own_column() -> None:
    row = _row(0, 1)
    del row["carrier"], row["ship_date_time"]
    row["tracking_number"] = "12345678"

    [reason] = _reasons(make_plan([shipments([row], shipped_at=[0])], policy()))
    assert "warehouse.csv row 2 carrier: the carrier is missing" in reason
    assert "warehouse.csv row 2 shipDateTime: the ship date is missing" in reason


def test_a_value_behind_which_no_cell_stands_is_shown_as_it_was_found() -> None:
    table = shipments([_row(0, 1)], found=findings([0], "sku", "const", Effect.REJECTED, "is wrong"))

    assert _reasons(make_plan([table], policy())) == ['warehouse.csv row 2 sku "const": is wrong']


def test_the_first_finding_about_a_cell_is_told_and_the_others_are_not() -> None:
    found = findings([0], "ship_date_time", "x", Effect.REJECTED, "no such day")
    plan = make_plan([shipments([_row(0, 1)], shipped_at=[0], found=found)], policy())

    assert _reasons(plan)[0].count("ship_date_time") == 1
    assert _reasons(plan)[0].endswith("no such day")


def test_rows_that_are_no_shipments_are_skipped_and_hold_nobody() -> None:
    void = shipments(
        [_row(0, 1), _row(0, 2, line_number="2", quantity="x", carrier="Stallion")],
        found=findings([1], "", "", Effect.SKIPPED, "the label was voided"),
    )
    plan = make_plan([void], policy())

    assert _outcomes(plan) == ["", "skipped"]
    assert _reasons(plan)[1] == "warehouse.csv row 3: the label was voided"
    assert not len(plan.notes)


def test_exact_repeats_are_skipped_naming_the_first_wherever_it_stands() -> None:
    first = shipments([_row(0, 1, quantity="2")], file="a.csv")
    second = shipments([_row(1, 2), _row(0, 1, quantity=" 2.0".strip(), customer_order_id="5121")], file="b.csv")
    plan = make_plan([first, second], policy())

    assert _outcomes(plan) == ["", "", "skipped"]
    assert _reasons(plan)[2] == (
        "b.csv row 3: repeats a.csv row 2 exactly; it is not sent again, and its 2 units stay open"
    )
    assert len(plan.order(0).parcels) == 1


def test_repeats_of_lettermail_are_known_by_the_carrier() -> None:
    letter = {"carrier": "Lettermail", "tracking_number": ""}

    assert _outcomes(_planned(_row(0, 1, **letter), _row(0, 1, **letter))) == ["", "skipped"]


@pytest.mark.parametrize(
    ("changed", "what"),
    [
        ({"quantity": "2"}, "quantity"),
        ({"carrier": "Purolator"}, "carrier"),
        ({"method_code": "Express"}, "method"),
        ({"sku": "B"}, "SKU"),
        ({"tracking_url": "https://a.example/b"}, "tracking URL"),
    ],
)
def test_the_same_parcel_told_in_two_ways_is_a_contradiction(changed: dict[str, str], what: str) -> None:
    plan = _planned(_row(0, 1), _row(0, 1), _row(0, 1, **changed), _row(1, 2))

    assert _outcomes(plan) == ["rejected", "rejected", "rejected", ""]
    assert _reasons(plan)[0] == (
        f"warehouse.csv row 2: the same parcel has another {what} in warehouse.csv row 3 and warehouse.csv row 4"
    )


def test_a_purchase_order_of_two_customer_orders_is_a_contradiction() -> None:
    ids = ["5121", "5122", "", "5121", "5123", "5123"]
    rows = [_row(place // 3, place, customer_order_id=customer) for place, customer in enumerate(ids)]
    plan = _planned(*rows[:5], _row(2, 9, customer_order_id="5123"), _row(2, 9, customer_order_id="5123"))

    assert _outcomes(plan) == ["rejected"] * 5 + ["", "skipped"]
    assert _reasons(plan)[0] == (
        "warehouse.csv row 2: the same purchase order has another customer order in warehouse.csv row 3 and"
        " warehouse.csv row 4"
    )
    assert _reasons(plan)[4] == (
        "warehouse.csv row 6: the same purchase order has another customer order in warehouse.csv row 5"
    )


def test_the_same_parcel_at_another_time_is_a_contradiction() -> None:
    table = shipments([_row(0, 1), _row(0, 1)], shipped_at=[YESTERDAY, YESTERDAY + 1])

    assert _outcomes(make_plan([table], policy())) == ["rejected", "rejected"]


def test_one_box_for_several_lines_or_skus_is_no_repeat() -> None:
    plan = _planned(
        _row(0, 1),
        _row(0, 1, line_number="2"),
        _row(0, 1, line_number="", sku="A"),
        _row(0, 1, line_number="", sku="B"),
        _row(1, 1),
    )

    assert _outcomes(plan) == [""] * 5


def test_a_bad_row_holds_its_order_in_all_files_and_is_named() -> None:
    tables = [
        shipments([_row(0, 1), _row(1, 2)], file="a.csv"),
        shipments([_row(0, parcel, line_number="x") for parcel in range(3, 8)], file="b.csv"),
    ]
    plan = make_plan(tables, policy())

    assert _outcomes(plan) == ["held", "", *["rejected"] * 5]
    assert _reasons(plan)[0] == (
        "a.csv row 2: held with its order, because of b.csv row 2 and b.csv row 3 and b.csv row 4 and 2 more"
    )
    assert [order.purchase_order_id for order in plan] == [ORDERS[1]]


def test_the_others_go_where_the_settings_say_so() -> None:
    plan = _planned(_row(0, 1), _row(0, 2, line_number="x"), on_bad_row="send-rest")

    assert _outcomes(plan) == ["", "rejected"]


def test_a_bad_row_whose_order_number_is_ruined_holds_its_order_by_the_customers() -> None:
    customer = {"customer_order_id": "5121"}
    plan = _planned(
        _row(0, 1, **customer), _row(0, 2, line_number="2"), _row(0, 3, purchase_order_id="3.09E+14", **customer)
    )

    assert _outcomes(plan) == ["held", "held", "rejected"]


def test_a_customers_other_purchase_orders_go_unless_they_may_be_the_bad_one() -> None:
    customer = {"customer_order_id": "5121"}
    rows = [_row(0, 1, quantity="x", **customer), _row(1, 2, **customer), _row(2, 3, purchase_order_id="", **customer)]

    assert _outcomes(_planned(*rows)) == ["rejected", "", "held"]


def test_ship_times_ahead_wait_with_their_whole_order_and_are_told_when() -> None:
    rows = [_row(0, 1), _row(0, 2, line_number="2"), _row(1, 3)]
    plan = make_plan([shipments(rows, shipped_at=[YESTERDAY, NOW + 24 * HOUR, NOW])], policy())

    assert plan.orders["due_at"].tolist() == [NOW + 24 * HOUR, 0]
    assert _outcomes(plan) == ["not_attempted", "not_attempted", ""]
    assert _reasons(plan)[0] == "due on 2026-11-25 15:00 (America/Toronto)"
    assert plan.order(0).due_at == NOW + 24 * HOUR
    assert plan.rows["order"].tolist() == [0, 0, 1]


@pytest.mark.parametrize(
    ("ahead", "outcome"), [(0, ""), (1, "not_attempted"), (72 * HOUR, "not_attempted"), (72 * HOUR + 1, "rejected")]
)
def test_a_ship_time_more_than_three_days_ahead_is_rejected(ahead: int, outcome: str) -> None:
    plan = make_plan([shipments([_row(0, 1)], shipped_at=[NOW + ahead])], policy())

    assert _outcomes(plan) == [outcome]


@pytest.mark.parametrize(
    ("now", "noon", "shipped_at", "due_at"),
    [
        (NOW, NOON_TODAY, NOON_TODAY, 0),
        (NOON_TODAY - HOUR, NOON_TODAY, NOON_TODAY - HOUR, 0),
        (NOW, NOON_TODAY + 24 * HOUR, NOON_TODAY + 24 * HOUR, MIDNIGHT_TOMORROW),
    ],
)
def test_a_day_without_a_time_is_noon_but_not_later_than_now_and_due_when_it_begins(
    now: int, noon: int, shipped_at: int, due_at: int
) -> None:
    table = shipments([_row(0, 1)], shipped_at=[noon], date_only=[True])
    plan = make_plan([table], policy(now_ms=now))

    assert plan.lines["shipped_at"].tolist() == [shipped_at]
    assert plan.orders["due_at"].tolist() == [due_at]


def test_a_day_that_begins_more_than_three_days_ahead_is_rejected() -> None:
    days = [NOON_TODAY + days * 24 * HOUR for days in (3, 4)]
    plan = make_plan([shipments([_row(0, 1), _row(1, 2)], shipped_at=days, date_only=[True, True])], policy())

    assert _outcomes(plan) == ["not_attempted", "rejected"]


def test_warnings_and_notes_are_told_with_their_place() -> None:
    plan = make_plan([shipments([]), shipments([_row(0, 1), _row(1, 2, tracking_number="7035114477138473")])], policy())

    [note] = plan.notes.to_dict("records")
    assert (note["table"], note["position"], note["row"], note["effect"]) == (1, 1, 1, "warning")
    assert note["reason"].startswith('warehouse.csv E3 trackingNumber "7035114477138473": the check digit is wrong')
    assert _outcomes(plan) == ["", ""]


def test_how_cells_are_stored_is_looked_at() -> None:
    kinds = np.full((1, 6), Kind.TEXT, np.uint8)
    kinds[0, 4] = Kind.NUMBER

    [reason] = _reasons(make_plan([shipments([GOOD], kinds=kinds)], policy()))
    assert "the file stores this as a number" in reason


@pytest.mark.parametrize("tables", [[], [shipments([])]])
def test_nothing_gives_an_empty_plan(tables: list[Shipments]) -> None:
    plan = make_plan(tables, policy())

    assert (len(plan), len(plan.rows), list(plan)) == (0, 0, [])


def test_a_policy_is_made_of_an_account() -> None:
    account = Account(
        client_id="c", client_secret_file="s", strict_tracking=True, carriers={"x": "UPS"}, preflight=False
    )
    made = _of(account)

    assert (made.strict_tracking, made.carriers, made.preflight, made.now_ms) == (True, {"x": "UPS"}, False, NOW)


def _of(account: Account) -> Policy:
    return type(policy()).of(account, TORONTO, NOW)


def test_parcel_columns_are_the_fields_of_a_parcel() -> None:
    assert Parcel.__struct_fields__ == PARCEL_COLUMNS


ROWS = st.lists(
    st.builds(
        _row,
        st.integers(0, 2),
        st.integers(0, 3),
        line_number=st.sampled_from(["1", "2", "", "x"]),
        quantity=st.sampled_from(["1", "2", "", "0"]),
        sku=st.sampled_from(["", "A"]),
    ),
    min_size=1,
    max_size=12,
)


def _orders(plan: Plan) -> list[PlannedOrder]:
    return list(plan)


@settings(max_examples=15, deadline=None)
@given(rows=ROWS, on_bad_row=st.sampled_from(["hold-order", "send-rest"]), preflight=st.booleans())
def test_every_row_is_ready_in_one_order_or_ended_with_a_reason(
    rows: list[dict[str, str]], on_bad_row: str, *, preflight: bool
) -> None:
    plan = _planned(*rows, on_bad_row=on_bad_row, preflight=preflight)
    sent = [row for order in plan for (row,) in order.rows]

    assert len(plan.rows) == len(rows)
    assert sorted(sent) == [row for row, outcome in enumerate(_outcomes(plan)) if outcome == ""]
    assert all(bool(reason) == bool(outcome) for outcome, reason in zip(_outcomes(plan), _reasons(plan), strict=True))
    assert [plan.rows["order"][row] for row in sent] == [at for at, order in enumerate(plan) for _ in order.rows]


@settings(max_examples=15, deadline=None)
@given(ROWS)
def test_grouping_and_laying_flat_again_gives_the_rows_that_were_sent(rows: list[dict[str, str]]) -> None:
    plan = _planned(*rows)

    for order in plan:
        for parcel, (row,) in zip(order.parcels, order.rows, strict=True):
            said = (order.purchase_order_id, parcel.line_number, parcel.tracking_number, parcel.sku)
            wanted = rows[row]
            assert said == tuple(
                wanted[name] for name in ("purchase_order_id", "line_number", "tracking_number", "sku")
            )
        assert [row for (row,) in order.rows] == sorted(row for (row,) in order.rows)
    firsts = [order.rows[0][0] for order in plan]
    assert firsts == sorted(firsts)


@settings(max_examples=10, deadline=None)
@given(ROWS, st.permutations(SHIPMENT_COLUMNS))
def test_the_order_of_columns_changes_nothing(rows: list[dict[str, str]], order: list[str]) -> None:
    plan = _planned(*rows)
    shuffled = make_plan([shipments(rows, order=order)], policy())

    assert _orders(plan) == _orders(shuffled)
    assert _outcomes(plan) == _outcomes(shuffled)


@settings(max_examples=10, deadline=None)
@given(ROWS, st.integers(0, 12))
def test_rows_split_over_two_tables_give_the_same_orders(rows: list[dict[str, str]], at: int) -> None:
    plan = _planned(*rows)
    split = make_plan([shipments(rows[:at], file="a.csv"), shipments(rows[at:], file="b.csv")], policy())

    assert _orders(plan) == _orders(split)
    assert _outcomes(plan) == _outcomes(split)


@settings(max_examples=15, deadline=None)
@given(st.integers(10**14, 10**15 - 1), st.sampled_from(["E", "number", "cell", "point", "noughts"]))
def test_damaged_digits_never_survive_as_ready(serial: int, how: str) -> None:
    number = _number(serial // 1000 if how == "noughts" else serial)
    damaged = {
        "E": f"{float(number):.5E}",
        "number": number[:15] + "0",
        "cell": number,
        "point": f"{number}.0",
        "noughts": number.lstrip("0"),
    }[how]
    kinds = np.full((1, 6), Kind.NUMBER if how == "cell" else Kind.TEXT, np.uint8)
    [outcome] = _outcomes(make_plan([shipments([_row(0, 1, tracking_number=damaged)], kinds=kinds)], policy()))

    assert (outcome == "rejected") == (damaged != number or how == "cell")
