"""What is printed on standard output, and what becomes of it where nobody reads any more, as after `| head -1`."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType


def show(*parts: RenderableType, width: int | None = None) -> None:
    """Print tables and texts for people, as wide as the terminal is. Raises BrokenPipeError where nobody reads."""
    from rich.console import Console

    class Screen(Console):
        """Standard output."""

        def on_broken_pipe(self) -> None:
            """Let whoever printed decide: it is called while the error is handled."""
            raise  # noqa: PLE0704 - see above

    screen = Screen(file=sys.stdout, width=width)
    for part in parts:
        screen.print(part)


@contextmanager
def heard_or_not() -> Iterator[None]:
    """Let the block print; where nobody reads it, what follows is not printed, and all else goes on."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        hush()


def hush() -> None:
    """Let nothing more be printed: Python would complain when it flushes what is left."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
