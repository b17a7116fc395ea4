from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_other_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from batch.sandbox import Action, Kind, Options, Rule
from batch.sandbox.faults import FaultScript
from tests.in_process import begun_in_process
from tests.trial import APIS

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.in_process import InProcess
    from tests.ran import Ran

ROW = ("309121065891001", "1", 1, "Canada Post", "7035114477138472", "2026-11-20 10:00")
SECRET = "sandbox-client-0.secret.txt"
KEY = "sandbox-key.pem"


def findings(ran: Ran) -> dict[str, list[dict[str, Any]]]:
    """Return what was found, by what it is about."""
    by_matter: dict[str, list[dict[str, Any]]] = {}
    for one in ran.summary["findings"]:
        by_matter.setdefault(one["about"], []).append(one)
    assert ran.summary["exit_code"] == ran.code
    return by_matter


def not_well(ran: Ran) -> list[dict[str, Any]]:
    return [one for some in findings(ran).values() for one in some if one["standing"] != "well"]


def test_what_is_found_can_be_read_by_programs(trial: InProcess) -> None:
    trial.shipbatch("run", trial.write("orders.csv"))
    found = findings(trial.shipbatch("doctor", "--json"))
    assert list(found) == [
        *("settings", "credentials", "marketplace", "clock", "profiles", "journal", "orders", "folders", "disk")
    ]
    assert {one["standing"] for some in found.values() for one in some} == {"well"}
    assert found["credentials"][0]["account"] == "default"


def test_a_wrong_consumer_id_is_fatal(tmp_path: Path) -> None:
    with begun_in_process(tmp_path, APIS[1]) as trial:
        trial.write_settings(channel_type="another")
        ran = trial.shipbatch("doctor", "--json")
    (one,) = not_well(ran)
    assert (ran.code, one["about"]) == (6, "marketplace")
    assert "channel_type" in one["said"]


def test_a_host_that_cannot_be_reached_is_temporary(either: InProcess) -> None:
    either.write_settings(base_url="http://127.0.0.1:1")
    ran = either.shipbatch("doctor", "--json")
    (one,) = not_well(ran)
    assert (ran.code, one["about"]) == (4, "marketplace")
    assert "127.0.0.1:1 cannot be reached" in one["said"]


def test_a_limit_that_is_reached_is_no_reason_to_worry(trial: InProcess) -> None:
    trial.sandbox.server.faults = FaultScript((Rule(action=Action.THROTTLED, kind=Kind.FIND),), 0)
    ran = trial.shipbatch("doctor")
    assert ran.code == 0
    assert "warning  marketplace (default)" in ran.out
    assert ran.out.splitlines()[-1] == "Nothing is wrong; 1 warning."


@pytest.mark.parametrize(("api", "code"), [(APIS[0], 0), (APIS[1], 6)])
def test_a_clock_that_is_off_keeps_signatures_from_being_accepted(tmp_path: Path, api: str, code: int) -> None:
    with begun_in_process(tmp_path, api, Options(clock_offset=3600)) as trial:
        ran = trial.shipbatch("doctor", "--json")
    assert ran.code == code
    (clock,) = findings(ran)["clock"]
    assert "clock is 1 h behind" in clock["said"]
    assert "timedatectl" in clock["mend"]


def _missing(folder: Path) -> None:
    (folder / KEY).unlink()


def _no_key(folder: Path) -> None:
    (folder / KEY).write_text("hush-hush")


def _no_rsa_key(folder: Path) -> None:
    other = generate_other_key(SECP256R1())
    (folder / KEY).write_bytes(other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (_missing, "cannot be read (No such file or directory)"),
        (_no_key, "this cannot be read as a key"),
        (_no_rsa_key, "this is no RSA key"),
    ],
)
def test_a_key_that_cannot_be_used_is_told_of(tmp_path: Path, spoil: Callable[[Path], None], said: str) -> None:
    with begun_in_process(tmp_path, APIS[1]) as trial:
        spoil(tmp_path)
        ran = trial.shipbatch("doctor", "--json")
        assert not trial.sandbox.counters.log
    (one,) = not_well(ran)
    assert (ran.code, one["about"]) == (2, "credentials")
    assert said in one["said"]
    assert str(tmp_path / KEY) in one["said"]
    assert "hush" not in ran.out + ran.err


def test_a_secret_that_others_can_read_is_a_warning_only(either: InProcess) -> None:
    file = either.folder / (SECRET if either.api == APIS[0] else KEY)
    file.chmod(0o644)
    ran = either.shipbatch("doctor")
    assert ran.code == 0
    assert f"-> chmod 600 {file}" in ran.out


def test_all_mistakes_of_the_settings_are_told_each_with_its_key(trial: InProcess) -> None:
    trial.write_settings(timeout=0, workers="many", colour="red")
    ran = trial.shipbatch("doctor", "--json", env={"SHIPBATCH_RETENTION": "0"})
    assert ran.code == 2
    told = [one["said"] for one in findings(ran)["settings"]]
    assert [one.split(": ")[1] for one in told] == [
        "accounts.default.workers",
        "accounts.default.timeout",
        "accounts.default.colour",
        "retention",
    ]
    assert told[3].startswith("SHIPBATCH_RETENTION (in the environment): ")


def test_without_settings_the_way_to_them_is_told(trial: InProcess) -> None:
    trial.settings.unlink()
    ran = trial.shipbatch("doctor")
    assert ran.code == 2
    assert "-> `shipbatch init` asks for what it needs." in ran.out
    named = trial.shipbatch("doctor", "--config", "nowhere.toml")
    assert (named.code, named.out) == (2, "")
    assert named.err == "nowhere.toml: there is no such settings file; `shipbatch init` writes one.\n"


def test_an_unknown_account_is_a_usage_error(trial: InProcess) -> None:
    ran = trial.shipbatch("doctor", "--account", "outlet")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err == "There is no account 'outlet' in the settings; there are: default.\n"


def test_only_the_account_that_is_named_is_looked_at(trial: InProcess) -> None:
    with trial.settings.open("a") as settings:
        settings.write('\n[accounts.outlet]\nclient_id = "c"\nclient_secret_file = "missing.txt"\n')
    assert trial.shipbatch("doctor").code == 2
    ran = trial.shipbatch("doctor", "--account", "default", "--json")
    assert ran.code == 0
    assert [one["account"] for one in findings(ran)["credentials"]] == ["default"]


def test_a_journal_that_is_damaged_is_fatal(trial: InProcess) -> None:
    trial.shipbatch("run", trial.write("orders.csv"))
    journal = trial.folder / "state" / "journal.db"
    journal.write_bytes(b"no journal" * 1000)
    ran = trial.shipbatch("doctor", "--json")
    assert ran.code == 6
    assert {one["about"] for one in not_well(ran)} == {"journal"}


def test_a_folder_that_cannot_be_written_is_fatal(trial: InProcess) -> None:
    (trial.folder / "reports").write_text("in the way")
    ran = trial.shipbatch("doctor", "--json")
    (one,) = not_well(ran)
    assert (ran.code, one["about"]) == (6, "folders")
    assert one["mend"]


def test_help_shows_examples_and_exit_codes(trial: InProcess) -> None:
    ran = trial.shipbatch("doctor", "--help")
    assert ran.code == 0
    assert "shipbatch doctor --account outlet" in ran.out
