from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from batch import halts as module
from batch.errors import Exit
from batch.halts import Halts

if TYPE_CHECKING:
    import pytest


async def test_an_account_stops_when_that_is_asked_for_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOOK", 0)
    halts, stopped, told = Halts(), asyncio.Event(), []

    def stop(exit_code: Exit, reason: str) -> None:
        told.append((exit_code, reason))
        if len(told) > 1:  # once more, for what has come since
            stopped.set()

    with halts.heeded("default", stop):
        halts.ask("outlet", Exit.TEMPORARY, "Not for us.")
        await asyncio.sleep(0)
        assert told == []
        halts.ask("default", Exit.TEMPORARY, "A file STOP.")
        halts.ask("default", Exit.TERMINATED, "The first counts.")
        await asyncio.wait_for(stopped.wait(), 60)
    assert set(told) == {(Exit.TEMPORARY, "A file STOP.")}
    assert halts.asked("default") == (Exit.TEMPORARY, "A file STOP.")


def test_an_account_whose_halt_was_withdrawn_goes_on() -> None:
    halts = Halts()
    halts.ask("default", Exit.TEMPORARY, "A file STOP.")
    halts.withdraw("default")
    halts.withdraw("default")
    assert halts.asked("default") is None
