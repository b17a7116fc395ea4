from __future__ import annotations

import stat
import tomllib
from typing import TYPE_CHECKING

import pytest

from batch.sandbox.demo import demo_key, demo_seller, example_settings
from batch.settings import load

if TYPE_CHECKING:
    from pathlib import Path

URL = "http://127.0.0.1:8080"


@pytest.mark.parametrize("api", ["walmart-global", "walmart-canada"])
def test_the_settings_are_ready_to_use(api: str, tmp_path: Path) -> None:
    folder = tmp_path / "new"
    (folder.parent / "other").mkdir()
    text = example_settings(api, URL, folder, overrides={"settle_time": 1.5, "preflight": False, "workers": 4})
    (folder / "shipbatch.toml").write_text(text, encoding="utf-8")
    account = load(folder / "shipbatch.toml").accounts["default"]
    assert (account.api, account.base_url, account.rate.ship) == (api, URL, 0)
    assert (account.settle_time, account.preflight, account.workers) == (1.5, False, 4)
    assert account.seller in (demo_seller().client_id, demo_seller().consumer_id)


@pytest.mark.parametrize("api", ["walmart-global", "walmart-canada"])
def test_secrets_are_the_owner_s_only(api: str, tmp_path: Path) -> None:
    example_settings(api, URL, tmp_path)
    files = list(tmp_path.iterdir())
    assert len(files) == 1
    assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600]


def test_the_key_is_made_once(tmp_path: Path) -> None:
    first = demo_key(tmp_path).read_bytes()
    example_settings("walmart-canada", URL, tmp_path)
    assert demo_key(tmp_path).read_bytes() == first


def test_several_accounts_and_tables_can_be_written(tmp_path: Path) -> None:
    sellers = {"nord": demo_seller(), "sud": demo_seller(number=1)}
    overrides = {"rate": {"ship": 30}, "carriers": {'Purolator "Inc."': "PCLINT"}}
    read = tomllib.loads(example_settings("walmart-global", URL, tmp_path, sellers=sellers, overrides=overrides))
    assert [account["client_id"] for account in read["accounts"].values()] == ["sandbox-client-0", "sandbox-client-1"]
    assert read["accounts"]["sud"]["rate"] == {"ship": 30}
    assert read["accounts"]["sud"]["carriers"] == {'Purolator "Inc."': "PCLINT"}


def test_a_seller_may_bring_a_key_from_elsewhere(key_folder: Path, tmp_path: Path) -> None:
    sellers = {"default": demo_seller(key_folder)}
    read = tomllib.loads(example_settings("walmart-canada", URL, tmp_path, sellers=sellers))
    assert read["accounts"]["default"]["private_key_file"] == str(demo_key(key_folder))
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_api_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="neither walmart-global nor walmart-canada"):
        example_settings("ebay", URL, tmp_path)
