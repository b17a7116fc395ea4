"""What the journal costs an order, fully synced, and how fast it answers when it has become large."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import orjson

from tests.bench.goals import Benchmark, Goal, Round
from tests.bench.ours import settings
from tests.bench.place import SHIPBATCH
from tests.bench.workload import purchase_order

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.bench.place import Place

ORDERS = 50_000
WORKERS = 256  # as many as a run has for the settings' 32 calls at once, where no limit is known
LARGE = 1_000_000  # orders
REPEATED = 100_000  # rows
_WORK = ("-m", "tests.bench.journal_work")


@contextmanager
def recording(place: Place) -> Iterator[Callable[[], Round]]:
    """Nothing is to be made beforehand."""
    orders = place.sized(ORDERS, 1000)

    def once() -> Round:
        ran = place.python(*_WORK, "record", place.fresh_folder(), orders, WORKERS, cores=place.client)
        told = orjson.loads(ran.out)
        return Round(
            {"recorder": told["recorder"], "blocks": told["blocks"], "plan": told["plan"]}, {"orders": (orders, "")}
        )

    yield once


@contextmanager
def history(place: Place) -> Iterator[Callable[[], Round]]:
    """Make a large journal, once."""
    large, repeated = place.sized(LARGE, 2000), place.sized(REPEATED, 1000)
    folder = place.fresh_folder()
    config = settings(folder, "http://127.0.0.1:1")
    (folder / "state").mkdir()
    file = folder / "state" / "journal.db"
    place.python(*_WORK, "fill", file, large)

    def once() -> Round:
        told = orjson.loads(place.python(*_WORK, "ask", file, large, repeated).out)
        command = [SHIPBATCH, "order", purchase_order(large // 2), "--config", config]
        return Round(
            {"order": told["order"], "repeated": told["repeated"] * REPEATED / repeated},
            {
                "orders in the journal": (large, ""),
                "its size": (file.stat().st_size / 2**20, "MiB"),
                "whole command `order PO`": (place.run(command).wall, "s"),
            },
        )

    yield once


RECORDING = Benchmark(
    name="journal",
    goals={
        "recorder": Goal(
            what=f"journal, full sync, {WORKERS} workers: CPU an order, all threads",
            baseline="",
            unit="us",
            budget=25,
            stretch=10,
        ),
        "blocks": Goal(what="the same, written straight in blocks of 256", baseline="", unit="us"),
        "plan": Goal(what="the same: to write an order of the plan", baseline="", unit="us"),
    },
    begun=recording,
    note="An order: claimed and taken to `sending`, its call begun, its call ended, taken to `shipped`.",
)

HISTORY = Benchmark(
    name="history",
    goals={
        "order": Goal(
            what="`order PO` among 1,000,000 journalled orders: opening, reading", baseline="", unit="ms", budget=50
        ),
        "repeated": Goal(what="the same: finding 100,000 rows to be repetitions", baseline="", unit="s", budget=2),
    },
    begun=history,
)
