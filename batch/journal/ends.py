"""How a change leaves an order and its parcels. Pure."""

from __future__ import annotations

from itertools import zip_longest
from typing import TYPE_CHECKING

from msgspec.structs import replace

from batch.journal.entries import Change, Part
from batch.journal.states import OPEN, OUTCOMES, State
from batch.outcomes import WELL

if TYPE_CHECKING:
    from batch.journal.entries import Parts

_SHIPPED = (State.SHIPPED, State.ALREADY_SHIPPED)
_ENDS = (*_SHIPPED, State.HELD, State.REFUSED, State.DROPPED)


def completed(change: Change, was: State, ended: Parts, *, by_decision: bool = False) -> Change:
    """Return the change with all that it says of the order's parcels, given how they ended before.

    A parcel that ended well stays so for good. While an update is open, a parcel that did not go with it stays as it
    ended, too: if one of them was not shipped, the order is held, however well its update went. What a person decides
    is of all parcels.
    """
    if not ended and not any(change.parts):
        return change
    stays = was in OPEN and change.to is not State.PLANNED and not by_decision
    parts = laid_over(ended, change.parts, stays=stays)
    left = [part for part in parts if part and part.outcome not in WELL]
    if change.to in _SHIPPED and left:
        went = Part(OUTCOMES[change.to], change.reason)
        parts = tuple(part or went for part in parts)
        change = replace(change, to=State.HELD, reason=left[0].reason)
    return replace(change, parts=_but(parts, Part(OUTCOMES[change.to], change.reason)))


def laid_over(ended: Parts, now: Parts, *, stays: bool = False) -> Parts:
    """Return how parcels end now. Those that ended well before stay so; `stays`: others, too, unless told anew."""
    if not ended:
        return now
    return tuple(
        old if old and (old.outcome in WELL or (stays and new is None)) else new for old, new in zip_longest(ended, now)
    )


def ended_well(parts: Parts) -> Parts:
    """Return the parts that stay as they are, whatever becomes of the others."""
    return tuple(part if part and part.outcome in WELL else None for part in parts)


def finished_at(change: Change) -> int:
    """Return when the order ended with this change, 0 where it did not."""
    return change.at if change.to in _ENDS else 0


def _but(parts: Parts, own: Part) -> Parts:
    """Return the parts, None for those that say what the order says itself."""
    return tuple(None if part == own else part for part in parts)
