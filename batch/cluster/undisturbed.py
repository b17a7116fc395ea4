"""Loaded into workers of our own: a signal to the whole group, as Ctrl-C sends it, is for whoever started us.

It stops all accounts in good order. When it is gone, however, its workers go, too: Dask's nannies see to that.
"""

from __future__ import annotations

import signal


def dask_setup(_worker: object) -> None:
    """Pay no heed to signals; Dask calls this in the worker's main thread."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
