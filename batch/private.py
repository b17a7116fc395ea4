"""Files for their owner's eyes only."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_OWNER_ONLY = 0o600


def write_private(file: Path, content: bytes) -> None:
    """Write a file that nobody but the owner can read, at no moment. Raises OSError."""
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY), "wb") as stream:
        stream.write(content)
    aside.replace(file)
