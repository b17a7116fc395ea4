"""How soon `resume` sends again after a run was killed in the midst of its work."""

from __future__ import annotations

import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.bench.goals import Benchmark, Goal, NotBelievable, Round
from tests.bench.marketplaces import marketplace
from tests.bench.measures.sending import one_line_orders
from tests.bench.ours import settings
from tests.bench.place import SHIPBATCH
from tests.bench.processes import said_by, started

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.bench.marketplaces import Server
    from tests.bench.place import Place

ORDERS = 100_000
_PATIENCE = 300.0  # s


@contextmanager
def begun(place: Place) -> Iterator[Callable[[], Round]]:
    """Make the orders, once."""
    orders = place.sized(ORDERS, 2000)
    file = one_line_orders(place, orders)

    def once() -> Round:
        folder = place.fresh_folder()
        first, before = _until_first_update(place, folder, file, "run", file)
        again, _ = _until_first_update(place, folder, file, "resume")
        return Round(
            {"resume": again},
            {
                "orders": (orders, ""),
                "shipped before the kill": (before, ""),
                "run: first update after": (first, "s"),
            },
        )

    yield once


def _until_first_update(place: Place, folder: Path, file: Path, *command: object) -> tuple[float, int]:
    """Start a command, kill it once it has sent; return the seconds until its first update, and how many it sent."""
    with marketplace(place, file) as server:
        config = settings(folder, server.url)
        given = [SHIPBATCH, *command, "--config", config]
        began = time.time()
        with started(given, folder=folder, cores=place.client, env=place.environment()) as process:
            _wait_for_update(server, process, folder)
        seen = server.seen()
    return seen.first - began, seen.ship


def _wait_for_update(server: Server, process: subprocess.Popen[bytes], folder: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while not server.seen().ship:
        if time.monotonic() > until or process.poll() is not None:
            raise NotBelievable(f"The command sent nothing:\n{said_by(folder)}")
        time.sleep(0.02)


BENCHMARK = Benchmark(
    name="recovery",
    goals={
        "resume": Goal(
            what="`resume` of 100,000 orders that a killed run left: from its start to the first update",
            baseline="",
            unit="s",
            budget=5,
        )
    },
    begun=begun,
    note="The run is killed (SIGKILL) as soon as it sends; what was on its way is settled meanwhile.",
)
