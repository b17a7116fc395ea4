"""Which accounts of a watch are to halt, and why: asked for in one thread, heeded in others."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from batch.errors import Exit

_LOOK = 0.25  # s between two looks at whether an account is to halt


class Halts:
    """Halts that were asked for, by account."""

    def __init__(self) -> None:
        self._asked: dict[str, tuple[Exit, str]] = {}

    def ask(self, account: str, exit_code: Exit, reason: str) -> None:
        """Let an account's run stop in good order, `reason` being a sentence for its report."""
        self._asked.setdefault(account, (exit_code, reason))

    def withdraw(self, account: str) -> None:
        """Let an account go on."""
        self._asked.pop(account, None)

    def asked(self, account: str) -> tuple[Exit, str] | None:
        """Return why the account is to halt, None where it is not."""
        return self._asked.get(account)

    @contextmanager
    def heeded(self, account: str, stop: Callable[[Exit, str], None]) -> Iterator[None]:
        """While the block lasts, call `stop` as soon as the account is to halt, and again for what came since."""

        async def heed() -> None:
            while True:
                if asked := self.asked(account):
                    stop(*asked)
                await asyncio.sleep(_LOOK)

        task = asyncio.get_running_loop().create_task(heed())
        try:
            yield
        finally:
            task.cancel()
