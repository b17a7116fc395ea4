"""The nouns of measuring: what is to be reached, what one round showed, and how a benchmark is carried out."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from tests.bench.place import Place


class CannotMeasure(Exception):  # noqa: N818 - named by its meaning
    """Something that the benchmark needs is not here; the message says what."""


class NotBelievable(Exception):  # noqa: N818 - the same
    """Server, client and report do not agree, or a command failed: there is no figure."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Goal:
    """A budget of ours: a figure against a named baseline of the same run, or a figure by itself."""

    what: str
    baseline: str  # blank: none, the figure stands by itself
    unit: str  # "x": a ratio
    at_least: bool = False  # else at most
    budget: float | None = None  # None: only shown
    stretch: float | None = None


@dataclass(frozen=True, slots=True)
class Round:
    """What one round showed: a value for each goal, by key, and the figures behind it, name ▶ (value, unit)."""

    values: Mapping[str, float]
    told: Mapping[str, tuple[float, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Benchmark:
    """Something that can be measured by name.

    `begun` gets all ready, once, and gives what measures one round.
    """

    name: str
    goals: Mapping[str, Goal]
    begun: Callable[[Place], AbstractContextManager[Callable[[], Round]]]
    note: str = ""  # how it was measured, for readers of the table
    rounds: int = 0  # 0: as many as asked for
    only_by_name: bool = False


@dataclass(frozen=True, slots=True)
class Spread:
    """The middle and the ends of what several rounds showed."""

    middle: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Return the spread of one value or more."""
        return cls(median(values), min(values), max(values))


def met(goal: Goal, value: float, wanted: float | None) -> bool | None:
    """Say whether a value is as good as wanted; None where nothing is."""
    if wanted is None:
        return None
    return value >= wanted if goal.at_least else value <= wanted
