"""How long it takes until `shipbatch --help` has said what there is."""

from __future__ import annotations

from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING

from tests.bench.goals import Benchmark, Goal, Round
from tests.bench.place import SHIPBATCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.bench.place import Place

TIMES = 15


@contextmanager
def begun(place: Place) -> Iterator[Callable[[], Round]]:
    """Start both once, so that all is compiled."""
    times = place.sized(TIMES, 3)
    place.run([SHIPBATCH, "--help"])

    def once() -> Round:
        bare = median(place.python("-c", "pass").wall for _ in range(times))
        ours = median(place.run([SHIPBATCH, "--help"]).wall for _ in range(times))
        return Round(
            {"more": ours - bare}, {"python -c pass": (bare * 1000, "ms"), "shipbatch --help": (ours * 1000, "ms")}
        )

    yield once


BENCHMARK = Benchmark(
    name="help_start",
    goals={
        "more": Goal(
            what="`shipbatch --help`: how much longer", baseline="`python -c pass`", unit="s", budget=0.25, stretch=0.1
        )
    },
    begun=begun,
    note=f"Each round is the median of {TIMES} starts.",
)
