"""A large table in parts: each is examined by itself, and what comes of it is what came of the whole.

    examined_part    rows, and what was seen of the whole            wherever the part is
    revised          parts to be examined again, or not at all       once all have told what they saw
    table_of         one table of all parts
    batch.grouping   rows of one order meet

Most rows need none but themselves. What only the whole tells (`schemas.whole`, the order of day and month) parts go by
as far as they can see; the few that went by something else are examined again. Numbers that count up across a cut make
two parts one.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa

from batch.draft import Examined, Policy, examined, stacked
from batch.errors import UnreadableFile
from batch.grouping import Dealt, KeysOfLines, dealt
from batch.reading.columns import Column, column_from, empty_column, frame_of, is_filled
from batch.reading.shipments import Recognised, Shipments, UndecidedDates
from batch.reading.table import Table
from schemas.characters import text_array, text_series
from schemas.doubts import is_counted_across
from schemas.findings import Effect, Findings, joined
from schemas.whole import REACH, Edge, Noughts, Sight, laid_together

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from batch.reading.division import Division, Part

    Keep = Callable[[Iterable[pa.RecordBatch], int], list[Column]]  # record batches and their width ▶ whole columns

Handle = TypeVar("Handle")

UNDECIDED = "undecided"
NOWHERE = -1
_ENDING = (Effect.SKIPPED, Effect.REJECTED, Effect.HELD)


@dataclass(frozen=True, slots=True, kw_only=True)
class Clues:
    """What a part saw of the whole, and what it went by."""

    height: int = 0  # rows, blank ones included
    rows: int = 0  # those that are kept
    date_order: str = ""  # that it has told; `UNDECIDED` where it could not
    noughts: Mapping[str, Noughts] = field(default_factory=dict)
    rounded: Mapping[str, bool] = field(default_factory=dict)  # by column: how it judged what ends in noughts
    first: Edge = field(default_factory=Edge)
    last: Edge = field(default_factory=Edge)
    width: int = 0  # columns of the table
    place: Mapping[str, int] = field(default_factory=dict)  # as an `ExaminedPart` has it


@dataclass(frozen=True, slots=True, kw_only=True)
class ExaminedPart:
    """A part's rows."""

    height: int  # rows, blank ones included
    rows: np.ndarray  # int64, as Excel would show them were it the first part
    width: int  # columns of the table
    texts: pa.RecordBatch  # the table's cells, then the columns of text of lines that are not just the same
    place: Mapping[str, int]  # of each column of text of lines in `texts`, `NOWHERE` if it is blank
    others: pd.DataFrame  # all other columns of lines
    names: tuple[str, ...]  # of the lines' columns, in order
    found: Findings
    origins: Mapping[str, int]
    notes: tuple[str, ...]  # on the table

    def lines(self) -> pd.DataFrame:
        """Return the lines."""
        texts = {name: text_series(self.text(place)) for name, place in self.place.items()}
        return pd.DataFrame({name: texts[name] if name in texts else self.others[name] for name in self.names})

    def text(self, place: int) -> Column:
        """Return a column of text by its place."""
        return empty_column(len(self.rows)) if place == NOWHERE else self.texts.column(place)

    def dealt(self, buckets: int) -> list[Dealt]:
        """Deal the rows out: those of one order into the same bucket as those of any other part."""
        return dealt(KeysOfLines(self.lines(), ready_rows(self.found, len(self.rows))), buckets)


def examined_part(
    division: Division, part: Part, content: bytes, policy: Policy
) -> tuple[Clues, ExaminedPart] | tuple[Clues, None] | None:
    """Examine a part: what it saw of the whole, and its rows. None where only the whole can be read, or refused.

    There are clues without rows where the part cannot tell the order of day and month.
    """
    sight = Sight(told=dict(part.noughts) or None)
    try:
        found = division.shipments(part, content)
    except UndecidedDates:
        return Clues(date_order=UNDECIDED), None
    except UnreadableFile:
        return None
    if found is None:
        return None
    shipments, height = found
    it = _taken_down(shipments, examined(shipments, policy, sight), height)
    clues = Clues(
        height=height,
        rows=len(it.rows),
        date_order=shipments.date_order,
        noughts=sight.seen,
        rounded=sight.answered,
        first=sight.first,
        last=sight.last,
        width=it.width,
        place=it.place,
    )
    return clues, it


def _taken_down(shipments: Shipments, it: Examined, height: int) -> ExaminedPart:
    """Return a part as it travels: no text twice."""
    texts = [column_from(shipments.table.cells[place]) for place in shipments.table.cells]
    width = len(texts)
    known = {_buffers(column): place for place, column in enumerate(texts)}
    places = {}
    is_text = (it.lines.dtypes == "str").to_numpy()
    for name in it.lines.columns[is_text]:
        column = text_array(it.lines[name])
        places[name] = known.get(_buffers(column), len(texts)) if is_filled(column) else NOWHERE
        if places[name] == len(texts):
            texts.append(column)
    return ExaminedPart(
        height=height,
        rows=shipments.table.rows,
        width=width,
        texts=_batch(texts),
        place=places,
        others=it.lines[it.lines.columns[~is_text]],
        names=tuple(it.lines.columns),
        found=it.found,
        origins=shipments.origins,
        notes=shipments.table.notes,
    )


def _buffers(column: Column) -> tuple[int, ...]:
    """Return where a column lies: what lies in the same place is the same."""
    return (column.offset, len(column), *(buffer.address for buffer in column.buffers() if buffer is not None))


def _batch(texts: Sequence[Column]) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays([text.cast(pa.string()) for text in texts], [*map(str, range(len(texts)))])


def settled(
    division: Division, examine: Callable[[Division, Sequence[Part]], Sequence[tuple[Clues, Handle] | None]]
) -> tuple[Division, list[Clues], list[Handle]] | None:
    """Let parts be examined until what all went by is what the whole says. None where only the whole can be read.

    `examine`: hands back beside each part what it saw, and something by which its rows are found.
    """
    known: dict[Part, tuple[Clues, Handle] | None] = {}
    while True:
        new = [part for part in division.parts if part not in known]
        known.update(zip(new, examine(division, new), strict=True))
        found = [known[part] for part in division.parts]
        again = revised(division, [one and one[0] for one in found])
        if again is None:
            return None
        if again == division:
            return division, [one[0] for one in found if one], [one[1] for one in found if one]
        division = again


def revised(division: Division, clues: Sequence[Clues | None]) -> Division | None:
    """Return the same division where all is well; else one with parts that are to be examined again.

    `clues`: beside the division's parts. None where only the whole can be read, or refused.
    """
    known = [one for one in clues if one is not None]
    if len(known) < len(clues) or sum(one.height for one in known) > division.limits.rows:
        return None
    orders = {one.date_order for one in known} - {""}
    decided = orders - {UNDECIDED}
    if len(decided) > 1 or (orders and not decided):
        return None
    if UNDECIDED in orders:
        (order,) = decided
        undecided = [one.date_order == UNDECIDED for one in known]
        return _with(division, undecided, date_order=order)
    if not known[-1].rows and division.parts[-1].unterminated:
        return None  # what the end of the text says is of a row in another part
    whole = laid_together(one.noughts for one in known)
    wrong = [any(whole[name].rounded != judged for name, judged in one.rounded.items()) for one in known]
    if any(wrong):
        return _with(division, wrong, noughts=tuple(whole.items()))
    return _joined(division, known)


def _with(division: Division, chosen: Sequence[bool], **told: Any) -> Division:  # noqa: ANN401 - fields of `Part`
    parts = [replace(part, **told) if is_it else part for part, is_it in zip(division.parts, chosen, strict=True)]
    return replace(division, parts=tuple(parts))


def _joined(division: Division, clues: Sequence[Clues]) -> Division:
    """Make one part of those across whose boundary numbers may count up."""
    ahead = [Edge()]
    for one in reversed(clues):
        ahead.append(_following(one.first, ahead[-1], slice(0, REACH)))
    parts, behind = [division.parts[0]], clues[0].last
    for part, one, first in zip(division.parts[1:], clues[1:], ahead[-2:0:-1], strict=True):
        if is_counted_across(behind, first):
            parts[-1] = replace(
                part,
                start=parts[-1].start,
                date_order=parts[-1].date_order or part.date_order,
                noughts=parts[-1].noughts or part.noughts,
            )
        else:
            parts.append(part)
        behind = _following(behind, one.last, slice(-REACH, None))
    return division if len(parts) == len(division.parts) else replace(division, parts=tuple(parts))


def _following(edge: Edge, other: Edge, kept: slice) -> Edge:
    return Edge((*edge.numbers, *other.numbers)[kept], (*edge.fails, *other.fails)[kept])


def table_of(
    division: Division, clues: Sequence[Clues], parts: Iterable[ExaminedPart], keep: Keep
) -> tuple[Recognised, Examined]:
    """Return the table of all parts, examined. `parts` come one by one, beside the clues; `keep` lays texts down."""
    width = max(one.width for one in clues)
    places = {name: {one.place[name] for one in clues} for name in clues[0].place}
    alike = {name: next(iter(where)) for name, where in places.items() if len(where) == 1 and max(where) < width}
    own = [name for name in places if name not in alike]
    laid = _Laid()
    columns = keep(laid.batches(parts, width, own), width + len(own))
    height = len(columns[0])
    blank = empty_column(height)
    texts = {name: blank if place == NOWHERE else columns[place] for name, place in alike.items()}
    texts |= dict(zip(own, columns[width:], strict=True))
    others = stacked(laid.others)
    lines = {name: text_series(texts[name]) if name in texts else others[name] for name in laid.names}
    table = Table(
        source=division.source,
        sheet="",
        header_row=division.layout.header_row,
        columns=tuple(name.strip() for name in division.layout.names[:width]),
        cells=frame_of(columns[:width], height),
        kinds=None,
        rows=np.concatenate(laid.rows),
        notes=laid.notes,
        unterminated=division.parts[-1].unterminated,
    )
    recognised = Recognised(table=table, profile=division.profile, origins=laid.origins)
    return recognised, Examined(pd.DataFrame(lines, copy=False), joined(laid.found))


class _Laid:
    """What is gathered of parts that come one by one, their texts apart."""

    def __init__(self) -> None:
        self.rows: list[np.ndarray] = []
        self.others: list[pd.DataFrame] = []
        self.found: list[Findings] = []
        self.names: tuple[str, ...] = ()
        self.origins: Mapping[str, int] = {}
        self.notes: tuple[str, ...] = ()

    def batches(self, parts: Iterable[ExaminedPart], width: int, own: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Yield the texts of parts: the table's cells, then columns of lines of their own."""
        height = before = 0
        for part in parts:
            self.rows.append(part.rows + before)
            self.others.append(part.others)
            self.found.append(part.found.assign(row=part.found["row"] + height))
            self.names, self.origins, self.notes = part.names, part.origins, part.notes
            height, before = height + len(part.rows), before + part.height
            cells = [part.text(place if place < part.width else NOWHERE) for place in range(width)]
            yield _batch([*cells, *(part.text(part.place[name]) for name in own)])


def ready_rows(found: Findings, height: int) -> np.ndarray:
    """Return the rows that nothing speaks against, bool."""
    ready = np.ones(height, np.bool_)
    ready[found["row"].to_numpy()[found["effect"].isin(_ENDING).to_numpy()]] = False
    return ready
