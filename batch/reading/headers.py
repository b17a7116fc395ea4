"""Header cells: how two spellings are the same, and which row of a sheet is the header."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# Spaces of every kind, `_`, `-` and the dashes that Excel makes of it, and invisible characters.
_IGNORED = re.compile(r"[\s_\-\u2010-\u2015\u2212\u200b-\u200f\u2060\ufeff]+")
_NUMBER_LIKE = re.compile(r"[\d\s.,:/+\-]*\d[\d\s.,:/+\-]*")
_KNOWN_ENOUGH = 2  # headers that profiles know make a row a header


@lru_cache(maxsize=8192)
def normalised_header(header: str) -> str:
    """Return the header as it is compared: whatever its case, accents, spaces, `_` and `-`."""
    decomposed = unicodedata.normalize("NFKD", header)
    plain = "".join(letter for letter in decomposed if not unicodedata.combining(letter))
    return _IGNORED.sub("", plain).casefold()


@dataclass(frozen=True, slots=True)
class Header:
    """Where the header was found, and how sure that is."""

    position: int  # in the rows given, counted from 0
    known: int  # how many of its cells are headers that profiles know
    names: int  # how many cells look like a name


def find_header(rows: Sequence[Sequence[str]], known: frozenset[str]) -> Header | None:
    """Return the row that is the header: most headers known, else most names; None where no row has a name.

    Without a known header the first row counts that names at least half as many columns as the widest row fills.
    """
    scores = [_score(position, row, known) for position, row in enumerate(rows)]
    best = max(scores, key=lambda score: score.known, default=None)
    if best is not None and best.known >= _KNOWN_ENOUGH:
        return best
    widest = max((sum(map(bool, map(str.strip, row))) for row in rows), default=0)
    return next((score for score in scores if score.names and 2 * score.names >= widest), None)


def _score(position: int, row: Sequence[str], known: frozenset[str]) -> Header:
    filled = [cell for cell in row if cell.strip()]
    names = {normalised_header(cell) for cell in filled if not _NUMBER_LIKE.fullmatch(cell.strip())}
    return Header(position, len(names & known), len(names))
