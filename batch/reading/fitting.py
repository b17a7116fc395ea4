"""How well a table's header fits a profile: which column becomes what, what is missing, what stands there twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from batch.reading.headers import normalised_header
from batch.reading.table import column_letters

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from batch.reading.declaration import Profile
    from batch.reading.table import Table


@dataclass(frozen=True, slots=True)
class Fit:
    """How well a table fits a profile."""

    profile: Profile
    origins: Mapping[str, int]  # shipment column -> column of the table
    missing: tuple[str, ...]  # needed headers that are not there
    doubled: tuple[str, ...]  # headers that the profile uses and that stand there more than once

    @property
    def fits(self) -> bool:
        """Whether the table can be read by the profile."""
        return not self.missing and not self.doubled

    @property
    def score(self) -> int:
        """How many of the table's columns the profile knows; the higher the better it fits."""
        return len(set(self.origins.values())) + len(self.profile.known_by)


def fit(table: Table, profile: Profile) -> Fit:
    """Return how well the table fits the profile. Columns whose name begins with `_` are ours, and ignored."""
    places: dict[str, list[int]] = {}
    for position, header in enumerate(table.columns):
        if header and not header.startswith("_"):
            places.setdefault(normalised_header(header), []).append(position)
    origins: dict[str, int] = {}
    doubled: dict[str, list[int]] = {}
    for column, groups in profile.columns.items():
        found = _found(groups, places)
        if len(found) == 1:
            origins[column] = found[0]
        elif found:
            doubled[column] = found
    missing = [wanted(profile, group) for group in profile.needs if not {*group} & {*origins, *doubled}]
    missing += [header for header in profile.known_by if normalised_header(header) not in places]
    needed = {column for group in profile.needs for column in group}
    refused = {column: found for column, found in doubled.items() if not profile.last or column in needed}
    return Fit(profile, origins, tuple(missing), tuple(_stands(table, found) for found in refused.values()))


def _found(groups: Sequence[Sequence[str]], places: Mapping[str, list[int]]) -> list[int]:
    """Return the columns of the first group that has any."""
    for group in groups:
        headers = dict.fromkeys(map(normalised_header, group))
        if found := [position for header in headers for position in places.get(header, ())]:
            return sorted(found)
    return []


def wanted(profile: Profile, group: Sequence[str]) -> str:
    """Return the headers that stand for a group of shipment columns of which one is needed."""
    known = [column for column in group if column in profile.columns] or group
    return " or ".join(profile.header_for(column) for column in known)


def _stands(table: Table, found: Sequence[int]) -> str:
    return " and ".join(f"'{table.columns[position]}' in column {column_letters(position)}" for position in found)
