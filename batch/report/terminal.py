"""The run on a terminal: understood in five seconds, ending with what to do and where the report lies."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from batch.errors import Exit
from batch.outcomes import NEEDS_PERSON, Outcome
from batch.report import figures, moments
from batch.report.account import READY
from batch.report.bad_cells import WARNING
from batch.report.places import places, shortest
from batch.report.summary import outcome_totals
from batch.report.to_fix import FOLDER as FOLDER_TO_FIX
from batch.report.todo import COMMANDS, RESUME, files_to_mend, remarks, tasks
from batch.report.wording import headline, said

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from rich.console import Console, ConsoleOptions, RenderableType, RenderResult

    from batch.report.account import FileAccount, RunAccount

STYLES = {
    Outcome.SHIPPED: "green",
    Outcome.ALREADY_SHIPPED: "green",
    Outcome.SKIPPED: "dim",
    Outcome.REJECTED: "red",
    Outcome.HELD: "yellow",
    Outcome.REFUSED: "red",
    Outcome.UNKNOWN: "bold magenta",
    Outcome.NOT_ATTEMPTED: "cyan",
    READY: "green",
}
_MENDABLE = NEEDS_PERSON - {Outcome.UNKNOWN}
_LONGEST_EXAMPLE = 160  # characters
_MEND_ABOVE = "Mend the rows named above and drop the file again."
_NO_REPORT_YET = "`--report FOLDER` writes a report, with every reason and the rows to mend."
_MOST_TASKS = 5  # more than these nobody reads on a terminal; the report has all
_MOST_PLACES = 2  # sheets that are named under one reason
_MOST_STRETCHES = 3  # of row numbers in one sheet
_BAR = 30  # characters

# What a terminal without Unicode shows instead.
_PLAIN = {ord("█"): "#", ord("…"): "...", ord("·"): "-", ord("—"): "-", ord("“"): '"', ord("”"): '"'}
# Characters that command a terminal: a cell of somebody's file must not.
_COMMANDS = dict.fromkeys((*range(32), *range(127, 160)), "�")


# How it ended, its style, how many rows, why, and where.
_Reason: TypeAlias = tuple[str, str, int, str, str]


class Account:
    """A run's account as something that rich prints: `console.print(Account(account, folder))`."""

    def __init__(self, account: RunAccount, folder: Path | None = None) -> None:
        """Tell of `account`, whose report lies in `folder` if it was written."""
        self._account = account
        self._folder = folder

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines, for the width and the characters that the console has."""
        wide = options.max_width >= 60  # noqa: PLR2004 - columns below which the bar has no room
        told = Group(*_parts(self._account, self._folder, wide=wide))
        yield _Plain(told) if options.ascii_only else told


def describe(account: RunAccount, folder: Path | None = None) -> Account:
    """Return the account of a run as something to print on a terminal; `folder` is where its report was written."""
    return Account(account, folder)


def next_steps(account: RunAccount, folder: Path | None = None) -> list[str]:
    """Return what to do next, one sentence each, none where nothing is to do; `folder`: where the report lies."""
    steps = [_unreadable(file) for file in account.files if file.problem]
    outcomes = set(account.rows["outcome"].unique())
    if outcomes & _MENDABLE:
        steps.append(_mend(files_to_mend(account), folder) if folder else _MEND_ABOVE)
        steps += [_NO_REPORT_YET] * (account.ready and not folder)
    if Outcome.HELD in outcomes and folder:
        steps.append(f"Or decide what becomes of an order that is held: {COMMANDS[Outcome.HELD]}")
    if Outcome.UNKNOWN in outcomes:
        steps.append(f"Do not send the unknown ones again by hand: {RESUME} looks once more.")
    elif Outcome.NOT_ATTEMPTED in outcomes and not account.ready:
        steps.append(f"Go on with what is left: {RESUME}")
    return steps


def _unreadable(file: FileAccount) -> str:
    name = file.path.name
    return file.problem if name in file.problem else f"{name}: {file.problem}"


def _mend(files: list[str], folder: Path) -> str:
    if len(files) == 1:
        return f"Mend {shortest(folder / files[0])} and drop it again."
    return f"Mend the {len(files)} files in {shortest(folder / FOLDER_TO_FIX)} and drop them again."


def _parts(account: RunAccount, folder: Path | None, *, wide: bool) -> Iterator[RenderableType]:
    yield Text("")
    if account.interrupted:
        yield Text("INTERRUPTED", style="bold red")
    yield Text(headline(account), style=f"bold {_mood(account)}")
    yield Text(_printable(_about(account)), style="dim")
    if len(account.orders) or len(account.rows):
        yield Text("")
        yield _counts(account, wide=wide)
        yield from _deadlines(account)
    where = "--report" if account.ready and not folder else "the report"
    told = [*_tasks(account, where), *_warnings(account, where)]
    if told:
        yield Text("")
        yield _reasons(told, wide=wide)
    steps = next_steps(account, folder)
    yield Text("")
    if steps:
        yield Text("What to do", style="bold")
        yield from (_bullet(step) for step in steps)
    if folder is not None:
        page = folder / "report.html"
        yield Text(_printable(f"Report: {shortest(page if page.exists() else folder)}"), overflow="fold")


def _about(account: RunAccount) -> str:
    took = moments.span((account.finished_at - account.started_at) / 1000)
    parts = [account.run, account.account, took]
    if throttled := account.requests.get("throttled", 0):
        parts.append(f"told to wait {moments.times(throttled)}")
    if warned := int((account.findings["effect"] == WARNING).sum()):
        parts.append(f"{warned:,} warning{'s' * (warned != 1)}")
    return " · ".join(part for part in parts if part)


def _deadlines(account: RunAccount) -> Iterator[RenderableType]:
    """Yield what became of ship-by times, as far as they are known."""
    told = figures.deadlines(account)
    if told is None:
        return
    parts = [(f"{told.met:,} met", "green")] if told.met else []
    parts += [(f"{told.missed:,} missed", "yellow")] if told.missed else []
    parts += [(f"{told.overdue:,} past and not shipped", "red")] if told.overdue else []
    if told.next_open:
        parts.append((f"next {moments.clock(told.next_open, account.timezone)[:16]}", ""))
    yield Text("")
    yield Padding(Text.assemble("Deadlines: ", Text(", ").join(Text(*part) for part in parts)), (0, 0, 0, 2))


def _counts(account: RunAccount, *, wide: bool) -> RenderableType:
    orders = outcome_totals(account.orders["outcome"], ready=account.ready)
    rows = outcome_totals(account.rows["outcome"], ready=account.ready)
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column("outcome")
    grid.add_column("orders", justify="right", no_wrap=True)
    grid.add_column("rows", justify="right", no_wrap=True)
    if wide:
        grid.add_column("", no_wrap=True)
    grid.add_row("", Text("orders", "dim"), Text("rows", "dim"), *[""] * wide)
    for word in [name for name in orders if name != "total" and (orders[name] or rows[name])]:
        style = STYLES[word]
        line = [Text(said(word), style), Text(f"{orders[word]:,}", style), Text(f"{rows[word]:,}", style)]
        bar = Text(_bar(orders[word], orders["total"]), style)
        grid.add_row(*line, *[bar] * wide)
    grid.add_row(Text("all", "bold"), Text(f"{orders['total']:,}", "bold"), Text(f"{rows['total']:,}", "bold"))
    return Padding(grid, (0, 0, 0, 2))


def _bar(part: int, whole: int) -> str:
    return "█" * max(1, round(_BAR * part / whole)) if part else ""


def _tasks(account: RunAccount, all_in: str) -> Iterator[_Reason]:
    """Yield the first few reasons for which a person is needed. `all_in`: where the others are told."""
    found = tasks(account)
    urgent = sorted(found, key=lambda task: (task.outcome is not Outcome.UNKNOWN, -len(task.rows)))
    for task in urgent[:_MOST_TASKS]:
        where = _where(account, task.rows, task.example)
        yield said(task.outcome), STYLES[task.outcome], len(task.rows), task.reason, where
    if more := len(found[_MOST_TASKS:]):
        yield "", "dim", 0, f"and {more} more reason{'s' * (more != 1)}, all in {all_in}", ""


def _warnings(account: RunAccount, all_in: str) -> Iterator[_Reason]:
    found = remarks(account, WARNING)
    if found:
        kinds = f"{len(found) - 1} more kind{'s' * (len(found) > 2)}"  # noqa: PLR2004 - one more is no plural
        more = f" And {kinds}, all in {all_in}." if len(found) > 1 else ""
        rows = len({row for remark in found for row in remark.rows.tolist()})
        yield "warning", "yellow", rows, f"{found[0].reason}{more}", _where(account, found[0].rows, found[0].example)


def _where(account: RunAccount, rows: np.ndarray, example: str) -> str:
    """Return where the rows stand, and what stands in the bad cell of one of them."""
    told = example if len(example) <= _LONGEST_EXAMPLE else f"{example[:_LONGEST_EXAMPLE]} …"
    if told and len(rows) == 1:
        return told
    return "; for example: ".join(part for part in (_stretches(account, rows), told) if part)


def _stretches(account: RunAccount, rows: np.ndarray) -> str:
    found = places(account, rows, _MOST_STRETCHES)
    more = [f"{len(found) - _MOST_PLACES} more files"] if len(found) > _MOST_PLACES + 1 else []
    return "; ".join([*map(str, found[: _MOST_PLACES if more else None]), *more])


def _reasons(told: Sequence[_Reason], *, wide: bool) -> RenderableType:
    """Return reasons as lines: how it ended, how many rows, why, and below it where."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    if wide:
        grid.add_column(no_wrap=True)
        grid.add_column(no_wrap=True, justify="right")
    grid.add_column(overflow="fold")
    for word, style, rows, reason, where in told:
        count = f"{rows:,} row{'s' * (rows != 1)}" if rows else ""
        why = [Text(_printable(reason), "" if rows else "dim"), *([Text(_printable(where), "dim")] if where else [])]
        if wide:
            grid.add_row(Text(word, style), Text(count, style), Group(*why))
        else:
            grid.add_row(Group(Text(f"{word}, {count}", style), *why) if rows else why[0])
    return Padding(grid, (0, 0, 0, 2))


def _bullet(step: str) -> RenderableType:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(width=1)
    grid.add_column(overflow="fold")
    grid.add_row("-", Text(_printable(step)))
    return Padding(grid, (0, 0, 0, 2))


def _mood(account: RunAccount) -> str:
    if account.exit_code == Exit.OK:
        return "green"
    return "yellow" if account.exit_code in (Exit.NEEDS_PERSON, Exit.UNREADABLE, Exit.TEMPORARY) else "red"


def _printable(text: str) -> str:
    return text.translate(_COMMANDS)


class _Plain:
    """Something to print, with what is not ASCII replaced by what is like it."""

    def __init__(self, part: RenderableType) -> None:
        self._part = part

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        for segment in console.render(self._part, options):
            text = segment.text.translate(_PLAIN)
            yield segment._replace(text=text.encode("ascii", "replace").decode())
