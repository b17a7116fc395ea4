from __future__ import annotations

import os
import re
import stat
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from batch.errors import UsageError
from batch.first_settings import (
    APIS,
    FirstAccount,
    checked,
    checked_secret,
    refuse_to_overwrite,
    secret_name,
    settings_text,
    write_first,
)
from batch.sandbox.demo import demo_key
from batch.settings import Account, Metrics, Notify, Rate, Settings, Watch, load

if TYPE_CHECKING:
    from pydantic import BaseModel

MODERN = FirstAccount(name="default", api=APIS[0], client_id="client-1", secret_file=Path("secret.txt"))
LEGACY = FirstAccount(
    name="outlet",
    api=APIS[1],
    consumer_id="consumer-1",
    channel_type='"quoted" \\ élan',
    secret_file=Path("/keys/my key.pem"),
    base_url="http://127.0.0.1:8790",
    timezone="America/Vancouver",
    ship_from_country="US",
)
COMMENTED = re.compile(r"^# (?=[a-z_]+ = |\[|\"Purolator)", re.MULTILINE)
NOT_OFFERED = {
    "client_secret",
    "private_key",
    "client_secret_keyring",
    "private_key_keyring",
}  # there are better places
EXAMPLES = {"carriers", "textfile", "port"}  # at their default there is nothing to show


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SHIPBATCH_")]:
        monkeypatch.delenv(name)


def read(folder: Path, text: str) -> Settings:
    file = folder / "shipbatch.toml"
    file.write_text(text, encoding="utf-8")
    return load(file)


# The text


@pytest.mark.parametrize("account", [MODERN, LEGACY])
def test_what_was_answered_is_what_the_settings_say(tmp_path: Path, account: FirstAccount) -> None:
    settings = read(tmp_path, settings_text(account))
    (one,) = settings.accounts.values()
    assert list(settings.accounts) == [account.name]
    assert settings.timezone == account.timezone
    for key in ("api", "client_id", "consumer_id", "channel_type", "base_url", "ship_from_country"):
        assert getattr(one, key) == getattr(account, key)
    assert tmp_path / account.secret_file in (one.client_secret_file, one.private_key_file)


@pytest.mark.parametrize("account", [MODERN, LEGACY])
def test_a_line_that_is_uncommented_is_at_its_default(tmp_path: Path, account: FirstAccount) -> None:
    text = settings_text(account)
    before, after = (
        read(tmp_path, each).model_dump(
            exclude={"accounts": {account.name: {"carriers"}}, "metrics": {"port", "textfile"}}
        )
        for each in (text, COMMENTED.sub("", text))
    )
    assert before == after


@pytest.mark.parametrize(("model", "where"), [(Rate, ["accounts", "default", "rate"]), (Watch, ["watch"])])
def test_every_further_key_is_offered(model: type[BaseModel], where: list[str]) -> None:
    written = tomllib.loads(COMMENTED.sub("", settings_text(MODERN)))
    for part in where:
        written = written[part]
    assert set(written) == set(model.model_fields)


def test_every_key_is_offered() -> None:
    text = settings_text(MODERN) + settings_text(LEGACY)
    written = {line.partition(" = ")[0].strip("#[] ") for line in text.splitlines()}
    sections = {name.rpartition(".")[2].split("]")[0] for name in written}
    for model in (Settings, Account, Notify, Metrics):
        assert set(model.model_fields) - NOT_OFFERED - {"accounts"} <= written | sections | {"carriers"}


def test_no_secret_stands_in_the_settings() -> None:
    text = settings_text(MODERN)
    assert not re.search(r"^#? ?(client_secret|private_key) =", text, re.MULTILINE)


# Writing


def test_settings_and_secret_are_written_for_the_owner_alone(tmp_path: Path) -> None:
    file = tmp_path / "new" / "shipbatch.toml"
    secret = tmp_path / "new" / "secret.txt"
    assert write_first(file, MODERN, "hush-hush") == [secret, file]
    assert secret.read_text() == "hush-hush\n"
    assert [stat.S_IMODE(path.stat().st_mode) for path in (file, secret)] == [0o600, 0o600]
    assert "hush" not in file.read_text()
    assert sorted(path.name for path in file.parent.iterdir()) == ["secret.txt", "shipbatch.toml"]


def test_a_secret_that_lies_in_a_file_already_is_left_there(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("hush-hush")
    assert write_first(tmp_path / "shipbatch.toml", MODERN) == [tmp_path / "shipbatch.toml"]
    assert (tmp_path / "secret.txt").read_text() == "hush-hush"


@pytest.mark.parametrize("name", ["shipbatch.toml", "secret.txt"])
def test_nothing_is_overwritten_unless_it_is_asked_for_and_then_it_is_kept(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("before")
    with pytest.raises(UsageError, match=f"{name}: it is there already; .*--force"):
        write_first(tmp_path / "shipbatch.toml", MODERN, "hush-hush")
    assert [path.name for path in tmp_path.iterdir()] == [name]
    write_first(tmp_path / "shipbatch.toml", MODERN, "hush-hush", anew=True)
    assert (tmp_path / f"{name}.before").read_text() == "before"
    assert (tmp_path / "secret.txt").read_text() == "hush-hush\n"


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be written: "):
        write_first(tmp_path / "file" / "shipbatch.toml", MODERN)


def test_what_is_not_there_may_be_written(tmp_path: Path) -> None:
    refuse_to_overwrite([tmp_path / "a", tmp_path / "b"], anew=False)


def test_each_account_has_a_secret_of_its_own() -> None:
    assert secret_name("default") == "secret.txt"
    assert secret_name("outlet") == "secret-outlet.txt"


# Answers


@pytest.mark.parametrize(
    ("key", "answer", "taken"),
    [
        ("account", "outlet_2", "outlet_2"),
        ("api", " walmart-canada ", "walmart-canada"),
        ("client_id", "1a2b", "1a2b"),
        ("client_secret", "hush-hush\n", "hush-hush"),
        ("timezone", "America/Halifax", "America/Halifax"),
        ("ship_from_country", "us", "US"),
        ("base_url", "https://example.com/", "https://example.com"),
    ],
)
def test_an_answer_is_taken_as_the_settings_take_it(key: str, answer: str, taken: str) -> None:
    assert checked(key, answer) == taken


@pytest.mark.parametrize(
    ("key", "answer", "said"),
    [
        ("account", "Outlet", "account: an account's name may have only a-z"),
        ("api", "walmart", "api: input should be 'walmart-global' or 'walmart-canada'"),
        ("client_id", "  ", "client_id: is blank"),
        ("client_secret", "", "client_secret: is blank"),
        ("client_secret", "hush\x07hush", "client_secret: is no line of text"),
        ("timezone", "Toronto", "timezone: 'Toronto' is no time zone"),
        ("ship_from_country", "Canada", "ship_from_country: write the two letters"),
        ("base_url", "http://example.com", "base_url: must begin with https://"),
    ],
)
def test_a_wrong_answer_is_said(key: str, answer: str, said: str) -> None:
    with pytest.raises(UsageError) as refused:
        checked(key, answer)
    assert str(refused.value).startswith(said)
    assert "hush" not in str(refused.value)


def test_a_file_with_a_secret_or_a_key_is_taken(tmp_path: Path) -> None:
    secret, key = tmp_path / "secret.txt", demo_key(tmp_path)
    secret.write_text("hush-hush")
    assert checked_secret("secret_file", secret) == secret
    assert checked_secret("private_key_file", key) == key


def test_a_file_without_them_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read"):
        checked_secret("secret_file", tmp_path / "missing.txt")
    secret = tmp_path / "secret.txt"
    secret.write_text("hush-hush")
    with pytest.raises(UsageError, match="this cannot be read as a key") as refused:
        checked_secret("private_key_file", secret)
    assert "hush" not in str(refused.value)
