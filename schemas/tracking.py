"""Tracking numbers by carrier: shapes and check digits. Evidence, not proof.

The shapes are data. They follow jkeen/tracking_number_data (MIT), whose test numbers are our fixtures, and what
carriers say themselves. Carriers change their ranges, so a number that fits nothing says nothing. Which carriers a
number may belong to is answered with candidates: a bare 12-digit number may be Purolator's or FedEx's.

Numbers are upper case, without spaces and dashes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from schemas.carriers import MOVED_BY
from schemas.characters import joined_texts, lengths, matches, picked, text_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import pyarrow as pa

_VALUES = np.array([(byte - (3 if chr(byte).isalpha() else ord("0"))) % 10 for byte in range(256)], np.int16)
"""What a character counts in a check digit, by its byte."""


def tens(total: np.ndarray) -> np.ndarray:
    """Return what is missing to the next ten."""
    return (10 - total % 10) % 10


def elevenths(total: np.ndarray) -> np.ndarray:
    """Return the rest by eleven, ten counting as nought (FedEx)."""
    return total % 11 % 10


def sevenths(total: np.ndarray) -> np.ndarray:
    """Return the rest by seven (DHL Express)."""
    return total % 7


def universal(total: np.ndarray) -> np.ndarray:
    """Return what is missing to the next eleven, 10 counting as 0 and 11 as 5 (Universal Postal Union, S10)."""
    digit_by_rest = np.array([5, 0, 9, 8, 7, 6, 5, 4, 3, 2, 1], np.int16)
    return np.asarray(digit_by_rest[total % 11])


@dataclass(frozen=True, slots=True)
class CheckDigit:
    """How a check digit follows from the characters before it.

    The characters from `start` on, one for each weight, are multiplied by the weights and added up; letters count as
    (ASCII - 3) mod 10. `expected` makes the digit of the sum, and it stands at `at`.
    """

    weights: tuple[int, ...]
    expected: Callable[[np.ndarray], np.ndarray]
    start: int = 0
    at: int = -1
    cross_sums: bool = False  # a product of two digits counts as their sum (Luhn)
    ahead: int = 0  # added to the sum, for digits that the number leaves out

    def holds(self, characters: np.ndarray) -> np.ndarray:
        """Return for each number whether its check digit is right; `characters` is uint8 (numbers, length)."""
        total = np.full(len(characters), self.ahead, np.int16)
        for place, weight in enumerate(self.weights, self.start):
            product = _VALUES[characters[:, place]] * np.int16(weight)
            total += product // 10 + product % 10 if self.cross_sums else product
        return np.asarray(self.expected(total) == _VALUES[characters[:, self.at]])


@dataclass(frozen=True, slots=True)
class Shape:
    """One way in which a carrier writes its numbers."""

    carrier: str  # a marketplace code, or the name of a carrier that is not on its list
    pattern: str  # the whole number, as a regular expression (RE2)
    lengths: tuple[int, ...]
    check: CheckDigit | None = None
    unmistakable: bool = False  # nobody else writes numbers so
    noughts: int = 0  # so many at its beginning may have been dropped by a spreadsheet; more are too unlikely


@dataclass(frozen=True, slots=True)
class Evidence:
    """Beside each number the carriers it may belong to, as sets of bits: bit i stands for `SHAPED[i]`."""

    passes: np.ndarray  # uint16: the shape fits and its check digit is right
    fits: np.ndarray  # uint16: the shape fits and has no check digit that we know
    fails: np.ndarray  # uint16: the shape fits, and the check digit of every such shape is wrong
    certain: np.ndarray  # uint16: the shape fits and is nobody else's


def _alternating(even: int, odd: int, count: int) -> tuple[int, ...]:
    return tuple(odd if place % 2 else even for place in range(count))


def _usps(start: int, count: int, ahead: int = 0) -> CheckDigit:
    return CheckDigit(_alternating(3, 1, count), tens, start=start, ahead=ahead)


def _sevens(count: int) -> CheckDigit:
    return CheckDigit(tuple(pow(10, count - 1 - place, 7) for place in range(count)), sevenths)


_S10 = CheckDigit((8, 6, 4, 2, 3, 5, 9, 7), universal, start=2, at=10)
_FEDEX_12 = (3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1)
_FEDEX_34 = (1, 7, 3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1)
FOREIGN_POST = "a foreign post"

SHAPES = (
    Shape("CPC", r"\d{16}", (16,), CheckDigit(_alternating(3, 1, 15), tens), noughts=4),
    Shape("CPC", r"[A-Z]{2}\d{9}CA", (13,), _S10, unmistakable=True),
    Shape("USPS", r"[A-Z]{2}\d{9}US", (13,), _S10, unmistakable=True),
    Shape(FOREIGN_POST, r"[A-Z]{2}\d{9}(?:[ABD-TV-Z][A-Z]|C[B-Z]|U[A-RT-Z])", (13,), _S10),
    Shape("PCLINT", r"[0-5]\d{11}", (12,), CheckDigit(_alternating(2, 1, 11), tens, cross_sums=True), noughts=1),
    Shape("PCLINT", r"[A-Z]{3}\d{9}", (12,)),
    Shape("CANPAR", r"[CDKLSUXZ]\d{21}", (22,), unmistakable=True),
    Shape("UPS", r"1Z[0-9A-Z]{15}\d", (18,), CheckDigit(_alternating(1, 2, 15), tens, start=2), unmistakable=True),
    Shape("UPS", r"[AHJKTV]\d{10}", (11,), CheckDigit(_alternating(1, 2, 9), tens, start=1)),
    Shape("FedEx", r"\d{12}", (12,), CheckDigit(_FEDEX_12, elevenths), noughts=1),
    Shape("FedEx", r"\d{15}", (15,), CheckDigit(_alternating(1, 3, 14), tens), noughts=1),
    Shape("FedEx", r"\d{18}", (18,), CheckDigit(_alternating(3, 1, 17), tens), noughts=1),
    Shape("FedEx", r"96\d{20}", (22,), CheckDigit(_alternating(1, 3, 14), tens, start=7)),
    Shape("FedEx", r"[0-8]\d{33}", (34,), CheckDigit(_FEDEX_34, elevenths, start=20)),
    Shape("FedEx", r"96\d{32}", (34,), CheckDigit(_FEDEX_34, elevenths, start=20)),
    Shape("FedEx", r"3\d{31}", (32,), CheckDigit(_FEDEX_12, elevenths, start=16, at=27)),
    Shape("FedEx", r"61\d{18}|92\d{20}", (20, 22)),
    Shape("USPS", r"\d{20}", (20,), _usps(0, 19), noughts=1),
    Shape("USPS", r"\d{20}", (20,), _usps(0, 19, ahead=28)),
    Shape("USPS", r"9[1-5]\d{20}", (22,), _usps(0, 21)),
    Shape("USPS", r"9[2-5]\d{24}", (26,), _usps(0, 25)),
    Shape("USPS", r"94\d{28}", (30,), _usps(0, 29)),
    Shape("USPS", r"420\d{5}9[1-5]\d{20}", (30,), _usps(8, 21)),
    Shape("USPS", r"420\d{9}9[1-5]\d{20}", (34,), _usps(12, 21)),
    Shape("USPS", r"420\d{5}9[2-5]\d{24}", (34,), _usps(8, 25)),
    Shape("DHL", r"\d{10}", (10,), _sevens(9)),
    Shape("DHL", r"\d{11}", (11,), _sevens(10)),
    Shape("DHL", r"J(?:JD|VGL)\d{9,10}", (12, 13, 14), unmistakable=True),
    Shape("DHL", r"(?:GM|LX|RX|UV|CN|SG|TH|IN|HK|MY)[0-9A-Z]{10,39}", tuple(range(12, 42))),
    Shape("DHL", r"\d{14}", (14,)),
    Shape("Landmark Global", r"LTN\d{8}N1", (13,), unmistakable=True),
    Shape("YunExpress", r"YT\d{16}", (18,), unmistakable=True),
)  # fmt: skip
"""Carriers whose shape is not known to us (Loomis, Swyft, TForce, UBI, Jiayou, Intelcom) are not here."""

SHAPED = tuple(dict.fromkeys(shape.carrier for shape in SHAPES))

TRACKING_URLS = {
    "CPC": "https://www.canadapost-postescanada.ca/track-reperage/en#/search?searchFor={}",
    "PCLINT": "https://www.purolator.com/en/shipping/tracker?searchValue={}",
    "CANPAR": "https://www.canpar.com/en/track/tracking.jsp?reference={}&locale=en",
    "UPS": "https://wwwapps.ups.com/WebTracking/track?track=yes&trackNums={}",
    "FedEx": "https://www.fedex.com/apps/fedextrack/?tracknumbers={}",
    "USPS": "https://tools.usps.com/go/TrackConfirmAction?tLabels={}",
    "DHL": "http://www.dhl.com/en/express/tracking.html?brand=DHL&AWB={}",
    "intelcom": "https://intelcom.ca/en/track-your-package/?tracking-id={}",
    "intelcomexpress": "https://intelcom.ca/en/track-your-package/?tracking-id={}",
    "landmark": "https://track.landmarkglobal.com/?search={}",
    "landmarkglobal": "https://track.landmarkglobal.com/?search={}",
    "yunexpress": "https://www.yuntrack.com/parcelTracking?id={}",
}
"""Where a parcel can be followed: by marketplace code, or by the plain name of a carrier that has none."""


def bits(carriers: Iterable[str]) -> np.ndarray:
    """Return for each carrier's code or name its bit in the evidence, 0 for those without a shape."""
    bit = {carrier: 1 << place for place, carrier in enumerate(SHAPED)}
    return np.array([bit.get(MOVED_BY.get(carrier, carrier), 0) for carrier in carriers], np.uint16)


def candidates(numbers: pa.LargeStringArray, known: tuple[Shape, ...] = SHAPES) -> Evidence:
    """Return which carriers each number may belong to. Blank numbers belong to nobody."""
    count = len(numbers)
    evidence = Evidence(*(np.zeros(count, np.uint16) for _ in range(4)))
    size = lengths(numbers)
    for length in np.flatnonzero(np.bincount(size, minlength=1)):
        shapes = [shape for shape in known if length in shape.lengths]
        if shapes:
            rows = np.flatnonzero(size == length)
            _weigh(evidence, rows, picked(numbers, rows) if len(rows) < count else numbers, shapes)
    evidence.fails[:] &= ~(evidence.passes | evidence.fits)
    return evidence


def told_carrier(evidence: Evidence) -> np.ndarray:
    """Return where exactly one carrier fits and its check digit is right: its place in `SHAPED`, else -1."""
    possible = evidence.passes | evidence.fits
    alone = (possible != 0) & (possible & (possible - 1) == 0) & (evidence.fits == 0)
    place = np.full(len(possible), -1, np.int64)
    for number in range(len(SHAPED)):
        place[alone & (possible == 1 << number)] = number
    return place


def without_noughts(numbers: pa.LargeStringArray, carrier_bits: np.ndarray) -> np.ndarray:
    """Return where a number only fits its carrier, check digit and all, once noughts stand before it."""
    lost = np.zeros(len(numbers), np.bool_)
    for missing in range(1, max(shape.noughts for shape in SHAPES) + 1):
        shapes = tuple(shape for shape in SHAPES if shape.noughts >= missing)
        lost |= candidates(joined_texts("0" * missing, numbers), shapes).passes & carrier_bits != 0
    return lost


def codes_of(evidence_bits: int) -> tuple[str, ...]:
    """Return the carriers of a set of bits."""
    return tuple(carrier for place, carrier in enumerate(SHAPED) if evidence_bits >> place & 1)


def _weigh(evidence: Evidence, rows: np.ndarray, numbers: pa.LargeStringArray, shapes: list[Shape]) -> None:
    _, data = text_bytes(numbers)
    characters = data.reshape(len(rows), -1)
    for shape in shapes:
        bit = np.uint16(1 << SHAPED.index(shape.carrier))
        fitting = np.flatnonzero(matches(numbers, shape.pattern))
        if shape.check is None:
            evidence.fits[rows[fitting]] |= bit
        else:
            right = shape.check.holds(characters[fitting])
            evidence.passes[rows[fitting[right]]] |= bit
            evidence.fails[rows[fitting[~right]]] |= bit
        if shape.unmistakable:
            evidence.certain[rows[fitting]] |= bit
