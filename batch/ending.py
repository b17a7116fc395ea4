"""How a command that runs for months is told to end: by a signal, in good order, wherever it just is."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from batch.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from types import FrameType

SIGNALS = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED}


class Ending:
    """Whether the command was told to end, and by what."""

    def __init__(self) -> None:
        self.exit_code = Exit.OK

    @property
    def requested(self) -> bool:
        """Whether it is to end."""
        return self.exit_code is not Exit.OK

    def request(self, exit_code: Exit) -> None:
        """Ask it to end; the first one counts."""
        if not self.requested:
            self.exit_code = exit_code

    @contextmanager
    def on_signals(self, wake: Callable[[], None]) -> Iterator[None]:
        """While the block lasts, end in good order on the first signal, at once on the second. `wake` ends a wait."""

        def caught(number: int, _frame: FrameType | None) -> None:
            if self.requested:
                sys.stderr.write("Stopped at once; what was under way is found out at the next start.\n")
                os._exit(SIGNALS[signal.Signals(number)])
            self.request(SIGNALS[signal.Signals(number)])
            wake()

        before = {number: signal.signal(number, caught) for number in SIGNALS}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
