"""What a tracking number says against its own row: damage that only the check digit shows, and doubts.

The row's carrier stands. Damage is rejected: a number that Excel has changed leads nowhere. A doubt (a wrong check
digit, a number of another carrier's unmistakable shape) is a warning, because carriers change their ranges, or a
rejection where the seller wants it strict.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from schemas.carriers import plain, spoken
from schemas.characters import contains, lengths, matches, picked, text_series
from schemas.damage import noughts
from schemas.findings import Effect, Findings, findings, joined
from schemas.ruins import DIGITS_ZEROED
from schemas.tracking import SHAPED, Evidence, bits, candidates, codes_of, without_noughts
from schemas.whole import REACH, Edge, Sight

if TYPE_CHECKING:
    from schemas.carriers import Carriers

LOST_NOUGHTS = (
    "the noughts at its beginning are lost, as happens where Excel takes it for a number; make the column text before"
    " the numbers go in, and export again"
)
LOST_DIGITS = (
    "Excel keeps 15 digits and has put noughts for the rest, and the check digit is wrong; make the column text before"
    " the numbers go in, and export again"
)
COUNTED_UP = (
    "it counts up by one from the row above and check digits are wrong: dragging a cell down in Excel does that; copy"
    " the numbers from the labels again"
)

_BY_PLAIN = {plain(carrier): carrier for carrier in SHAPED}
_E_NOTATION = r"^\d(?:[.,]\d+)?E\+\d+$"


def doubts(
    numbers: pa.LargeStringArray, carriers: Carriers, evidence: Evidence, *, strict: bool, sight: Sight | None = None
) -> Findings:
    """Return what the evidence says against tracking numbers, each row once at most.

    `numbers`, `carriers` and `evidence` lie beside each other, row by row. `sight`: of the whole, where this is a part.
    """
    sight = sight or Sight()
    own = _own_bits(carriers)
    fails = (evidence.fails & own) != 0
    lost = _without_their_noughts(numbers, evidence, own)
    zeroed = _where(numbers, fails, r"\d{15}0{1,2}")
    lossy = bool(zeroed.any()) or bool(contains(numbers, _E_NOTATION).any())
    ending, seen = noughts(numbers, (evidence.passes & own) != 0, lossy=lossy)
    unsure = ending & sight.rounded("tracking_number", seen) & ~zeroed
    counted = counted_up(numbers, fails)
    sight.ends(_edge(numbers, fails, slice(0, REACH)), _edge(numbers, fails, slice(-REACH, None)))
    doubtful = Effect.REJECTED if strict else Effect.WARNING
    wrong = fails & ~zeroed & ~unsure & ~counted
    return joined(
        (
            _told(numbers, lost, Effect.REJECTED, LOST_NOUGHTS),
            _told(numbers, zeroed & ~counted, Effect.REJECTED, LOST_DIGITS),
            _told(numbers, unsure & ~counted, Effect.REJECTED, DIGITS_ZEROED),
            _told(numbers, counted, Effect.REJECTED, COUNTED_UP),
            _wrong_digits(numbers, wrong, carriers, doubtful),
            _others(numbers, carriers, evidence, own, doubtful),
        )
    )


def counted_up(numbers: pa.LargeStringArray, fails: np.ndarray) -> np.ndarray:
    """Return where numbers count up by one from row to row, three or more of them, while most check digits fail.

    The number that the others were counted from is left out where its check digit is right.
    """
    counted = np.zeros(len(numbers), np.bool_)
    failing = np.flatnonzero(fails)
    if len(failing) < 2:  # noqa: PLR2004 - a row needs a neighbour to count from
        return counted
    near = np.unique(np.concatenate((failing - 1, failing, failing + 1)))
    near = near[(near >= 0) & (near < len(numbers))]
    steps = np.zeros(len(numbers), np.bool_)
    steps[near[1:]] = _steps(picked(numbers, near)) & (np.diff(near) == 1)
    start = steps & ~np.concatenate(([False], steps[:-1]))
    run = np.where(steps, np.cumsum(start), 0)
    long = np.bincount(run, minlength=2) >= 2  # noqa: PLR2004 - two steps join three numbers
    bad = np.bincount(run, weights=fails) * 2 > np.bincount(run)
    counted = steps & (long & bad)[run]
    first = np.flatnonzero(start & counted) - 1
    counted[first[fails[first]]] = True
    return counted


def _edge(numbers: pa.LargeStringArray, fails: np.ndarray, rows: slice) -> Edge:
    return Edge(tuple(numbers[rows].to_pylist()), tuple(fails[rows].tolist()))


def is_counted_across(before: Edge, behind: Edge) -> bool:
    """Whether numbers may count up from one part of a table to the next, so that only both together tell.

    `before`: the rows before the boundary; `behind`: those behind it; `REACH` of each, fewer only where there are no
    more.
    """
    fails = (*before.fails, *behind.fails)
    numbers = pa.array([*before.numbers, *behind.numbers], pa.large_string())
    return any(fails) and bool(_steps(numbers).any())


def _steps(numbers: pa.LargeStringArray) -> np.ndarray:
    """Return for each number but the first whether it is the one before it plus one, by its last nine digits."""
    tailed = contains(numbers, r"\d{9}$")
    tails = np.zeros(len(numbers), np.int64)
    rows = np.flatnonzero(tailed)
    ends = pc.utf8_slice_codeunits(picked(numbers, rows), start=-9)
    tails[rows] = pc.cast(ends, "int64").to_numpy(zero_copy_only=False)
    heads = text_series(pc.utf8_slice_codeunits(numbers, start=0, stop=-9))
    same = (heads.to_numpy()[1:] == heads.to_numpy()[:-1]) & tailed[1:] & tailed[:-1]
    return np.asarray(same & (np.diff(tails) == 1))


def is_proven(number: str, carrier: str) -> bool:
    """Whether the number has a check digit that is right: the carrier's own, where we know how that one writes them."""
    own = int(bits([_BY_PLAIN.get(plain(carrier), carrier)])[0])
    passes = int(candidates(pa.array([number], pa.large_string())).passes[0])
    return bool(passes & own if own else passes)


def _own_bits(carriers: Carriers) -> np.ndarray:
    listed = bits(carriers.code.categories)[carriers.code.codes]
    others = bits(_BY_PLAIN.get(plain(name), "") for name in carriers.other.categories)[carriers.other.codes]
    return np.asarray(listed | others)


def _without_their_noughts(numbers: pa.LargeStringArray, evidence: Evidence, own: np.ndarray) -> np.ndarray:
    strange = (own != 0) & ((evidence.passes | evidence.fits | evidence.fails) & own == 0) & (lengths(numbers) > 0)
    lost = np.zeros(len(numbers), np.bool_)
    rows = np.flatnonzero(strange)
    if len(rows):
        lost[rows] = without_noughts(picked(numbers, rows), own[rows])
    return lost


def _where(numbers: pa.LargeStringArray, mask: np.ndarray, pattern: str) -> np.ndarray:
    found = np.zeros(len(numbers), np.bool_)
    rows = np.flatnonzero(mask)
    if len(rows):
        found[rows] = matches(picked(numbers, rows), pattern)
    return found


def _told(numbers: pa.LargeStringArray, mask: np.ndarray, effect: Effect, reason: str) -> Findings:
    rows = np.flatnonzero(mask)
    return findings(rows, "tracking_number", picked(numbers, rows).to_pylist(), effect, reason)


def _wrong_digits(numbers: pa.LargeStringArray, mask: np.ndarray, carriers: Carriers, effect: Effect) -> Findings:
    codes, names = carriers.code.codes, carriers.code.categories
    reason = "the check digit is wrong for a number of {}: compare it with the label"
    return joined(
        _told(numbers, mask & (codes == code), effect, reason.format(spoken(names[code])))
        for code in np.unique(codes[mask])
        if code
    )


def _others(
    numbers: pa.LargeStringArray, carriers: Carriers, evidence: Evidence, own: np.ndarray, effect: Effect
) -> Findings:
    """Numbers that only another carrier writes. A service that follows everybody's parcels may have them."""
    named = (carriers.code.codes != 0) | (carriers.other.codes != 0)
    everybody = carriers.code.codes == carriers.code.categories.get_loc("17Track")
    possible = (evidence.passes | evidence.fits | evidence.fails) & own
    strange = np.where(named & ~everybody & (possible == 0), evidence.certain & ~own, 0)
    return joined(
        _told(
            numbers,
            strange == bit,
            effect,
            f"this is a number of {' or '.join(map(spoken, codes_of(int(bit))))}, not of the carrier named",
        )
        for bit in np.unique(strange[strange != 0])
    )
