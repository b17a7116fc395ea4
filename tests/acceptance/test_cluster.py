"""`--cluster`: the same run, sent by Dask workers."""

from __future__ import annotations

import csv
import json
import os
import shutil
import signal
from typing import TYPE_CHECKING

import pytest

from batch.cluster import mission
from tests.clusters import begun_cluster
from tests.in_process import begun_in_process
from tests.trial import Trial, begun_trial, wait_until
from tests.watching import watching

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.ran import Ran

_OF_THE_MOMENT = {
    *("_correlation_id", "_finished_at", "run", "started_at", "finished_at"),
    *("correlationId", "shipBy", "startedAt", "finishedAt"),
}


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
        "complaints": ran.complaints,
    }
    for summary in ran.summary.get("runs", [ran.summary]):
        name, folder = summary["account"], trial.folder / "reports" / summary["run"]
        told[f"{name} summary"] = {key: value for key, value in summary.items() if key not in _OF_THE_MOMENT}
        for file in (*folder.glob("*.csv"), *folder.glob("to_fix/*.csv")):
            with file.open(newline="", encoding="utf-8-sig") as stream:
                told[f"{name} {file.name}"] = [
                    {key: value for key, value in one.items() if key not in _OF_THE_MOMENT}
                    for one in csv.DictReader(stream)
                ]
    return told


def test_reports_are_the_same_as_of_a_run_without(tmp_path: Path) -> None:
    told = {}
    for place, further in {"here": (), "far": ("--cluster", "local:2")}.items():
        (tmp_path / place).mkdir()
        with begun_trial(tmp_path / place, accounts=("default", "outlet")) as trial:
            _filled(trial)
            ran = trial.shipbatch("run", "drop", "--json", *further)
            told[place] = _told(trial, ran)
            assert sum(trial.units_charged.values()) == 32
    assert "Dashboard: http://127.0.0.1:" in ran.err
    assert told["here"]["exit code"] == 3
    assert len(told["here"]) == 10
    assert told["far"] == told["here"]


@pytest.mark.parametrize("most", [mission._MOST, 0])
def test_a_file_that_is_read_in_parts_gives_the_same_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(mission, "_PART", 700)
    monkeypatch.setattr(mission, "_MOST", most)
    told = {}
    for place, further in {"here": (), "far": ("--cluster", "local:2")}.items():
        (tmp_path / place).mkdir()
        with begun_in_process(tmp_path / place) as trial:
            rows = [row(number % 40, number // 40 + 1, tracking=f"1Z999AA1{number:08}") for number in range(80)]
            rows += [row(40, tracking="1,1E+11"), row(0), row(41, quantity="many"), row(41, 2)]
            trial.fill(trial.write("a.csv", *rows), trial.write("b.csv", row(3, 3), row(50)))
            ran = trial.shipbatch("run", "a.csv", "b.csv", "--json", *further)
            told[place] = _told(trial, ran)
    assert told["here"]["exit code"] == 1
    assert told["far"] == told["here"]


@pytest.fixture
def trial(tmp_path: Path) -> Iterator[Trial]:
    """Give a folder whose orders take a while to send, a fifth of a second each."""
    (tmp_path / "ours").mkdir()
    with begun_trial(tmp_path / "ours") as begun:
        begun.write_settings(rate={"ship": 300, "acknowledge": 0, "read": 0})
        yield begun


def test_a_worker_with_settings_of_its_own_needs_no_folder_of_ours(tmp_path: Path, trial: Trial) -> None:
    its = tmp_path / "its"
    its.mkdir()
    secret = trial.folder / "sandbox-client-0.secret.txt"
    its_settings = trial.settings.read_text().replace(str(trial.folder), str(its))
    (its / "shipbatch.toml").write_text(f"journal = 'sqlite:///{trial.folder}/state/journal.db'\n{its_settings}")
    file = trial.write("a.csv", *(row(number) for number in range(10)))
    trial.fill(file)
    environment = trial.environment(SHIPBATCH_CONFIG=str(its / "shipbatch.toml"), XDG_STATE_HOME=str(its))
    with begun_cluster(tmp_path / "cluster", environment, workers=1) as cluster:
        refused = trial.shipbatch("run", file, "--cluster", cluster.address)
        assert refused.code == 2
        assert str(its / secret.name) in refused.err
        assert trial.sandbox.counters.requests == {}
        (its / secret.name).write_text(secret.read_text())
        begun = trial.start("run", file, "--json", "--cluster", cluster.address)
        wait_until(lambda: trial.sandbox.counters.requests.get("ship", 0) > 0)
        begun.terminate()
        left = json.loads(begun.communicate()[0])["orders"]["not_attempted"]
        assert (begun.returncode, left > 0) == (143, True)
        shutil.rmtree(its / "state" / "inputs")  # as if another worker had it
        resumed = trial.shipbatch("resume", "--json", "--cluster", cluster.address)
    assert (resumed.code, resumed.summary["orders"]["shipped"]) == (0, left)
    assert {one["carrier"] for one in trial.rows(resumed)} == {"UPS"}
    assert {path.name for path in its.iterdir()} >= {"state", "shipbatch.toml"}
    assert not (its / "reports").exists()


def test_ctrl_c_stops_workers_of_our_own_in_good_order(trial: Trial) -> None:
    file = trial.write("a.csv", *(row(number) for number in range(20)))
    trial.fill(file)
    running = trial.start("run", file, "--json", "--cluster", "local:1", group=True)
    wait_until(lambda: trial.sandbox.counters.requests.get("ship", 0) > 0)
    os.killpg(running.pid, signal.SIGINT)
    told = json.loads(running.communicate()[0])["orders"]
    assert (running.returncode, told["unknown"], told["shipped"] + told["not_attempted"]) == (130, 0, 20)
    assert told["shipped"] == len(trial.units_charged) < 20


def test_what_is_no_cluster_is_said(trial: Trial) -> None:
    ran = trial.shipbatch("run", trial.write("a.csv"), "--cluster", "nowhere")
    assert (ran.code, ran.err.startswith("--cluster: 'nowhere' is no cluster")) == (2, True)


def test_what_needs_no_workers_says_so(trial: Trial) -> None:
    ran = trial.shipbatch("check", trial.folder, "--cluster", "local:2")
    assert (ran.code, ran.err.startswith("--cluster: check sends nothing")) == (2, True)


# The file drop


def test_what_is_dropped_is_sent_by_workers_and_moved_as_without_them(tmp_path: Path) -> None:
    with begun_trial(tmp_path, accounts=("default", "outlet")) as trial:
        trial.fill(trial.write("all.csv", row(1), row(2), row(100)))
        mine = trial.write("mine.csv", row(1), row(2, tracking="1,1E+11"))
        its = trial.write("its.csv", row(100))
        with watching(trial, "--json", "--cluster", "local:1") as drop:
            drop.wait_for_word("Dashboard: http://127.0.0.1:")
            drop.drop("a.csv", mine.read_bytes())
            drop.drop("outlet/b.csv", its.read_bytes())
            drop.wait_for("to_fix/a.csv", "to_fix/a.report.html", "to_fix/a.to_fix.csv")
            drop.wait_for("outlet/done/b.csv", "outlet/done/b.report.html")
            mended = (drop.folder / "to_fix/a.to_fix.csv").read_text().replace("1,1E+11", "1Z999AA100000002")
            drop.drop("a.to_fix.csv", mended)
            drop.wait_for("done/a.to_fix.csv")
            assert drop.end() == 143
        assert drop.err.count("sending ended: 1 shipped") == 3
        told = [json.loads(line) for line in drop.out.splitlines()]
        assert sorted((one["account"], one["orders"]["shipped"]) for one in told) == [
            ("default", 1),
            ("default", 1),
            ("outlet", 1),
        ]
        assert {path.name for path in (trial.folder / "reports").iterdir()} == {one["run"] for one in told}
        assert set(trial.units_charged.values()) == {1}
        assert len(trial.units_charged) == 3


def test_a_file_stop_and_a_signal_stop_workers_in_good_order(trial: Trial) -> None:
    file = trial.write("a.csv", *(row(number) for number in range(30)))
    trial.fill(file)
    with watching(trial, "--cluster", "local:1", fresh=True) as drop:
        drop.drop("march.csv", file.read_bytes())
        wait_until(lambda: len(trial.units_charged) > 2)
        (drop.folder / "STOP").touch()
        drop.wait_for_word("There is a file STOP", "still to be sent")
        before = len(trial.units_charged)
        (drop.folder / "STOP").unlink()
        wait_until(lambda: len(trial.units_charged) > before)
        assert drop.end(signal.SIGINT) == 130
    assert "Traceback" not in drop.err
    assert len(trial.units_charged) < 30
    assert drop.names() == {"march.csv"}
    trial.write_settings()
    with watching(trial) as drop:
        drop.wait_for("done/march.csv")
    assert len(trial.units_charged) == 30
    assert set(trial.units_charged.values()) == {1}


def test_a_watch_without_a_cluster_or_whose_workers_are_unfit_does_not_begin(tmp_path: Path, trial: Trial) -> None:
    (trial.folder / "drop").mkdir()
    with begun_cluster(tmp_path / "cluster", trial.environment(SHIPBATCH_CONFIG="/none.toml"), workers=1) as cluster:
        ran = trial.shipbatch("watch", "drop", "--cluster", cluster.address)
    assert (ran.code, "/none.toml: there is no such settings file" in ran.err) == (2, True)
