"""How much memory `watch` has after a hundred drops, and after ten thousand."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.goals import Benchmark, Goal, NotBelievable, Round
from tests.bench.marketplaces import nginx
from tests.bench.ours import expect, settings
from tests.bench.place import SHIPBATCH
from tests.bench.processes import said_by, started
from tests.bench.workload import Workload, write_csv

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable, Iterator

    from tests.bench.marketplaces import Server
    from tests.bench.place import Place

DROPS = 10_000
_DROP = "drop"
EARLY = 0.1  # of the drops, after which memory is looked at first
_AT_ONCE = 20  # files dropped before it is waited for them
_PATIENCE = 120.0  # s for these


@contextmanager
def begun(place: Place) -> Iterator[Callable[[], Round]]:
    """Nothing is to be made beforehand: every file is new."""
    drops = place.sized(DROPS, 200) // _AT_ONCE * _AT_ONCE

    def once() -> Round:
        folder = place.fresh_folder()
        (folder / _DROP).mkdir()
        with nginx(place) as server:
            config = settings(folder, server.url)
            config.write_text(f"{config.read_text()}\n[watch]\nquiet = 0\n")
            command = [SHIPBATCH, "watch", _DROP, "--quiet", "--config", config]
            environment = place.environment()
            with started(command, folder=folder, cores=place.client, env=environment) as process:
                began = time.perf_counter()
                memory = _memory_after_each(server, process, folder, drops)
                took = time.perf_counter() - began
            expect(server.seen(), drops)
        early, late = memory[round(len(memory) * EARLY) - 1], memory[-1]
        return Round(
            {"growth": late / early},
            {
                "drops": (drops, ""),
                "after a tenth of them": (early, "MiB"),
                "after all": (late, "MiB"),
                "drops a second": (drops / took, "/s"),
            },
        )

    yield once


def _memory_after_each(server: Server, process: subprocess.Popen[bytes], folder: Path, drops: int) -> list[float]:
    """Drop files of one order each, a few at a time; return the resident memory after each lot, in MiB."""
    memory: list[float] = []
    for first in range(0, drops, _AT_ONCE):
        for number in range(first, first + _AT_ONCE):
            aside = folder / _DROP / f".{number}.csv"
            write_csv(aside, Workload(1, 1, number))
            aside.rename(folder / _DROP / f"{number}.csv")
        if not _sent(server, process, first + _AT_ONCE):
            raise NotBelievable(f"`watch` sent too little of {first + _AT_ONCE} files:\n{said_by(folder)}")
        memory.append(_resident(process.pid))
    return memory


def _sent(server: Server, process: subprocess.Popen[bytes], updates: int) -> bool:
    """Wait for so many updates; say whether they came."""
    until = time.monotonic() + _PATIENCE
    while server.seen().ship < updates:
        if time.monotonic() > until or process.poll() is not None:
            return False
        time.sleep(0.05)
    return True


def _resident(process: int) -> float:
    found = re.search(r"VmRSS:\s*(\d+) kB", Path(f"/proc/{process}/status").read_text(encoding="utf-8"))
    if found is None:
        raise NotBelievable("`watch` has ended.")
    return int(found[1]) / 1024


BENCHMARK = Benchmark(
    name="watch_memory",
    goals={
        "growth": Goal(
            what="`watch` over 10,000 drops: memory at the end",
            baseline="its memory after 1,000 of them",
            unit="x",
            budget=1.1,
            stretch=1.02,
        )
    },
    begun=begun,
    rounds=1,
    only_by_name=True,
    note="Files of one order each, twenty at a time.",
)
