"""How fast the server is at all: wrk, which nobody can beat, sending the same kind of update."""

from __future__ import annotations

import re
import shutil
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.goals import Benchmark, CannotMeasure, Goal, NotBelievable, Round
from tests.bench.marketplaces import nginx

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.bench.place import Place

SECONDS = 5
_SCRIPT = Path(__file__).parents[1] / "nginx" / "updates.lua"
_RATE = re.compile(r"Requests/sec:\s*([\d.]+)")
_FAILED = re.compile(r"Non-2xx|Socket errors")


@contextmanager
def begun(place: Place) -> Iterator[Callable[[], Round]]:
    """Look for wrk."""
    if shutil.which("wrk") is None:
        raise CannotMeasure("wrk is not here (apt-get install wrk)")
    seconds = place.sized(SECONDS, 1)

    def once() -> Round:
        with nginx(place) as server:
            updates = _rate(place, seconds, "--script", _SCRIPT, server.url)
            static = _rate(place, seconds, f"{server.url}/static")
        return Round({"updates": updates, "static": static})

    yield once


def _rate(place: Place, seconds: int, *arguments: object) -> float:
    command = ["wrk", "--threads", 1, "--connections", 64, "--duration", f"{seconds}s", *arguments]
    ran = place.run(command, cores=place.client)
    found = _RATE.search(ran.out)
    if found is None or _FAILED.search(ran.out):
        raise NotBelievable(f"wrk says:\n{ran.out}")
    return float(found[1])


BENCHMARK = Benchmark(
    name="ceiling",
    goals={
        "updates": Goal(
            what="the ceiling: updates that wrk sends, confirmed by nginx", baseline="", unit="/s", at_least=True
        ),
        "static": Goal(what="the same: requests for a fixed answer", baseline="", unit="/s", at_least=True),
    },
    begun=begun,
    note="One thread of wrk on the client's core, 64 connections, nginx on the server's.",
)
