"""Public test numbers of jkeen/tracking_number_data (MIT)."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.carriers import CARRIERS
from schemas.tracking import SHAPED, SHAPES, TRACKING_URLS, bits, candidates, codes_of, told_carrier, without_noughts

VALID = {
    "CPC": "0073938000549297 7035114477138472 4002847016405018",
    "USPS": "03071790000523483741 71123456789123456787 71969010756003077385 9400111206206406260787"
    " 9405803699300124287899 9434611206206406227577 9101026837331000039521 420787459400111206206406260787"
    " 4201002334249200190132607600833457 92748931507708513018050063 92001903060085300042901077"
    " 9261292700768711948021 RB123456785US",
    "PCLINT": "320595463938 320606146993 287809468872 320610804900 331426749957 331434972567",
    "UPS": "1Z5R89390357567127 1Z879E930346834440 1Z410E7W0392751591 1ZXX3150YW44070023 K1506235620 K2479825491"
    " J4603636537 V0490119172",
    "FedEx": "986578788855 477179081230 799531274483 790535312317 974367662710 041441760228964 568283610012000"
    " 568283610012734 000123450000000027 9611020987654312345672 1001921334250001000300779017972697"
    " 9622001900000000000000776632517510 32971514560102447849175802862014",
    "DHL": "3318810025 73891051146 8487135506 1099255990",
    "a foreign post": "RB123456785GB RB123456785CV RB123456785CF",
}
UNCHECKED = {
    "PCLINT": "KYV009956937 CGK002986959 JFV247545960",
    "CANPAR": "D576002440000001718010 L576002440000000001004 S576002440000000025001",
    "DHL": "JJD0099999999 JVGL0999999990 GM2951173225174494 60120172242323",
    "Landmark Global": "LTN74207623N1",
    "YunExpress": "YT2229521272164446",
}
INVALID = (
    "0073938000549292 5002847016405018 RB123456786US 320595463939 287809468875 1Z1111111111111111 K1506235622"
    " V0411335627 996578788855 568283610012732 9600000000000000000001 000000000000000001"
    " 1001901781990001000300617767839438 9434611206206407667131 03071790000523483742 3318810010"
    " 9622001560001234567100794808390595"
)
STRANGE = "KY009956937 M576002440000002510003 XJD0099999998 GS295117494011169041 LSN74209518N2 YT123456789012345 2Z5R8"


def _pairs(by_carrier: dict[str, str]) -> list[tuple[str, str]]:
    return [(carrier, number) for carrier, numbers in by_carrier.items() for number in numbers.split()]


def _array(*numbers: str) -> pa.LargeStringArray:
    return pa.array(numbers, pa.large_string())


@pytest.mark.parametrize(("carrier", "number"), _pairs(VALID))
def test_a_valid_number_has_its_carrier_among_the_candidates_with_a_check_digit(carrier: str, number: str) -> None:
    evidence = candidates(_array(number))

    assert carrier in codes_of(int(evidence.passes[0]))
    assert carrier not in codes_of(int(evidence.fails[0]))


@pytest.mark.parametrize(("carrier", "number"), _pairs(UNCHECKED))
def test_a_shape_without_a_check_digit_fits_and_proves_nothing(carrier: str, number: str) -> None:
    evidence = candidates(_array(number))

    assert carrier in codes_of(int(evidence.fits[0]))
    assert told_carrier(evidence)[0] == -1


@pytest.mark.parametrize("number", INVALID.split())
def test_a_wrong_check_digit_fails(number: str) -> None:
    evidence = candidates(_array(number))

    assert evidence.passes[0] == 0
    assert evidence.fails[0] != 0


@pytest.mark.parametrize("number", [*STRANGE.split(), "", "É073938000549297"])
def test_a_number_of_no_known_shape_says_nothing(number: str) -> None:
    evidence = candidates(_array(number))

    assert not any((evidence.passes[0], evidence.fits[0], evidence.fails[0], evidence.certain[0]))


def test_a_number_that_two_carriers_may_have_written_tells_no_carrier() -> None:
    assert told_carrier(candidates(_array("4201028200009261290113185417468510"))).tolist() == [-1]
    assert told_carrier(candidates(_array("9261292700768711948021"))).tolist() == [-1]  # USPS, or FedEx Ground Economy


def test_a_number_of_one_carrier_alone_tells_it() -> None:
    told = told_carrier(candidates(_array("7035114477138472", "1Z5R89390357567127", "nothing")))

    assert [SHAPED[place] if place >= 0 else "" for place in told] == ["CPC", "UPS", ""]


def test_numbers_of_many_lengths_are_judged_as_each_alone() -> None:
    numbers = [number for _, number in _pairs(VALID)] + INVALID.split() + STRANGE.split()
    together = candidates(_array(*numbers))

    alone = [int(candidates(_array(number)).passes[0]) for number in numbers]
    assert together.passes.tolist() == alone


@settings(max_examples=40)
@given(st.text("0123456789", min_size=15, max_size=15), st.integers(0, 9), st.integers(0, 15))
def test_any_one_digit_changed_breaks_a_canada_post_number(serial: str, other: int, place: int) -> None:
    total = sum(int(digit) * (1 if at % 2 else 3) for at, digit in enumerate(serial))
    good = f"{serial}{-total % 10}"
    bad = good[:place] + str(other) + good[place + 1 :]
    evidence = candidates(_array(good, bad))

    assert "CPC" in codes_of(int(evidence.passes[0]))
    assert ("CPC" in codes_of(int(evidence.passes[1]))) == (good == bad)


def test_noughts_that_a_number_lost_are_noticed_only_where_the_check_digit_proves_them() -> None:
    numbers = _array("73938000549297", "73938000549298", "41441760228964", "7035114477138472")

    lost = without_noughts(numbers, bits(["CPC", "CPC", "FedEx", "CPC"]))

    assert lost.tolist() == [True, False, True, False]


def test_ship_with_walmart_codes_stand_for_the_carrier_that_moves_the_parcel() -> None:
    assert bits(["PURINTL_SWWGROUND", "FEDEX_SWWEXPRESS", "LOOMIS"]).tolist() == [*bits(["PCLINT", "FedEx"]), 0]


def test_no_evidence_about_no_numbers() -> None:
    assert len(candidates(_array()).passes) == 0


@pytest.mark.parametrize("url", TRACKING_URLS.values())
def test_every_tracking_url_has_one_place_for_the_number(url: str) -> None:
    assert url.count("{}") == 1
    assert url.startswith("http")


def test_shapes_are_of_carriers_on_the_list_or_named_in_full() -> None:
    assert {shape.carrier for shape in SHAPES} - set(CARRIERS) == {"a foreign post", "Landmark Global", "YunExpress"}
