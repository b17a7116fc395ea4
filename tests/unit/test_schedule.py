from __future__ import annotations

import shlex
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.errors import Exit
from batch.schedule import SUCCESS, Installation, as_one_text, cron_lines, how_to_start, systemd_units

HERE = Installation(
    command=("/opt/shipbatch/bin/shipbatch",),
    settings=Path("/srv/ship/shipbatch.toml"),
    folder=Path("/srv/drop"),
    accounts=("default", "outlet"),
    written=(Path("/srv/ship/state"), Path("/srv/ship/reports"), Path("/home/shipper/.local/state/shipbatch/locks")),
    user="shipper",
    at=(22, 5),
    timezone="America/Toronto",
    quiet=5.0,
    grace=30.0,
    environment={},
    missing=(Path("/srv/drop"), Path("/srv/ship/state")),
)
ODD = replace(
    HERE,
    command=("/opt/my apps/python", "-m", "batch"),
    folder=Path('/srv/100% "fresh" $drop; it\'s'),
    written=(Path("/srv/my state"), Path("/srv/back\\slash")),
    environment={"XDG_STATE_HOME": "/srv/50% state"},
)


def read(unit: str) -> dict[str, list[tuple[str, str]]]:
    """Return the settings of a unit by section, in order."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for line in unit.splitlines():
        if line.startswith("["):
            section = sections.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            section.append((key, value))
    return sections


def values(unit: str, key: str) -> list[str]:
    return [value for section in read(unit).values() for one, value in section if one == key]


def words(value: str) -> list[str]:
    """Return the words of a value as systemd takes them apart."""
    return [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(value)]


def service(here: Installation) -> str:
    return systemd_units(here)["shipbatch.service"]


# systemd


def test_a_night_runs_the_drop_folder_and_then_what_is_left_over() -> None:
    config = ["--config", "/srv/ship/shipbatch.toml"]
    assert [words(value) for value in values(service(HERE), "ExecStart")] == [
        ["/opt/shipbatch/bin/shipbatch", "run", "--move", "--wait", *config, "/srv/drop"],
        ["/opt/shipbatch/bin/shipbatch", "resume", "--wait", *config],
    ]
    assert values(service(HERE), "User") == ["shipper"]
    assert values(service(HERE), "Type") == ["oneshot"]


def test_paths_with_odd_characters_reach_the_command_as_they_are() -> None:
    run, resume = (words(value) for value in values(service(ODD), "ExecStart"))
    assert run[:3] == resume[:3] == ["/opt/my apps/python", "-m", "batch"]
    assert run[-1] == str(ODD.folder)
    assert words(values(service(ODD), "Environment")[0]) == ["XDG_STATE_HOME=/srv/50% state"]
    assert [word.replace("%%", "%") for word in shlex.split(values(service(ODD), "ReadWritePaths")[0])] == [
        *map(str, (ODD.folder, *ODD.written))
    ]
    assert values(systemd_units(ODD)["shipbatch.path"], "PathChanged")[0].replace("%%", "%") == str(ODD.folder)


@given(st.lists(st.text(st.characters(categories=("L", "N", "P", "S", "Zs"), codec="utf-8")), min_size=1))
def test_every_command_is_taken_apart_into_the_words_it_was_made_of(command: list[str]) -> None:
    here = replace(HERE, command=("/bin/x", *command))
    assert words(values(service(here), "ExecStart")[1])[1 : 1 + len(command)] == command


def test_codes_that_are_other_peoples_work_or_go_on_by_themselves_are_no_failures() -> None:
    (success,) = values(service(HERE), "SuccessExitStatus")
    assert [int(code) for code in success.split()] == [*SUCCESS]
    failures = set(Exit) - {*SUCCESS, Exit.OK}
    assert failures == {Exit.USAGE, Exit.UNKNOWN, Exit.FATAL, Exit.BUSY, Exit.INTERRUPTED}


def test_the_service_may_do_little_and_write_only_where_it_must() -> None:
    hardened = dict(read(service(HERE))["Service"])
    assert hardened["NoNewPrivileges"] == hardened["PrivateTmp"] == hardened["PrivateDevices"] == "yes"
    assert (hardened["ProtectSystem"], hardened["ProtectHome"]) == ("strict", "read-only")
    assert hardened["ReadWritePaths"].split() == ["/srv/drop", *map(str, HERE.written)]
    assert hardened["CapabilityBoundingSet"] == ""
    assert hardened["UMask"] == "0077"


@pytest.mark.parametrize("path", ["tmp/drop", "var/tmp/drop"])
def test_what_lies_in_a_temporary_folder_is_not_hidden_from_the_service(path: str) -> None:
    assert values(service(replace(HERE, folder=Path("/", path))), "PrivateTmp") == ["no"]


def test_a_stop_has_time_for_the_calls_in_flight() -> None:
    assert values(service(replace(HERE, grace=45.5)), "TimeoutStopSec") == ["105"]
    assert values(service(HERE), "TimeoutStartSec") == ["infinity"]


def test_a_missed_night_is_caught_up_with_and_the_hour_is_that_of_the_settings() -> None:
    timer = read(systemd_units(HERE)["shipbatch.timer"])
    assert timer["Timer"] == [("OnCalendar", "*-*-* 22:05:00 America/Toronto"), ("Persistent", "true")]
    assert timer["Install"] == [("WantedBy", "timers.target")]


def test_a_drop_starts_the_service_in_whichever_accounts_folder_it_falls() -> None:
    path = systemd_units(HERE)["shipbatch.path"]
    assert values(path, "PathChanged") == ["/srv/drop", "/srv/drop/default", "/srv/drop/outlet"]
    assert read(path)["Install"]


def test_a_stop_file_pauses_the_night() -> None:
    assert values(service(HERE), "ConditionPathExists") == ["!/srv/drop/STOP"]


def waiting(folder: Path, quiet: float) -> subprocess.Popen[bytes]:
    """Start what the service does before all else."""
    (value,) = values(service(replace(HERE, folder=folder, quiet=quiet)), "ExecStartPre")
    return subprocess.Popen(words(value))


def test_a_file_that_has_just_changed_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "outlet").mkdir()
    (tmp_path / "outlet" / "orders.csv").write_text("half")
    with waiting(tmp_path, 3600) as process:
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(0.3)
        process.terminate()


def test_a_folder_in_which_nothing_has_changed_is_taken_at_once(tmp_path: Path) -> None:
    folder = tmp_path / 'it\'s 100% "odd" $x'
    folder.mkdir()
    with waiting(folder, 3600) as process:
        assert process.wait(30) == 0


def test_all_units_in_one_text_say_what_to_do_with_them() -> None:
    units = systemd_units(HERE)
    text = as_one_text(HERE, units)
    assert all(f"# --- {name}\n{unit}" in text for name, unit in units.items())
    assert "#   install -d -m 700 -o shipper /srv/drop /srv/ship/state\n" in text
    assert "# Make the folders" in text


def test_folders_that_are_there_keep_their_rights() -> None:
    assert not any("install -d" in line for line in how_to_start(replace(HERE, missing=())))


# cron


def cron(here: Installation) -> list[tuple[str, str]]:
    """Return when and what, of each line that is no comment."""
    lines = [line for line in cron_lines(here).splitlines() if not line.startswith("#")]
    night, reboot = lines
    minute, hour, *days, job = night.split(" ", 5)
    assert days == ["*", "*", "*"]
    return [(f"{hour}:{minute}", job), (reboot.partition(" ")[0], reboot.partition(" ")[2])]


def test_cron_runs_the_same_every_night_and_after_a_start_of_the_machine() -> None:
    (night, job), (reboot, again) = cron(HERE)
    assert (night, reboot) == ("22:5", "@reboot")
    assert job == again
    assert "/srv/drop 2>&1" in job
    assert job.index(" run --move") < job.index(" resume ")


@pytest.mark.parametrize(("code", "said"), [(0, ""), (1, "told\ntold\n")])
def test_cron_says_something_only_where_something_is_not_well(tmp_path: Path, code: int, said: str) -> None:
    script = tmp_path / "it's 100% shipbatch"
    script.write_text(f'#!/bin/sh\necho "$XDG_STATE_HOME" "$@" >> "{tmp_path}/calls"\necho told\nexit {code}\n')
    script.chmod(0o700)
    (_, job), _ = cron(replace(ODD, command=(str(script),)))
    assert "%" not in job.replace("\\%", "")
    ran = subprocess.run(["/bin/sh", "-c", job.replace("\\%", "%")], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == (said, "")
    first, second = (tmp_path / "calls").read_text().splitlines()
    assert first == f"/srv/50% state run --move --wait --config /srv/ship/shipbatch.toml {ODD.folder}"
    assert second == "/srv/50% state resume --wait --config /srv/ship/shipbatch.toml"
