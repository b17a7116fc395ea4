"""How near to the limit a run comes: our sandbox keeps a token bucket and tells it, as the marketplace does."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.bench.goals import Benchmark, Goal, Round
from tests.bench.marketplaces import sandbox
from tests.bench.measures.sending import one_line_orders
from tests.bench.ours import ship

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.bench.place import Place


@dataclass(frozen=True, slots=True)
class Pace:
    """A limit, and for how long it is met."""

    per_minute: float
    burst: int
    seconds: int

    @contextmanager
    def begun(self, place: Place) -> Iterator[Callable[[], Round]]:
        """Make the orders, once: the burst, and as many as the rate allows in the seconds."""
        rate = self.per_minute / 60
        orders = self.burst + round(rate * place.sized(self.seconds, 5))
        file = one_line_orders(place, orders)

        def once() -> Round:
            with sandbox(place, file, per_minute=self.per_minute, burst=self.burst) as server:
                ours = ship(place, server, file, cores=place.client, rate=self.per_minute)
            possible = (orders - self.burst) / rate
            return Round(
                {"pace": possible / ours.sending, "throttled": float(ours.seen.throttled)},
                {
                    "orders": (orders, ""),
                    "possible, first update to last": (possible, "s"),
                    "ours, first update to last": (ours.sending, "s"),
                    "our run, start to end": (ours.ran.wall, "s"),
                },
            )

        yield once


def _goals(limit: str) -> dict[str, Goal]:
    return {
        "pace": Goal(
            what=f"pace at the limit, {limit} (token bucket, rate known, headers sent)",
            baseline="the possible pace (n - burst) / rate",
            unit="x",
            at_least=True,
            budget=0.99,
            stretch=0.995,
        ),
        "throttled": Goal(what="the same: updates that were throttled", baseline="", unit="", budget=0, stretch=0),
    }


BENCHMARK = Benchmark(
    name="pace",
    goals=_goals("1,200 a minute"),
    begun=Pace(per_minute=1200, burst=20, seconds=60).begun,
    note="For one minute, at twenty times the marketplace's rate; `pace_real` is at its own.",
)

REAL = Benchmark(
    name="pace_real",
    goals=_goals("60 a minute"),
    begun=Pace(per_minute=60, burst=10, seconds=120).begun,
    note="The marketplace's own rate, for two minutes, one round.",
    rounds=1,
)
