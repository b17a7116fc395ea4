"""One file, all the way to shipments."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from batch.errors import UnreadableFile
from batch.reading.contents import read_tables
from batch.reading.profiles import match, vocabulary
from batch.reading.shipments import Shipments, to_shipment_columns

if TYPE_CHECKING:
    from collections.abc import Sequence
    from zoneinfo import ZoneInfo

    from batch.reading.declaration import Profile
    from batch.reading.table import Limits, Source, Table


def read_shipments(
    source: Source,
    profiles: Sequence[Profile],
    *,
    profile_name: str | None = None,
    zone: ZoneInfo,
    limits: Limits | None = None,
    undated_at: int = 0,
) -> tuple[Shipments, ...]:
    """Return the shipments of every table of a file that fits a profile, in the file's order.

    Sheets that fit none are named in the notes of the first that does. `undated_at`: see `to_shipment_columns`.
    Raises UnreadableFile, with one sentence, where no table fits or the file cannot be read whole.
    """
    tables = read_tables(source, limits, vocabulary(profiles))
    matched: list[tuple[Table, Profile]] = []
    unmatched: list[tuple[Table, UnreadableFile]] = []
    for table in tables:
        try:
            matched.append((table, match(table, profiles, profile_name)))
        except UnreadableFile as error:
            unmatched.append((table, error))
    if not matched:
        raise unmatched[0][1]
    if unmatched:
        matched[0] = (_with_notes(matched[0][0], unmatched), matched[0][1])
    return tuple(to_shipment_columns(table, profile, zone, undated_at=undated_at) for table, profile in matched)


def _with_notes(table: Table, unmatched: Sequence[tuple[Table, UnreadableFile]]) -> Table:
    notes = (f"the sheet '{other.sheet}' fits no profile and is not read" for other, _ in unmatched)
    return replace(table, notes=(*table.notes, *notes))
