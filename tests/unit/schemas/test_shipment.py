from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from pandera.errors import SchemaError

from schemas import shipment
from schemas.findings import in_short
from schemas.shipment import PARCEL_COLUMNS, Context, validate
from tests.unit.tables import GOOD, YESTERDAY, shipment_columns, texts


def _validated(
    *rows: dict[str, str], shipped_at: int = YESTERDAY, **context: object
) -> tuple[pd.DataFrame, list[tuple[int, str, str, str, str]]]:
    lines, found = validate(
        shipment_columns([GOOD | row for row in rows]),
        pd.Series([shipped_at] * len(rows), dtype=np.int64),
        pd.Series([False] * len(rows), dtype=np.bool_),
        Context(**context),  # type: ignore[arg-type]  # any of its fields
    )
    return lines, [tuple(finding) for finding in in_short(found).iloc[:, :5].to_numpy().tolist()]


def _rejected(*rows: dict[str, str], shipped_at: int = YESTERDAY) -> list[tuple[int, str, str]]:
    _, found = _validated(*rows, shipped_at=shipped_at)
    return [(row, column, reason) for row, column, _, effect, reason in found if effect == "rejected"]


def test_a_good_row_becomes_a_line_without_a_finding() -> None:
    lines, found = _validated({"sku": "A 1", "method_code": "express", "seller_order_id": "S-1"})

    assert found == []
    assert lines.loc[0, list(PARCEL_COLUMNS)].to_dict() == {
        "line_number": "1",
        "sku": "A 1",
        "quantity": 1,
        "carrier": "CPC",
        "other_carrier": "",
        "method_code": "Express",
        "tracking_number": "7035114477138472",
        "tracking_url": "",
        "shipped_at": YESTERDAY,
        "date_only": False,
        "ship_from_country": "CA",
        "seller_order_id": "S-1",
    }


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ({"purchase_order_id": "30/91"}, "purchase_order_id", "only letters, digits and dashes"),
        ({"customer_order_id": "1" * 51}, "customer_order_id", "at most 50"),
        ({"purchase_order_id": ""}, "purchase_order_id", "order number is missing"),
        ({"line_number": "1a"}, "line_number", "whole number"),
        ({"quantity": "0"}, "quantity", "from 1"),
        ({"quantity": "-1"}, "quantity", "from 1"),
        ({"quantity": "1.5"}, "quantity", "from 1"),
        ({"quantity": "1000000"}, "quantity", "from 1"),
        ({"carrier": "", "tracking_number": "12345678"}, "carrier", "carrier is missing"),
        ({"tracking_number": ""}, "tracking_number", "only Lettermail"),
        ({"tracking_number": "PENDING"}, "tracking_number", "not letters alone"),
        ({"tracking_number": "1234"}, "tracking_number", "5 to 50"),
        ({"tracking_number": "12345*"}, "tracking_number", "letters and digits"),
        ({"carrier": "Nationex"}, "tracking_url", "tracking URL is missing"),
        ({"tracking_url": "nationex.com/1"}, "tracking_url", "begins with http"),
        ({"tracking_url": "https://nationex"}, "tracking_url", "begins with http"),
        ({"tracking_url": "https://nation ex.com"}, "tracking_url", "begins with http"),
        ({"ship_from_country": "ON"}, "ship_from_country", "two letters"),
        ({"seller_order_id": "é" * 31}, "seller_order_id", "30 characters"),
    ],
)
def test_a_bad_cell_is_rejected_in_its_column_with_the_reason(row: dict[str, str], column: str, reason: str) -> None:
    [(_, found, told)] = _rejected(row)

    assert found == column
    assert reason in told


@pytest.mark.parametrize(
    ("text", "shipped_at", "reason"),
    [("", 0, "ship date is missing"), ("soon", 0, "cannot be read as a date"), ("1.1.1999", 915148800000, "before")],
)
def test_a_row_needs_a_likely_ship_date(text: str, shipped_at: int, reason: str) -> None:
    [(_, column, told)] = _rejected({"ship_date_time": text}, shipped_at=shipped_at)

    assert column == "ship_date_time"
    assert reason in told


@pytest.mark.parametrize(
    "row",
    [
        {"line_number": "", "quantity": "", "sku": ""},
        {"purchase_order_id": "", "customer_order_id": "5121"},
        {"carrier": "Lettermail", "tracking_number": ""},
        {"carrier": "Nationex", "tracking_number": "12345678", "tracking_url": "https://nationex.com/t/1"},
        {"quantity": "02"},
        {"seller_order_id": "é" * 30},
    ],
)
def test_what_may_be_blank_or_unusual_is_let_through(row: dict[str, str]) -> None:
    assert _rejected(row) == []


def test_line_numbers_are_written_as_the_marketplace_writes_them() -> None:
    lines, _ = _validated(*({"line_number": text} for text in ("001", "01", "1", "10", "0", "")))

    assert lines["line_number"].tolist() == ["1", "1", "1", "10", "0", ""]


def test_one_pass_tells_every_failure_of_every_row() -> None:
    found = _rejected({"quantity": "x", "line_number": "y"}, {}, {"quantity": "0", "tracking_number": ""})

    assert sorted((row, column) for row, column, _ in found) == [
        (0, "line_number"),
        (0, "quantity"),
        (2, "quantity"),
        (2, "tracking_number"),
    ]


def test_a_missing_carrier_is_told_by_a_number_of_one_carrier_alone_and_noted() -> None:
    lines, found = _validated(
        {"carrier": ""},
        {"carrier": "", "tracking_number": "1Z5R89390357567127"},
        {"carrier": "", "tracking_number": "4002847016405018"},
    )

    assert lines["carrier"].tolist() == ["CPC", "UPS", "CPC"]
    reasons = [reason for *_, reason in found]
    assert reasons == [
        "no carrier is named: the tracking number is one of Canada Post, check digit and all (here and in 1 more row)",
        "no carrier is named: the tracking number is one of UPS, check digit and all",
    ]


@pytest.mark.parametrize("number", ["LTN74207623N1", "RB123456785GB", "287809468875", "KYV009956937"])
def test_a_missing_carrier_is_never_guessed(number: str) -> None:
    assert [column for _, column, _ in _rejected({"carrier": "", "tracking_number": number})] == ["carrier"]


def test_a_tracking_url_is_made_where_it_is_needed_and_the_pattern_known() -> None:
    lines, _ = _validated(
        {"carrier": "Intelcom", "tracking_number": "INTLCMD123"},
        {"carrier": "Intelcom", "tracking_number": "INTLCMD124", "tracking_url": "https://a.example/1"},
        {},
    )

    assert lines["tracking_url"].tolist() == [
        "https://intelcom.ca/en/track-your-package/?tracking-id=INTLCMD123",
        "https://a.example/1",
        "",
    ]
    assert lines["other_carrier"].tolist() == ["Intelcom", "Intelcom", ""]


def test_a_reseller_is_an_other_carrier_with_a_warning_even_where_the_number_shows_whose_it_is() -> None:
    lines, found = _validated({"carrier": "Chit Chats", "tracking_url": "https://chitchats.example/1"})

    assert (lines["carrier"][0], lines["other_carrier"][0]) == ("", "Chit Chats")
    [(_, column, _, effect, reason)] = found
    assert (column, effect) == ("carrier", "warning")
    assert reason.startswith("Chit Chats sells labels of other carriers")


def test_a_carriers_service_is_no_method_and_that_is_said() -> None:
    lines, found = _validated({"method_code": "Ground"}, {"method_code": "Ground"}, {"method_code": "Value"})

    assert lines["method_code"].tolist() == ["", "", "Value"]
    [(row, column, value, effect, reason)] = found
    assert (row, column, value, effect) == (0, "method_code", "Ground", "note")
    assert reason.endswith("taken as not given (here and in 1 more row)")


def test_what_rows_leave_out_comes_from_the_settings() -> None:
    lines, _ = _validated(
        {}, {"method_code": "Value", "ship_from_country": "us"}, method_code="Freight", ship_from_country="CN"
    )

    assert lines["method_code"].tolist() == ["Freight", "Value"]
    assert lines["ship_from_country"].tolist() == ["CN", "US"]


def test_tracking_numbers_go_out_in_capitals() -> None:
    lines, found = _validated({"carrier": "UPS", "tracking_number": "1z5r89390357567127"})

    assert lines["tracking_number"].tolist() == ["1Z5R89390357567127"]
    assert found == []


def test_the_sellers_names_of_carriers_are_used() -> None:
    lines, _ = _validated({"carrier": "La poste"}, carriers={"la poste": "CPC"})

    assert lines["carrier"].tolist() == ["CPC"]


def test_no_rows_give_no_lines() -> None:
    lines, found = _validated()

    assert len(lines) == 0
    assert found == []


def test_a_table_of_another_form_is_a_fault_of_ours_and_raises() -> None:
    with pytest.raises(SchemaError):
        shipment._judge(pd.DataFrame({"sku": texts(["a"])}), shipment_columns([{}]))
