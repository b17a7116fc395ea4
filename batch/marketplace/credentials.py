"""From an account of the settings to a dialect that can speak for it: reads the secrets, once."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from batch.errors import SettingsError
from batch.marketplace.global_api import GlobalApi
from batch.marketplace.legacy_canada import LegacyCanada
from batch.marketplace.signature import Signer, load_private_key

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic import SecretStr

    from batch.marketplace.dialect import Dialect, MultiPackage
    from batch.settings import Account

LARGEST_SECRET = 65_536  # bytes
_READABLE_BY_OTHERS = stat.S_IRGRP | stat.S_IROTH


def open_dialect(account: Account, multi_package: MultiPackage | None = None) -> Dialect:
    """Return the account's dialect with its secrets loaded.

    Raises SettingsError where a secret's file cannot be read, a key is no RSA key, or a value fits no header.
    """
    if account.api == "walmart-global":
        secret = _secret("client_secret", account.client_secret, account.client_secret_file)
        return GlobalApi(
            base_url=account.base_url,
            client_id=account.client_id,
            client_secret=secret,
            market=account.market,
            service_name=account.service_name,
            multi_package=multi_package,
        )
    key = load_private_key(_secret("private_key", account.private_key, account.private_key_file))
    return LegacyCanada(
        base_url=account.base_url,
        signer=Signer(account.consumer_id, key),
        channel_type=account.channel_type,
        service_name=account.service_name,
        multi_package=multi_package,
    )


def exposed_secrets(account: Account) -> list[str]:
    """Return a warning for each file of secrets that others on this machine can read. For `doctor` and the log."""
    files = [account.client_secret_file if account.api == "walmart-global" else account.private_key_file]
    return [
        f"{path} can be read by other users of this machine; close it with: chmod 600 {path}"
        for path in files
        if path and path.exists() and path.stat().st_mode & _READABLE_BY_OTHERS
    ]


def _secret(setting: str, value: SecretStr, path: Path | None) -> str:
    """Return the secret given in place, else the one in the file. Sentences never quote it."""
    if given := value.get_secret_value().strip():
        return given
    if path is None:
        raise SettingsError([f"{setting}_file: is missing"])
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_SECRET + 1)
        text = content.decode("utf-8-sig").strip()
    except OSError as error:
        raise SettingsError([f"{setting}_file: {path} cannot be read ({error.strerror})"]) from None
    except UnicodeDecodeError:
        raise SettingsError([f"{setting}_file: {path} is no text file"]) from None
    if not text or len(content) > LARGEST_SECRET:
        raise SettingsError([f"{setting}_file: {path} is {'too large' if text else 'empty'}"])
    return text
