from __future__ import annotations

import pytest

from schemas import doubts as told
from schemas.carriers import read_carriers
from schemas.characters import text_array
from schemas.doubts import doubts
from schemas.ruins import DIGITS_ZEROED
from schemas.tracking import candidates
from tests.unit.tables import texts

GOOD = "7035114477138472"
WRONG = "7035114477138473"


def _found(*rows: tuple[str, str], strict: bool = False) -> list[tuple[int, str, str]]:
    numbers = text_array(texts([number for _, number in rows]))
    carriers = read_carriers(texts([carrier for carrier, _ in rows]), {})
    found = doubts(numbers, carriers, candidates(numbers), strict=strict)
    return sorted(zip(found["row"], found["effect"], found["reason"], strict=True))


@pytest.mark.parametrize(
    ("carrier", "number"),
    [
        ("CPC", GOOD),
        ("Canada Post", "RB123456785CA"),
        ("UPS", "1Z5R89390357567127"),
        ("FedEx", "61299998820821171811"),
        ("PURINTL_SWWGROUND", "320595463938"),
        ("17Track", "1Z5R89390357567127"),
        ("Landmark Global", "LTN74207623N1"),
        ("LOOMIS", "12345678"),
        ("UPS", "7035114477138472"),
        ("Nationex", "7035114477138470"),
        ("FedEx", "1234567890"),
        ("", "1Z5R89390357567127"),
        ("LETTERMAIL", ""),
    ],
)
def test_nothing_is_said_against_a_number_that_may_well_be_its_carriers(carrier: str, number: str) -> None:
    assert _found((carrier, number)) == []


@pytest.mark.parametrize(("strict", "effect"), [(False, "warning"), (True, "rejected")])
def test_a_wrong_check_digit_is_a_warning_or_strictly_a_rejection(*, strict: bool, effect: str) -> None:
    [(row, said, reason)] = _found(("Canada Post", WRONG), strict=strict)

    assert (row, said) == (0, effect)
    assert "check digit is wrong for a number of Canada Post" in reason


@pytest.mark.parametrize(("strict", "effect"), [(False, "warning"), (True, "rejected")])
@pytest.mark.parametrize("carrier", ["Canada Post", "Nationex", "Stallion Express", "LOOMIS"])
def test_another_carriers_unmistakable_number_is_a_warning_or_strictly_a_rejection(
    carrier: str, effect: str, *, strict: bool
) -> None:
    [(_, said, reason)] = _found((carrier, "1Z5R89390357567127"), strict=strict)

    assert said == effect
    assert reason == "this is a number of UPS, not of the carrier named"


@pytest.mark.parametrize(
    ("carrier", "number", "reason"),
    [
        ("CPC", "73938000549297", told.LOST_NOUGHTS),
        ("FedEx", "41441760228964", told.LOST_NOUGHTS),
        ("CPC", "7035114477138470", told.LOST_DIGITS),
    ],
)
def test_damage_that_the_check_digit_shows_is_rejected(carrier: str, number: str, reason: str) -> None:
    assert _found((carrier, number)) == [(0, "rejected", reason)]


ROUNDED = [f"7035114477138{number}0" for number in range(10, 16)]


@pytest.mark.parametrize("lossy", [("CPC", "7.03511E+15"), ("CPC", "7035114477138470")])
def test_where_a_number_has_lost_its_digits_one_without_a_check_digit_that_ends_in_noughts_has_too(
    lossy: tuple[str, str],
) -> None:
    found = _found(("Nationex", ROUNDED[0]), ("Nationex", "7035114477138472"), ("CPC", "4002847324519520"), lossy)

    assert [one for one in found if one[0] < 3] == [(0, "rejected", DIGITS_ZEROED)]


def test_long_numbers_that_all_end_in_noughts_were_rounded_unless_their_check_digits_are_right() -> None:
    good = [("CPC", "4002847324519520"), ("CPC", "7035114037654350")]

    assert _found(*[("Nationex", number) for number in ROUNDED], *good) == [
        (row, "rejected", DIGITS_ZEROED) for row in range(6)
    ]
    assert _found(*[("Nationex", number) for number in ROUNDED[1:]], *good) == []


def test_numbers_that_count_up_are_rejected_but_the_first_whose_check_digit_is_right() -> None:
    rows = [("CPC", str(int(GOOD) + step)) for step in range(5)]

    assert _found(*rows) == [(row, "rejected", told.COUNTED_UP) for row in range(1, 5)]


def test_where_the_first_one_counted_from_is_wrong_too_it_is_rejected_with_the_others() -> None:
    rows = [("CPC", str(int(WRONG) + step)) for step in range(3)]

    assert _found(*rows) == [(row, "rejected", told.COUNTED_UP) for row in range(3)]


def test_letters_before_the_counted_digits_make_no_difference() -> None:
    rows = [("UPS", f"1Z5R893903575671{last}") for last in (27, 28, 29)]

    assert [row for row, effect, _ in _found(*rows) if effect == "rejected"] == [1, 2]


def test_two_numbers_in_a_row_or_good_check_digits_are_no_trace_of_the_fill_handle() -> None:
    assert [effect for _, effect, _ in _found(("CPC", WRONG), ("CPC", str(int(WRONG) + 1)))] == ["warning", "warning"]
    apart = [("CPC", WRONG), ("CPC", GOOD), ("CPC", str(int(WRONG) + 1))]
    assert [effect for _, effect, _ in _found(*apart)] == ["warning", "warning"]
    pieces = [("CANPAR", f"D57600244000000171801{last}") for last in range(5)]
    assert _found(*pieces) == []
