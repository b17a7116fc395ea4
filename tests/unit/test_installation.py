from __future__ import annotations

import os
import pwd
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from batch.errors import SettingsError, UsageError
from batch.installation import installation, traps

if TYPE_CHECKING:
    from collections.abc import Callable

    from batch.schedule import Installation

ACCOUNT = '[accounts.default]\nclient_id = "client-1"\nclient_secret_file = "secret.txt"\n'
ANOTHER = next(one for one in pwd.getpwall() if one.pw_uid not in (0, os.getuid()))


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder with settings."""
    for name in [name for name in os.environ if name.startswith("SHIPBATCH_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    monkeypatch.chdir(tmp_path)
    (tmp_path / "secret.txt").write_text("hush-hush")
    (tmp_path / "secret.txt").chmod(0o600)
    (tmp_path / "shipbatch.toml").write_text(ACCOUNT)
    (tmp_path / "shipbatch.toml").chmod(0o600)
    return tmp_path


def found(
    config: Path | None = None, folder: Path | None = None, at: tuple[int, int] = (23, 0), user: str | None = None
) -> Installation:
    return installation(config, folder, at=at, user=user)


def test_everything_is_found_by_its_whole_path(here: Path) -> None:
    one = found(Path("shipbatch.toml"), Path("incoming"))
    assert (one.settings, one.folder) == (here / "shipbatch.toml", here / "incoming")
    assert one.written == (here / "state", here / "reports", here / "xdg" / "shipbatch" / "locks")
    assert one.accounts == ("default",)
    assert (one.timezone, one.quiet, one.grace) == ("America/Toronto", 5, 30)
    assert all(Path(part).is_absolute() for part in one.command[:1])


def test_the_drop_folder_lies_beside_the_settings_where_none_is_named(here: Path) -> None:
    assert found().folder == here / "drop"


def test_folders_that_are_still_to_be_made_are_known(here: Path) -> None:
    (here / "reports").mkdir()
    assert found().missing == (here / "drop", here / "state", here / "xdg" / "shipbatch" / "locks")


def test_whoever_asks_is_whom_it_runs_as_with_their_own_place_for_locks(here: Path) -> None:
    one = found()
    assert one.user == pwd.getpwuid(os.getuid()).pw_name
    assert one.environment == {"XDG_STATE_HOME": str(here / "xdg")}


def test_another_user_has_locks_in_their_home(here: Path) -> None:
    one = found(user=ANOTHER.pw_name)
    assert one.user == ANOTHER.pw_name
    assert Path(ANOTHER.pw_dir) / ".local/state/shipbatch/locks" in one.written
    assert one.environment == {}
    assert here / "state" in one.written


def test_without_a_place_of_their_own_nothing_is_said_of_it(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XDG_STATE_HOME")
    assert found(here / "shipbatch.toml").environment == {}


def test_only_what_must_be_written_is(here: Path) -> None:
    (here / "shipbatch.toml").write_text(
        f'journal = "sqlite:////srv/ship/journal.db"\nreports = "drop/reports"\n'
        f'{ACCOUNT}[metrics]\ntextfile = "/var/lib/node/ship.prom"\n'
    )
    written = found().written
    assert here / "drop" / "reports" not in written
    assert {Path("/srv/ship"), Path("/var/lib/node"), here / "state"} <= {*written}
    (here / "shipbatch.toml").write_text(f'journal = "postgresql+psycopg://db/journal"\n{ACCOUNT}')
    assert found().written[:2] == (here / "state", here / "reports")


def test_the_command_is_the_one_that_is_asked(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert here.is_dir()
    (here / "python").touch()
    monkeypatch.setattr(sys, "executable", str(here / "python"))
    monkeypatch.setenv("PATH", "")
    assert found().command == (str(here / "python"), "-m", "batch")
    elsewhere = here / "bin"
    elsewhere.mkdir()
    (elsewhere / "shipbatch").touch(mode=0o700)
    monkeypatch.setenv("PATH", str(elsewhere))
    assert found().command == (str(elsewhere / "shipbatch"),)
    (here / "shipbatch").touch()
    assert found().command == (str(here / "shipbatch"),)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda here: (here / "shipbatch.toml").unlink(), "there is no settings file yet; `shipbatch init`"),
        (lambda here: (here / "shipbatch.toml").write_text("retention = 0"), "retention: "),
    ],
)
def test_what_could_not_run_gets_no_schedule(here: Path, spoil: Callable[[Path], None], said: str) -> None:
    spoil(here)
    with pytest.raises(UsageError, match=said):
        found()


def test_mistakes_of_the_settings_are_told_all(here: Path) -> None:
    (here / "shipbatch.toml").write_text("retention = 0\ngrace = -1")
    with pytest.raises(SettingsError) as refused:
        found()
    assert len(refused.value.problems) == 2


def test_an_unknown_user_is_said_with_how_to_make_one(here: Path) -> None:
    assert here.is_dir()
    with pytest.raises(UsageError, match=r"There is no user nobody-like-this .*useradd --system"):
        found(user="nobody-like-this")


@pytest.mark.parametrize("name", ["line\nbreak", "\udcff"])
def test_a_path_that_no_unit_can_hold_is_refused(here: Path, name: str) -> None:
    with pytest.raises(UsageError, match="no unit can hold this path"):
        found(folder=here / name)


# Traps


def test_what_works_by_day_only_is_told_of(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "shipbatch.toml").write_text(
        f'{ACCOUNT}[accounts.canada]\nclient_id = "c"\nclient_secret_keyring = "a/b"\n'
        '[accounts.legacy]\napi = "walmart-canada"\nconsumer_id = "c"\nchannel_type = "t"\n'
        'private_key_keyring = "a/b"\n'
    )
    monkeypatch.setenv("SHIPBATCH_RETENTION", "3")
    monkeypatch.setenv("SHIPBATCH_CONFIG", str(here / "shipbatch.toml"))
    told = [trap for trap in traps(None, found()) if "root" not in trap]
    assert [trap.partition(";")[0] for trap in told] == [
        "SHIPBATCH_RETENTION is set here and will not be at night",
        "account canada: nobody unlocks the keyring at night",
        "account legacy: nobody unlocks the keyring at night",
    ]


def test_files_that_the_user_cannot_read_are_told_of(here: Path) -> None:
    one = found(user=ANOTHER.pw_name)
    assert [trap.partition(" ")[0] for trap in traps(None, one)] == [
        str(here / "shipbatch.toml"),
        str(here / "secret.txt"),
    ]
    (here / "shipbatch.toml").chmod(0o644)
    (here / "secret.txt").unlink()
    assert list(traps(None, one)) == []


def test_a_file_of_the_users_group_can_be_read(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    group = (here / "shipbatch.toml").stat().st_gid
    monkeypatch.setattr("os.getgrouplist", lambda *_: [group])
    for file in ("shipbatch.toml", "secret.txt"):
        (here / file).chmod(0o640)
    assert list(traps(None, found(user=ANOTHER.pw_name))) == []


def test_running_as_root_is_told_of(here: Path) -> None:
    assert any("runs as root" in trap for trap in traps(None, found(here / "shipbatch.toml", user="root")))
