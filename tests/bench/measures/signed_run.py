"""A whole run over the signed API, against how fast two cores can sign at all."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from batch.sandbox.demo import demo_key
from tests.bench.goals import Benchmark, Goal, Round
from tests.bench.measures.sending import told_of, whole_run
from tests.bench.ours import CANADA
from tests.bench.processes import on_cores

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.bench.place import Place

ORDERS = 20_000
SECONDS = 4  # of signing alone


@contextmanager
def begun(place: Place) -> Iterator[Callable[[], Round]]:
    """Make the orders and a key, once."""
    orders = place.sized(ORDERS, 500)
    key = demo_key(place.folder)

    def once() -> Round:
        signing = signing_rate(place, key)
        ours = whole_run(place, orders, api=CANADA, key=place.folder)
        rate = orders / ours.sending
        return Round(
            {"rate": rate / signing},
            {
                "signatures a second, two cores": (signing, "/s"),
                "updates a second while sending": (rate, "/s"),
                **told_of(ours),
            },
        )

    yield once


def signing_rate(place: Place, key: Path) -> float:
    """Return how many signatures a second two cores make together, each in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.baselines", "sign", str(key), str(place.sized(SECONDS, 1))]
    signers = []
    for core in (place.client, place.server):
        with on_cores(core):
            signers.append(subprocess.Popen(command, env=place.environment(), stdout=subprocess.PIPE, text=True))
    return sum(float(signer.communicate()[0]) for signer in signers)


BENCHMARK = Benchmark(
    name="signed_run",
    goals={
        "rate": Goal(
            what="whole `run`, signed API, two cores: updates a second while they are sent",
            baseline="RSA-2048 signing rate of two cores",
            unit="x",
            at_least=True,
            budget=0.40,
            stretch=0.55,
        )
    },
    begun=begun,
    note="The server has no core of its own here: it shares the two that we use.",
)
