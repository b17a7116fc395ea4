"""When a dropped file is whole, from what one look at the folder after the other has shown. Pure: times are given.

A file is whole when it has not changed for the quiet period, or at once where it lay here under a temporary name and
was renamed. A text without a line end at its end may be a copy that has stalled, so it is waited for longer.

Times are seconds of a monotonic clock: a file's own times are another clock's, and only compared with each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a file showed."""

    size: int  # bytes
    modified: int  # ns
    identity: tuple[int, int]  # device and inode: a file keeps them when it is renamed


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file as it looks, and for how long it has looked so."""

    look: Look
    since: float
    renamed: bool = False  # it came under its name as a whole


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long files are waited for, in seconds."""

    quiet: float  # without change
    cut_short: float  # the same, for a text whose last line has no line end


def looked_at(before: Arrival | None, look: Look, *, at: float, renamed: bool) -> Arrival:
    """Return a file's arrival after one more look. `renamed`: it looked just so before, under a temporary name."""
    return before if before is not None and before.look == look else Arrival(look, at, renamed=renamed)


def seconds_left(arrival: Arrival, patience: Patience, *, at: float, cut_short: bool) -> float:
    """Return for how long the file still has to stay as it is before it counts as whole, 0 where it does.

    `cut_short`: it is a text whose last line has no line end.
    """
    wait = 0.0 if arrival.renamed else patience.quiet
    if cut_short:
        wait = max(wait, patience.cut_short)
    return max(0.0, arrival.since + wait - at)


class Arrivals:
    """The files that lie in a drop folder. What no longer lies there is forgotten."""

    def __init__(self) -> None:
        self._there: dict[Path, Arrival] = {}
        self._temporary: frozenset[Look] = frozenset()
        self._taken: dict[Path, Look] = {}

    def look(self, files: Mapping[Path, Look], temporary: Iterable[Look], *, at: float) -> None:
        """Take in what a look at the folder showed: its files, and those that have a temporary name."""
        self._there = {
            path: looked_at(self._there.get(path), look, at=at, renamed=look.size > 0 and look in self._temporary)
            for path, look in files.items()
        }
        self._temporary = frozenset(temporary)
        self._taken = {path: look for path, look in self._taken.items() if files.get(path) == look}

    def waiting(self) -> dict[Path, Arrival]:
        """Return the files that were not taken yet, as they look now."""
        return {path: arrival for path, arrival in self._there.items() if path not in self._taken}

    def take(self, paths: Collection[Path]) -> None:
        """Remember that these files were taken as they look now. One that changes counts as new."""
        self._taken |= {path: self._there[path].look for path in paths if path in self._there}

    def give_back(self, path: Path) -> None:
        """Let a file that was taken be waiting again."""
        self._taken.pop(path, None)

    def wait_again(self, path: Path, *, at: float) -> None:
        """Let a file be waiting again, from the beginning: it was not as it looked."""
        self.give_back(path)
        if path in self._there:
            self._there[path] = Arrival(self._there[path].look, at)
