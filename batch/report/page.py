"""report.html: one self-contained file for people. It loads nothing, and what stands in a cell stays text."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import jinja2
from markupsafe import Markup

from batch.report import charts, figures, moments, todo, wording
from batch.report.account import READY
from batch.report.entries import list_orders
from batch.report.places import places
from batch.report.summary import OUTCOMES_AS_TOLD, outcome_totals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batch.outcomes import Outcome
    from batch.report.account import RunAccount

_MOST_TASKS = 60
_MOST_PLACES = 25  # sheets under one reason
_MOST_STRETCHES = 40  # of row numbers in one sheet under one reason
_DEADLINE_CLASSES = ("met", "missed", "overdue", "ahead")
_MOST_FILES = 200
_TEMPLATES = Path(__file__).parent / "templates"

_Placed: TypeAlias = "tuple[todo.Task | todo.Remark, list[str]]"  # with where its rows lie


@dataclass(frozen=True, slots=True)
class Share:
    """One bar: what is counted, how many, what else is to be said, and the picture."""

    name: str
    count: int
    said: str
    picture: Markup


def page(account: RunAccount, found: Sequence[todo.Task], *, beside: Sequence[str] | None = None) -> str:
    """Return the page; `found` are the account's tasks, `beside` the files to mend where they lie beside the page."""
    script = (_TEMPLATES / "report.js").read_text(encoding="utf-8")
    return (
        _environment()
        .get_template("report.html")
        .render(
            account=account,
            headline=wording.headline(account),
            started=moments.clock(account.started_at, account.timezone),
            finished=moments.clock(account.finished_at, account.timezone),
            took=moments.span((account.finished_at - account.started_at) / 1000),
            totals=_totals(account),
            shares=_shares(account),
            groups=_groups(account, found[:_MOST_TASKS]),
            more_tasks=max(0, len(found) - _MOST_TASKS),
            waiting=_placed(account, todo.waiting(account)),
            warnings=_placed(account, todo.remarks(account, "warning")),
            notes=_placed(account, todo.remarks(account, "note")),
            beside=beside is not None,
            to_fix=(todo.files_to_mend(account) if beside is None else beside)[:_MOST_FILES],
            files=account.files[:_MOST_FILES],
            more_files=max(0, len(account.files) - _MOST_FILES),
            charts=charts.charts(account),
            listed=list_orders(account),
            script=script,
            script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
            style=(_TEMPLATES / "report.css").read_text(encoding="utf-8"),
        )
    )


def write_page(
    path: Path, account: RunAccount, found: Sequence[todo.Task], *, beside: Sequence[str] | None = None
) -> None:
    """Write the page; `beside`: the files to mend, where they lie beside it and not in a report's folder."""
    path.write_text(page(account, found, beside=beside), encoding="utf-8", errors="replace")


def _totals(account: RunAccount) -> list[tuple[str, str, int, int, str]]:
    """Return for each outcome that occurred: its word, what it means, orders, rows, who acts."""
    orders = outcome_totals(account.orders["outcome"], ready=account.ready)
    rows = outcome_totals(account.rows["outcome"], ready=account.ready)
    who = {str(outcome): name for outcome, name in todo.WHO.items()}
    meaning = {str(outcome): text for outcome, text in todo.MEANING.items()}
    words = [word for word in (READY, *OUTCOMES_AS_TOLD) if orders.get(word) or rows.get(word)]
    return [(word, meaning[word], orders[word], rows[word], who.get(word, "nobody")) for word in words]


def _shares(account: RunAccount) -> list[Share]:
    """Return the bars: orders and rows by outcome, deadlines by whether they were met."""
    totals = _totals(account)
    found = [
        _share(name, {line[0]: int(line[at]) for line in totals}) for name, at in (("orders", 2), ("rows", 3)) if totals
    ]
    if due := figures.deadlines(account):
        counts = {"met": due.met, "missed": due.missed, "past and not shipped": due.overdue, "still ahead": due.ahead}
        said = ", ".join(f"{count:,} {word}" for word, count in counts.items() if count)
        found.append(_share("deadlines", dict(zip(_DEADLINE_CLASSES, counts.values(), strict=True)), f": {said}"))
    return [share for share in found if share.count]


def _share(name: str, counts: dict[str, int], said: str = "") -> Share:
    parts = {word: count for word, count in counts.items() if count}
    return Share(name, sum(parts.values()), said, charts.share(parts) if parts else Markup())


def _groups(account: RunAccount, found: Sequence[todo.Task]) -> list[tuple[Outcome, list[_Placed]]]:
    return [
        (outcome, _placed(account, list(group))) for outcome, group in groupby(found, key=lambda task: task.outcome)
    ]


def _placed(account: RunAccount, found: Sequence[todo.Task | todo.Remark]) -> list[_Placed]:
    """Return beside each task or remark where its rows lie; a sentence at the end says how many sheets more."""
    told = []
    for one in found[:_MOST_TASKS]:
        lie = places(account, one.rows, _MOST_STRETCHES)
        more = [f"and in {len(lie) - _MOST_PLACES:,} sheets more"] if len(lie) > _MOST_PLACES else []
        told.append((one, [*map(str, lie[:_MOST_PLACES]), *more]))
    return told


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
    environment.filters["said"] = wording.said
    return environment
