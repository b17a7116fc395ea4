from __future__ import annotations

import signal

from batch.cluster.undisturbed import dask_setup


def test_a_worker_of_our_own_pays_no_heed_to_signals() -> None:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        dask_setup(None)
        assert {signal.getsignal(number) for number in before} == {signal.SIG_IGN}
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
