"""Times and spans as people say them."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

# The larger unit, its seconds, the smaller unit beside it, its seconds.
_UNITS = (("d", 86_400, "h", 3_600), ("h", 3_600, "min", 60), ("min", 60, "s", 1))


def span(seconds: float) -> str:
    """Return a span of time in the two units that matter: "3 s", "2 min 5 s", "1 h 12 min", "2 d 3 h"."""
    whole = max(0, round(seconds))
    for large, unit, small, part in _UNITS:
        if whole >= unit:
            rest = whole % unit // part
            return f"{whole // unit} {large}" + (f" {rest} {small}" if rest else "")
    return f"{whole} s"


def clock(moment: int, zone: str) -> str:
    """Return UTC epoch milliseconds as "2026-11-23 23:45:10" in the zone, "" for 0."""
    return f"{datetime.fromtimestamp(moment / 1000, ZoneInfo(zone)):%Y-%m-%d %H:%M:%S}" if moment else ""


def times(count: int) -> str:
    """Return how often: "once", "7 times"."""
    return "once" if count == 1 else f"{count:,} times"
