from __future__ import annotations

import asyncio

from batch.errors import Exit
from batch.submit.stop import Stop
from tests.unit.submit.virtual import run


def test_the_first_request_counts() -> None:
    stop = Stop()
    assert (stop.requested, stop.exit_code, stop.reason) == (False, Exit.OK, "")
    stop.request(Exit.TEMPORARY, "late")
    stop.request(Exit.FATAL, "too late")
    assert (stop.requested, stop.exit_code, stop.reason) == (True, Exit.TEMPORARY, "late")


def test_who_waits_for_it_is_told() -> None:
    async def main() -> None:
        stop = Stop()
        waiting = asyncio.create_task(stop.wait())
        await asyncio.sleep(1)
        assert not waiting.done()
        stop.request(Exit.TEMPORARY, "late")
        await waiting

    run(main())
