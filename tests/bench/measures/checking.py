"""`shipbatch check` of large files, against merely reading them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from tests.bench.goals import Benchmark, Goal, NotBelievable, Round
from tests.bench.ours import settings
from tests.bench.place import SHIPBATCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.bench.place import Place
    from tests.bench.processes import Ran

LINES = 4  # at most, of an order; 2.5 on average


@dataclass(frozen=True, slots=True)
class Checking:
    """A file of so many rows, and what it is read with for comparison; "" for nothing."""

    rows: int
    kind: str  # "csv" or "xlsx"
    baseline: str

    @contextmanager
    def begun(self, place: Place) -> Iterator[Callable[[], Round]]:
        """Make the file, once."""
        orders = place.sized(self.rows * 2 // 5, 400)
        file = place.made(f"{orders}-scattered.{self.kind}", orders, LINES)
        config = settings(place.fresh_folder(), "http://127.0.0.1:1")

        def once() -> Round:
            ours = self._checked(place, config, file, orders)
            values = {"peak": ours.peak, "wall": ours.wall}
            told = {"our check": (ours.wall, "s"), "our peak memory": (ours.peak, "MiB")}
            if self.baseline:
                bare = place.python("-m", "tests.bench.baselines", self.baseline, file)
                values["ratio"] = ours.wall / bare.wall
                told |= {"bare read": (bare.wall, "s"), "its peak memory": (bare.peak, "MiB")}
            return Round(values, told)

        yield once

    def _checked(self, place: Place, config: Path, file: Path, orders: int) -> Ran:
        ran = place.run([SHIPBATCH, "check", "--config", config, "--json", file])
        told = orjson.loads(ran.out)
        if told["orders"]["ready"] != orders or told["rows"]["total"] != told["rows"]["ready"]:
            raise NotBelievable(f"check found {told['orders']} in a file of {orders} good orders.")
        return ran


CSV_1M = Benchmark(
    name="check_csv_1m",
    goals={
        "ratio": Goal(
            what="`check` of 1,000,000 rows in CSV, whole command",
            baseline='read_csv(engine="c", dtype=str) of the same file, whole process',
            unit="x",
            budget=4,
            stretch=2.5,
        ),
        "peak": Goal(what="the same: peak memory", baseline="", unit="MiB", budget=700, stretch=500),
    },
    begun=Checking(1_000_000, "csv", "read_csv").begun,
    note="400,000 orders of one to four lines, scattered over the file.",
)

CSV_10M = Benchmark(
    name="check_csv_10m",
    goals={
        "peak": Goal(
            what="`check` of 10,000,000 rows in CSV: peak memory", baseline="", unit="MiB", budget=2048, stretch=1536
        ),
        "wall": Goal(what="the same: time", baseline="", unit="s", stretch=25),
    },
    begun=Checking(10_000_000, "csv", "").begun,
    rounds=1,
    only_by_name=True,
)

XLSX_100K = Benchmark(
    name="check_xlsx_100k",
    goals={
        "ratio": Goal(
            what="`check` of 100,000 rows in XLSX, whole command",
            baseline="bare calamine read of all cells, whole process",
            unit="x",
            budget=3,
            stretch=2,
        )
    },
    begun=Checking(100_000, "xlsx", "read_calamine").begun,
)
