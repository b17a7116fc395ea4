"""What a test changes for the whole process, put back after it."""

from __future__ import annotations

import logging
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def logging_restored() -> Iterator[None]:
    """Put the log's handlers and levels back after the block."""
    root, ours = logging.getLogger(), logging.getLogger("shipbatch")
    before = root.handlers, root.level, ours.level
    try:
        yield
    finally:
        root.handlers, root.level, ours.level = before
