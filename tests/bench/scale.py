"""Plan a night for thousands of sellers: how many cores, how much of a database, how long, and what breaks first.

    python -m tests.bench.scale [--window HOURS] [--share FLOAT] [--output FOLDER]

A simulation, driven by what an account, an order and a transaction cost here (`tests.bench.scale_costs` measures that
first). Sellers differ as in life: half have 25 orders or fewer, one in a hundred has 800, the largest of a hundred
thousand has some fifteen thousand. What it cannot know is the network's and the marketplace's own limits.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from heapq import heappop, heappush
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from tests.bench.machine import facts
from tests.bench.place import ROOT, Place
from tests.bench.scale_costs import Costs, measured_costs

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

PER_MINUTE = 60  # updates of one account
BURST = 5  # updates that the marketplace lets through at once
SELLERS = (10, 1_000, 100_000)
WINDOW = 8.0  # h of a night
SOON = 600.0  # s in which nobody minds that the own night has not begun
_MEDIAN, _SPREAD = 25, 1.5  # orders of an account: log-normal
_SEED = 20261125
_BUSY = 0.7  # of a core, at most: the rest is for what nobody planned
_STEP = 1.0  # s
_BLOCKS = 200.0  # transactions a second of one process at most: what comes together is written together
HEAD = (
    "accounts",
    "orders",
    "largest",
    "least time",
    "worker cores",
    "night",
    "orders a second",
    "transactions a second",
    "database cores",
)


Orders = np.ndarray[tuple[int], np.dtype[np.int64]]  # of each account


@dataclass(frozen=True, slots=True)
class Worked:
    """How one core worked through its accounts."""

    seconds: float  # until the last report
    begun: float  # s, when the last account's first update could leave
    busiest: float  # orders a second, at most


@dataclass(frozen=True, slots=True)
class Night:
    """What a number of sellers needs."""

    orders: Orders  # the largest first
    cores: int  # of workers, one process each
    seconds: float  # until the last report is written
    orders_a_second: float  # over all workers, at the busiest moment
    transactions_a_second: float  # the same
    database: float  # cores of the database, the same

    @property
    def least(self) -> float:
        """The seconds that the largest account takes at the marketplace's own limit: no machine makes it shorter."""
        return float(own_seconds(self.orders[:1])[0])


def orders_of(accounts: int, seed: int = _SEED) -> Orders:
    """Return how many orders each account has, the largest first."""
    drawn = np.random.default_rng(seed).lognormal(np.log(_MEDIAN), _SPREAD, accounts)
    whole: Orders = np.maximum(1, drawn.round()).astype(np.int64)
    return np.sort(whole)[::-1]


def own_seconds(orders: Orders) -> np.ndarray[tuple[int], np.dtype[Any]]:
    """Return how long each account takes by the marketplace's limit alone."""
    return np.maximum(0, orders - BURST) * 60 / PER_MINUTE


def worked_through(orders: Orders, costs: Costs) -> Worked:
    """Let one core work through its accounts, the largest first.

    Every second goes to what is being sent first, then to the next account's plan, then to reports.
    """
    waiting = iter(own_seconds(orders).tolist())
    sending: list[float] = []  # when it is over for each account that is sent for, the next one first
    left, unreported = len(orders), 0
    now = spare = busiest = last_begun = 0.0
    while left or sending or unreported:
        now += _STEP
        while sending and sending[0] <= now:
            heappop(sending)
            unreported += 1
        rate = len(sending) * PER_MINUTE / 60
        busiest = max(busiest, rate)
        spare = min(spare, 0.0) + _BUSY * _STEP - rate * costs.order * _STEP
        while spare > 0 and left:
            spare -= costs.planning
            heappush(sending, now + next(waiting))
            left, last_begun = left - 1, now
        while spare > 0 and unreported:
            spare -= costs.reporting
            unreported -= 1
    return Worked(now, last_begun, busiest)


def night(accounts: int, costs: Costs, *, window: float, begin_within: float = np.inf) -> Night:
    """Find the fewest cores with which the night is over in time: within the window, or with the largest account.

    `window`: s; `begin_within`: s in which every account's first update leaves. The accounts are dealt to the cores in
    turn, so that the first core has the most to do.
    """
    orders = orders_of(accounts)
    allowed = max(window, 1.02 * float(own_seconds(orders[:1])[0]))
    work = float((orders * costs.order + costs.planning + costs.reporting).sum())
    cores = max(1, ceil(work / (_BUSY * allowed)))
    while (worked := worked_through(orders[::cores], costs)).seconds > allowed or worked.begun > begin_within:
        cores = max(cores + 1, ceil(cores * 1.1))
    rate = worked.busiest * cores
    transactions = min(2 * rate, _BLOCKS * cores)
    database = rate * costs.database_order + transactions * costs.transaction
    return Night(orders, cores, worked.seconds, rate, transactions, database)


def table(nights: Sequence[Night]) -> Iterator[str]:
    """Return the nights as a Markdown table."""
    yield f"| {' | '.join(HEAD)} |"
    yield f"|{'---:|' * len(HEAD)}"
    for one in nights:
        cells = (
            f"{len(one.orders):,}",
            f"{one.orders.sum():,}",
            f"{one.orders[0]:,}",
            _time(one.least),
            f"{one.cores:,}",
            _time(one.seconds),
            f"{one.orders_a_second:,.0f}",
            f"{one.transactions_a_second:,.0f}",
            f"{one.database:,.1f}",
        )
        yield f"| {' | '.join(cells)} |"


def _time(seconds: float) -> str:
    minutes = ceil(seconds / 60)
    return f"{minutes // 60} h {minutes % 60:02} min" if minutes >= 60 else f"{minutes} min"


@click.command()
@click.option("--window", type=click.FloatRange(0, min_open=True), default=WINDOW, help="Hours that a night has.")
@click.option("--share", type=click.FloatRange(0, 1, min_open=True), default=1.0, help="Share of the full sizes.")
@click.option(
    "--output", type=click.Path(path_type=Path), default=ROOT / "data" / "bench", help="Where the table goes."
)
def main(*, window: float, share: float, output: Path) -> None:
    """Measure what things cost here, and plan nights for 10, 1,000 and 100,000 sellers by that."""
    with tempfile.TemporaryDirectory(prefix="shipbatch-scale-") as work:
        place = Place(Path(work).resolve(), share=share)
        costs, machine = measured_costs(place), facts(place)
    lines = [
        f"Costs measured on {machine['processor']}: {costs}",
        "",
        f"The fewest cores for a night of {window:g} hours:",
        "",
        *table([night(accounts, costs, window=window * 3600) for accounts in SELLERS]),
        "",
        f"The same, where every account's first update is to leave within {SOON / 60:g} minutes:",
        "",
        *table([night(accounts, costs, window=window * 3600, begin_within=SOON) for accounts in SELLERS]),
        "",
    ]
    click.echo("\n".join(lines))
    if share == 1:
        output.mkdir(parents=True, exist_ok=True)
        (output / "scale.md").write_text("\n".join(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
