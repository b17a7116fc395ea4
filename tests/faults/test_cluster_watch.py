"""`watch --cluster` when workers or the scheduler die, between drops and during one.

As in test_cluster, orders are sent so slowly that what dies does so in their midst, and without delay afterwards.
"""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from tests.clusters import begun_cluster
from tests.faults.checker import check, read_reports
from tests.faults.parcels import orders
from tests.watching import watching

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.clusters import Cluster
    from tests.faults.ordeal import Ordeal

_ORDERS = 40
_SLOWLY = {"ship": 300, "acknowledge": 0, "read": 0}  # a minute, after a burst of so many as fit into a second


@pytest.fixture
def cluster(ordeal: Ordeal) -> Iterator[Cluster]:
    """Give a scheduler with a worker."""
    with begun_cluster(ordeal.folder / "cluster", ordeal.environment(), workers=1) as begun:
        yield begun


@pytest.fixture
def file(ordeal: Ordeal) -> Path:
    """Give a file whose orders the marketplace knows."""
    return ordeal.write_known("orders.csv", *orders(_ORDERS))


def _has_begun(ordeal: Ordeal, before: int = 0) -> None:
    ordeal.until(lambda: ordeal.requests.get("ship", 0) >= before + 3)


def _copied(file: Path, where: Path) -> Path:
    """Lay a file there again, as the reports name it."""
    shutil.copy(file, where)
    return where


def test_a_scheduler_that_is_lost_and_comes_back_loses_no_drop_and_sends_none_twice(
    ordeal: Ordeal, cluster: Cluster, file: Path
) -> None:
    other = ordeal.write("other.csv", *orders(2, first=_ORDERS))
    ordeal.fill(other)
    with watching(ordeal, "--cluster", cluster.address) as drop:
        cluster.kill_scheduler()
        drop.wait_for_word(f"The scheduler at {cluster.address} is lost; trying again until it is back.")
        drop.drop("between.csv", other.read_bytes())
        drop.wait_for_word("between.csv: taken")
        cluster.begin()
        cluster.add_worker()
        drop.wait_for("done/between.csv", "done/between.report.html")
        ordeal.write_settings(settle_time=0.3, rate=_SLOWLY)
        drop.drop("during.csv", file.read_bytes())
        _has_begun(ordeal, before=2)
        cluster.kill_scheduler()
        ordeal.write_settings(settle_time=0.3)
        cluster.begin()
        cluster.add_worker()
        drop.wait_for("done/during.csv", "done/during.report.html")
    assert drop.err.count("is lost; trying again") == 2
    assert drop.err.count("is back; going on") == 2
    assert [report.summary["orders"]["shipped"] for report in read_reports(ordeal.folder / "reports")] == [2, _ORDERS]
    dropped = _copied(file, drop.folder / "during.csv"), _copied(other, drop.folder / "between.csv")
    check(ordeal, *dropped, orders=_ORDERS + 2, faults=0)


def test_a_worker_that_is_killed_during_a_drop_is_taken_over_from(ordeal: Ordeal, cluster: Cluster, file: Path) -> None:
    ordeal.write_settings(settle_time=0.3, rate=_SLOWLY)
    with watching(ordeal, "--cluster", cluster.address) as drop:
        drop.drop("march.csv", file.read_bytes())
        _has_begun(ordeal)
        cluster.workers[0].kill()
        ordeal.write_settings(settle_time=0.3)
        cluster.add_worker()
        drop.wait_for("done/march.csv", "done/march.report.html")
    (report,) = read_reports(ordeal.folder / "reports")
    assert report.summary["orders"]["shipped"] == _ORDERS
    check(ordeal, _copied(file, drop.folder / "march.csv"), orders=_ORDERS, faults=0)
