"""Settling: find out, by reading the order, what became of an update whose answer was lost. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum, auto
from typing import TYPE_CHECKING

from batch.journal.claims import units_by_parcel
from batch.journal.entries import Part
from batch.outcomes import Outcome
from batch.submit.standing import line_of, named, total_shipped, units_cancelled, units_open, units_shipped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from batch.marketplace.orders import Order, Parcel


class Found(StrEnum):
    """What a reading of the order says of an update, or of one line of it."""

    DONE = auto()  # all of it is shipped
    NOT_DONE = auto()  # none of it is; believed only after the settle time
    CONFLICT = auto()  # something else happened: a person looks


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of an update: as a whole and, where its lines differ, by line number."""

    found: Found
    reason: str = ""
    lines: Mapping[str, tuple[Found, str]] | None = None

    def parts(self, sent: Sequence[Parcel], sent_parts: Sequence[int], count: int) -> tuple[Part | None, ...]:
        """Return beside each of the file's `count` parcels how it ended, None where as the order as a whole."""
        parts: list[Part | None] = [None] * count
        for parcel, index in zip(sent, sent_parts, strict=True):
            if self.lines and self.lines[parcel.line_number][0] is Found.DONE:
                parts[index] = Part(Outcome.SHIPPED, "Confirmed by reading the order.")
        return tuple(parts)


def settled(sent: Sequence[Parcel], before: Mapping[str, int], order: Order) -> Settlement:
    """Compare what was sent with what the order shows.

    For each line the units of each tracking number must be there. Where tracking cannot tell (Lettermail has none), the
    units shipped `before` sending plus ours must be there.
    """
    wanted = units_by_parcel(sent)
    lines = {
        number: _line(
            order,
            number,
            {key: units for (line, key), units in wanted.items() if line == number},
            before.get(number, 0),
            tracked=all(parcel.tracking_number for parcel in sent if parcel.line_number == number),
        )
        for number in dict.fromkeys(parcel.line_number for parcel in sent)
    }
    found = {finding for finding, _ in lines.values()}
    if found == {Found.DONE}:
        return Settlement(Found.DONE)
    if found == {Found.NOT_DONE}:
        return Settlement(Found.NOT_DONE)
    reasons = [reason or f"Line {number} was not shipped." for number, (f, reason) in lines.items() if f != Found.DONE]
    return Settlement(Found.CONFLICT, " ".join(reasons), lines)


def _line(order: Order, number: str, ours: Mapping[str, int], before: int, *, tracked: bool) -> tuple[Found, str]:
    line = line_of(order, number)
    if line is None:
        return Found.CONFLICT, f"The order no longer shows line {number}."
    shipped, total = units_shipped(line), sum(ours.values())
    if tracked:
        there = all(shipped[key] >= units for key, units in ours.items())
    else:
        there = total_shipped(line) >= before + total
    if there:
        return Found.DONE, ""
    if units_open(line) >= total:
        return Found.NOT_DONE, ""
    if units_cancelled(line) and not total_shipped(line):
        return Found.CONFLICT, f"Line {number} was cancelled while the update was on its way."
    there_and_ours = f"{total_shipped(line)} units shipped with {named(shipped)}; we sent {total} with {named(ours)}"
    return Found.CONFLICT, f"Line {number} shows {there_and_ours}."
