"""A terminal with lines that move, above which several threads speak."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.live import Live

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import RenderableType

_REDRAWN = 4  # times a second


class Terminal(Console):
    """Prints one thing at a time."""

    def __init__(self, **how: Any) -> None:  # noqa: ANN401 - Rich's own
        super().__init__(**how)
        self.turn = threading.RLock()

    def print(self, *objects: Any, **how: Any) -> None:  # noqa: ANN401 - Rich's own
        """Print, once whatever is being printed stands there."""
        with self.turn:
            super().print(*objects, **how)


def moving_lines(terminal: Terminal, draw: Callable[[], RenderableType]) -> Live:
    """Return lines that are drawn again and again, and gone in the end.

    Their turn is the terminal's: else words that are said in the moment of their end would leave them standing.
    """
    lines = Live(console=terminal, get_renderable=draw, refresh_per_second=_REDRAWN, transient=True)
    lines._lock = terminal.turn  # noqa: SLF001 - Rich knows of no other way
    return lines
