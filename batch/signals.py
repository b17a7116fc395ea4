"""Signals to a command that sends: the first lets it end in good order, the second ends it at once."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from batch.errors import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_CODES = {signal.SIGINT: Exit.INTERRUPTED, signal.SIGTERM: Exit.TERMINATED}


@contextmanager
def minded(first: Callable[[Exit], None], *, at_once: str) -> Iterator[None]:
    """Mind signals in this thread's event loop, which must be the main thread's.

    `first` is given the exit code of the first signal; at a second one `at_once`, a sentence, is said, and the process
    ends as it is: recovery is for the next run.
    """
    loop = asyncio.get_running_loop()
    caught: list[signal.Signals] = []

    def catch(number: signal.Signals) -> None:
        if caught:
            sys.stderr.write(f"{at_once}\n")
            os._exit(_CODES[number])
        caught.append(number)
        first(_CODES[number])

    for number in _CODES:
        loop.add_signal_handler(number, catch, number)
    try:
        yield
    finally:
        for number in _CODES:
            loop.remove_signal_handler(number)
