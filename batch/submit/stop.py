"""Why a run ends before its work is done."""

from __future__ import annotations

import asyncio

from batch.errors import Exit


class Stop:
    """A request to stop. The first one counts; workers look at it between calls and wait for it beside their waits."""

    def __init__(self) -> None:
        self.exit_code = Exit.OK
        self.reason = ""
        self._requested = asyncio.Event()

    def request(self, exit_code: Exit, reason: str) -> None:
        """Ask everyone to stop; `reason` is a sentence for the report."""
        if not self._requested.is_set():
            self.exit_code, self.reason = exit_code, reason
            self._requested.set()

    @property
    def requested(self) -> bool:
        """Whether someone asked."""
        return self._requested.is_set()

    async def wait(self) -> None:
        """Wait until someone asks."""
        await self._requested.wait()
