from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from batch.ending import Ending
from batch.errors import Exit


@pytest.mark.parametrize(
    ("number", "exit_code"), [(signal.SIGTERM, Exit.TERMINATED), (signal.SIGINT, Exit.INTERRUPTED)]
)
def test_the_first_signal_asks_for_an_end_in_good_order(number: signal.Signals, exit_code: Exit) -> None:
    woken: list[bool] = []
    ending = Ending()
    before = signal.getsignal(number)
    with ending.on_signals(lambda: woken.append(True)):
        assert not ending.requested
        signal.raise_signal(number)
        assert ending.requested
    assert (ending.exit_code, woken) == (exit_code, [True])
    assert signal.getsignal(number) == before


def test_the_first_reason_counts() -> None:
    ending = Ending()
    ending.request(Exit.TERMINATED)
    ending.request(Exit.INTERRUPTED)
    assert ending.exit_code is Exit.TERMINATED


TWICE = """
import signal
from batch.ending import Ending
ending = Ending()
with ending.on_signals(lambda: None):
    signal.raise_signal(signal.SIGTERM)
    signal.raise_signal(signal.SIGINT)
    print("still here")
"""


def test_the_second_signal_ends_at_once() -> None:
    ran = subprocess.run([sys.executable, "-c", TWICE], capture_output=True, text=True, check=False, env={**os.environ})
    assert (ran.returncode, ran.stdout) == (Exit.INTERRUPTED, "")
    assert ran.stderr.startswith("Stopped at once")
