from __future__ import annotations

import gc
import weakref
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from batch.journal.database import Database
from batch.journal.journal import Journal
from batch.sending import Sending

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class Knot:
    """Refers to itself, so that only the garbage collector can take it away."""

    def __init__(self) -> None:
        self.itself = self


@pytest.fixture(autouse=True)
def _collector() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)


async def test_garbage_does_not_pile_up_from_run_to_run(tmp_path: Path) -> None:
    journal = Journal(Database(f"sqlite:///{tmp_path / 'none.db'}"))
    knots = weakref.WeakSet[Knot]()
    for _ in range(40):
        of_this_run = [Knot() for _ in range(10_000)]
        knots.update(of_this_run)
        async with Sending(zone=ZoneInfo("UTC"), grace=0).opened(journal):
            pass
        del of_this_run
    assert len(knots) < 200_000
