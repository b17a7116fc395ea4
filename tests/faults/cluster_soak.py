"""`make soak-cluster`: many accounts by a scheduler, three workers and a PostgreSQL, workers killed every few seconds.

    python -m tests.faults.cluster_soak --accounts 200 --orders 50000

What the README's section on scale says is done here, and then asked of the marketplace: was each order shipped once?
"""

from __future__ import annotations

import argparse
import csv
import random
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from batch.sandbox import Options, Rules
from tests.clusters import begun_cluster
from tests.faults.parcels import orders, units_in
from tests.faults.soak import say
from tests.postgres import MISSING, begun_server
from tests.trial import begun_trial

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Sequence

    from tests.clusters import Cluster
    from tests.trial import Trial

_WORKERS = 3
_MOST_RESUMES = 10


@dataclass(slots=True)
class Proof:
    """A run of many accounts, whose workers die."""

    trial: Trial
    cluster: Cluster
    files: Sequence[Path]
    every: float  # s between two kills
    chance: random.Random
    kills: int = 0

    def run(self) -> None:
        """Run all accounts, then resume until nothing is left."""
        codes = [self._carried_out("run", "drop")]
        while codes[-1] and len(codes) < _MOST_RESUMES:
            codes.append(self._carried_out("resume"))
        assert not codes[-1], f"{_MOST_RESUMES} commands have not ended it"
        if codes[0]:  # an account may never have begun
            assert not self._carried_out("run", "drop")

    def _carried_out(self, *command: str) -> int:
        running = self.trial.start(*command, "--quiet", "--cluster", self.cluster.address)
        told: list[tuple[str, str]] = []
        reading = threading.Thread(target=lambda: told.append(running.communicate()))
        reading.start()
        while reading.is_alive():
            self._kill_one(running)
            reading.join(self.every)
        ((_, err),) = told
        complaints = [line for line in err.splitlines() if " INFO " not in line]
        say(f"`{' '.join(command)}` ended with {running.returncode} after {self.kills} kills; {complaints[:3]}")
        return running.returncode

    def _kill_one(self, running: subprocess.Popen[str]) -> None:
        """Kill a worker, as `kill -9` does, and start another; but not before all know each other."""
        if not self._sent() or running.poll() is not None:
            return
        worker = self.chance.choice(self.cluster.workers)
        worker.kill()
        worker.wait()
        self.cluster.workers.remove(worker)
        self.kills += 1
        self.cluster.add_worker()

    def _sent(self) -> int:
        return self.trial.sandbox.counters.requests.get("ship", 0)

    def _told_to_be_shipped(self) -> set[str]:
        """Return the orders that the reports tell to be shipped, those included whose run was ended by another."""
        told = set()
        for file in (self.trial.folder / "reports").glob("*/orders.csv"):
            with file.open(newline="", encoding="utf-8-sig") as stream:
                told |= {row["purchaseOrderId"] for row in csv.DictReader(stream) if row["outcome"].endswith("shipped")}
        return told

    def tell(self) -> None:
        """Print the figures, and fail where an order was charged twice or lost, or reports do not add up."""
        units, charged = units_in(self.files), self.trial.units_charged
        twice = sum(max(0, count - units.get(key, 0)) for key, count in charged.items())
        lost = len({key[0] for key, wanted in units.items() if charged.get(key, 0) < wanted})
        told = len(self._told_to_be_shipped())
        every = len({key[0] for key in units})
        for what, figure in (
            ("accounts", len(self.trial.accounts)),
            ("orders", every),
            ("kills", self.kills),
            ("requests", sum(self.trial.sandbox.counters.requests.values())),
            ("units charged twice", twice),
            ("orders lost", lost),
            ("told to be shipped", told),
        ):
            say(f"{what:20} {figure:>9,}")
        assert (twice, lost) == (0, 0)
        assert told == every, "the reports do not add up"


def prove(folder: Path, *, accounts: int, many: int, every: float, seed: int) -> None:
    """Send for the accounts, kill workers, and print what came of it."""
    names = [f"a{number:04}" for number in range(accounts)]
    options = Options(rules=Rules(refuse_reship=False), log_length=10_000_000)
    (folder / "ours").mkdir()
    with begun_server() as server, begun_trial(folder / "ours", options=options, accounts=names) as trial:
        if server is None:
            raise SystemExit(MISSING)
        trial.write_settings(settle_time=2)
        head = f'journal = "{server.url(server.database())}"\n'
        trial.settings.write_text(head + trial.settings.read_text())
        files = [_file_of(trial, name, place, many // accounts) for place, name in enumerate(names)]
        trial.fill(*files)
        with begun_cluster(folder / "cluster", trial.environment(), workers=_WORKERS) as cluster:
            proof = Proof(trial, cluster, files, every, random.Random(seed))  # noqa: S311 - repeatable on purpose
            proof.run()
            proof.tell()


def _file_of(trial: Trial, name: str, place: int, many: int) -> Path:
    (trial.folder / "drop" / name).mkdir(parents=True)
    return trial.write(f"drop/{name}/orders.csv", *orders(many, first=place * many))


def main() -> None:
    """Prove, and exit with 1 where anything is wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--accounts", type=int, default=200)
    parser.add_argument("--orders", type=int, default=50_000)
    parser.add_argument("--every", type=float, default=4.0, help="seconds between two kills")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    given = parser.parse_args()
    began = time.monotonic()
    say(f"seed {given.seed}")
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        prove(Path(name), accounts=given.accounts, many=given.orders, every=given.every, seed=given.seed)
    say(f"{'minutes':20} {(time.monotonic() - began) / 60:>9.1f}")


if __name__ == "__main__":
    main()
