"""Pictures of a run: one bar by outcome, the pace against the limit, deadlines, time to answer, carriers."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pygal  # type: ignore[import-untyped]  # ships no types

from batch.outcomes import WELL
from batch.report import drawing, figures, moments

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from markupsafe import Markup

    from batch.report.account import RunAccount

_LONGEST_NAME = 18  # characters of a carrier's name
_TICKS = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1_200, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400)  # seconds
_MOST_TICKS = 7
_SECONDS_SHOWN_BELOW = 300  # seconds of a run
_NAMES_OF_CALLS = {"ship": "shipping updates", "read": "reads", "acknowledge": "acknowledgements"}
_THINNEST = 0.006  # of a bar: a single order among thousands must still be seen


@dataclass(frozen=True, slots=True)
class Chart:
    """One picture with the words around it."""

    title: str
    svg: Markup
    said: str  # what it shows, in a sentence
    legend: Sequence[tuple[str, str]] = ()  # (class of the series, what it is)
    wide: bool = False


def charts(account: RunAccount) -> list[Chart]:
    """Return the pictures for which the account has figures."""
    drawn = [over_time(account), deadlines(account), time_to_answer(account), by_carrier(account)]
    return [chart for chart in drawn if chart is not None]


def share(counts: dict[str, int]) -> Markup:
    """Return one bar, as wide as its place, in parts of these sizes by outcome."""
    total = sum(counts.values())
    chart = pygal.HorizontalStackedBar(
        **drawing.settings(height=28) | {"margin": 0, "spacing": 0},
        show_x_labels=False,
        show_y_labels=False,
        show_y_guides=False,
    )
    for outcome, count in counts.items():
        said = f"{outcome.replace('_', ' ')}: {count:,}"
        chart.add(outcome, [{"value": max(count, total * _THINNEST), "formatter": lambda _, said=said: said}])
    return drawing.stretched(chart, list(counts))


def over_time(account: RunAccount) -> Chart | None:
    """Return the updates a minute against the limit, with throttles and outages."""
    pace = figures.pace(account)
    if pace is None:
        return None
    top = max(pace.limit, float(pace.per_minute.max())) * 1.15
    zone = ZoneInfo(account.timezone)
    seconds = (pace.ended_at - pace.started_at) / 1000
    pattern = "%H:%M:%S" if seconds < _SECONDS_SHOWN_BELOW else "%H:%M"
    chart = pygal.XY(
        **drawing.settings(width=drawing.WIDE),
        range=(0, top),
        x_value_formatter=lambda at: datetime.fromtimestamp(at, zone).strftime(pattern),
        show_dots=False,
    )
    chart.x_labels = _ticks(pace.started_at / 1000, pace.ended_at / 1000, zone)
    series = _draw_pace(chart, pace, top)
    legend = {"sent": "updates a minute", "limit": f"limit, {pace.limit:,.0f} a minute"}
    legend |= {"throttle": "told to wait", "outage": "marketplace not available"}
    return Chart(
        title="Over time",
        svg=drawing.markup(chart, series),
        said=_pace_said(pace),
        legend=[(word, text) for word, text in legend.items() if word in series],
        wide=True,
    )


def _draw_pace(chart: Any, pace: figures.Pace, top: float) -> list[str]:  # noqa: ANN401 - pygal ships no types
    names = []
    for first, last in pace.outages:
        corners = [(first / 1000, 0), (first / 1000, top), (last / 1000, top), (last / 1000, 0)]
        chart.add("outage", corners, fill=True)
        names.append("outage")
    begin, end = pace.started_at / 1000, pace.ended_at / 1000
    edges = [*(begin + pace.step * at for at in range(len(pace.per_minute))), end]
    stairs = [(edge, rate) for at, rate in enumerate(pace.per_minute.tolist()) for edge in (edges[at], edges[at + 1])]
    chart.add("sent", stairs, fill=True)
    names.append("sent")
    if pace.limit:
        chart.add("limit", [(edges[0], pace.limit), (edges[-1], pace.limit)])
        names.append("limit")
    if len(pace.throttled_at):
        height = pace.limit or top * 0.95
        at = sorted({round(moment / 1000 / pace.step, 1) * pace.step for moment in pace.throttled_at.tolist()})
        chart.add("throttle", [(second, height) for second in at], stroke=False, show_dots=True, dots_size=4)
        names.append("throttle")
    return names


def _pace_said(pace: figures.Pace) -> str:
    seconds = max(1.0, (pace.ended_at - pace.started_at) / 1000)
    said = f"{pace.sent * 60 / seconds:,.0f} updates a minute on average over {moments.span(seconds)}"
    if pace.limit:
        said += f", of {pace.limit:,.0f} allowed"
    said += f"; told to wait {moments.times(len(pace.throttled_at))}" if len(pace.throttled_at) else ""
    down = sum(end - begin for begin, end in pace.outages) / 1000
    return said + (f"; the marketplace was not available for {moments.span(down)}" if pace.outages else "") + "."


def deadlines(account: RunAccount) -> Chart | None:
    """Return how much time was left to the ship-by times."""
    told = figures.deadlines(account)
    if told is None:
        return None
    chart = pygal.StackedBar(**drawing.settings())
    chart.x_labels = [name for _, name in figures.SLACK_CLASSES]
    series = {"shipped": ("shipped", told.shipped), "open": ("not shipped", told.still_open)}
    used = {word: (text, counts) for word, (text, counts) in series.items() if counts.any()}
    for text, counts in used.values():
        chart.add(text, [int(count) or None for count in counts])
    said = f"{told.met:,} shipped in time, {told.missed:,} late"
    if told.overdue:
        said += f"; {told.overdue:,} not shipped and past the deadline"
    if told.next_open:
        said += f"; the next deadline of what is not shipped: {moments.clock(told.next_open, account.timezone)}"
    return Chart(
        title="Time left to the deadline",
        svg=drawing.markup(chart, list(used)),
        said=f"{said}.",
        legend=[(word, text) for word, (text, _) in used.items()],
    )


def time_to_answer(account: RunAccount) -> Chart | None:
    """Return how long the marketplace took to answer, by kind of call."""
    found = figures.latencies(account)
    if not found:
        return None
    occupied = [at for at in range(len(figures.LATENCY_CLASSES)) if any(told.counts[at] for told in found)]
    shown = slice(occupied[0], occupied[-1] + 1)
    chart = pygal.Bar(**drawing.settings())
    chart.x_labels = [name for _, name in figures.LATENCY_CLASSES[shown]]
    for told in found:
        chart.add(told.kind, [int(count) or None for count in told.counts[shown]])
    first = found[0]
    name = _NAMES_OF_CALLS[first.kind]
    return Chart(
        title="Time to answer",
        svg=drawing.markup(chart, [told.kind for told in found]),
        said=f"Half of the {name} were answered within {first.median:,.0f} ms, 95 of 100 within {first.high:,.0f} ms.",
        legend=[(told.kind, f"{_NAMES_OF_CALLS[told.kind]} answered within") for told in found],
    )


def by_carrier(account: RunAccount) -> Chart | None:
    """Return the rows of each carrier by outcome."""
    table = figures.by_carrier(account)
    if table is None:
        return None
    chart = pygal.HorizontalStackedBar(**drawing.settings(height=50 + 28 * len(table)))
    shown = table.iloc[::-1]  # drawn from the bottom
    chart.x_labels = [_shortened(str(name)) for name in shown.index]
    for outcome in shown.columns:
        chart.add(outcome, [int(count) or None for count in shown[outcome]])
    return Chart(
        title="Rows by carrier",
        svg=drawing.markup(chart, list(shown.columns)),
        said=_carriers_said(table),
        legend=[(str(outcome), str(outcome).replace("_", " ")) for outcome in shown.columns],
    )


def _carriers_said(table: pd.DataFrame) -> str:
    well = [str(word) for word in (*WELL, "ready", "not_attempted")]
    trouble = table.drop(columns=[word for word in well if word in table.columns]).sum(axis="columns").to_numpy()
    if not trouble.sum():
        return "No row of any carrier needs a person."
    worst = int(trouble.argmax())
    name, rows = _shortened(str(table.index[worst])), int(table.iloc[worst].sum())
    return f"Most of what needs a person is of {name}: {trouble[worst]:,} of {rows:,} rows."


def _ticks(start: float, end: float, zone: ZoneInfo) -> list[float]:
    """Return a few round times between the two (s), round by the clock of the zone."""
    step = next((step for step in _TICKS if (end - start) / step <= _MOST_TICKS), _TICKS[-1])
    offset = datetime.fromtimestamp(start, zone).utcoffset()
    ahead = offset.total_seconds() if offset else 0.0
    first = -(-(start + ahead) // step) * step - ahead
    return [first + step * at for at in range(int((end - first) // step) + 1)] or [start]


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"
