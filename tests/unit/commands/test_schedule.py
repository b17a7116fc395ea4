from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.in_process import InProcess


def test_units_are_printed_for_this_installation(trial: InProcess) -> None:
    ran = trial.shipbatch("schedule", "--systemd", "incoming", "--at", "22:30")
    assert ran.code == 0
    for part in (
        "# --- shipbatch.service",
        "# --- shipbatch.timer",
        "# --- shipbatch.path",
        f"run --move --wait --config {trial.settings} {trial.folder}/incoming",
        "OnCalendar=*-*-* 22:30:00 America/Toronto",
        f"PathChanged={trial.folder}/incoming",
    ):
        assert part in ran.out
    assert not (trial.folder / "incoming").exists()


def test_lines_for_cron_are_printed(trial: InProcess) -> None:
    ran = trial.shipbatch("schedule", "--cron")
    assert ran.code == 0
    assert "\n0 23 * * * out=$(" in ran.out
    assert f"{trial.folder}/drop" in ran.out


def test_units_can_be_written_where_systemd_looks_for_them(trial: InProcess) -> None:
    units = trial.folder / "units"
    units.mkdir()
    ran = trial.shipbatch("schedule", "--systemd", "--into", units)
    assert ran.code == 0
    assert sorted(file.name for file in units.iterdir()) == ["shipbatch.path", "shipbatch.service", "shipbatch.timer"]
    assert "systemctl daemon-reload" in ran.out
    assert "[Service]" in (units / "shipbatch.service").read_text()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "Give --systemd or --cron."),
        (("--systemd", "--user", "nobody-like-this"), "There is no user nobody-like-this"),
        (("--systemd", "--into", "missing"), "missing/shipbatch.service: cannot be written: No such file"),
        (("--systemd", "--at", "25:00"), "is no time of day"),
        (("--systemd", "--config", "missing.toml"), "there is no settings file yet"),
        (("--cron", "--into", "units"), "--into goes with --systemd"),
    ],
)
def test_what_cannot_be_meant_is_said(trial: InProcess, arguments: tuple[str, ...], said: str) -> None:
    ran = trial.shipbatch("schedule", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err


def test_a_trap_is_told_of_beside_the_units(trial: InProcess) -> None:
    ran = trial.shipbatch("schedule", "--systemd", env={"SHIPBATCH_RETENTION": "3"})
    assert ran.code == 0
    assert "Warning: SHIPBATCH_RETENTION is set here" in ran.err
    assert "Warning" not in ran.out
