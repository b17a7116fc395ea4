"""What was measured: kept as JSON, benchmark by benchmark, and laid out as lines of a table."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from tests.bench.goals import Goal, Round, Spread, met

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from tests.bench.goals import Benchmark


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A benchmark's outcome: its rounds, or why there are none."""

    name: str
    on: str  # the day, YYYY-MM-DD
    share: float  # of the full size that was measured with
    goals: Mapping[str, Goal]
    rounds: Sequence[Round] = ()
    problem: str = ""
    machine: Mapping[str, str] = field(default_factory=dict)
    note: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One goal as it was reached."""

    name: str
    goal: Goal
    value: Spread | None  # None: not measured
    problem: str = ""

    @property
    def verdict(self) -> str:
        """How well the goal was reached, in one word."""
        if self.value is None:
            return "skipped"
        if self.goal.budget is None and self.goal.stretch is None:
            return "shown"
        if met(self.goal, self.value.middle, self.goal.stretch):
            return "stretch"
        return "missed" if met(self.goal, self.value.middle, self.goal.budget) is False else "met"


def result(benchmark: Benchmark, *, on: str, share: float, machine: Mapping[str, str], **outcome: Any) -> Result:  # noqa: ANN401 - `rounds` or `problem`
    """Return the result of a benchmark."""
    return Result(
        name=benchmark.name,
        on=on,
        share=share,
        goals=benchmark.goals,
        machine=machine,
        note=benchmark.note,
        **outcome,
    )


def lines(results: Sequence[Result]) -> Iterator[Line]:
    """Return a line for each goal."""
    for one in results:
        for key, goal in one.goals.items():
            values = [shown.values[key] for shown in one.rounds if key in shown.values]
            yield Line(one.name, goal, Spread.of(values) if values else None, one.problem)


def told(one: Result) -> dict[str, tuple[float, str]]:
    """Return the figures behind a result, each the middle of its rounds."""
    if not one.rounds:
        return {}
    return {
        name: (Spread.of([shown.told[name][0] for shown in one.rounds]).middle, unit)
        for name, (_, unit) in one.rounds[0].told.items()
    }


def figure(value: float, unit: str) -> str:
    """Return a value as people read it."""
    if unit == "" or value == round(value) or abs(value) >= 1000:
        text = f"{value:,.0f}"
    elif abs(value) >= 100:
        text = f"{value:.0f}"
    else:
        text = f"{value:.3g}" if abs(value) >= 1 else f"{value:.3f}"
    return {"x": f"{text}x", "us": f"{text} µs", "/s": f"{text}/s"}.get(unit, f"{text} {unit}".strip())


def wanted(goal: Goal, value: float | None) -> str:
    """Return what was to be reached, with its direction."""
    return "" if value is None else f"{'≥' if goal.at_least else '≤'} {figure(value, goal.unit)}"


def kept(file: Path, new: Sequence[Result], order: Sequence[str]) -> list[Result]:
    """Write the new results into the file, in place of older ones of the same name; return all that it holds."""
    known = {one["name"]: _read(one) for one in (orjson.loads(file.read_bytes()) if file.exists() else [])}
    known |= {one.name: one for one in new}
    everything = [known[name] for name in order if name in known]
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE
    file.write_bytes(orjson.dumps([asdict(one) for one in everything], option=options))
    return everything


def _read(told: dict[str, Any]) -> Result:
    goals = {key: Goal(**goal) for key, goal in told["goals"].items()}
    return Result(**{**told, "goals": goals, "rounds": [Round(**shown) for shown in told["rounds"]]})
