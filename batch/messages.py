"""What people are told by mail, Slack and the like: who is needed, for what, and where to read more. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice
from textwrap import shorten
from typing import TYPE_CHECKING, Any

from batch.outcomes import Outcome
from batch.report import wording
from batch.report.places import places
from batch.report.summary import OUTCOMES_AS_TOLD
from batch.report.todo import tasks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import pandas as pd

    from batch.end_of_run import Ended
    from batch.matters import Matter, News
    from batch.report.account import RunAccount

_LONGEST_TITLE = 100  # characters of a reason in it
_MOST_REASONS = 8
_MOST_FILES = 10
_MOST_STRETCHES = 3  # of row numbers in one sheet


@dataclass(frozen=True, slots=True)
class Message:
    """What is sent: plain text."""

    title: str
    body: str


def message(name: str, end: Ended, news: News, *, digest: bool) -> Message | None:
    """Return what is told of an account's run, None where that is nothing. `digest`: every run is told of."""
    if news.matters:
        return Message(_title_of_need(name, news.matters), _body(end, _reasons(end, news.matters)))
    if news.well_again:
        said = ["All that needed a person is settled."]
        return Message(f"shipbatch: account {name} is well again", _body(end, said))
    if digest and end.account is not None and len(end.account.rows):
        return Message(f"shipbatch: account {name}: {wording.headline(end.account)}", _body(end, []))
    return None


def daily_message(name: str, summaries: Sequence[Mapping[str, Any]], day: str) -> Message | None:
    """Return what is told of all an account's runs of some time, None where there were none. `day`: since when."""
    if not summaries:
        return None
    files = list(dict.fromkeys(file["path"] for summary in summaries for file in summary["files"]))
    lines = [f"{_count(len(summaries), 'run')}, {_count(len(files), 'file')} since {day}."]
    counts = {word: sum(summary["orders"].get(word, 0) for summary in summaries) for word in OUTCOMES_AS_TOLD}
    lines += [f"- {_count(count, 'order')} {wording.said(word)}" for word, count in counts.items() if count]
    return Message(f"shipbatch: account {name}: what was done", "\n".join([*lines, *_listed(files)]))


def _title_of_need(name: str, matters: Sequence[Matter]) -> str:
    rows = sum(matter.kind == "row" for matter in matters)
    files = sum(matter.kind == "file" for matter in matters)
    said = shorten(matters[0].said, _LONGEST_TITLE, placeholder=" …")
    parts = [_count(rows, "row")] * bool(rows) + [f"{_count(files, 'file')} that cannot be read"] * bool(files)
    return f"shipbatch: account {name} needs a person: {' and '.join(parts) or said}"


def _reasons(end: Ended, matters: Sequence[Matter]) -> list[str]:
    """Return the reasons of what is new, each with how many rows it concerns and where they are."""
    said = [f"- {matter.said}" for matter in matters if matter.said]
    rows = [matter.position for matter in matters if matter.position >= 0]
    if rows and end.account is not None:
        said += _grouped(end.account, rows)
    more = len(said) - _MOST_REASONS
    return said[:_MOST_REASONS] + [f"- and {_count(more, 'reason')} more, all in the report"] * (more > 0)


def _grouped(account: RunAccount, new: Sequence[int]) -> Iterator[str]:
    for task in tasks(replace(account, rows=_only(account.rows, new))):
        where = "; ".join(map(str, places(account, task.rows, _MOST_STRETCHES)))
        yield f"- {_count(len(task.rows), 'row')} {task.outcome} ({where}): {task.reason}"


def _only(rows: pd.DataFrame, positions: Sequence[int]) -> pd.DataFrame:
    """Return the rows with none needing a person but those at these positions."""
    new = rows.index.isin(list(positions))
    return rows.assign(outcome=rows["outcome"].where(new, str(Outcome.SKIPPED)))


def _body(end: Ended, said: Sequence[str]) -> str:
    if end.account is None:
        return "\n".join([*said, "Nothing more is sent until this is put right."])
    report = [f"Report: {_page(end.report)}"] if end.report else []
    return "\n".join(
        [
            wording.headline(end.account),
            *said,
            *_listed([str(file.path) for file in end.account.files]),
            *report,
        ]
    )


def _page(report: Path) -> Path:
    page = report / "report.html"
    return page if page.exists() else report


def _listed(files: Sequence[str]) -> list[str]:
    if not files:
        return []
    more = len(files) - _MOST_FILES
    return [f"Files: {', '.join(islice(files, _MOST_FILES))}" + (f" and {more:,} more" if more > 0 else "")]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"
