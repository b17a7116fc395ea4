"""Ten million rows prepared by two workers, against one process."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.bench.goals import Benchmark, CannotMeasure, Goal, NotBelievable, Round
from tests.bench.measures.checking import LINES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from tests.bench.place import Place

_ROWS = 10_000_000
_WORKERS = 2


@contextmanager
def _begun(place: Place) -> Iterator[Callable[[], Round]]:
    """Make the file, once."""
    if len(place.cores) < _WORKERS:
        raise CannotMeasure(f"{_WORKERS} workers need as many cores.")
    orders = place.sized(_ROWS * 2 // 5, 400_000)
    file = place.made(f"{orders}-scattered.csv", orders, LINES)

    def once() -> Round:
        one, both = (_prepared(place, how, file, orders) for how in ("here", f"local:{_WORKERS}"))
        if one["digest"] != both["digest"]:
            raise NotBelievable("Workers made another plan than one process.")
        whole = both["start"] + both["seconds"]
        client, *workers = both["peaks"]
        return Round(
            {"ratio": whole / one["seconds"]},
            {
                "one process": (one["seconds"], "s"),
                "its peak memory": (one["peaks"][0], "MiB"),
                "two workers, with their start": (whole, "s"),
                "their start": (both["start"], "s"),
                "peak memory of whoever plans": (max(workers), "MiB"),
                "of the other worker": (min(workers), "MiB"),
                "of the command": (client, "MiB"),
            },
        )

    yield once


def _prepared(place: Place, how: str, file: Path, orders: int) -> Mapping[str, Any]:
    told: Mapping[str, Any] = json.loads(place.python("-m", "tests.bench.preparing", how, file).out)
    if told["orders"] != orders:
        raise NotBelievable(f"{told['orders']} orders are planned of a file of {orders}.")
    return told


BENCHMARK = Benchmark(
    name="prepare_10m",
    goals={
        "ratio": Goal(
            what="10,000,000 rows in CSV read, validated and planned by `local:2`, their start included",
            baseline="the same by one process",
            unit="x",
            budget=1.0,
            stretch=0.75,
        )
    },
    begun=_begun,
    note="Both give the same plan. Peaks count pages of files that are mapped, which the system takes back.",
    rounds=1,
    only_by_name=True,
)
