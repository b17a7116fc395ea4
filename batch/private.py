"""Files for their owner's eyes only."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from batch.settings import Account

_OWNER_ONLY = 0o600
_READABLE_BY_OTHERS = stat.S_IRGRP | stat.S_IROTH


def write_private(file: Path, content: bytes) -> None:
    """Write a file that nobody but the owner can read, at no moment. Raises OSError."""
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY), "wb") as stream:
        stream.write(content)
    aside.replace(file)


def exposed_files(account: Account) -> list[Path]:
    """Return the account's files of secrets that others on this machine can read."""
    file = account.client_secret_file if account.api == "walmart-global" else account.private_key_file
    return [file] if file and file.exists() and is_exposed(file) else []


def is_exposed(file: Path) -> bool:
    """Return whether others on this machine can read a file."""
    return bool(file.stat().st_mode & _READABLE_BY_OTHERS)


def exposed_secrets(account: Account) -> list[str]:
    """Return a warning for each file of secrets that others on this machine can read."""
    return [
        f"{path} can be read by other users of this machine; close it with: chmod 600 {path}"
        for path in exposed_files(account)
    ]
