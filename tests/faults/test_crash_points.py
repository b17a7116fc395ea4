"""The process dies at every durable step, one after the other; what is on disk then must be enough for the next run."""

from __future__ import annotations

import random
from itertools import count
from typing import TYPE_CHECKING

import pytest

from batch.crashpoints import KILLED, Step
from batch.sandbox import Status
from tests.faults.checker import check, check_recovered
from tests.faults.ordeal import begun_ordeal
from tests.faults.parcels import orders
from tests.trial import APIS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.faults.ordeal import Ordeal

ORDERS = 3


def dies_and_recovers(ordeal: Ordeal, command: str, step: int) -> str:
    """Let a command die at a step, resume, run once more, and check; return where it died, blank where it did not.

    Where the command is `resume`, a run has died before it, with two updates in the air.
    """
    file = ordeal.write("orders.csv", *orders(ORDERS))
    ordeal.fill(file, status=Status.CREATED)
    if command == "resume":
        ordeal.does("run", file, crash_at=f"{Step.CALL_LEAVES} {ORDERS + 2}")  # each order is acknowledged first
    died = ordeal.does(command, *([file] if command == "run" else []), "--json", crash_at=str(step))
    ordeal.resume_until_ended()
    check_recovered(ordeal, file)
    shipped = len({order for order, _, _ in ordeal.shipped_there})
    assert shipped in (0, ORDERS), f"{died.err} and `resume` went on with {shipped} of {ORDERS}"
    last = ordeal.does("run", file, "--json")
    assert last.code == 0, last
    check(ordeal, file, orders=ORDERS, faults=0)
    return died.err if died.code == KILLED else ""


def all_steps(folder: Path, key: Path, api: str, command: str, steps: Iterable[int]) -> list[str]:
    """Die at each of the steps until there are no more; return where it died."""
    died: list[str] = []
    for step in steps:
        place = folder / f"{api}-{command}-{step}"
        place.mkdir()
        with begun_ordeal(place, api, key=key) as ordeal:
            if not (where := dies_and_recovers(ordeal, command, step)):
                return died
            died.append(where)
    raise AssertionError("it never ends")


EVERY = 6


@pytest.mark.parametrize(("api", "command"), list(zip(APIS, ("run", "resume"), strict=True)))
def test_a_command_that_dies_at_any_step_costs_nothing(tmp_path: Path, key: Path, api: str, command: str) -> None:
    """Every sixth step, from one by chance; `make soak` takes them all."""
    steps = count(random.randint(1, EVERY), EVERY)  # noqa: S311 - the seed is printed
    assert len(all_steps(tmp_path, key, api, command, steps)) > 2
