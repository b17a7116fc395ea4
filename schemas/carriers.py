"""Carriers and shipping methods: the marketplace's codes, and the names that people and programs write.

Codes are the twenty of Walmart's Canadian reference, spelt as there: they are case-sensitive. The names come from its
Seller Center list of carriers, from the codes of ShipStation's interface, and from how people write them in English and
French. A name that is not here is never guessed at: it goes out as an other carrier, under its own name.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from schemas.characters import text_array

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

CARRIERS = (
    "UPS",
    "USPS",
    "FedEx",
    "CPC",
    "PCLINT",
    "DHL",
    "GLB",
    "PURINTL_SWWGROUND",
    "FEDEX_SWWEXPRESS",
    "17Track",
    "ASL",
    "CANPAR",
    "CEVA",
    "LOOMIS",
    "SAMEDAY",
    "SWYFT",
    "TFORCE",
    "UBI",
    "JIAYOU",
    "LETTERMAIL",
)
UNTRACKED = "LETTERMAIL"  # the one that needs no tracking number

_SPELT_OUT = frozenset({"CPC", "PCLINT", "GLB", "PURINTL_SWWGROUND", "FEDEX_SWWEXPRESS", "LOOMIS"})
"""Codes that say little to a person: their first name below is told instead."""

METHODS = ("Standard", "Express", "OneDay", "Freight", "WhiteGlove", "Value")

MOVED_BY = {"PURINTL_SWWGROUND": "PCLINT", "FEDEX_SWWEXPRESS": "FedEx"}
"""Codes of Ship with Walmart whose parcels carry another carrier's numbers."""

_NAMES: dict[str, tuple[str, ...]] = {
    "UPS": (
        "United Parcel Service", "UPS Canada", "UPS Ground", "UPS Standard", "UPS Express", "UPS Expedited",
        "UPS Saver",        "UPS Express Saver", "UPS Worldwide Express", "UPS Access Point", "UPS CA",
    ),
    "USPS": (
        "United States Postal Service", "US Postal Service", "U.S. Postal Service", "US Mail", "Stamps.com", "Endicia",
        "USPS Ground Advantage", "USPS Priority Mail", "USPS First Class Mail",
    ),
    "FedEx": (
        "Federal Express", "FedEx Canada", "FedEx Express", "FedEx Ground", "FedEx Home Delivery", "FedEx Economy",
        "FedEx Priority", "FedEx Standard Overnight", "FedEx Priority Overnight", "FedEx 2Day", "FedEx International",
        "FedEx CA", "FDX",
    ),
    "CPC": (
        "Canada Post", "Canada Post Corporation", "Postes Canada", "Poste Canada", "Société canadienne des postes",
        "Canada Post / Postes Canada", "Postes Canada / Canada Post", "CP Canada Post", "Canada Post Regular Parcel",
        "Canada Post Expedited", "Canada Post Expedited Parcel", "Canada Post Xpresspost", "Xpresspost",
        "Canada Post Priority", "Postes Canada Colis accélérés", "Postes Canada Colis standard", "Canada Post CA",
    ),
    "PCLINT": (
        "Purolator", "Purolator Inc", "Purolator Inc.", "Purolator Courier", "Purolator CA", "Purolator Canada",
        "Purolator Ground", "Purolator Express", "Messagerie Purolator", "Purolator International",
    ),
    "DHL": (
        "DHL Express", "DHL Express Canada", "DHL Canada", "DHL Express CA", "DHL Express Worldwide", "DHL eCommerce",
    ),
    "GLB": ("Globegistics", "Globegistics Inc", "Globegistics Inc.", "Globeistics Inc."),
    "PURINTL_SWWGROUND": ("SWW Ground via Purolator", "SWW Ground"),
    "FEDEX_SWWEXPRESS": ("SWW Express via FedEx", "SWW Express"),
    "17Track": ("17 Track", "17track.net"),
    "ASL": ("ASL Distribution", "ASL Distribution Services"),
    "CANPAR": ("Canpar Express", "Canpar Courier", "Canpar Transport", "Messageries Canpar"),
    "CEVA": ("CEVA Logistics", "CEVA Logistique"),
    "LOOMIS": ("Loomis Express", "Loomis Courier"),
    "SAMEDAY": ("Same Day", "Sameday Worldwide", "Day & Ross Sameday"),
    "SWYFT": ("Swyft Logistics",),
    "TFORCE": ("TForce Logistics", "TForce Freight", "TForce Logistics Canada"),
    "UBI": ("UBI Smart Parcel", "UBI Logistics"),
    "JIAYOU": ("Jiayou Express", "Jiayou Logistics"),
    "LETTERMAIL": (
        "Letter Mail", "Canada Post Lettermail", "Poste-lettres", "Postes Canada Poste-lettres",
        "Lettermail / Poste-lettres",
    ),
}  # fmt: skip

RESELLERS = frozenset(
    {
        "stallion", "stallionexpress", "chitchats", "chitchatsexpress", "freightcom", "clickship", "netparcel",
        "eshipper", "shippo", "goshippo", "easyship", "shipstation", "shiptime", "shippypro", "pirateship", "easypost",
        "shipengine",
    }
)  # fmt: skip
"""Who sells labels of others, by plain name: the carrier is another."""

_METHOD_NAMES = {
    "Standard": ("Standard shipping", "Livraison standard"),
    "Express": ("Express shipping", "Livraison express"),
    "OneDay": ("One Day", "1 Day", "ONE_DAY"),
    "Freight": (),
    "WhiteGlove": ("White Glove", "WHITE_GLOVE"),
    "Value": (),
}

_SHIPSTATION_ACCOUNT = re.compile(r"(_walleted|\s+(by|from)\s+shipstation)$", re.IGNORECASE)


def plain(name: str) -> str:
    """Return a name as it is compared: lower case letters and digits, without accents."""
    apart = unicodedata.normalize("NFKD", _SHIPSTATION_ACCOUNT.sub("", name.strip()).casefold())
    return "".join(character for character in apart if character.isalnum())


_CODE_OF = {plain(name): code for code, names in _NAMES.items() for name in (code, *names)}
_METHOD_OF = {plain(name): method for method, names in _METHOD_NAMES.items() for name in (method, *names)}


@dataclass(frozen=True, slots=True)
class Carriers:
    """Beside each row its carrier: a code, or else the name of one that is not on the marketplace's list."""

    code: pd.Categorical  # of "" and `CARRIERS`
    other: pd.Categorical  # "" where there is a code, or no carrier at all
    resold: np.ndarray  # bool: the name is a reseller's


def spoken(code: str) -> str:
    """Return how people call the carrier of a code."""
    names = _NAMES.get(code, ())
    return names[0] if code in _SPELT_OUT else code


def carrier_code(name: str, own: Mapping[str, str]) -> str:
    """Return the marketplace's code for a carrier's name, "" where it has none.

    `own` is the seller's own map of names, asked first; what it maps to may be a code or a name that we know.
    """
    mine = {plain(key): value for key, value in own.items()}
    return _CODE_OF.get(plain(mine.get(plain(name), name)), "")


def read_carriers(names: pd.Series, own: Mapping[str, str]) -> Carriers:
    """Read a column of carriers' names."""
    mine = {plain(key): value for key, value in own.items()}

    def meant(name: str) -> tuple[str, str]:
        wanted = mine.get(plain(name), name).strip()
        code = _CODE_OF.get(plain(wanted), "")
        return code, "" if code else wanted

    code = each(names, lambda name: meant(name)[0], ("", *CARRIERS))
    other = each(names, lambda name: meant(name)[1])
    resold = np.array([plain(name) in RESELLERS for name in other.categories], np.bool_)
    return Carriers(code, other, resold[other.codes])


def read_methods(names: pd.Series) -> pd.Categorical:
    """Read a column of shipping methods: the marketplace's spelling, "" where a name is none of its methods."""
    return each(names, lambda name: _METHOD_OF.get(plain(name), ""), ("", *METHODS))


def each(texts: pd.Series, reading: Callable[[str], str], categories: tuple[str, ...] = ("",)) -> pd.Categorical:
    """Return what each text reads as. Every distinct text is read once; a column of names has few."""
    encoded = pc.dictionary_encode(text_array(texts))
    read = [reading(text) for text in encoded.dictionary.to_pylist()]
    known = {category: number for number, category in enumerate(dict.fromkeys((*categories, *read)))}
    numbers = np.array([known[text] for text in read], np.int32)
    codes = numbers[encoded.indices.to_numpy(zero_copy_only=False)] if len(numbers) else np.empty(0, np.int32)
    return pd.Categorical.from_codes(codes, categories=pd.Index(list(known), dtype="str"))
