from __future__ import annotations

from typing import TYPE_CHECKING

from batch.sandbox import Action, Kind, Rule
from batch.sandbox.faults import FaultScript
from tests.trial import HEADER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.trial import Trial

FIRST = ("309121065891123", "1", "2", "Canada Post", "7035114477138472", "2026-11-20 15:00")
SECOND = ("309121065891124", "1", "1", "Purolator", "320595463938", "2026-11-20 15:00")
BROKEN = ("309121065891126", "1", "1", "Canada Post", "7.03511E+15", "2026-11-20 15:00")


def names(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def drop_of(trial: Trial, *sub_folders: str) -> Path:
    drop = trial.folder / "drop"
    for folder in (drop, *(drop / name for name in sub_folders)):
        folder.mkdir(parents=True, exist_ok=True)
    return drop


def test_each_file_of_a_folder_is_moved_beside_where_it_lay_with_its_report(trial: Trial) -> None:
    drop = drop_of(trial)
    good, mixed = trial.write("drop/good.csv", FIRST), trial.write("drop/mixed.csv", SECOND, BROKEN)
    trial.fill(good, mixed)
    (drop / "broken.csv").write_bytes(b"%PDF-1.7")
    ran = trial.shipbatch("run", "--move", drop)
    assert ran.code == 3
    assert names(drop) == {
        "done/good.csv",
        "done/good.report.html",
        "to_fix/mixed.csv",
        "to_fix/mixed.report.html",
        "to_fix/mixed.to_fix.csv",
        "unreadable/broken.csv",
        "unreadable/broken.report.html",
    }
    assert f"{good}: moved to {drop}/done/good.csv\n" in ran.err
    assert BROKEN[0] not in (drop / "done/good.report.html").read_text()
    assert trial.shipbatch("run", "--move", drop).code == 0
    assert len(names(drop)) == 7


def test_a_single_file_is_moved_too_and_quietly_if_that_is_wanted(trial: Trial) -> None:
    file = trial.write("good.csv", FIRST)
    trial.fill(file)
    ran = trial.shipbatch("run", "--move", "--quiet", "good.csv")
    assert (ran.code, ran.err) == (0, "")
    assert (trial.folder / "done/good.csv").exists()


def test_without_move_every_file_stays(trial: Trial) -> None:
    file = trial.write("good.csv", FIRST)
    trial.fill(file)
    assert trial.shipbatch("run", file).code == 0
    assert file.exists()


def test_a_file_stays_until_its_rows_have_ended_and_goes_in_the_night_when_they_have(trial: Trial) -> None:
    drop = drop_of(trial)
    trial.fill(trial.write("drop/march.csv", FIRST, SECOND))
    trial.write_settings(outages=1)
    trial.sandbox.server.faults = FaultScript([Rule(action=Action.UNAVAILABLE, kind=Kind.READ)])
    ran = trial.shipbatch("run", "--move", drop)
    assert (ran.code, names(drop)) == (4, {"march.csv"})
    assert "march.csv: stays until the rest of its rows have ended" in ran.err
    trial.sandbox.server.faults = FaultScript()
    assert trial.shipbatch("resume").code == 0
    assert trial.shipbatch("run", "--move", drop).code == 0
    assert names(drop) == {"done/march.csv", "done/march.report.html"}
    assert sorted(trial.units_charged.values()) == [1, 2]


def test_a_sub_folder_has_its_own_folders(trial: Trial) -> None:
    drop = drop_of(trial, "default")
    trial.fill(trial.write("drop/default/march.csv", FIRST))
    assert trial.shipbatch("run", "--move", drop).code == 0
    assert names(drop) == {"default/done/march.csv", "default/done/march.report.html"}


def test_the_last_row_of_a_file_that_ends_within_it_is_held_where_files_are_dropped(trial: Trial) -> None:
    drop = drop_of(trial)
    columns = (*HEADER[:4], "shipDateTime", "trackingNumber")
    cut = f"{','.join(columns)}\n{SECOND[0]},1,1,Purolator,2026-11-20 15:00,32059546"
    (drop / "cut.csv").write_text(cut)
    (drop / "whole.csv").write_text(cut.replace(SECOND[0], FIRST[0]) + "3938")
    trial.fill(drop / "cut.csv", drop / "whole.csv")
    assert trial.shipbatch("run", "--move", drop).code == 1
    assert {order for order, _, _ in trial.units_charged} == {FIRST[0]}
    assert "the number is whole" in (drop / "to_fix/cut.to_fix.csv").read_text()
    assert trial.shipbatch("run", drop / "to_fix/cut.csv").code == 0  # a person says that it is whole


def test_a_file_stop_keeps_files_from_being_taken(trial: Trial) -> None:
    drop = drop_of(trial, "default")
    trial.fill(trial.write("drop/march.csv", FIRST))
    for stop in (drop / "STOP", drop / "default/STOP"):
        stop.touch()
        ran = trial.shipbatch("run", "--move", drop)
        assert (ran.code, ran.err) == (4, f"{stop}: nothing is sent from this folder until that file is gone.\n")
        stop.unlink()
    assert trial.units_charged == {}
    (drop / "STOP").touch()
    assert trial.shipbatch("run", drop).code == 0  # a run by hand does not read it as a file


def test_a_file_that_cannot_be_moved_is_said_and_changes_no_exit_code(trial: Trial) -> None:
    file = trial.write("march.csv", FIRST)
    trial.fill(file)
    (trial.folder / "done").symlink_to("nowhere")
    ran = trial.shipbatch("run", "--move", file)
    assert (ran.code, file.exists()) == (0, True)
    assert "march.csv: cannot be moved into done/ (File exists)." in ran.err
