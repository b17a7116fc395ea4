"""Settling: find out, by reading the order, what became of an update whose answer was lost. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from enum import StrEnum, auto
from typing import TYPE_CHECKING

from batch.journal.entries import Part
from batch.outcomes import Outcome
from batch.submit.standing import (
    line_key,
    line_of,
    named,
    shipped_before,
    total_shipped,
    units_cancelled,
    units_open,
    units_shipped,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from batch.journal.entries import Parts
    from batch.marketplace.orders import Order, OrderLine, Parcel


_CONFIRMED = Part(Outcome.SHIPPED, "Confirmed by reading the order.")


class Found(StrEnum):
    """What a reading of the order says of an update, or of one line of it."""

    DONE = auto()  # all of it is shipped
    NOT_DONE = auto()  # none of it is, and it still can be; believed only after the settle time
    CONFLICT = auto()  # something else happened: a person looks


@dataclass(frozen=True, slots=True)
class Settlement:
    """What became of an update: as a whole and, where its lines differ, by line."""

    found: Found
    reason: str = ""
    done: frozenset[str] = frozenset()  # keys of the lines that are done

    def parts(self, sent: Sequence[Parcel], sent_parts: Sequence[int], count: int, done: Part = _CONFIRMED) -> Parts:
        """Return beside each of the file's `count` parcels how it ended: `done`, or None for as the order did."""
        lines: defaultdict[int, set[str]] = defaultdict(set)
        for parcel, index in zip(sent, sent_parts, strict=True):
            lines[index].add(line_key(parcel.line_number))
        return tuple(done if lines[index] and lines[index] <= self.done else None for index in range(count))


def settled(sent: Sequence[Parcel], before: Mapping[str, int] | None, order: Order) -> Settlement:
    """Compare what was sent with what the order shows.

    For each line the units of each tracking number must be there, beside those that it had `before` sending. Where
    tracking cannot tell (Lettermail has none), the units shipped before plus ours must be there. `before`: None where
    the order was not read before it was sent.
    """
    by_line: defaultdict[str, list[Parcel]] = defaultdict(list)
    for parcel in sent:
        by_line[line_key(parcel.line_number)].append(parcel)
    lines = {number: _line(order, number, parcels, before) for number, parcels in by_line.items()}
    found = {finding for finding, _ in lines.values()}
    if len(found) == 1 and Found.CONFLICT not in found:
        return Settlement(found.pop())
    reasons = [reason or f"Line {number} was not shipped." for number, (f, reason) in lines.items() if f != Found.DONE]
    done = frozenset(number for number, (finding, _) in lines.items() if finding is Found.DONE)
    return Settlement(Found.CONFLICT, " ".join(reasons), done)


def _line(order: Order, number: str, sent: Sequence[Parcel], before: Mapping[str, int] | None) -> tuple[Found, str]:
    line = line_of(order, number)
    if line is None:
        return Found.CONFLICT, f"The order no longer shows line {number}."
    if _is_there(line, sent, before):
        return Found.DONE, ""
    if _is_untouched(line, sent, before):
        if units_open(line):
            return Found.NOT_DONE, ""
        if units_cancelled(line) and not total_shipped(line):
            return Found.CONFLICT, f"Line {line.line_number} was cancelled while the update was on its way."
    ours, shipped = _units(sent), units_shipped(line)
    there = f"{total_shipped(line)} units shipped with {named(shipped)}"
    return Found.CONFLICT, f"Line {line.line_number} shows {there}; we sent {sum(ours.values())} with {named(ours)}."


def _units(sent: Sequence[Parcel]) -> Counter[str]:
    units: Counter[str] = Counter()
    for parcel in sent:
        units[parcel.key] += parcel.quantity
    return units


def _is_there(line: OrderLine, sent: Sequence[Parcel], before: Mapping[str, int] | None) -> bool:
    ours, shipped = _units(sent), units_shipped(line)
    if all(parcel.tracking_number for parcel in sent):
        return all(shipped[key] >= _had(before, line, key) + units for key, units in ours.items())
    if before is not None:
        return total_shipped(line) >= shipped_before(before, line.line_number) + sum(ours.values())
    return total_shipped(line) >= sum(ours.values()) == line.quantity


def _is_untouched(line: OrderLine, sent: Sequence[Parcel], before: Mapping[str, int] | None) -> bool:
    """Whether nothing was shipped since: neither any parcel of ours nor, where we know how it stood, anything else."""
    if before is not None:
        return total_shipped(line) <= shipped_before(before, line.line_number)
    tracked = all(parcel.tracking_number for parcel in sent)
    return not any(units_shipped(line)[key] for key in _units(sent)) if tracked else not total_shipped(line)


def _had(before: Mapping[str, int] | None, line: OrderLine, key: str) -> int:
    return shipped_before(before, line.line_number, key) if before else 0
