from __future__ import annotations

import pytest

from batch.marketplace.orders import Parcel, normalised


@pytest.mark.parametrize(
    ("written", "compared"),
    [("7035 1144 7713 8472", "7035114477138472"), ("1z-5r8-9390", "1Z5R89390"), ("", "")],
)
def test_tracking_numbers_are_compared_without_spaces_dashes_and_case(written: str, compared: str) -> None:
    assert normalised(written) == compared


@pytest.mark.parametrize(
    ("parcel", "key"),
    [
        (Parcel(carrier="UPS", tracking_number="1z 5r"), "1Z5R"),
        (Parcel(carrier="LETTERMAIL"), "LETTERMAIL"),
        (Parcel(other_carrier="Nationex"), "NATIONEX"),
    ],
)
def test_parcels_of_a_line_are_told_apart_by_number_else_by_carrier(parcel: Parcel, key: str) -> None:
    assert parcel.key == key
