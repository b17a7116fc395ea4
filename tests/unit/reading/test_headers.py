from __future__ import annotations

import pytest

from batch.reading.headers import find_header, normalised_header

KNOWN = frozenset({"ordernumber", "trackingnumber", "carrier"})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("purchaseOrderId", "Purchase Order ID"),
        ("purchase_order-id", "PURCHASEORDERID"),
        ("Order - Number", "order number"),
        ("Numéro de suivi", "numero de suivi"),
        ("\ufeffcarrier", "Carrier"),
        ("tracking\u00a0number", "tracking\u2013number"),
        ("Date d'expédition", "DATE D'EXPÉDITION"),
    ],
)
def test_headers_match_whatever_their_case_spaces_and_dashes(one: str, other: str) -> None:
    assert normalised_header(one) == normalised_header(other)


@pytest.mark.parametrize(("one", "other"), [("PO", "PO#"), ("Line: SKU", "Line SKU"), ("carrier", "carriers")])
def test_other_differences_count(one: str, other: str) -> None:
    assert normalised_header(one) != normalised_header(other)


def test_the_row_with_most_known_headers_is_the_header() -> None:
    rows = [["Report", "", ""], ["", "", ""], ["Order Number", "Tracking Number", "Carrier"], ["1", "2", "UPS"]]
    header = find_header(rows, KNOWN)
    assert header is not None
    assert (header.position, header.known) == (2, 3)


def test_without_known_headers_the_first_row_with_enough_names_is_the_header() -> None:
    rows = [["Report of November"], ["Id", "Thing", "Colour"], ["7", "lamp", "red"]]
    header = find_header(rows, KNOWN)
    assert header is not None
    assert header.position == 1


@pytest.mark.parametrize("rows", [[], [["", " "]], [["1", "2"], ["3", "2026-11-23"]]])
def test_rows_without_names_have_no_header(rows: list[list[str]]) -> None:
    assert find_header(rows, KNOWN) is None
