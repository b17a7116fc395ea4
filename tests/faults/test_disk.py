"""The journal's disk fills up at every commit, one after the other: nothing leaves that is not on record."""

from __future__ import annotations

import random
from functools import partial
from itertools import count
from typing import TYPE_CHECKING

from tests.faults.checker import check, check_meanwhile
from tests.faults.ordeal import begun_ordeal
from tests.faults.parcels import orders
from tests.faults.sabotage import disk_full_from, slow_disk
from tests.trial import APIS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.faults.ordeal import Ordeal

ORDERS = 3


EVERY = 3


def test_a_disk_that_is_full_from_any_commit_on_costs_nothing(tmp_path: Path, key: Path) -> None:
    """Every third commit, from one by chance; `make soak` tries them all."""
    full_disks(tmp_path, key, count(random.randint(1, EVERY), EVERY))  # noqa: S311 - the seed is printed


def full_disks(tmp_path: Path, key: Path, transactions: Iterable[int]) -> int:
    """Let the disk be full from each of these commits on, until a run has no so many; return how many it had."""
    for transaction in transactions:
        folder = tmp_path / str(transaction)
        folder.mkdir()
        with begun_ordeal(folder, random.choice(APIS), key=key) as ordeal:  # noqa: S311 - any will do
            if not fills_up(ordeal, transaction):
                assert transaction > 5
                return transaction - 1
    raise AssertionError("it never ends")


def fills_up(ordeal: Ordeal, transaction: int) -> bool:
    """Run on a disk that is full from this commit on, then on one with room; return whether it was full in time."""
    file = ordeal.write("orders.csv", *orders(ORDERS))
    ordeal.fill(file)
    ran = ordeal.does("run", file, "--json", first=partial(disk_full_from, transaction))
    if ran.code == 0:
        return False
    assert ran.code == 6, ran
    assert "the journal cannot be written: database or disk is full" in ran.err
    assert "Traceback" not in ran.err
    check_meanwhile(ordeal, file)
    ordeal.resume_until_ended()
    ordeal.does("run", file, "--json")
    check(ordeal, file, orders=ORDERS, faults=0)
    return True


def test_a_report_tells_what_was_on_its_way_to_a_slow_disk(ordeal: Ordeal) -> None:
    file = ordeal.write("orders.csv", *orders(8))
    ordeal.fill(file)
    ordeal.goes_wrong({"match": {"kind": "ship", "every": 1}, "do": "unauthorised"})
    ran = ordeal.does("run", file, "--json", first=partial(slow_disk, 0.05))
    assert (ran.code, set(ordeal.outcomes(ran).values())) == (6, {"not_attempted"})
    ordeal.goes_wrong()
    ordeal.resume_until_ended()
    check(ordeal, file, orders=8)
