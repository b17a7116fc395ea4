"""Why a run ends before its work is done."""

from __future__ import annotations

import asyncio

from batch.errors import Exit


class Stop:
    """A request to stop. The first one counts; workers look at it between calls and wait for it beside their waits."""

    def __init__(self) -> None:
        self.exit_code = Exit.OK
        self.reason = ""
        self.requested = False
        self._requested = asyncio.Event()

    def request(self, exit_code: Exit, reason: str) -> None:
        """Ask everyone to stop; `reason` is a sentence for the report."""
        if not self.requested:
            self.exit_code, self.reason, self.requested = exit_code, reason, True
            self._requested.set()

    async def wait(self) -> None:
        """Wait until someone asks."""
        await self._requested.wait()
