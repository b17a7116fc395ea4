"""What only a whole table can tell, for a table that is examined in parts.

Each part notes what it saw (`Sight.seen`); laid together, that says what the whole says. A part that went by something
else is examined once more, and told.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

ENOUGH_ROUNDED = 6  # numbers of a column that all end in noughts: by chance that is one column in a million
REACH = 2  # rows beyond which a failed check digit says nothing about neighbours


@dataclass(frozen=True, slots=True)
class Noughts:
    """What a column has of long numbers that end in noughts, as numbers do that Excel has rounded."""

    lossy: bool = False  # digits were lost elsewhere in the table
    whole: bool = False  # there are long numbers that end otherwise
    zeroed: frozenset[str] = frozenset()  # those that do; a few tell enough

    @property
    def rounded(self) -> bool:
        """Whether they were rounded. One number may well end so by itself; where all of many do, that is no chance."""
        return self.lossy or (not self.whole and len(self.zeroed) >= ENOUGH_ROUNDED)

    def __or__(self, other: Noughts) -> Noughts:
        """Return what both parts of a column have."""
        zeroed = sorted(self.zeroed | other.zeroed)[:ENOUGH_ROUNDED]
        return Noughts(self.lossy or other.lossy, self.whole or other.whole, frozenset(zeroed))


@dataclass(frozen=True, slots=True)
class Edge:
    """Numbers at an end of a part, beside each whether its check digit fails: neighbours may count up from them."""

    numbers: tuple[str, ...] = ()
    fails: tuple[bool, ...] = ()


@dataclass(slots=True)
class Sight:
    """What is seen of a table, and what the whole says where this is a part of it."""

    told: Mapping[str, Noughts] | None = None  # by column; None: this is the whole, as far as is known
    seen: dict[str, Noughts] = field(default_factory=dict)
    first: Edge = field(default_factory=Edge)
    last: Edge = field(default_factory=Edge)

    def rounded(self, column: str, seen: Noughts) -> bool:
        """Return whether the numbers of a column that end in noughts were rounded, and note what was seen of them."""
        self.seen[column] = seen
        return (self.seen if self.told is None else self.told)[column].rounded

    def ends(self, first: Edge, last: Edge) -> None:
        """Note what stands at the ends of the column of tracking numbers."""
        self.first, self.last = first, last

    @property
    def answered(self) -> dict[str, bool]:
        """By column, whether it was taken as rounded, where that makes a difference."""
        by = self.seen if self.told is None else self.told
        return {column: by[column].rounded for column, seen in self.seen.items() if seen.zeroed}


def laid_together(parts: Iterable[Mapping[str, Noughts]]) -> dict[str, Noughts]:
    """Return what the whole has, by column."""
    whole: dict[str, Noughts] = {}
    for part in parts:
        for column, seen in part.items():
            whole[column] = whole.get(column, Noughts()) | seen
    return whole
