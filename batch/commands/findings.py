"""How `doctor` and `init` print what they found: a line each, and below what is not well how to mend it."""

from __future__ import annotations

import shutil
import sys
import textwrap
from collections import Counter
from typing import TYPE_CHECKING

import click

from batch.finding import Standing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from batch.finding import Finding

_STYLES = {Standing.WELL: "green", Standing.WARNING: "yellow", Standing.WRONG: "red"}
_MARGIN = len("warning  ")
_NARROWEST = 20  # columns that a sentence gets at least


def print_findings(found: Iterable[Finding]) -> list[Finding]:
    """Print the findings as they come, and how many of them are not well; return them all.

    Only a terminal has its lines broken.
    """
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    printed = []
    for one in found:
        for line in _lines(one, width):
            click.echo(line)
        printed.append(one)
    click.echo()
    click.echo(_summed_up(printed))
    return printed


def _lines(one: Finding, width: int | None) -> Iterator[str]:
    about = f"{one.about} ({one.account})" if one.account else one.about
    first, *more = _broken(f"{about}: {one.said}", width)
    yield click.style(f"{one.standing:<{_MARGIN}}", fg=_STYLES[one.standing]) + first
    yield from (" " * _MARGIN + line for line in more)
    if one.mend:
        yield from (" " * _MARGIN + click.style(line, bold=True) for line in _broken(f"-> {one.mend}", width))


def _broken(text: str, width: int | None) -> list[str]:
    if width is None:
        return [text]
    return textwrap.wrap(text, max(_NARROWEST, width - _MARGIN - 1), break_long_words=False, break_on_hyphens=False)


def _summed_up(found: Sequence[Finding]) -> str:
    count = Counter(one.standing for one in found)
    if not count[Standing.WRONG] + count[Standing.WARNING]:
        return click.style("All is well.", fg="green", bold=True)
    wrong = {0: "Nothing is wrong", 1: "1 thing is wrong"}.get(
        count[Standing.WRONG], f"{count[Standing.WRONG]} things are wrong"
    )
    look = {0: "", 1: "; 1 warning"}.get(count[Standing.WARNING], f"; {count[Standing.WARNING]} warnings")
    return click.style(f"{wrong}{look}.", fg="red" if count[Standing.WRONG] else "yellow", bold=True)
