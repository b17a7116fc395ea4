"""A whole run against what people would write: a loop of httpx, and one of requests."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.bench.goals import Benchmark, Goal, Round
from tests.bench.measures.sending import bare, told_of, whole_run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.bench.place import Place

ORDERS = 20_000
FEWER = 2_000  # of the baselines, which are slow


@contextmanager
def begun(place: Place) -> Iterator[Callable[[], Round]]:
    """Make the orders, once."""
    orders, fewer = place.sized(ORDERS, 500), place.sized(FEWER, 300)

    def once() -> Round:
        httpx, requests = bare(place, "httpx_64", fewer), bare(place, "requests_loop", fewer)
        ours = whole_run(place, orders, cores=place.client)
        ours_each, httpx_each, requests_each = ours.ran.wall / orders, httpx.sending / fewer, requests.sending / fewer
        return Round(
            {"httpx": httpx_each / ours_each, "requests": requests_each / ours_each},
            {
                "httpx, orders a second": (1 / httpx_each, "/s"),
                "requests, orders a second": (1 / requests_each, "/s"),
                "our run, orders a second": (1 / ours_each, "/s"),
                **told_of(ours),
            },
        )

    yield once


BENCHMARK = Benchmark(
    name="httpx_comparison",
    goals={
        "httpx": Goal(
            what="whole `run`, unsigned: how many times faster an order",
            baseline="httpx AsyncClient with 64 connections, its loop alone",
            unit="x",
            at_least=True,
            budget=10,
            stretch=20,
        ),
        "requests": Goal(
            what="the same",
            baseline="requests, one order after the other over one connection, its loop alone",
            unit="x",
            at_least=True,
        ),
    },
    begun=begun,
    note=f"The baselines send {FEWER:,} orders, ours {ORDERS:,}; compared is time an order, ours with start and end.",
)
