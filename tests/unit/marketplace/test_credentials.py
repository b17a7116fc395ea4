from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

import pytest

from batch.errors import SettingsError
from batch.marketplace.credentials import open_dialect
from batch.marketplace.dialect import MultiPackage
from batch.marketplace.global_api import GlobalApi
from batch.marketplace.legacy_canada import LegacyCanada
from batch.private import exposed_secrets
from batch.settings import Account

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Keyring(ModuleType):
    """Stands for the library of that name, which is an extra."""

    def __init__(self, entries: Mapping[tuple[str, str], str]) -> None:
        super().__init__("keyring")
        self.entries = entries

    def get_password(self, service: str, username: str) -> str | None:
        if service == "locked":
            raise RuntimeError("hush-hush")
        return self.entries.get((service, username))


def modern(**members: object) -> Account:
    return Account.model_validate({"client_id": "client-1", **members})


def legacy(**members: object) -> Account:
    given = {"api": "walmart-canada", "consumer_id": "consumer-1", "channel_type": "channel-1", **members}
    return Account.model_validate(given)


def basic(account: Account) -> str:
    dialect = open_dialect(account)
    return dialect.headers(dialect.token(), correlation_id="", now_ms=0, proof="")["Authorization"]


def test_a_secret_is_read_from_its_file_without_line_ends_and_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "secret.txt"
    file.write_bytes(b"\xef\xbb\xbfhush-hush\r\n")
    assert basic(modern(client_secret_file=file)) == basic(modern(client_secret="hush-hush"))


def test_a_secret_in_place_wins_over_its_file(tmp_path: Path) -> None:
    account = modern(client_secret="hush-hush", client_secret_file=tmp_path / "missing")
    assert isinstance(open_dialect(account), GlobalApi)


def test_how_several_packages_are_said_is_a_setting() -> None:
    dialect = open_dialect(modern(client_secret="hush-hush", packages_path="packages", packages_wrapped=True))
    assert isinstance(dialect, GlobalApi)
    assert dialect.multi_package == MultiPackage(path="packages", wrapped=True)


def test_a_secret_is_read_from_the_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", Keyring({("shipbatch", "outlet/1"): "hush-hush\n"}))
    account = modern(client_secret_keyring="shipbatch/outlet/1")
    assert basic(account) == basic(modern(client_secret="hush-hush"))
    assert exposed_secrets(account) == []


def test_a_keyring_without_the_secret_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", Keyring({}))
    with pytest.raises(SettingsError, match=r"client_secret_keyring: .*put it there with: keyring set shipbatch me"):
        open_dialect(modern(client_secret_keyring="shipbatch/me"))


def test_a_keyring_that_is_locked_is_said_without_quoting_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", Keyring({}))
    with pytest.raises(SettingsError, match="cannot be opened") as refused:
        open_dialect(modern(client_secret_keyring="locked/me"))
    assert "hush" not in str(refused.value)


def test_a_keyring_needs_its_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(SettingsError, match=r"pip install 'shipbatch\[keyring\]'"):
        open_dialect(legacy(private_key_keyring="shipbatch/key"))


def test_a_key_is_read_from_its_file_or_in_place(tmp_path: Path, key_text: str) -> None:
    file = tmp_path / "key.pem"
    file.write_text(key_text)
    assert isinstance(open_dialect(legacy(private_key_file=file)), LegacyCanada)
    assert isinstance(open_dialect(legacy(private_key=key_text)), LegacyCanada)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xff\xfe\x00", "is no text file"),
        (b"x" * 70_000, "is too large"),
    ],
)
def test_a_file_that_holds_no_secret_is_said(tmp_path: Path, content: bytes, problem: str) -> None:
    file = tmp_path / "secret.txt"
    file.write_bytes(content)
    with pytest.raises(SettingsError) as refused:
        open_dialect(modern(client_secret_file=file))
    assert refused.value.problems == [f"client_secret_file: {file} {problem}"]


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"private_key_file: .*missing\.pem cannot be read \(No such file"):
        open_dialect(legacy(private_key_file=tmp_path / "missing.pem"))


def test_a_blank_secret_without_a_file_is_said() -> None:
    with pytest.raises(SettingsError, match="client_secret_file: is missing"):
        open_dialect(modern(client_secret="  "))


def test_a_file_that_is_no_key_is_said(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    file.write_text("not a key")
    with pytest.raises(SettingsError, match=f"private_key_file: {file}: this cannot be read as a key"):
        open_dialect(legacy(private_key_file=file))
    with pytest.raises(SettingsError, match="private_key: this cannot be read as a key"):
        open_dialect(legacy(private_key="not a key"))


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o400, False), (0o640, True), (0o604, True)])
def test_a_secret_that_others_can_read_is_warned_of(tmp_path: Path, mode: int, warned: bool) -> None:  # noqa: FBT001 - a table
    file = tmp_path / "secret.txt"
    file.write_text("hush-hush")
    file.chmod(mode)
    for account in (modern(client_secret_file=file), legacy(private_key_file=file)):
        warnings = exposed_secrets(account)
        assert bool(warnings) is warned
        assert all(f"chmod 600 {file}" in warning for warning in warnings)


def test_nothing_is_warned_of_where_there_is_no_file(tmp_path: Path) -> None:
    assert exposed_secrets(modern(client_secret="hush-hush")) == []
    assert exposed_secrets(modern(client_secret_file=tmp_path / "missing")) == []
