"""Where the workers are: `local:N`, processes of our own on this machine, or the address of a Dask scheduler."""

from __future__ import annotations

import re
from dataclasses import dataclass

from batch.errors import UsageError

_LOCAL = re.compile(r"local:(\d{1,3})")
_SCHEDULER = re.compile(r"([a-z]+://)?(\[[0-9a-fA-F:.]+\]|[^\s/:\[\]]+):\d{1,5}")


@dataclass(frozen=True, slots=True)
class Address:
    """What --cluster says."""

    text: str  # of a scheduler, as distributed has it; or as it was given
    workers: int = 0  # how many processes are to be started here; 0: there is a scheduler

    @property
    def local(self) -> bool:
        """Whether the workers are our own, with our files, settings and environment."""
        return self.workers > 0


def address_from(text: str) -> Address:
    """Read what --cluster says. Raises UsageError."""
    given = text.strip()
    if (local := _LOCAL.fullmatch(given)) and int(local[1]):
        return Address(given, int(local[1]))
    if given.partition(":")[0] != "local" and (found := _SCHEDULER.fullmatch(given)):
        return Address(given if found[1] else f"tcp://{given}")
    raise UsageError(
        f"--cluster: '{text}' is no cluster; write local:4 for four processes on this machine, or a Dask scheduler's "
        "address like tcp://host:8786."
    )
