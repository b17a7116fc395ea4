"""From an account of the settings to a dialect that can speak for it: reads the secrets, once."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Literal

from batch.errors import SettingsError
from batch.marketplace.dialect import MultiPackage
from batch.marketplace.global_api import GlobalApi
from batch.marketplace.legacy_canada import LegacyCanada
from batch.marketplace.signature import Signer, load_private_key

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from batch.marketplace.dialect import Dialect
    from batch.settings import Account

LARGEST_SECRET = 65_536  # bytes


def open_dialect(account: Account) -> Dialect:
    """Return the account's dialect with its secrets loaded.

    Raises SettingsError where a secret cannot be read, a key is no RSA key, or a value fits no header.
    """
    multi_package = MultiPackage(path=account.packages_path, wrapped=account.packages_wrapped)
    if account.api == "walmart-global":
        secret, _ = _secret(account, "client_secret")
        return GlobalApi(
            base_url=account.base_url,
            client_id=account.client_id,
            client_secret=secret,
            market=account.market,
            service_name=account.service_name,
            multi_package=multi_package,
        )
    return LegacyCanada(
        base_url=account.base_url,
        signer=Signer(account.consumer_id, _private_key(account)),
        channel_type=account.channel_type,
        service_name=account.service_name,
        multi_package=multi_package,
    )


def open_dialect_of(name: str, account: Account) -> Dialect:
    """Return the dialect of an account of the settings, as `open_dialect` does; what is wrong names its key there."""
    try:
        return open_dialect(account)
    except SettingsError as error:
        raise SettingsError([f"accounts.{name}.{problem}." for problem in error.problems]) from None


def _private_key(account: Account) -> RSAPrivateKey:
    text, origin = _secret(account, "private_key")
    try:
        return load_private_key(text)
    except SettingsError as error:
        problems = [f"{origin}: {problem.removeprefix('private_key: ')}" for problem in error.problems]
    raise SettingsError(problems)


def _secret(account: Account, setting: Literal["client_secret", "private_key"]) -> tuple[str, str]:
    """Return the secret and where it was found: in place, else in the keyring, else in its file.

    Sentences never quote the secret itself.
    """
    if given := getattr(account, setting).get_secret_value().strip():
        return given, setting
    if entry := getattr(account, f"{setting}_keyring"):
        return _from_keyring(f"{setting}_keyring", entry), f"{setting}_keyring: {entry}"
    path: Path | None = getattr(account, f"{setting}_file")
    if path is None:
        raise SettingsError([f"{setting}_file: is missing"])
    return _from_file(f"{setting}_file", path), f"{setting}_file: {path}"


def _from_keyring(setting: str, entry: str) -> str:
    service, _, username = entry.partition("/")
    try:
        found: str | None = import_module("keyring").get_password(service, username)
    except ImportError:
        raise SettingsError([f"{setting}: needs a library: pip install 'shipbatch[keyring]'"]) from None
    except Exception as error:  # noqa: BLE001 - each keyring fails in its own way
        sentence = f"{setting}: the keyring cannot be opened ({type(error).__name__}); unlock it, or use a file"
        raise SettingsError([sentence]) from None
    if not found or not found.strip():
        how = f"put it there with: keyring set {service} {username}"
        raise SettingsError([f"{setting}: there is nothing under {entry} in the keyring; {how}"])
    return found.strip()


def _from_file(setting: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_SECRET + 1)
        text = content.decode("utf-8-sig").strip()
    except OSError as error:
        raise SettingsError([f"{setting}: {path} cannot be read ({error.strerror})"]) from None
    except UnicodeDecodeError:
        raise SettingsError([f"{setting}: {path} is no text file"]) from None
    if not text or len(content) > LARGEST_SECRET:
        raise SettingsError([f"{setting}: {path} is {'too large' if text else 'empty'}"])
    return text
