"""`--cluster`: the same run, sent by Dask workers."""

from __future__ import annotations

import csv
import os
from typing import TYPE_CHECKING

import pytest

from tests.clusters import begun_cluster
from tests.trial import Trial, begun_trial

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.clusters import Cluster
    from tests.ran import Ran

_OF_THE_MOMENT = {
    *("_correlation_id", "_finished_at", "run", "started_at", "finished_at"),
    *("correlationId", "shipBy", "startedAt", "finishedAt"),
}


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Give a scheduler with two workers that know nothing but where the client's settings lie."""
    folder = tmp_path_factory.mktemp("cluster")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SHIPBATCH_")}
    with begun_cluster(folder, {**kept, "XDG_STATE_HOME": str(folder)}, workers=2) as begun:
        yield begun


def row(number: int, line: int = 1, *, tracking: str = "", quantity: object = 1) -> tuple[object, ...]:
    """Return a row of an order; numbers from 100 on are the outlet's."""
    return (309121000000000 + number, line, quantity, "UPS", tracking or f"1Z999AA1{number:08}", "2026-11-24")


def _filled(trial: Trial) -> None:
    """Lay files for two accounts: bad rows, repeats, an order spread over two files, a file that cannot be read."""
    (trial.folder / "drop" / "outlet").mkdir(parents=True)
    files = [
        trial.write("drop/a.csv", *(row(number) for number in range(20)), row(20), row(0), row(21, tracking="1,1E+11")),
        trial.write("drop/b.csv", row(20, 2), row(22, quantity="many"), row(22, 2)),
        trial.write("drop/outlet/c.csv", *(row(number) for number in range(100, 110))),
    ]
    (trial.folder / "drop" / "d.csv").write_bytes(b"\n")
    trial.fill(*files)


def _told(trial: Trial, ran: Ran) -> dict[str, object]:
    """Return all that the reports say, but for times and ids."""
    told: dict[str, object] = {
        "exit code": ran.code,
        "complaints": [line for line in ran.err.splitlines() if " INFO " not in line],
    }
    for summary in ran.summary["runs"]:
        name, folder = summary["account"], trial.folder / "reports" / summary["run"]
        told[f"{name} summary"] = {key: value for key, value in summary.items() if key not in _OF_THE_MOMENT}
        for file in (*folder.glob("*.csv"), *folder.glob("to_fix/*.csv")):
            with file.open(newline="", encoding="utf-8-sig") as stream:
                told[f"{name} {file.name}"] = [
                    {key: value for key, value in one.items() if key not in _OF_THE_MOMENT}
                    for one in csv.DictReader(stream)
                ]
    return told


def test_reports_are_the_same_as_of_a_run_without(tmp_path: Path, cluster: Cluster) -> None:
    told = {}
    for place, further in {
        "here": (),
        "local": ("--cluster", "local:2"),
        "far": ("--cluster", cluster.address),
    }.items():
        (tmp_path / place).mkdir()
        with begun_trial(tmp_path / place, accounts=("default", "outlet")) as trial:
            _filled(trial)
            told[place] = _told(trial, trial.shipbatch("run", "drop", "--json", *further))
            assert sum(trial.units_charged.values()) == 32
    assert told["here"]["exit code"] == 3
    assert len(told["here"]) == 10
    assert told["local"] == told["here"]
    assert told["far"] == told["here"]
