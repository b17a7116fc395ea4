"""A whole run over the unsigned API, against a bare aiohttp loop that sends the same bodies to the same server."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.bench.goals import Benchmark, Goal, Round
from tests.bench.measures.sending import bare, told_of, whole_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.bench.place import Place

ORDERS = 50_000


@contextmanager
def begun(place: Place) -> Iterator[Callable[[], Round]]:
    """Make the orders, once."""
    orders = place.sized(ORDERS, 500)

    def once() -> Round:
        loop = bare(place, "bare_aiohttp", orders)
        ours = whole_run(place, orders, cores=place.client)
        return Round(
            {"wall": ours.ran.wall / loop.ran.wall},
            {
                "orders": (orders, ""),
                "bare loop, start to end": (loop.ran.wall, "s"),
                "bare loop, sending": (loop.sending, "s"),
                "its CPU an order": (loop.ran.cpu / orders * 1e6, "us"),
                **told_of(ours),
                "our CPU, start and end included, by that of the bare loop": (ours.ran.cpu / loop.ran.cpu, "x"),
            },
        )

    yield once


BENCHMARK = Benchmark(
    name="unsigned_run",
    goals={
        "wall": Goal(
            what="whole `run`, unsigned API, unthrottled, journal and report on, one core",
            baseline="bare aiohttp + uvloop, encoded bodies, same orders, same server, whole process",
            unit="x",
            budget=2,
            stretch=1.5,
        )
    },
    begun=begun,
)
