"""The figures behind the pictures of a report: pace, outages, time to answer, deadlines, carriers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from batch.outcomes import Outcome
from batch.report.summary import OUTCOMES_AS_TOLD

if TYPE_CHECKING:
    from batch.report.account import RunAccount

_UPDATES = ("ship", "edit")  # what the marketplace's limit on updates counts
_MOST_STEPS = 100
_STEPS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_800, 3_600, 10_800, 43_200)  # seconds
_QUIET_ENDS_OUTAGE = 60_000  # ms without a failing call
_MOST_OUTAGES = 40
_MOST_CARRIERS = 7
_HOUR = 3_600_000  # ms

OTHERS = "all others"


@dataclass(frozen=True, slots=True)
class Pace:
    """Updates sent over time."""

    step: float  # seconds
    started_at: int  # UTC epoch ms of the first step's beginning
    ended_at: int  # UTC epoch ms of the last call's end
    sent: int
    per_minute: np.ndarray  # in each step; the last may be half as long again
    limit: float  # a minute, 0 for none
    throttled_at: np.ndarray  # UTC epoch ms
    outages: list[tuple[int, int]]  # UTC epoch ms, from and to


def pace(account: RunAccount) -> Pace | None:
    """Return the updates sent over time, nothing where none was sent."""
    attempts = account.attempts
    updates = attempts[attempts["kind"].isin(_UPDATES)]
    sent = np.sort(updates["started_at"].to_numpy()[(updates["verdict"] != "throttled").to_numpy()])
    if not len(sent):
        return None
    start, end = int(sent[0]), int(max(updates["ended_at"].max(), sent[-1] + 1))
    step = _step((end - start) / 1000)
    steps = max(1, round((end - start) / 1000 / step))  # a short rest belongs to the step before it
    counts = np.bincount(np.minimum((sent - start) // (step * 1000), steps - 1), minlength=steps)
    lengths = np.full(steps, float(step))
    lengths[-1] = max(step, (end - start) / 1000 - step * (steps - 1))
    return Pace(
        step=step,
        started_at=start,
        ended_at=end,
        sent=len(sent),
        per_minute=counts * 60 / lengths,
        limit=float(account.limits.get("ship", 0)),
        throttled_at=np.sort(updates["started_at"].to_numpy()[(updates["verdict"] == "throttled").to_numpy()]),
        outages=outages(attempts),
    )


def _step(seconds: float) -> int:
    return next((step for step in _STEPS if seconds <= step * _MOST_STEPS), _STEPS[-1])


def outages(attempts: pd.DataFrame) -> list[tuple[int, int]]:
    """Return from when to when (UTC epoch ms) calls found the marketplace unavailable, without a success between.

    A single answer that got lost is no outage; several in a row are.
    """
    told = attempts[attempts["verdict"] != "throttled"].sort_values("started_at", kind="stable")
    down = told["verdict"].isin(["unavailable", "unknown"]).to_numpy()
    starts = told["started_at"].to_numpy()[down]
    ends = np.maximum(starts, told["ended_at"].to_numpy()[down])
    if not len(starts):
        return []
    successes = np.cumsum(~down)[down]
    new = (np.diff(successes) > 0) | (starts[1:] - ends[:-1] > _QUIET_ENDS_OUTAGE)
    first = np.concatenate([[0], np.flatnonzero(new) + 1])
    certain = np.maximum.reduceat((told["verdict"] == "unavailable").to_numpy()[down].astype(int), first) > 0
    several = np.diff([*first.tolist(), len(starts)]) > 1
    spans = zip(starts[first].tolist(), np.maximum.reduceat(ends, first).tolist(), strict=True)
    meant = [span for span, is_one in zip(spans, certain | several, strict=True) if is_one]
    return sorted(sorted(meant, key=lambda span: span[0] - span[1])[:_MOST_OUTAGES])


# Upper edge of each class in ms, and what it is called.
LATENCY_CLASSES: tuple[tuple[float, str], ...] = (
    (50, "50 ms"),
    (100, "0.1 s"),
    (200, "0.2 s"),
    (500, "0.5 s"),
    (1_000, "1 s"),
    (2_000, "2 s"),
    (5_000, "5 s"),
    (10_000, "10 s"),
    (np.inf, "longer"),
)


@dataclass(frozen=True, slots=True)
class Latency:
    """How long the marketplace took to answer calls of one kind."""

    kind: str
    counts: np.ndarray  # beside `LATENCY_CLASSES`
    median: float  # ms
    high: float  # ms; 95 of 100 answers came within this


def latencies(account: RunAccount) -> list[Latency]:
    """Return the time to answer by kind of call, without calls that got no answer."""
    answered = account.attempts[account.attempts["status"] > 0]
    edges = [edge for edge, _ in LATENCY_CLASSES]
    found = []
    for kind in ("ship", "acknowledge", "read"):
        calls = answered[answered["kind"] == kind]
        if len(calls):
            took = (calls["ended_at"] - calls["started_at"]).to_numpy()
            counts = np.bincount(np.searchsorted(edges, took), minlength=len(edges))
            median, high = np.percentile(took, [50, 95])
            found.append(Latency(kind, counts, float(median), float(high)))
    return found


# Upper edge of each class in hours before the deadline, and what it is called.
SLACK_CLASSES: tuple[tuple[float, str], ...] = (
    (-24, "days late"),
    (0, "late"),
    (1, "< 1 h"),
    (6, "1-6 h"),
    (24, "6-24 h"),
    (72, "1-3 d"),
    (np.inf, "> 3 d"),
)
_LATE_CLASSES = 2


@dataclass(frozen=True, slots=True)
class Deadlines:
    """Ship-by times met and missed."""

    shipped: np.ndarray  # orders shipped in this run, beside `SLACK_CLASSES`: time left when they were confirmed
    still_open: np.ndarray  # orders not shipped: time left when the run ended
    next_open: int  # UTC epoch ms of the nearest deadline ahead of an order that is not shipped, 0 for none

    @property
    def met(self) -> int:
        """How many orders were shipped in time."""
        return int(self.shipped[_LATE_CLASSES:].sum())

    @property
    def missed(self) -> int:
        """How many orders were shipped late."""
        return int(self.shipped[:_LATE_CLASSES].sum())

    @property
    def overdue(self) -> int:
        """How many orders are not shipped and past their deadline."""
        return int(self.still_open[:_LATE_CLASSES].sum())

    @property
    def ahead(self) -> int:
        """How many orders are not shipped and have time left."""
        return int(self.still_open[_LATE_CLASSES:].sum())


def deadlines(account: RunAccount) -> Deadlines | None:
    """Return how the run stood to the ship-by times, nothing where none is known."""
    orders = account.orders[(account.orders["ship_by"] > 0).to_numpy()]
    shipped = orders[(orders["outcome"] == Outcome.SHIPPED).to_numpy()]
    done = [Outcome.SHIPPED, Outcome.ALREADY_SHIPPED, Outcome.SKIPPED]
    left = orders[~orders["outcome"].isin([str(word) for word in done]).to_numpy()]
    if not len(shipped) and not len(left):
        return None
    ahead = left["ship_by"][left["ship_by"] > account.finished_at]
    return Deadlines(
        shipped=_by_slack(shipped["ship_by"] - shipped["finished_at"]),
        still_open=_by_slack(left["ship_by"] - account.finished_at),
        next_open=int(ahead.min()) if len(ahead) else 0,
    )


def _by_slack(slack: pd.Series) -> np.ndarray:
    edges = [edge * _HOUR for edge, _ in SLACK_CLASSES]
    return np.bincount(np.searchsorted(edges, slack.to_numpy(), side="right"), minlength=len(edges))


def by_carrier(account: RunAccount) -> pd.DataFrame | None:
    """Return rows by carrier (index, most frequent first) and outcome (columns), nothing where no carrier is known."""
    if not len(account.carriers):
        return None
    named = account.carriers.astype("str").reset_index(drop=True).str.strip().replace("", "not named")
    most = named.value_counts().index[:_MOST_CARRIERS]
    told = named.where(named.isin(most), OTHERS)
    table = pd.crosstab(told, account.rows["outcome"].reset_index(drop=True))
    words = [str(word) for word in (*OUTCOMES_AS_TOLD, "ready") if str(word) in table.columns]
    return table.reindex(index=[name for name in (*most, OTHERS) if name in table.index], columns=words)
