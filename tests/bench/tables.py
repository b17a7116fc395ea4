"""The table of results, for a terminal and for the README."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from tests.bench.results import Result, figure, lines, told, wanted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.bench.results import Line

_STYLES = {"stretch": "bold green", "met": "green", "missed": "bold red", "shown": "dim", "skipped": "yellow"}
_HEAD = ("what", "against", "budget", "stretch", "measured", "from - to", "")


def terminal_table(results: Sequence[Result]) -> Table:
    """Return the table in colours."""
    table = Table(*_HEAD, box=None, pad_edge=False)
    for line in lines(results):
        table.add_row(*_cells(line)[:-1], Text(line.verdict, style=_STYLES[line.verdict]))
    return table


def behind(result: Result) -> Iterator[str]:
    """Return the figures behind a result, a line each."""
    for name, (value, unit) in told(result).items():
        yield f"{name}: {figure(value, unit)}"


def markdown(results: Sequence[Result]) -> str:
    """Return table, figures and machine as Markdown."""
    latest = max(results, key=lambda one: one.on)
    return "\n".join(
        [
            f"Measured on {latest.on}: {', '.join(f'{name} {value}' for name, value in latest.machine.items())}.",
            "",
            *_rows(_HEAD, (_cells(line) for line in lines(results))),
            "",
            "The figures behind it, each the middle of its rounds:",
            "",
            *_rows(("benchmark", "figures", "how"), ((one.name, "; ".join(behind(one)), one.note) for one in results)),
            "",
        ]
    )


def _rows(head: Sequence[str], cells: Iterator[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in cells:
        yield f"| {' | '.join(cell.replace('|', '/') for cell in row)} |"


def _cells(line: Line) -> tuple[str, ...]:
    goal, value = line.goal, line.value
    measured = figure(value.middle, goal.unit) if value else line.problem.partition(":")[0]
    spread = f"{figure(value.least, goal.unit)} - {figure(value.most, goal.unit)}" if value else ""
    asked = wanted(goal, goal.budget), wanted(goal, goal.stretch)
    return (goal.what, goal.baseline, *asked, measured, spread, line.verdict)
