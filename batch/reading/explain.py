"""What the `profiles` command tells: how a table is read, a draft for a table that fits nothing, a template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from batch.reading.fitting import fit
from batch.reading.headers import normalised_header
from batch.reading.profiles import load_profiles
from batch.reading.table import column_letters
from schemas.shipment import SHIPMENT_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batch.reading.declaration import Profile
    from batch.reading.table import Table

_SAMPLES = 3
_LONGEST_SAMPLE = 60  # characters


@dataclass(frozen=True, slots=True)
class Explained:
    """What one shipment column is made of."""

    column: str  # the shipment column
    header: str  # the file's header, "" where there is none
    letters: str  # the file's column as Excel names it, "" where there is none
    constant: str  # the profile's constant, where it stands in
    samples: tuple[str, ...]  # up to three different values of the file


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a table is read by a profile."""

    profile: Profile
    table: Table
    columns: tuple[Explained, ...]  # one for each shipment column
    own_columns: tuple[str, ...]  # headers that become nothing: the seller's own columns


def explain(table: Table, profile: Profile) -> Explanation:
    """Return what each shipment column is made of, with sample values."""
    origins = fit(table, profile).origins
    columns = tuple(_explained(table, profile, column, origins.get(column)) for column in SHIPMENT_COLUMNS)
    used = set(origins.values())
    own = tuple(header for position, header in enumerate(table.columns) if header and position not in used)
    return Explanation(profile, table, columns, own)


def _explained(table: Table, profile: Profile, column: str, origin: int | None) -> Explained:
    if origin is None:
        return Explained(column, "", "", profile.constants.get(column, ""), ())
    return Explained(column, table.columns[origin], column_letters(origin), "", samples(table, origin))


def samples(table: Table, position: int) -> tuple[str, ...]:
    """Return up to three different values of a column, in the order of the file."""
    values = table.cells[position].str.strip()
    return tuple(value[:_LONGEST_SAMPLE] for value in values[values != ""].drop_duplicates().head(_SAMPLES))


def template() -> str:
    """Return the header row of our own columns, as CSV."""
    (profile,) = (profile for profile in load_profiles(None) if profile.name == "shipbatch")
    return ",".join(profile.header_for(column) for column in SHIPMENT_COLUMNS) + "\r\n"


def draft(table: Table, name: str = "my-export") -> str:
    """Return a draft profile in TOML for a table: each shipment column with its header, guesses marked as such.

    A guess is a header that the generic profile knows, or that has such a header in it.
    """
    (generic,) = (profile for profile in load_profiles(None) if profile.name == "generic")
    sure = fit(table, generic).origins
    found = {column: _likely(table, generic, column, sure.get(column)) for column in SHIPMENT_COLUMNS}
    unused = [header for position, header in enumerate(table.columns) if header and position not in found.values()]
    lines = [
        f"# A draft for {table.name}. Save it in your profiles folder, and check every line marked GUESS or MISSING.",
        f"name = {_quoted(name)}",
        f"title = {_quoted(table.source.path.name)}",
        "",
        "[columns]",
    ]
    lines += [
        _drafted(table, column, place, sure=column in sure) if place is not None else _undrafted(generic, column, found)
        for column, place in found.items()
    ]
    lines += ["", "# Headers not used: " + (", ".join(map(_quoted, unused)) or "none"), "", *_FURTHER]
    return "\n".join(lines) + "\n"


_FURTHER = (
    "# What no column says, and is always so:",
    "# [constants]",
    '# carrier = "Canada Post"',
    "",
    "# Where no date tells whether the day or the month comes first:",
    "# [dates]",
    '# order = "day-first"',
    "",
    "# Rows that are no shipments:",
    "# [[skip]]",
    '# columns = ["Status"]',
    '# values = ["Void", "Cancelled"]',
    '# reason = "the export says that this label was voided"',
)
"""What a draft may need besides columns."""


def _undrafted(generic: Profile, column: str, found: Mapping[str, int | None]) -> str:
    missing = any(column in group and all(found[one] is None for one in group) for group in generic.needs)
    return f"# {column} = [{_quoted('...')}]  # {'MISSING' if missing else 'not found'}"


def _drafted(table: Table, column: str, place: int, *, sure: bool) -> str:
    shown = " | ".join(" ".join(sample.split()) for sample in samples(table, place))
    return f"{column} = [{_quoted(table.columns[place])}]  # {'by its name' if sure else 'GUESS'}: {shown}".rstrip(" :")


def _likely(table: Table, generic: Profile, column: str, origin: int | None) -> int | None:
    return _similar(table, generic, column) if origin is None else origin


def _similar(table: Table, generic: Profile, column: str) -> int | None:
    """Return a column whose header has a known one in it, the longest known one first."""
    known = {normalised_header(header) for group in generic.columns.get(column, ()) for header in group}
    for part in sorted(known, key=lambda header: (-len(header), header)):
        for position, header in enumerate(table.columns):
            if part in normalised_header(header) and not header.startswith("_"):
                return position
    return None


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in escaped) + '"'
