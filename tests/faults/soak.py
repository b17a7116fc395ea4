"""`make soak`: `kill -9` 200 times at random moments of a batch, while every fifth answer goes wrong; then every step.

Not part of the tests that run on each change: it takes minutes. The seed is printed, and may be given again.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from itertools import count, product
from pathlib import Path
from typing import TYPE_CHECKING

from batch.sandbox import Options, Rules, Status, demo_key
from tests.faults.checker import check, check_meanwhile, check_recovered, lies_in, read_reports
from tests.faults.ordeal import begun_ordeal
from tests.faults.parcels import orders, units_in
from tests.trial import APIS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.faults.ordeal import Ordeal

FAULTS = (
    "reset-before",
    "reset-after",
    "late-commit",
    "hang",
    "hang-after",
    "500",
    "502",
    "503",
    "504",
    "520",
    "500-after",
    "504-after",
    "520-after",
    "423",
    "429",
    "html",
    "empty",
    "truncated",
    "partial-echo",
    "stale-answer",
    "trickle",
    "slow",
    "unauthorised",
    "outage-400",
)  # all but those that rightly end an order or a run
SHARE = 0.2  # of all answers that go wrong
SETTINGS: dict[str, object] = {"settle_time": 0.6, "timeout": 1.0, "attempts": 8, "outages": 200, "workers": 8}
LIVES = (0.05, 1.0)  # s that a process lives from its first request on, at the least and at the most
LOOK = 25  # kills between two looks at whether all is well so far


@dataclass(slots=True)
class Soak:
    """Kills a batch again and again."""

    ordeal: Ordeal
    file: Path
    kills: int
    chance: random.Random
    lives: Counter[str] = field(default_factory=Counter)  # how they ended

    def run(self) -> None:
        """Kill until it was often enough, then let all come to its end."""
        while self.lives["killed"] < self.kills:
            self._live()
            if self.lives["killed"] % LOOK == 0:
                check_meanwhile(self.ordeal, self.file)
                self._tell()
        self.ordeal.goes_wrong()
        self.ordeal.write_settings(**SETTINGS)
        self.ordeal.resume_until_ended()
        check_recovered(self.ordeal, self.file)
        self.ordeal.does("run", self.file, "--json")

    def _live(self) -> None:
        """Start a process, and kill it after a while; at such a pace that the batch outlives all kills but the last."""
        shipped = len({order for order, _, _ in self.ordeal.shipped_there})
        wanted = len(self.ordeal.sandbox.state.orders) * self.lives["killed"] / self.kills
        pace = 600 if shipped < wanted else 60
        self.ordeal.write_settings(**SETTINGS, rate={"ship": pace, "acknowledge": 0, "read": 0})
        again = ("run", self.file) if self.chance.random() < 0.3 or not self.lives else ("resume",)
        before = sum(self.ordeal.requests.values())
        running = self.ordeal.begin(*again, "--json")
        if self.chance.random() < 0.8:
            self.ordeal.until(lambda: sum(self.ordeal.requests.values()) > before or not running.process.is_alive())
        threading.Event().wait(self.chance.uniform(*LIVES))
        ran = self.ordeal.killed(running)
        self.lives["killed" if ran.code == -9 else f"ended {ran.code}"] += 1

    def _tell(self) -> None:
        shipped = len(self.ordeal.shipped_there)
        faults = sum(self.ordeal.sandbox.faults.fired.values())
        say(f"  {self.lives['killed']} kills, {faults:,} faults, {shipped:,} parcels shipped")


def kill_a_batch(folder: Path, key: Path, *, kills: int, many: int, seed: int) -> None:
    """Kill one batch at random moments, and print what came of it."""
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    api = chance.choice(APIS)
    options = Options(rules=Rules(refuse_reship=False), seed=seed, log_length=10_000_000)
    with begun_ordeal(folder, api, options, key=key) as ordeal:
        file = ordeal.write("orders.csv", *orders(many))
        half = ordeal.write("half.csv", *orders(many // 2))
        ordeal.fill(half, status=Status.CREATED)
        ordeal.fill(ordeal.write("other.csv", *orders(many - many // 2, first=many // 2)))
        ordeal.goes_wrong(*script(), seed=seed)
        soak = Soak(ordeal, file, kills, chance)
        say(f"{many} orders to {api}, {kills} kills, every fifth answer a fault")
        soak.run()
        figures = check(ordeal, file, orders=many, faults=kills)
        tell(ordeal, file, soak)
        assert figures.deaths >= kills


def script() -> Iterator[dict[str, object]]:
    """Return rules by which about every fifth answer is a fault, each kind as often as the others."""
    each = 1 - (1 - SHARE) ** (1 / len(FAULTS))
    for fault in FAULTS:
        seconds = {"hang": 1.5, "hang-after": 1.5, "trickle": 0.5, "slow": 0.3, "late-commit": 0.3}.get(fault, 0.05)
        yield {"match": {"chance": each}, "do": fault, "seconds": seconds}


def tell(ordeal: Ordeal, file: Path, soak: Soak) -> None:
    """Print the figures."""
    units, charged, there = units_in([file]), ordeal.units_charged, ordeal.shipped_there
    faults, reports = ordeal.sandbox.faults.fired, read_reports(ordeal.folder / "reports")
    for what, figure, more in (
        ("kills", soak.lives["killed"], ""),
        ("ended by themselves", sum(soak.lives.values()) - soak.lives["killed"], ""),
        ("faults injected", sum(faults.values()), f"of {len(faults)} kinds"),
        ("requests", sum(ordeal.requests.values()), f"of which to change orders: {ordeal.changes_asked:,}"),
        ("orders", len({order for order, _, _ in units}), f"with {sum(units.values()):,} units"),
        ("units charged", sum(charged.values()), ""),
        ("units charged twice", sum(max(0, charged.get(key, 0) - wanted) for key, wanted in units.items()), ""),
        ("orders lost", len({key[0] for key, wanted in units.items() if there.get(key, 0) < wanted}), ""),
        ("reports wrong", sum(bool(lies_in(ordeal, report)) for report in reports), f"of {len(reports)}"),
    ):
        say(f"{what:20} {figure:>7,}   {more}".rstrip())


def die_everywhere(folder: Path, key: Path) -> None:
    """Let a run die at every durable step, in both dialects, and recover."""
    from tests.faults.test_crash_points import all_steps  # noqa: PLC0415 - pytest is not needed above
    from tests.faults.test_disk import full_disks  # noqa: PLC0415 - the same

    for api, command in product(APIS, ("run", "resume")):
        died = all_steps(folder, key, api, command, count(1))
        say(f"{api}: `{command}` died at each of {len(died)} durable steps, and recovered each time")
    commits = full_disks(folder, key, count(1))
    say(f"the disk was full from each of {commits} commits on, and nothing left that was not on record")


def say(text: str) -> None:
    """Print a line at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def main() -> None:
    """Soak, and exit with 1 where the checker finds anything."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--orders", type=int, default=500)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--steps", action=argparse.BooleanOptionalAction, default=True, help="die at every step, too")
    given = parser.parse_args()
    began = time.monotonic()
    say(f"seed {given.seed}")
    with tempfile.TemporaryDirectory(prefix="soak-") as name:
        folder = Path(name)
        key = demo_key(folder)
        (folder / "batch").mkdir()
        kill_a_batch(folder / "batch", key, kills=given.kills, many=given.orders, seed=given.seed)
        if given.steps:
            die_everywhere(folder, key)
    say(f"{'minutes':20} {(time.monotonic() - began) / 60:>7.1f}")


if __name__ == "__main__":
    main()
