from __future__ import annotations

import pytest

from schemas import carriers
from schemas.carriers import CARRIERS, METHODS, carrier_code, plain, read_carriers, read_methods, spoken
from schemas.countries import COUNTRIES, read_countries
from tests.unit.tables import texts


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("Canada Post", "CPC"),
        ("canada_post", "CPC"),
        ("canada_post_walleted", "CPC"),
        ("Postes Canada", "CPC"),
        ("POSTES-CANADA", "CPC"),
        ("Société canadienne des postes", "CPC"),
        ("Purolator Inc.", "PCLINT"),
        ("purolator_ca", "PCLINT"),
        ("ups_walleted", "UPS"),
        ("UPS by ShipStation", "UPS"),
        ("stamps_com", "USPS"),
        ("Fed Ex", "FedEx"),
        ("dhl_express_canada", "DHL"),
        ("Globegistics Inc.", "GLB"),
        ("SWW Ground via Purolator", "PURINTL_SWWGROUND"),
        ("SWW Express via FedEx", "FEDEX_SWWEXPRESS"),
        ("17TRACK", "17Track"),
        ("Tforce", "TFORCE"),
        ("Poste-lettres", "LETTERMAIL"),
        ("Intelcom", ""),
        ("Stallion Express", ""),
        ("Other", ""),
        ("", ""),
        ("UP", ""),
    ],
)
def test_names_that_people_type_become_codes_and_others_do_not(name: str, code: str) -> None:
    assert carrier_code(name, {}) == code


@pytest.mark.parametrize("code", CARRIERS)
def test_every_code_is_known_in_any_case(code: str) -> None:
    assert {carrier_code(code, {}), carrier_code(code.lower(), {}), carrier_code(f" {code.upper()} ", {})} == {code}


def test_no_name_belongs_to_two_carriers() -> None:
    names = [
        plain(name) for code, names in carriers._NAMES.items() for name in {plain(other) for other in (code, *names)}
    ]

    assert len(names) == len(set(names))


def test_the_sellers_own_map_comes_first_and_may_name_what_we_know() -> None:
    own = {"Courrier rapide": "Purolator", "UPS": "FedEx", "Stallion": "CPC", "Nous": "Notre camion"}
    read = read_carriers(texts(["courrier RAPIDE", "ups", "Stallion", "nous"]), own)

    assert read.code.tolist() == ["PCLINT", "FedEx", "CPC", ""]
    assert read.other.tolist() == ["", "", "", "Notre camion"]


def test_a_carrier_that_is_not_listed_keeps_its_name_and_a_reseller_is_told_apart() -> None:
    read = read_carriers(texts(["Nationex", "Stallion Express", "CPC", ""]), {})

    assert read.other.tolist() == ["Nationex", "Stallion Express", "", ""]
    assert read.resold.tolist() == [False, True, False, False]


@pytest.mark.parametrize(
    ("name", "method"),
    [
        ("STANDARD", "Standard"),
        ("one day", "OneDay"),
        ("ONE_DAY", "OneDay"),
        ("white glove", "WhiteGlove"),
        ("Ground", ""),
        ("", ""),
    ],
)
def test_methods_get_the_marketplaces_spelling(name: str, method: str) -> None:
    assert read_methods(texts([name])).tolist() == [method]


def test_every_method_is_read_as_itself() -> None:
    assert read_methods(texts(METHODS)).tolist() == list(METHODS)


def test_countries_are_read_by_code_or_name() -> None:
    assert read_countries(texts(["ca", "États-Unis", "", "XX"]), "CA").tolist() == ["CA", "US", "CA", "XX"]
    assert len(COUNTRIES) == 249


def test_people_are_told_of_carriers_by_name() -> None:
    assert [spoken(code) for code in ("CPC", "UPS", "Landmark Global")] == ["Canada Post", "UPS", "Landmark Global"]
