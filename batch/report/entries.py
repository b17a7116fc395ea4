"""The orders that the page lists: all that need a person, and others while there is room.

Most stand in the page as they are. What would make it too large goes into it packed, and the page's script unpacks it:
tens of thousands of orders that need a person have room there.
"""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass, field, fields
from itertools import chain, islice
from operator import attrgetter
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
MOST_BYTES = 800_000  # of the table of orders as it stands
MOST_FOLLOWING = 20_000  # orders that are packed
MOST_PACKED = 400_000  # characters of what is packed: with both the page stays under 1.5 MB
_BYTES_AN_ENTRY = 130  # markup around an entry's own text
_MOST_STRETCHES = 20  # of row numbers in one sheet
_LONGEST = 400  # characters of one text
_MOST_ANSWERS = 6  # told of one order
_WELL = "accepted"
_BLOCK = 1_000  # orders made into entries at a time


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One order in the table, or a row that needs a person and belongs to no order."""

    order: str
    outcome: str
    where: str
    attempts: str  # how many, and what answers came where not all went well: "2 (503, 200)"
    deadline: str
    finished: str
    reason: str
    correlation_id: str

    @property
    def size(self) -> int:
        """About how many bytes it takes in the page."""
        text = f"{self.order}{self.where}{self.attempts}{self.reason}{self.correlation_id}"
        return _BYTES_AN_ENTRY + len(escape(text).encode(errors="replace"))


_TEXTS = attrgetter(*(one.name for one in fields(Entry)))


@dataclass(frozen=True, slots=True)
class Listed:
    """What the page lists."""

    entries: list[Entry] = field(default_factory=list)  # that stand in the page
    packed: str = ""  # entries that follow: lists of the fields of `Entry` as JSON, gzip, base64
    more: int = 0  # how many these are
    left_out: int = 0  # how many that need a person found no room


def list_orders(account: RunAccount) -> Listed:
    """Return the orders that the page lists, those that need a person first."""
    words = [str(word) for word in NEEDS_PERSON]
    needing = account.orders["outcome"].isin(words).to_numpy()
    alone = (account.rows["outcome"].isin(words) & (account.rows["order"] < 0)).to_numpy()
    stream = _stream(account, needing, np.flatnonzero(alone))
    entries: list[Entry] = []
    following: list[Entry] = []
    size = 0
    for entry in stream:
        size += entry.size
        if size > MOST_BYTES:
            following = [entry, *islice(stream, MOST_FOLLOWING - 1)]
            break
        entries.append(entry)
    packed, following = _packed(following)
    told = sum(entry.outcome in words for entry in chain(entries, following))
    return Listed(entries, packed, len(following), int(needing.sum() + alone.sum()) - told)


def _packed(entries: list[Entry]) -> tuple[str, list[Entry]]:
    """Return as many of the entries as have room, from the first on: packed, and as they are."""
    while entries:
        told = json.dumps([_TEXTS(entry) for entry in entries])
        packed = base64.b64encode(gzip.compress(told.encode(), mtime=0)).decode()
        if len(packed) <= MOST_PACKED:
            return packed, entries
        entries = entries[: len(entries) * MOST_PACKED // len(packed) * 19 // 20]
    return "", []


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
    answers = _answers(account, indexes)
    for block in range(0, len(indexes), _BLOCK):
        told = account.orders.iloc[indexes[block : block + _BLOCK]].to_dict("records")
        for at, line in enumerate(told, block):
            yield Entry(
                order=_cut(line["purchase_order_id"]),
                outcome=line["outcome"],
                where=_where(names, table[starts[at] : ends[at]], number[starts[at] : ends[at]]),
                attempts=f"{line['attempts']}{answers.get(int(indexes[at]), '')}",
                deadline=moments.clock(line["ship_by"], account.timezone)[:16],
                finished=moments.clock(line["finished_at"], account.timezone)[:16],
                reason=_cut(" ".join(text for text in (line["reason"], line["note"]) if text)),
                correlation_id=_cut(line["correlation_id"]),
            )


def _answers(account: RunAccount, indexes: np.ndarray) -> dict[int, str]:
    """Return what answers came for those of the orders for which not every call went well at once."""
    calls = account.attempts[np.isin(account.attempts["order"].to_numpy(), indexes)]
    troubled = calls["order"].isin(calls.loc[calls["verdict"] != _WELL, "order"])
    status = calls.loc[troubled, "status"].astype("str").replace("0", "no answer")
    by_order = status.groupby(calls.loc[troubled, "order"]).agg(list)
    return {
        int(str(order)): f" ({', '.join(told[:_MOST_ANSWERS])}{', …' if len(told) > _MOST_ANSWERS else ''})"
        for order, told in by_order.items()
    }


def _of_rows(account: RunAccount, positions: np.ndarray) -> Iterator[Entry]:
    names = table_names(account.tables)
    for block in range(0, len(positions), _BLOCK):
        told = account.rows.iloc[positions[block : block + _BLOCK]].to_dict("records")
        for line in told:
            yield Entry(
                order=_cut(line["purchase_order_id"]),
                outcome=line["outcome"],
                where=_where(names, np.array([line["table"]]), np.array([line["row"]])),
                attempts="0",
                deadline="",
                finished=moments.clock(line["finished_at"], account.timezone)[:16],
                reason=_cut(line["reason"]),
                correlation_id=_cut(line["correlation_id"]),
            )


def _where(names: list[str], table: np.ndarray, numbers: np.ndarray) -> str:
    """Return the rows, with the file's name only where there are several."""
    found = places_of(names, table, numbers, _MOST_STRETCHES)
    return _cut("; ".join(str(place) if len(names) > 1 else place.rows for place in found))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
