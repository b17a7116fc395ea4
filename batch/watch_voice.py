"""What `watch` says: one line for each file that comes, goes or stays, and for each thing that goes wrong or is mended.

On a terminal the lines are for people; elsewhere they are log lines, which carry the same as fields.
"""

from __future__ import annotations

import logging
import threading
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.text import Text

from batch.logs import log
from batch.moving import Target
from batch.report.moments import span
from batch.report.places import places
from batch.report.summary import summary
from batch.report.todo import tasks
from batch.report.wording import headline, said

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from rich.console import Console

    from batch.end_of_run import Ended
    from batch.handling import Handled
    from batch.moving import Moved
    from batch.report.account import RunAccount

_STYLES = {Target.DONE: "green", Target.TO_FIX: "yellow", Target.UNREADABLE: "red"}
_WRONG = "red"
_MOST_TASKS = 3
_MOST_STRETCHES = 3


class Voice:
    """Says what happens, each thing once."""

    def __init__(
        self,
        zone: ZoneInfo,
        *,
        console: Console | None = None,
        print_json: Callable[[dict[str, Any]], None] | None = None,
    ) -> None:
        """Speak to people on `console`, else to the log. `print_json` is given each run's summary."""
        self._zone, self._console, self._print_json = zone, console, print_json
        self._said: dict[object, str] = {}  # what is wrong, by what it is about
        self._states: dict[Path, str] = {}  # of files that are not taken yet
        self._speaking = threading.RLock()  # turns, looks and a cluster's have threads of their own

    def say(self, text: str, style: str = "", **told: object) -> None:
        """Say a sentence; `told` are fields of the log line."""
        if self._console is None:
            log.log(logging.WARNING if style == _WRONG else logging.INFO, text, extra={"told": told})
            return
        with self._speaking:
            time = f"{datetime.now(self._zone):%H:%M:%S}  "
            self._console.print(Text.assemble((time, "dim"), (_harmless(text), style)), soft_wrap=True)

    def trouble(self, about: object, text: str) -> None:
        """Say what is wrong, once for as long as it is so."""
        with self._speaking:
            if self._said.get(about) != text:
                self._said[about] = text
                self.say(text, _WRONG)

    def well(self, about: object, text: str) -> None:
        """Say that it is well again, where something was wrong with it."""
        with self._speaking:
            if self._said.pop(about, None) is not None:
                self.say(text, "green")

    def forget_all_but(self, abouts: Collection[object]) -> None:
        """Forget what was said of what is gone."""
        with self._speaking:
            said = self._said.items()
            self._said = {about: text for about, text in said if about in abouts or isinstance(about, str)}
        self._states = {path: state for path, state in self._states.items() if path in abouts}

    # Files

    def arriving(self, path: Path, quiet: float) -> None:
        """Say that a file has come and is not whole yet."""
        if path not in self._states:
            self._states[path] = "arriving"
            text = f"{path.name}: arriving; it is taken when it has not changed for {span(quiet)}"
            self.say(text, "dim", file=str(path), state="arriving")

    def cut_short(self, path: Path, seconds: float) -> None:
        """Say that a file ends within a line."""
        if self._states.get(path) != "cut short":
            self._states[path] = "cut short"
            text = f"{path.name}: its last line has no line end, so the copy may have stalled; waiting {span(seconds)}"
            self.say(text, "yellow", file=str(path), state="cut short")

    def taken(self, account: str, files: Sequence[Path]) -> None:
        """Say that files are being run."""
        for path in files:
            self._states.pop(path, None)
            self.say(f"{path.name}: taken", "dim", file=str(path), account=account, state="taken")

    def paused(self, accounts: Sequence[str], *, everything: bool) -> None:
        """Say when accounts are paused by a file STOP, and when they go on."""
        which = "everything" if everything else f"account {', '.join(accounts)}"
        if accounts:
            self.trouble("STOP", f"There is a file STOP: {which} is paused until it is gone.")
        else:
            self.well("STOP", "The file STOP is gone: going on.")

    # Turns

    def handled(self, account: str, handled: Handled) -> None:
        """Say what came of an account's turn."""
        for end in handled.ends:
            self._ended(account, end)
        for moved in handled.moved:
            self._moved(moved)
        for one in handled.stay:
            text = f"{one.path.name}: {headline(one.account)} It stays until the rest of its rows have ended"
            self.say(text, "cyan", file=str(one.path), state="stays")
            for reason in _reasons(one.account):
                self.say(f"  {reason}", "cyan")
        for left in handled.left:
            self.trouble(left.path, f"{left.reason} Trying again.")
        for path, problem in handled.problems.items():
            if problem:
                self.trouble(path, f"{problem} Trying again.")
        if handled.ends and not any(end.message for end in handled.ends):
            self._said.pop(f"account {account}", None)

    def fault(self, account: str, error: BaseException) -> None:
        """Say that a turn broke by a fault of ours."""
        log.error("A fault of shipbatch itself in account %s", account, exc_info=error)

    def _ended(self, account: str, end: Ended) -> None:
        if end.message:
            self.trouble(f"account {account}", end.message)
        if end.account is None:
            return
        if self._print_json is not None:
            self._print_json(summary(end.account))
        told = {"run": end.account.run, "account": account, "exit_code": int(end.exit_code)}
        report = f" Report: {end.report}" if end.report else ""
        self.say(f"Account {account}: {headline(end.account)}{report}", "dim", report=str(end.report or ""), **told)

    def _moved(self, moved: Moved) -> None:
        told = {"file": str(moved.origin), "state": str(moved.target), "path": str(moved.path)}
        self.say(_how_it_ended(moved), _STYLES[moved.target], **told)
        for step in _next_steps(moved):
            self.say(f"  {step}", _STYLES[moved.target])


def _how_it_ended(moved: Moved) -> str:
    if problem := moved.account.files[0].problem:
        return problem if moved.origin.name in problem else f"{moved.origin.name}: {problem}"
    return f"{moved.origin.name}: {headline(moved.account)} It is in {moved.target}/{moved.path.name}"


def _next_steps(moved: Moved) -> list[str]:
    """Return what is wrong with a file and what to do, nothing where all is well."""
    if moved.target is Target.DONE:
        return []
    why = f"More: {moved.report}"
    if moved.target is Target.UNREADABLE:
        return [f"It is in {moved.target}/{moved.path.name}; put it right and drop it again. {why}"]
    mend = " and ".join(path.name for path in moved.to_fix)
    return [*_reasons(moved.account), f"Mend {mend} in {moved.path.parent} and drop it again. {why}"]


def _reasons(account: RunAccount) -> list[str]:
    """Return why rows need a person, the most important reasons, each with its rows."""
    found = [
        f"{said(task.outcome)}, {len(task.rows):,} row{'s' * (len(task.rows) != 1)} "
        f"({'; '.join(map(str, places(account, task.rows, _MOST_STRETCHES)))}): {task.reason}"
        for task in tasks(account)
    ]
    more = len(found) - _MOST_TASKS
    return found[:_MOST_TASKS] + [f"and {more:,} reason{'s' * (more != 1)} more, all in the report"] * (more > 0)


def _harmless(text: str) -> str:
    """Return the text without what commands a terminal: a file's name or a cell must not."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
