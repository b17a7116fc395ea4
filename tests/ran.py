"""How a command ended."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def summary(self) -> dict[str, Any]:
        """What it printed with --json."""
        told: dict[str, Any] = json.loads(self.out)
        return told

    @property
    def complaints(self) -> list[str]:
        """What it said on standard error, but for its log."""
        return [line for line in self.err.splitlines() if " INFO " not in line]
