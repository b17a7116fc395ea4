"""The sandbox's own demo credentials, and settings that use them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import NAMESPACE_URL, uuid5

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from batch.private import write_private
from batch.sandbox.access import Seller

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

KEY_FILE = "sandbox-key.pem"
KEY_BITS = 2048


def demo_seller(folder: Path | None = None, number: int = 0) -> Seller:
    """Return the demo seller of that number; the legacy dialect needs the folder in which its key lies."""
    return Seller(
        name=f"demo-{number}" if number else "demo",
        client_id=f"sandbox-client-{number}",
        client_secret=f"sandbox-secret-{number}",
        consumer_id=str(uuid5(NAMESPACE_URL, f"sandbox-consumer-{number}")),
        channel_type=str(uuid5(NAMESPACE_URL, f"sandbox-channel-{number}")),
        key_file=folder / KEY_FILE if folder else None,
    )


def demo_key(folder: Path) -> Path:
    """Return the folder's demo key file, made if there is none: RSA, PEM, for the owner's eyes only."""
    file = folder / KEY_FILE
    if not file.exists():
        key = generate_private_key(public_exponent=65537, key_size=KEY_BITS)
        content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        write_private(file, content)
    return file


def example_settings(
    api: str,
    url: str,
    folder: Path,
    *,
    sellers: Mapping[str, Seller] | None = None,
    overrides: Mapping[str, object] | None = None,
) -> str:
    """Return a settings file for a sandbox at `url`, and put the secrets that it names into the folder.

    `api` is "walmart-global" or "walmart-canada"; `sellers` are by account name, by default the demo seller as
    "default". `overrides` are further keys of every account, e.g. {"settle_time": 1}; the rates are 0, as the sandbox
    has no limits unless it is told so.
    """
    folder.mkdir(parents=True, exist_ok=True)
    accounts = sellers or {"default": demo_seller(folder)}
    chosen = {"rate": {"ship": 0, "acknowledge": 0, "read": 0}, **(overrides or {})}
    sections = [
        _section(name, {**_credentials(api, url, folder, seller), **chosen}) for name, seller in accounts.items()
    ]
    head = "# Settings for `shipbatch sandbox`: its own demo credentials, worth nothing elsewhere.\n"
    return "\n".join([head, *sections])


def _credentials(api: str, url: str, folder: Path, seller: Seller) -> dict[str, object]:
    if api == "walmart-canada":
        key = seller.key_file or demo_key(folder)
        if key.parent == folder and key.name == KEY_FILE:
            demo_key(folder)
        return {
            "api": api,
            "base_url": url,
            "consumer_id": seller.consumer_id,
            "channel_type": seller.channel_type,
            "private_key_file": key.name if key.parent == folder else str(key),
        }
    if api != "walmart-global":
        raise ValueError(f"{api!r} is neither walmart-global nor walmart-canada")
    secret = f"{seller.client_id}.secret.txt"
    write_private(folder / secret, seller.client_secret.encode())
    return {"api": api, "base_url": url, "market": "ca", "client_id": seller.client_id, "client_secret_file": secret}


def _section(name: str, values: Mapping[str, object]) -> str:
    plain = {key: value for key, value in values.items() if not isinstance(value, dict)}
    tables = {key: value for key, value in values.items() if isinstance(value, dict)}
    lines = [f"[accounts.{name}]", *(f"{key} = {_toml(value)}" for key, value in plain.items()), ""]
    for key, table in tables.items():
        lines += [f"[accounts.{name}.{key}]", *(f"{_toml(str(k))} = {_toml(v)}" for k, v in table.items()), ""]
    return "\n".join(lines)


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return repr(value)
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
