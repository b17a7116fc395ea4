"""The orders that the page lists: all that need a person, and others while there is room."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import escape

from batch.outcomes import NEEDS_PERSON
from batch.report import moments
from batch.report.places import places_of, table_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batch.report.account import RunAccount

MOST_OTHERS = 2_000  # orders that need nobody
MOST_BYTES = 1_150_000  # of the table of orders: with it the page stays under 1.5 MB
_BYTES_AN_ENTRY = 130  # markup around an entry's own text
_MOST_STRETCHES = 20  # of row numbers in one sheet
_LONGEST = 400  # characters of one text
_BLOCK = 1_000  # orders made into entries at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One order in the table, or a row that needs a person and belongs to no order."""

    order: str
    outcome: str
    where: str
    attempts: int
    deadline: str
    finished: str
    reason: str
    correlation_id: str

    @property
    def size(self) -> int:
        """About how many bytes it takes in the page."""
        texts = (self.order, self.where, self.reason, self.correlation_id)
        return _BYTES_AN_ENTRY + sum(len(str(escape(text)).encode(errors="replace")) for text in texts)


def table_of_orders(account: RunAccount) -> tuple[list[Entry], int]:
    """Return the entries, those that need a person first, and how many of these found no room."""
    words = [str(word) for word in NEEDS_PERSON]
    needing = account.orders["outcome"].isin(words).to_numpy()
    alone = (account.rows["outcome"].isin(words) & (account.rows["order"] < 0)).to_numpy()
    entries: list[Entry] = []
    size = taken = 0
    for entry in _stream(account, needing, np.flatnonzero(alone)):
        size += entry.size
        if size > MOST_BYTES:
            break
        entries.append(entry)
        taken += entry.outcome in words
    return entries, int(needing.sum() + alone.sum()) - taken


def _stream(account: RunAccount, needing: np.ndarray, alone: np.ndarray) -> Iterator[Entry]:
    yield from _of_orders(account, np.flatnonzero(needing))
    yield from _of_rows(account, alone)
    yield from _of_orders(account, np.flatnonzero(~needing)[:MOST_OTHERS])


def _of_orders(account: RunAccount, indexes: np.ndarray) -> Iterator[Entry]:
    order = account.rows["order"].to_numpy()
    rows = np.flatnonzero(np.isin(order, indexes))
    rows = rows[np.argsort(order[rows], kind="stable")]
    starts = np.searchsorted(order[rows], indexes, side="left")
    ends = np.searchsorted(order[rows], indexes, side="right")
    names = table_names(account.tables)
    lie = account.rows.iloc[rows]
    table, number = lie["table"].to_numpy(), lie["row"].to_numpy()
    for block in range(0, len(indexes), _BLOCK):
        told = account.orders.iloc[indexes[block : block + _BLOCK]].to_dict("records")
        for at, line in enumerate(told, block):
            yield Entry(
                order=_cut(line["purchase_order_id"]),
                outcome=line["outcome"],
                where=_where(names, table[starts[at] : ends[at]], number[starts[at] : ends[at]]),
                attempts=line["attempts"],
                deadline=moments.clock(line["ship_by"], account.timezone)[:16],
                finished=moments.clock(line["finished_at"], account.timezone),
                reason=_cut(" ".join(text for text in (line["reason"], line["note"]) if text)),
                correlation_id=_cut(line["correlation_id"]),
            )


def _of_rows(account: RunAccount, positions: np.ndarray) -> Iterator[Entry]:
    names = table_names(account.tables)
    for block in range(0, len(positions), _BLOCK):
        told = account.rows.iloc[positions[block : block + _BLOCK]].to_dict("records")
        for line in told:
            yield Entry(
                order=_cut(line["purchase_order_id"]),
                outcome=line["outcome"],
                where=_where(names, np.array([line["table"]]), np.array([line["row"]])),
                attempts=0,
                deadline="",
                finished=moments.clock(line["finished_at"], account.timezone),
                reason=_cut(line["reason"]),
                correlation_id=_cut(line["correlation_id"]),
            )


def _where(names: list[str], table: np.ndarray, numbers: np.ndarray) -> str:
    """Return the rows, with the file's name only where there are several."""
    found = places_of(names, table, numbers, _MOST_STRETCHES)
    return _cut("; ".join(str(place) if len(names) > 1 else place.rows for place in found))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
