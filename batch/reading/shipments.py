"""A table by its profile: shipment columns as text, ship times read, rows that are no shipment named."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from batch.errors import UnreadableFile
from batch.reading.columns import Column, column_from, distinct, edges, frame_of, repeated, replaced_values, trimmed
from batch.reading.dates import AmbiguousDates, Dates, read_dates
from batch.reading.declaration import compared
from batch.reading.fitting import fit
from batch.reading.headers import normalised_header
from batch.reading.table import TEXT, Table, cell_address, column_letters
from schemas.characters import replaced
from schemas.damage import inspect_times
from schemas.findings import Effect, Findings, findings, joined
from schemas.shipment import SHIPMENT_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batch.reading.declaration import Instead, Profile

UNDATED = "no ship dates in the file: what it says is shipped counts as shipped when it is read"
TOTAL_LINE = "this is a total line, no shipment"
HEADER_AGAIN = "this line repeats the header, no shipment"
_TOTAL = re.compile(
    r"(?:(?:grand|sub|sous|report|page)[\s\-]*)?tota(?:l|ls|ux)\b(?:\s+(?:général|general|orders?|shipments?|rows?|"
    r"parcels?|packages?|items?|of|des|de|commandes?|envois?|colis|lignes?|\d+))*\s*[:=]?\s*[\d\s.,$]*",
    re.IGNORECASE,
)
_SHORTEST_ORDER = 8  # characters; anything shorter under an order id may belong to a total line
_ORDERS = ("purchase_order_id", "customer_order_id")


class UndecidedDates(UnreadableFile):
    """The ship times fit two orders of day and month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recognised:
    """A table, and the profile that it is read by."""

    table: Table
    profile: Profile
    origins: Mapping[str, int]  # shipment column -> column of the table; missing: a constant, or absent


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipments(Recognised):
    """A table in shipment columns, and what was found on the way."""

    columns: pd.DataFrame  # text, "" where absent; always exactly SHIPMENT_COLUMNS, a row beside each of the table's
    shipped_at: pd.Series  # int64, UTC epoch milliseconds, 0 where absent or unreadable
    date_only: pd.Series  # bool: the file names a day without a time; `shipped_at` is noon there
    findings: Findings
    date_order: str = ""  # of day and month, where the ship times themselves have told it


def to_shipment_columns(table: Table, profile: Profile, zone: ZoneInfo, *, undated_at: int = 0) -> Shipments:
    """Return the table in shipment columns. `zone` is for ship times without one, where the profile names none.

    `undated_at` (UTC epoch milliseconds, 0 for none) is the ship time of rows whose profile says that a file without a
    column of ship times tells what is shipped now. Raises UnreadableFile where ship times can be read in two ways,
    UndecidedDates where more rows might tell which.
    """
    origins = fit(table, profile).origins
    texts = {column: _text(table, profile, column, origins.get(column)) for column in SHIPMENT_COLUMNS}
    set_aside = joined(
        [_totals(table, texts), _headers_again(table, origins), _faults(table), *_skipped(table, profile)]
    )
    set_aside = set_aside.drop_duplicates("row", ignore_index=True)
    dates, unread = _ship_times(table, profile, zone, origins, texts, set_aside)
    shipped_at = pd.Series(dates.shipped_at)
    if profile.undated_is_now and "ship_date_time" not in origins:
        shipped_at[:] = undated_at
        table = replace(table, notes=(*table.notes, UNDATED))
    return Shipments(
        table=table,
        profile=profile,
        columns=_named_frame(texts, len(table.rows)),
        origins=origins,
        shipped_at=shipped_at,
        date_only=pd.Series(dates.date_only),
        findings=joined([set_aside, unread]),
        date_order=dates.order,
    )


def _named_frame(texts: Mapping[str, Column], height: int) -> pd.DataFrame:
    columns = frame_of(list(texts.values()), height)
    columns.columns = pd.Index(list(texts))
    return columns


def _text(table: Table, profile: Profile, column: str, origin: int | None) -> Column:
    """Return one shipment column: the table's own, trimmed and with its values mapped, or the profile's constant."""
    if origin is None:
        return repeated(profile.constants.get(column, ""), len(table.rows))
    text = trimmed(column_from(table.cells[origin]))
    if column in profile.instead:
        text = _instead(table, text, profile.instead[column])
    mapping = profile.values.get(column)  # noqa: PD011 - a mapping of ours, no frame
    return replaced_values(text, lambda value: mapping.get(compared(value), value)) if mapping else text


def _instead(table: Table, text: Column, rule: Instead) -> Column:
    """Return the text with the cells that the rule names taken from another column."""
    headers = list(map(normalised_header, rule.headers))
    others = [position for position, header in enumerate(table.columns) if normalised_header(header) in headers]
    if not others:
        return text
    other = trimmed(column_from(table.cells[others[0]]))
    taken = np.zeros(len(text), dtype=bool)
    taken[_rows_with(text, rule.values)] = True
    return pc.if_else(pa.array(taken & (edges(other).lengths > 0)), other, text)


def _faults(table: Table) -> Findings:
    return joined([findings([row], "", "", Effect.REJECTED, reason) for row, reason in table.faults])


def _skipped(table: Table, profile: Profile) -> list[Findings]:
    """Return the rows that the profile's rules say are no shipments: voided labels, returns."""
    found = []
    for skip in profile.skips:
        names = set(map(normalised_header, skip.columns))
        for position, header in enumerate(table.columns):
            if normalised_header(header) in names:
                rows = _rows_with(column_from(table.cells[position]), skip.values)
                found.append(findings(rows, "", table.cells[position].iloc[rows], Effect.SKIPPED, skip.reason))
    return found


def _rows_with(text: Column, values: frozenset[str]) -> np.ndarray:
    codes, texts = distinct(text)
    return np.flatnonzero(np.array([*(compared(value) in values for value in texts), False])[codes])


def _totals(table: Table, texts: Mapping[str, Column]) -> Findings:
    """Return the total lines: rows without an order whose first filled cell says so."""
    orderless = np.ones(len(table.rows), dtype=bool)
    for column in _ORDERS:
        at = edges(texts[column])
        orderless &= (at.lengths < _SHORTEST_ORDER) | (at.first >= ord("A"))  # an order's number begins with a digit
    candidates = np.flatnonzero(orderless)
    first = _first_filled(table.cells.iloc[candidates])
    total = first.str.fullmatch(_TOTAL).to_numpy(dtype=bool)
    return findings(candidates[total], "", first[total], Effect.SKIPPED, TOTAL_LINE)


def _headers_again(table: Table, origins: Mapping[str, int]) -> Findings:
    """Return the lines that name the columns once more, as where exports were pasted one under the other."""
    again = np.ones(len(table.rows), dtype=bool)
    for position in sorted(set(origins.values())):
        left = np.flatnonzero(again)
        if not len(left):
            break
        text = pc.utf8_trim_whitespace(column_from(table.cells[position]).take(pa.array(left)))
        again[left] = np.asarray(pc.equal(text, table.columns[position]))
    return findings(np.flatnonzero(again), "", table.columns[0], Effect.SKIPPED, HEADER_AGAIN)


def _first_filled(cells: pd.DataFrame) -> pd.Series:
    first = pd.Series("", index=cells.index, dtype=TEXT)
    for position in cells:
        if (first != "").all():
            break
        text = cells[position].str.strip()
        first = first.where(first != "", text)
    return first


def _ship_times(
    table: Table,
    profile: Profile,
    zone: ZoneInfo,
    origins: Mapping[str, int],
    texts: Mapping[str, Column],
    set_aside: Findings,
) -> tuple[Dates, Findings]:
    """Read the ship times of all rows that are not set aside already."""
    column = "ship_date_time"
    text, origin = texts[column], origins.get(column)
    if len(set_aside):
        kept = np.ones(len(table.rows), dtype=bool)
        kept[set_aside["row"].to_numpy()] = False
        text = pc.if_else(pa.array(kept), text, "")
    kinds = table.kinds[:, origin] if table.kinds is not None and origin is not None else None
    text, damage = inspect_times(text, kinds)
    ruined = damage["row"].to_numpy()[damage["effect"] == Effect.REJECTED]
    text = replaced(text, ruined, repeated("", len(ruined)))
    try:
        dates = read_dates(text, kinds, profile.dates, ZoneInfo(profile.zone) if profile.zone else zone)
    except AmbiguousDates as error:
        refused = UndecidedDates if error.undecided else UnreadableFile
        raise refused(_ambiguous(table, origin, error)) from None
    unread = [
        findings(positions, column, text.take(pa.array(positions)).to_pylist(), Effect.REJECTED, reason)
        for reason, positions in dates.unreadable.items()
    ]
    return dates, joined([damage, *unread])


def _ambiguous(table: Table, origin: int | None, error: AmbiguousDates) -> str:
    if origin is None:
        return f"{table.name}: {error}."
    address = cell_address(origin, int(table.rows[error.position]))
    return f"{table.name}: column {column_letters(origin)} '{table.columns[origin]}', {address}: {error}."
