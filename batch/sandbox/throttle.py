"""The marketplace's limits: one token bucket per seller and endpoint, whose tokens come back one by one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from batch.sandbox.routes import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

MINUTE = 60.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many requests a minute, sustained."""

    per_minute: float  # 0: no limit
    burst: int = 0  # requests at once; 0: as many as in a minute


REAL_LIMITS: Mapping[Kind, Limit] = {  # Walmart's own table
    Kind.SHIP: Limit(per_minute=60),
    Kind.ACKNOWLEDGE: Limit(per_minute=60),
    Kind.CANCEL: Limit(per_minute=60),
    Kind.READ: Limit(per_minute=5000),
    Kind.FIND: Limit(per_minute=5000),
}


class Moment(StrEnum):
    """How the time of replenishment is written; live answers have epoch milliseconds, other code expects the others."""

    MILLISECONDS = "ms"
    SECONDS = "s"
    RELATIVE = "relative"  # seconds from now
    ISO = "iso"


@dataclass(frozen=True, slots=True, kw_only=True)
class ThrottleHeaders:
    """How the limits are told."""

    told: bool = True
    replenishment: str = "X-Next-Replenishment-Time"  # some code knows x-next-replenish-time
    moment: Moment = Moment.MILLISECONDS
    retry_after: bool = False  # on a 429, in whole seconds


@dataclass(slots=True)
class Bucket:
    """Tokens of one seller at one endpoint. `tick` is a monotonic time in seconds."""

    rate: float  # tokens a second
    capacity: float
    tokens: float
    tick: float

    def take(self, tick: float) -> Taken:
        """Take a token if there is one."""
        self.tokens = min(self.capacity, self.tokens + max(0.0, tick - self.tick) * self.rate)
        self.tick = max(tick, self.tick)
        allowed = self.tokens >= 1 - 1e-9
        self.tokens -= allowed
        self.tokens = max(0.0, self.tokens)
        missing = 0.0 if self.tokens >= self.capacity else 1 - self.tokens % 1
        return Taken(allowed=allowed, left=int(self.tokens + 1e-9), wait=missing / self.rate)


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What a request found in its bucket."""

    allowed: bool
    left: int  # whole tokens
    wait: float  # seconds until the next whole token


class Throttle:
    """All buckets of a marketplace."""

    def __init__(self, limits: Mapping[Kind, Limit], headers: ThrottleHeaders | None = None) -> None:
        self._limits = {kind: limit for kind, limit in limits.items() if limit.per_minute}
        self._headers = headers or ThrottleHeaders()
        self._buckets: dict[tuple[str, Kind], Bucket] = {}

    def take(self, seller: str, kind: Kind, tick: float) -> Taken | None:
        """Take a token for a request at `tick` (monotonic seconds); None where the endpoint has no limit."""
        endpoint = Kind.SHIP if kind is Kind.EDIT else kind
        limit = self._limits.get(endpoint)
        if limit is None:
            return None
        bucket = self._buckets.get((seller, endpoint))
        if bucket is None:
            capacity = float(limit.burst or max(1, round(limit.per_minute)))
            bucket = Bucket(rate=limit.per_minute / MINUTE, capacity=capacity, tokens=capacity, tick=tick)
            self._buckets[seller, endpoint] = bucket
        return bucket.take(tick)

    def headers(self, taken: Taken, now: int) -> dict[str, str]:
        """Return the headers that tell a request's bucket. `now` is in epoch milliseconds."""
        if not self._headers.told:
            return {}
        headers = {
            "X-Current-Token-Count": str(taken.left),
            self._headers.replenishment: self._written(taken.wait, now),
        }
        if self._headers.retry_after and not taken.allowed:
            headers["Retry-After"] = str(int(taken.wait) + 1)
        return headers

    def _written(self, wait: float, now: int) -> str:
        """Write the moment `wait` seconds after `now`; never earlier than it is."""
        at = now + int(wait * 1000 + 0.999)
        moment = self._headers.moment
        if moment is Moment.RELATIVE:
            return f"{wait:.3f}"
        if moment is Moment.ISO:
            return datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        return str(-(-at // 1000) if moment is Moment.SECONDS else at)
