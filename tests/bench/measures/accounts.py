"""Many accounts side by side, each at its own limit, from one process on one core."""

from __future__ import annotations

from collections import defaultdict
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.bench.goals import Benchmark, Goal, Round
from tests.bench.marketplaces import sandbox
from tests.bench.ours import ship
from tests.bench.workload import account_file, order_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tests.bench.place import Place

PER_MINUTE = 60
BURST = 5
SECONDS = 180

Span = tuple[float, float]  # s, UTC epoch: an account's first update, and its last


@dataclass(frozen=True, slots=True)
class Accounts:
    """So many accounts, each with the burst and as many orders as the rate allows in `SECONDS`."""

    number: int

    @contextmanager
    def begun(self, place: Place) -> Iterator[Callable[[], Round]]:
        """Make a file for each account, once, in the sub-folder with the account's name."""
        accounts, seconds = place.sized(self.number, 10), place.sized(SECONDS, 10)
        each = BURST + round(PER_MINUTE / 60 * seconds)
        folder = place.fresh_folder()
        files = [account_file(folder / f"s{number}", number, each) for number in range(accounts)]
        possible = (each - BURST) / (PER_MINUTE / 60)

        def once() -> Round:
            with sandbox(place, *files, per_minute=PER_MINUTE, burst=BURST, sellers=accounts) as server:
                ours = ship(place, server, folder, cores=place.client, sellers=accounts, rate=PER_MINUTE)
                spans = _spans(server.calls(), each)
            return Round(
                {
                    "pace": possible * accounts / sum(last - first for first, last in spans),
                    "at_once": float(_most_at_once(spans)),
                    "throttled": float(ours.seen.throttled),
                },
                {
                    "accounts": (accounts, ""),
                    "orders of each": (each, ""),
                    "possible, an account's first update to its last": (possible, "s"),
                    "slowest account": (max(last - first for first, last in spans), "s"),
                    "first update of any account to last of all": (ours.sending, "s"),
                    "our run, start to end": (ours.ran.wall, "s"),
                    "our CPU an order": (ours.ran.cpu / ours.orders * 1e6, "us"),
                    "our peak memory": (ours.ran.peak, "MiB"),
                },
            )

        yield once


def _spans(calls: Sequence[dict[str, Any]], each: int) -> list[Span]:
    """Return when each account sent its first update and its last."""
    moments: defaultdict[int, list[float]] = defaultdict(list)
    for call in calls:
        moments[order_number(call["purchase_order_id"]) // each].append(call["at"] / 1000)
    return [(min(of_one), max(of_one)) for of_one in moments.values()]


def _most_at_once(spans: Sequence[Span]) -> int:
    """Return how many accounts were sent for at the same moment, at most."""
    changes = sorted([(first, 1) for first, _ in spans] + [(last, -1) for _, last in spans])
    now = most = 0
    for _, change in changes:
        now += change
        most = max(most, now)
    return most


def _goals(accounts: int) -> dict[str, Goal]:
    return {
        "pace": Goal(
            what=f"{accounts:,} accounts, {PER_MINUTE} a minute each, one process, one core",
            baseline="the possible pace of all",
            unit="x",
            at_least=True,
            budget=0.98,
        ),
        "at_once": Goal(
            what="the same: accounts sent for at once", baseline="", unit="", at_least=True, budget=accounts
        ),
        "throttled": Goal(what="the same: updates that were throttled", baseline="", unit="", budget=0),
    }


BENCHMARK = Benchmark(
    name="accounts",
    goals=_goals(1000),
    begun=Accounts(1000).begun,
    rounds=1,
    note="Each account from its own first update to its last; the stretch is `accounts_5000`.",
)

FIVE_THOUSAND = Benchmark(
    name="accounts_5000", goals=_goals(5000), begun=Accounts(5000).begun, rounds=1, only_by_name=True
)
