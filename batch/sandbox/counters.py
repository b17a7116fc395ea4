"""What came and what was answered, counted."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from typing import NamedTuple


class Logged(NamedTuple):
    """One request. Never has credentials or a body."""

    at: int  # UTC epoch milliseconds
    kind: str
    purchase_order_id: str
    correlation_id: str
    answer: str  # HTTP status, or "lost"
    fault: str = ""


@dataclass(slots=True)
class Counters:
    """All requests since the start or the last reset."""

    requests: Counter[str] = field(default_factory=Counter)  # by kind
    answers: dict[str, Counter[str]] = field(default_factory=dict)  # by kind, by HTTP status or "lost"
    repeated_correlation_ids: int = 0  # each attempt must have its own
    at_once: int = 0
    most_at_once: int = 0
    log: deque[Logged] = field(default_factory=deque)
    _seen: set[str] = field(default_factory=set)

    def begin(self, kind: str, correlation_id: str) -> None:
        """Count a request that arrived."""
        self.requests[kind] += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        if correlation_id in self._seen:
            self.repeated_correlation_ids += 1
        elif correlation_id:
            self._seen.add(correlation_id)

    def end(self, logged: Logged) -> None:
        """Count its answer."""
        self.at_once -= 1
        self.answers.setdefault(logged.kind, Counter())[logged.answer] += 1
        self.log.append(logged)

    def as_json(self) -> dict[str, object]:
        """Return all but the log."""
        return {
            "requests": self.requests,
            "answers": self.answers,
            "throttled": sum(answers["429"] for answers in self.answers.values()),
            "repeated_correlation_ids": self.repeated_correlation_ids,
            "most_at_once": self.most_at_once,
        }

    def log_as_json(self) -> list[dict[str, object]]:
        """Return the log, oldest first."""
        return [logged._asdict() for logged in self.log]
