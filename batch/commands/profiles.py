"""`shipbatch profiles`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from batch.commands.options import config_option

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batch.reading import Profile, Table
    from batch.reading.explain import Explanation

_FILE = click.Path(path_type=Path)
_EPILOG = """\b
Examples:
  shipbatch profiles list
  shipbatch profiles explain warehouse.xlsx
  shipbatch profiles new warehouse.xlsx > profiles/warehouse.toml
  shipbatch profiles template > shipments.csv
"""


@click.group(epilog=_EPILOG)
def profiles() -> None:
    """See what kinds of exports are known, how a file is read, and teach shipbatch a new kind."""


@profiles.command("list")
@config_option
def list_(*, config: Path | None) -> None:
    """List the profiles: your own first, then those shipped with shipbatch."""
    for profile in _profiles(config):
        click.echo(f"{profile.name:<22}{profile.title}" + ("  (your own)" if profile.own else ""))


@profiles.command()
@click.argument("file", type=_FILE)
@config_option
@click.option("--profile", metavar="NAME", help="Read it by this profile.")
def explain(*, file: Path, config: Path | None, profile: str | None) -> None:
    """Tell which profile a file is by, and what each column becomes, with three sample values."""
    from batch.errors import UnreadableFile
    from batch.reading import explain as explained
    from batch.reading import match

    known = _profiles(config)
    unmatched: list[UnreadableFile] = []
    tables = _tables(file, known)
    for table in tables:
        try:
            explanation = explained(table, match(table, known, profile))
        except UnreadableFile as error:
            unmatched.append(error)
            continue
        for line in _explained(explanation):
            click.echo(line)
    if len(unmatched) == len(tables):
        raise unmatched[0]
    for problem in unmatched:
        click.echo(str(problem), err=True)


@profiles.command()
@click.argument("file", type=_FILE)
@config_option
@click.option("--name", default="my-export", show_default=True, help="What the profile is called.")
def new(*, file: Path, config: Path | None, name: str) -> None:
    """Print a draft profile for a file, made from its header, with guesses marked."""
    from batch.reading import draft

    click.echo(draft(_tables(file, _profiles(config))[0], name), nl=False)


@profiles.command()
def template() -> None:
    """Print the header of a file in our own columns, to be filled in."""
    from batch.reading import template as header

    click.echo(header(), nl=False)


def _profiles(config: Path | None) -> tuple[Profile, ...]:
    from batch.reading import load_profiles
    from batch.settings import load

    return load_profiles(load(config).profiles)


def _tables(file: Path, known: tuple[Profile, ...]) -> tuple[Table, ...]:
    from batch.inputs import in_place
    from batch.reading import read_tables, vocabulary

    return read_tables(in_place(file), None, vocabulary(known))


def _explained(explanation: Explanation) -> Iterator[str]:
    table = explanation.table
    yield click.style(f"{table.name}: {explanation.profile.title} (profile '{explanation.profile.name}')", bold=True)
    yield f"  header in row {table.header_row}, {len(table.rows):,} rows"
    for note in table.notes:
        yield f"  {note}"
    for column in explanation.columns:
        if column.header:
            samples = " | ".join(" ".join(sample.split()) for sample in column.samples)
            yield f"  {column.column:<19} {column.letters:>3} {column.header}: {samples}"
        elif column.constant:
            yield f"  {column.column:<19}     always {column.constant}"
        else:
            yield click.style(f"  {column.column:<19}     not in the file", dim=True)
    if explanation.own_columns:
        yield f"  not used: {', '.join(explanation.own_columns)}"
