"""A large text in parts that are read by themselves, wherever that is: where to cut it, and what holds for all parts.

What the text's first rows say is found out once: the separator, the header, the profile. Cuts lie behind line ends, and
never between quotation marks: a line break in a cell ends no row.
"""

from __future__ import annotations

import codecs
import mmap
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from batch.errors import UnreadableFile
from batch.reading.contents import may_be_text
from batch.reading.encoding import is_plain_utf8
from batch.reading.grid import Place
from batch.reading.profiles import match, vocabulary
from batch.reading.shipments import to_shipment_columns
from batch.reading.table import Limits, Source, Table
from batch.reading.text import layout_of, read_body

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from zoneinfo import ZoneInfo

    from batch.reading.declaration import Profile
    from batch.reading.shipments import Shipments
    from batch.reading.text import Layout
    from schemas.whole import Noughts

PART = 32 << 20  # bytes
_HEAD = 1 << 19  # bytes that say how a text is laid out
_BLOCK = 1 << 24  # bytes that are looked at together
_MARKED = "UTF-8 with a byte order mark"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Whole rows of a text, and what was told of the whole of it."""

    start: int  # bytes into the file
    end: int
    unterminated: bool = False  # it is the last, and its last line has no line end
    date_order: str = ""  # of day and month, where this part cannot tell it
    noughts: tuple[tuple[str, Noughts], ...] = ()  # by column, of the whole, where this part would judge otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Division:
    """A text in parts."""

    source: Source
    limits: Limits
    layout: Layout
    profile: Profile
    zone: ZoneInfo
    undated_at: int
    parts: tuple[Part, ...]

    def content(self, part: Part) -> bytes:
        """Return a part's bytes. Raises OSError."""
        with self.source.content.open("rb") as file:
            file.seek(part.start)
            return file.read(part.end - part.start)

    def shipments(self, part: Part, content: bytes) -> tuple[Shipments, int] | None:
        """Return a part's shipments, and how many rows it had, blank ones included. Its rows count as if it were first.

        None where it is not as regular as a part has to be. Raises UnreadableFile, UndecidedDates where other parts may
        tell the order of day and month.
        """
        if not content.strip() or not is_plain_utf8(memoryview(content)):
            return None
        place = Place(self.source, "", self.limits, frozenset())
        found = read_body(place, self.layout, memoryview(content), unterminated=part.unterminated)
        if found is None:
            return None
        dates = self.profile.dates
        profile = replace(self.profile, dates=replace(dates, order=part.date_order or dates.order))
        return to_shipment_columns(found[0], profile, self.zone, undated_at=self.undated_at), found[1]


def divided(
    source: Source,
    profiles: Sequence[Profile],
    *,
    profile_name: str | None = None,
    zone: ZoneInfo,
    undated_at: int = 0,
    part: int = PART,
    limits: Limits | None = None,
) -> Division | None:
    """Return a file in parts of about so many bytes, None where it is no plain text, or too small for two.

    Where it cannot be read at all, nothing is raised: whoever reads it as a whole says why.
    """
    place = Place(source, "", limits or Limits(), vocabulary(profiles))
    try:
        size = source.content.stat().st_size
        if not 2 * part <= size <= place.limits.file_bytes:
            return None
        with source.content.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
            found = _laid_out(place, text)
            if found is None:
                return None
            layout, start = found
            profile = match(_without_rows(source, layout), profiles, profile_name)
            bounds = [*_cuts(text, start, part)]
            unterminated = text[-1:] not in (b"\n", b"\r")
    except (OSError, UnreadableFile):
        return None
    parts = [Part(start=start, end=end) for start, end in pairwise(bounds)]
    if len(parts) <= 1:
        return None
    parts[-1] = replace(parts[-1], unterminated=unterminated)
    return Division(
        source=source,
        limits=place.limits,
        layout=layout,
        profile=profile,
        zone=zone,
        undated_at=undated_at,
        parts=tuple(parts),
    )


def _laid_out(place: Place, text: mmap.mmap) -> tuple[Layout, int] | None:
    """Return how a text is laid out, and where in the file its body begins."""
    head = text[:_HEAD]
    marked = head.startswith(codecs.BOM_UTF8)
    skipped = len(codecs.BOM_UTF8) if marked else 0
    if not may_be_text(head) or not is_plain_utf8(memoryview(_whole_lines(head[skipped:]))):
        return None
    layout = layout_of(place, head[skipped:], _MARKED if marked else "")
    return None if layout is None else (layout, skipped + layout.offset)


def _whole_lines(head: bytes) -> bytes:
    return head[: head.rfind(b"\n") + 1] or head


def _without_rows(source: Source, layout: Layout) -> Table:
    """Return the table's header alone: a profile is told by that."""
    return Table(
        source=source,
        sheet="",
        header_row=layout.header_row,
        columns=tuple(name.strip() for name in layout.names),
        cells=pd.DataFrame(),
        kinds=None,
        rows=np.empty(0, np.int64),
    )


def _cuts(text: mmap.mmap, start: int, part: int) -> Iterator[int]:
    """Yield where parts begin, and the end: behind line ends that stand outside quotation marks."""
    begins = at = start
    inside = False  # between quotation marks
    while begins < len(text):
        yield begins
        inside ^= _odd_quotes(text, at, begins + part - 1)
        at = max(at, begins + part - 1)
        while (end := text.find(b"\n", at)) >= 0:
            inside ^= _odd_quotes(text, at, end)
            at = end + 1
            if not inside:
                break
        begins = at if end >= 0 else len(text)
    yield len(text)


def _odd_quotes(text: mmap.mmap, start: int, end: int) -> bool:
    pieces = (text[at : min(at + _BLOCK, end)] for at in range(start, end, _BLOCK))
    return sum(piece.count(b'"') for piece in pieces) % 2 == 1
