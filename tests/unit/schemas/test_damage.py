from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.cells import Kind
from schemas.damage import inspect, inspect_times
from schemas.findings import in_short
from schemas.ruins import DIGITS_ZEROED, MOJIBAKE, RUINS, TIDYINGS, UNWRAPPINGS
from schemas.whole import ENOUGH_ROUNDED
from tests.unit.tables import shipment_columns

REASON = {ruin.name: ruin.reason for ruin in (MOJIBAKE, *RUINS)}
NOTE = {mending.name: mending.note for mending in (*UNWRAPPINGS, *TIDYINGS)}


def _inspected(column: str, value: str, kind: Kind | None = None) -> tuple[str, list[tuple[str, str]]]:
    kinds = {} if kind is None else {column: np.array([kind], np.uint8)}
    columns, found = inspect(shipment_columns([{column: value}]), kinds)
    return columns[column][0], list(zip(found["effect"], found["reason"], strict=True))


@pytest.mark.parametrize(
    ("column", "value", "name"),
    [
        ("tracking_number", "7.03511E+15", "e_notation"),
        ("tracking_number", "7,03511E+15", "e_notation"),
        ("tracking_number", "'7.03511e+15", "e_notation"),
        ("tracking_number", "7.03511447713847E15", "e_notation"),
        ("tracking_number", "9.40011120620641E+021", "e_notation"),
        ("purchase_order_id", "3E+14", "e_notation"),
        ("customer_order_id", "5.12E+12", "e_notation"),
        ("sku", "1.23457E+11", "e_notation"),
        ("line_number", "1E-05", "small_e_notation"),
        ("tracking_number", "9400111899223340000000", "digits_zeroed"),
        ("purchase_order_id", "309121065891123000", "digits_zeroed"),
        ("tracking_number", "7035114477138472.0", "point_zero"),
        ("tracking_number", "2026-03-01", "became_date"),
        ("tracking_number", "2026-03-01 00:00:00", "became_date"),
        ("line_number", "1-Mar", "became_date"),
        ("quantity", "2-janv.", "became_date"),
        ("line_number", "Mar-26", "became_date"),
        ("tracking_number", "3/1/2026", "became_date"),
        ("tracking_number", "12:30", "became_date"),
        ("line_number", "46054", "serial_date"),
        ("quantity", "46054.5", "serial_date"),
        ("tracking_number", "7,035,114,477,138,472", "thousands"),
        ("tracking_number", "7035114477138472; 4002847016405018", "several"),
        ("tracking_number", "7035114477138472 4002847016405018", "several"),
        ("tracking_number", "7035114477138472\n4002847016405018", "several"),
        ("tracking_number", "KYV009956937/CGK002986959", "several"),
        ("tracking_number", "7035114477138472 et 4002847016405018", "several"),
        ("tracking_number", "KYV009956937 and CGK002986959", "several"),
        ("tracking_number", "12345678 12345679", "several"),
        ("tracking_number", "LOOM12345 - LOOM12346", "several"),
        ("tracking_number", "7035114477138472-4002847016405018", "several_dashed"),
        ("purchase_order_id", "309121065891123,309121065891124", "several"),
        ("tracking_number", "#N/A", "error"),
        ("carrier", "#REF!", "error"),
        ("quantity", "#VALEUR!", "error"),
        ("sku", "#NOM?", "error"),
        ("tracking_number", "Err:502", "error"),
        ("tracking_number", "########", "too_narrow"),
        ("tracking_number", "R\u0412123456785\u0421\u0410", "look_alike"),
        ("purchase_order_id", "\uff13\uff10\uff1912106589", "look_alike"),
        ("quantity", "\u0662", "look_alike"),
        ("carrier", "SociÃ©tÃ©", "mojibake"),
        ("seller_order_id", "commande nÂ°4", "mojibake"),
        ("sku", "ab\ufffdcd", "mojibake"),
        ("tracking_url", "ï»¿https://a.b/c", "mojibake"),
    ],
)
def test_a_ruined_cell_is_rejected_with_its_own_sentence(column: str, value: str, name: str) -> None:
    _, found = _inspected(column, value)

    assert [told for told in found if told[0] == "rejected"] == [("rejected", REASON[name])]


@pytest.mark.parametrize(
    ("column", "value", "kind", "name"),
    [
        ("tracking_number", "7035114477138472", Kind.NUMBER, "digits_lost"),
        ("purchase_order_id", "1234567890123456.0", Kind.NUMBER, "digits_lost"),
        ("sku", "1234567890123456", Kind.NUMBER, "digits_lost"),
        ("tracking_number", "7.03511447713847E+15", Kind.NUMBER, "digits_lost"),
        ("tracking_number", "12345.25", Kind.NUMBER, "fraction"),
        ("tracking_number", "the 5th", Kind.DATE, "stored_as_date"),
        ("sku", "mars", Kind.DATE, "stored_as_date"),
        ("quantity", "1", Kind.DURATION, "stored_as_date"),
        ("line_number", "TRUE", Kind.BOOLEAN, "boolean"),
        ("carrier", "", Kind.ERROR, "error"),
        ("quantity", "=B2+1", Kind.ERROR, "uncalculated"),
    ],
)
def test_how_the_file_stores_a_cell_shows_damage_too(column: str, value: str, kind: Kind, name: str) -> None:
    _, found = _inspected(column, value, kind)

    assert found == [("rejected", REASON[name])]


@pytest.mark.parametrize(
    ("column", "value", "mended", "name"),
    [
        ("tracking_number", "'7035114477138472", "7035114477138472", "apostrophe"),
        ("tracking_number", "’0073938000549297", "0073938000549297", "apostrophe"),  # noqa: RUF001 - so some keyboards write it
        ("tracking_number", '="0073938000549297"', "0073938000549297", "formula_text"),
        ("purchase_order_id", '="0073"', "0073", "formula_text"),
        ("tracking_number", "7035 1144 7713 8472", "7035114477138472", "spaced"),
        ("tracking_number", "7035-1144-7713-8472", "7035114477138472", "spaced"),
        ("tracking_number", "1Z 5R8 939 03 5756 712 7", "1Z5R89390357567127", "spaced"),
        ("purchase_order_id", "3091-2106-5891123", "309121065891123", "spaced"),
        ("tracking_number", "\u00a07035114477138472", "7035114477138472", "exotic_spaces"),
        ("carrier", "Postes\u202fCanada", "Postes Canada", "exotic_spaces"),
        ("tracking_number", "7035114477138472\u200b", "7035114477138472", "invisible"),
        ("sku", "\ufeffAB", "AB", "invisible"),
        ("tracking_number", "123456789012.0", "123456789012", "point_zero"),
        ("quantity", "2.0", "2", "point_zero"),
        ("quantity", "2,00", "2", "point_zero"),
        ("line_number", "1.0", "1", "point_zero"),
    ],
)
def test_a_harmless_change_is_put_right_and_noted(column: str, value: str, mended: str, name: str) -> None:
    assert _inspected(column, value) == (mended, [("note", NOTE[name])])


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("tracking_number", "7035114477138472"),
        ("tracking_number", "7035114477138470"),
        ("tracking_number", ""),
        ("purchase_order_id", "PO-12-3"),
        ("quantity", "12"),
        ("line_number", "1"),
        ("sku", "AB-12.5 / 1E5"),
        ("sku", "12-34"),
        ("carrier", "Société canadienne des postes"),
        ("tracking_url", "https://example.com/a?b=c#d"),
        ("ship_date_time", "46349.5"),
        ("seller_order_id", "A, B & C"),
    ],
)
def test_a_sound_cell_stays_as_it_is_without_a_word(column: str, value: str) -> None:
    assert _inspected(column, value) == (value, [])


def test_a_number_of_fifteen_digits_may_be_stored_as_a_number() -> None:
    assert _inspected("purchase_order_id", "309121065891123", Kind.NUMBER) == ("309121065891123", [])


ROUNDED = [f"7035114477138{number}0" for number in range(10, 10 + ENOUGH_ROUNDED)]


def test_long_order_numbers_that_all_end_in_noughts_were_rounded() -> None:
    rows = [{"purchase_order_id": number} for number in ["309121065891123", *ROUNDED]]
    _, found = inspect(shipment_columns(rows), {})

    assert found["row"].tolist() == [1, 2, 3, 4, 5, 6]
    assert set(found["effect"]) == {"rejected"}
    assert set(found["reason"]) == {DIGITS_ZEROED}


@pytest.mark.parametrize(
    "numbers",
    [
        ROUNDED[1:],
        ROUNDED[1:] * 2,
        [*ROUNDED, "7035114477138472"],
        [f"D{number}" for number in ROUNDED],
        [f"00{number[2:]}" for number in ROUNDED],
    ],
)
def test_few_numbers_or_one_with_all_its_digits_are_no_sign_of_rounding(numbers: list[str]) -> None:
    _, found = inspect(shipment_columns([{"customer_order_id": number} for number in numbers]), {})

    assert not len(found)


@pytest.mark.parametrize("lossy", ["7.03511E+15", "9400111206206400000000", "7035114477138472.0"])
def test_where_a_number_has_lost_its_digits_an_order_that_ends_in_noughts_has_too(lossy: str) -> None:
    rows = [{"tracking_number": lossy}, {"purchase_order_id": ROUNDED[0]}, {"purchase_order_id": "3091210658911331"}]
    _, found = inspect(shipment_columns(rows), {})

    assert sorted(found["row"][found["effect"] == "rejected"].unique()) == [0, 1]


def _inspected_time(value: str, kind: Kind = Kind.TEXT) -> tuple[str, list[tuple[str, str]]]:
    times, found = inspect_times(pa.array([value], pa.large_string()), np.array([kind], np.uint8))
    return times[0].as_py(), list(zip(found["effect"], found["reason"], strict=True))


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("#VALUE!", "error"),
        ("########", "too_narrow"),
        ("2.02611E+13", "e_notation"),
        ("23 fÃ©vrier 2026", "mojibake"),
    ],
)
def test_a_ruined_ship_time_is_rejected_with_its_own_sentence(value: str, name: str) -> None:
    assert _inspected_time(value)[1] == [("rejected", REASON[name])]


def test_an_error_cell_under_ship_times_is_rejected() -> None:
    assert _inspected_time("=NOW()", Kind.ERROR)[1] == [("rejected", REASON["uncalculated"])]


@pytest.mark.parametrize(
    ("value", "mended", "name"),
    [
        ("'2026-11-23", "2026-11-23", "apostrophe"),
        ('="2026-11-23"', "2026-11-23", "formula_text"),
        ("2026-11-23\u00a010:00", "2026-11-23 10:00", "exotic_spaces"),
        ("\u200e2026-11-23", "2026-11-23", "invisible"),
        ("2026\u201111\u201123", "2026-11-23", "exotic_dashes"),
    ],
)
def test_a_harmless_change_of_a_ship_time_is_put_right_and_noted(value: str, mended: str, name: str) -> None:
    assert _inspected_time(value) == (mended, [("note", NOTE[name])])


@pytest.mark.parametrize(
    "value", ["2026-11-23T10:00:00+00:00", "23 nov. 2026 14 h 05", "20261123140500", "46349.5", ""]
)
def test_a_sound_ship_time_stays_as_it_is_without_a_word(value: str) -> None:
    assert _inspected_time(value) == (value, [])


def test_a_mending_is_noted_once_a_column_with_the_number_of_cells() -> None:
    found = in_short(inspect(shipment_columns([{"tracking_number": "1234 5678"}] * 3), {})[1])

    assert found["row"].tolist() == [0]
    assert found["value"].tolist() == ["1234 5678"]
    assert found["reason"][0].endswith("(here and in 2 more rows)")


def test_several_mendings_of_one_cell_are_all_noted() -> None:
    mended, found = _inspected("tracking_number", "\u00a0'7035\u20111144 7713 8472\u200b")

    assert mended == "7035114477138472"
    assert len(found) == 5


def test_a_whole_good_table_is_handed_back_unchanged() -> None:
    columns = shipment_columns([{"tracking_number": "7035114477138472", "sku": "A 1"}] * 2)
    clean, found = inspect(columns, {})

    pd.testing.assert_frame_equal(clean, columns)
    assert not len(found)


@settings(max_examples=25)
@given(st.integers(10**15, 10**22), st.integers(1, 6))
def test_what_excel_shows_of_a_long_number_never_passes(number: int, digits: int) -> None:
    _, found = _inspected("tracking_number", f"{float(number):.{digits}E}")

    assert [effect for effect, _ in found] == ["rejected"]


@settings(max_examples=25)
@given(st.text(max_size=30), st.sampled_from(["tracking_number", "purchase_order_id", "quantity", "sku", "carrier"]))
def test_inspecting_a_second_time_changes_nothing_more(value: str, column: str) -> None:
    once, found = _inspected(column, value.replace("\x00", ""))

    if "rejected" not in [effect for effect, _ in found]:
        assert _inspected(column, once)[0] == once
