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
    from pathlib import Path

    from tests.faults.ordeal import Ordeal

ORDERS = 3


def test_a_disk_that_is_full_from_any_commit_on_costs_nothing(tmp_path: Path, key: Path) -> None:
    for transaction in count(1):
        folder = tmp_path / str(transaction)
        folder.mkdir()
        with begun_ordeal(folder, random.choice(APIS), key=key) as ordeal:  # noqa: S311 - any will do
            if not fills_up(ordeal, transaction):
                assert transaction > 5
                return


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


def test_a_report_tells_what_was_on_its_way_to_a_slow_disk(either: Ordeal) -> None:
    file = either.write("orders.csv", *orders(8))
    either.fill(file)
    either.goes_wrong({"match": {"kind": "ship", "every": 1}, "do": "unauthorised"})
    ran = either.does("run", file, "--json", first=partial(slow_disk, 0.05))
    assert (ran.code, set(either.outcomes(ran).values())) == (6, {"not_attempted"})
    either.goes_wrong()
    either.resume_until_ended()
    check(either, file, orders=8)
