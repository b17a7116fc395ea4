"""report.html: one self-contained file for people. It loads nothing, and what stands in a cell stays text."""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from batch.report import charts, moments, terminal, todo
from batch.report.account import READY
from batch.report.entries import table_of_orders
from batch.report.places import places
from batch.report.summary import OUTCOMES_AS_TOLD, outcome_totals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from markupsafe import Markup

    from batch.outcomes import Outcome
    from batch.report.account import RunAccount
    from batch.report.places import Place

_MOST_TASKS = 60
_MOST_STRETCHES = 60  # of row numbers in one sheet under one reason
_MOST_FILES = 200
_TEMPLATES = Path(__file__).parent / "templates"


def page(account: RunAccount, found: Sequence[todo.Task]) -> str:
    """Return the page; `found` are the account's tasks."""
    script = (_TEMPLATES / "report.js").read_text(encoding="utf-8")
    entries, left_out = table_of_orders(account)
    return (
        _environment()
        .get_template("report.html")
        .render(
            account=account,
            headline=terminal.headline(account),
            started=moments.clock(account.started_at, account.timezone),
            finished=moments.clock(account.finished_at, account.timezone),
            took=moments.span((account.finished_at - account.started_at) / 1000),
            totals=_totals(account),
            shares=_shares(account),
            groups=_groups(account, found[:_MOST_TASKS]),
            more_tasks=max(0, len(found) - _MOST_TASKS),
            to_fix=todo.files_to_mend(account)[:_MOST_FILES],
            files=account.files[:_MOST_FILES],
            more_files=max(0, len(account.files) - _MOST_FILES),
            charts=charts.charts(account),
            entries=entries,
            left_out=left_out,
            script=script,
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
            style=(_TEMPLATES / "report.css").read_text(encoding="utf-8"),
        )
    )


def write_page(path: Path, account: RunAccount, found: Sequence[todo.Task]) -> None:
    """Write the page."""
    path.write_text(page(account, found), encoding="utf-8", errors="replace")


def _totals(account: RunAccount) -> list[tuple[str, str, int, int, str]]:
    """Return for each outcome that occurred: its word, what it means, orders, rows, who acts."""
    orders = outcome_totals(account.orders["outcome"], ready=account.ready)
    rows = outcome_totals(account.rows["outcome"], ready=account.ready)
    who = {str(outcome): name for outcome, name in todo.WHO.items()}
    meaning = {str(outcome): text for outcome, text in todo.MEANING.items()}
    words = [word for word in (READY, *OUTCOMES_AS_TOLD) if orders.get(word) or rows.get(word)]
    return [(word, meaning[word], orders[word], rows[word], who.get(word, "nobody")) for word in words]


def _shares(account: RunAccount) -> list[tuple[str, int, Markup]]:
    """Return the bars: what is counted, how many, and the picture."""
    totals = _totals(account)
    counted = (("orders", 2, len(account.orders)), ("rows", 3, len(account.rows)))
    found = []
    for name, at, count in counted:
        if count:
            found.append((name, count, charts.share({line[0]: int(line[at]) for line in totals if line[at]})))
    return found


def _groups(
    account: RunAccount, found: Sequence[todo.Task]
) -> list[tuple[Outcome, list[tuple[todo.Task, list[Place]]]]]:
    return [
        (outcome, [(task, places(account, task.rows, _MOST_STRETCHES)) for task in group])
        for outcome, group in groupby(found, key=lambda task: task.outcome)
    ]


@cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["figure"] = lambda number: f"{number:,}"
    environment.filters["said"] = terminal.said
    return environment
