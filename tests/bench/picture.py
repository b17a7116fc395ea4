"""The picture of the results: how many times better than its budget each goal was reached."""

from __future__ import annotations

from typing import TYPE_CHECKING

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from tests.bench.results import figure, lines

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.bench.goals import Goal
    from tests.bench.results import Line, Result

_MET, _MISSED, _STRETCH = "#2e7d32", "#c62828", "#37474f"
_ROW = 0.42  # inches
_LABEL = 1.4  # how far a label reaches on the axis, as a factor
_TICKS = [0.1, 0.2, 0.3, 0.5, 0.7, 1, 1.5, 2, 3, 5, 10, 20, 50, 100]


def draw(results: Sequence[Result], folder: Path) -> list[Path]:
    """Draw PNG and SVG into the folder; return them, nothing where no goal with a budget was measured."""
    shown = [line for line in lines(results) if line.value is not None and line.goal.budget]
    if not shown:
        return []
    mpl.rcParams |= {"svg.hashsalt": "shipbatch", "svg.fonttype": "none", "font.size": 9}
    drawn = Figure(figsize=(10, 1.3 + _ROW * len(shown)), layout="constrained")
    axes = drawn.add_subplot()
    for place, line in enumerate(reversed(shown)):
        _bar(axes, place, line)
    axes.set_yticks(range(len(shown)), [_label(line) for line in reversed(shown)])
    axes.set_xscale("log")
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_locator(FixedLocator(_TICKS))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}x"))
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xlabel("times better than the budget (line: the budget; diamond: the stretch; whisker: all rounds)")
    axes.spines[["top", "right"]].set_visible(False)
    files = [folder / "budgets.png", folder / "budgets.svg"]
    for file in files:
        drawn.savefig(file, dpi=144, metadata={"Date": None} if file.suffix == ".svg" else {"Software": None})
    return files


def _bar(axes: mpl.axes.Axes, place: int, line: Line) -> None:
    assert line.value is not None
    middle = _better(line.goal, line.value.middle)
    ends = [_better(line.goal, line.value.least), _better(line.goal, line.value.most)]
    axes.barh(place, middle - 1, left=1, color=_MET if middle >= 1 else _MISSED, height=0.6, alpha=0.85)
    axes.plot(ends, [place, place], color="black", linewidth=1.2)
    end = max(middle, 1, *ends)
    if line.goal.stretch:
        stretch = _better(line.goal, line.goal.stretch)
        axes.plot(stretch, place, "D", color=_STRETCH, markersize=5)
        end = stretch if end < stretch < end * _LABEL else end
    axes.annotate(
        figure(line.value.middle, line.goal.unit),
        (end, place),
        xytext=(5, 0),
        textcoords="offset points",
        va="center",
    )


def _better(goal: Goal, value: float) -> float:
    """Return how many times better than the budget a value is."""
    assert goal.budget
    return value / goal.budget if goal.at_least else goal.budget / value


def _label(line: Line) -> str:
    name, (same, _, more) = line.name.replace("_", " "), line.goal.what.partition(": ")
    return f"{name}: {more}" if same == "the same" else name
