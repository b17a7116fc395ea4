"""What a person does with a good file: opens it in a spreadsheet program, and saves it.

`books/typed.csv` was opened in LibreOffice Calc, which takes numbers for numbers as Excel does, and saved as .xlsx,
.ods and .xls, and from the first of these as .csv again (`typed-saved.csv`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from batch.plan import make_plan
from batch.reading import Source, read_shipments
from schemas.doubts import LOST_DIGITS, LOST_NOUGHTS
from schemas.ruins import DIGITS_ZEROED, MOJIBAKE, RUINS
from tests.unit.reading.making import BOOKS, PROFILES, TORONTO
from tests.unit.tables import policy

if TYPE_CHECKING:
    from batch.plan import Plan

REASON = {ruin.name: ruin.reason for ruin in RUINS}
AS_NUMBERS = {
    2: ("F2", REASON["digits_lost"]),
    3: ("F3", LOST_NOUGHTS),
    5: ("F5", LOST_NOUGHTS),
    6: ("F6", REASON["digits_lost"]),
    8: ("E8", MOJIBAKE.reason),
    10: ("D10", "a quantity is a whole number"),
    12: ("A12", REASON["digits_lost"]),
}
AS_TEXT_AGAIN = AS_NUMBERS | {
    2: ("F2", LOST_DIGITS),
    6: ("F6", REASON["e_notation"]),
    12: ("A12", DIGITS_ZEROED),
}


def plan_of(name: str) -> Plan:
    source = Source(BOOKS / name, "", BOOKS / name)
    return make_plan(read_shipments(source, PROFILES, zone=TORONTO), policy())


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("typed.xlsx", AS_NUMBERS),
        ("typed.ods", AS_NUMBERS),
        ("typed.xls", AS_NUMBERS),
        ("typed-saved.csv", AS_TEXT_AGAIN),
    ],
)
def test_who_saved_a_file_badly_is_told_exactly_what_happened(name: str, told: dict[int, tuple[str, str]]) -> None:
    rows = plan_of(name).rows
    bad = rows[rows["outcome"] == "rejected"].set_index("row")["reason"]
    assert sorted(bad.index) == sorted(told)
    for row, (cell, reason) in told.items():
        assert f" {cell} " in bad[row]
        assert reason in bad[row]


@pytest.mark.parametrize("name", ["typed.xlsx", "typed.ods", "typed.xls", "typed-saved.csv"])
def test_no_damaged_number_is_sent(name: str) -> None:
    typed = {parcel.tracking_number for order in plan_of("typed.csv") for parcel in order.parcels}
    longer = {"0320595463938"}  # one nought more than Purolator has: without it, it is right
    sent = {parcel.tracking_number for order in plan_of(name) for parcel in order.parcels}
    assert sent <= typed | {number[1:] for number in longer}
    assert {"320595463938", "3318810025", "RB123456785CA"} <= sent
