"""The states of an order in the journal, and the only changes that are legal.

    planned ─▶ sending ─▶ shipped | refused | held | planned (the answer shows that nothing was done)
       │          │
       │          └─▶ unknown ─(settle)─▶ shipped | planned | held | unknown
       └─▶ already_shipped | held | refused          (what the read before sending shows)

A person (`settle`), a new drop of the file or `resume --refused` may send held, refused and dropped orders back to
planned, or end an open one as shipped or dropped.
"""

from __future__ import annotations

from enum import StrEnum

from batch.outcomes import Outcome


class State(StrEnum):
    """Where an order stands."""

    PLANNED = "planned"
    SENDING = "sending"
    UNKNOWN = "unknown"
    SHIPPED = "shipped"
    ALREADY_SHIPPED = "already_shipped"
    HELD = "held"
    REFUSED = "refused"
    DROPPED = "dropped"  # a person decided that it is not to be sent


OPEN = (State.SENDING, State.UNKNOWN)  # may have been sent: to be settled before anything else
UNFINISHED = (State.PLANNED, *OPEN)

# From which states each state may be reached.
LEGAL: dict[State, tuple[State, ...]] = {
    State.PLANNED: (State.SENDING, State.UNKNOWN, State.HELD, State.REFUSED, State.DROPPED),
    State.SENDING: (State.PLANNED,),
    State.UNKNOWN: (State.SENDING, State.UNKNOWN),
    State.SHIPPED: (State.SENDING, State.UNKNOWN, State.PLANNED, State.HELD, State.REFUSED),
    State.ALREADY_SHIPPED: (State.PLANNED, State.SENDING),
    State.HELD: (State.PLANNED, State.SENDING, State.UNKNOWN),
    State.REFUSED: (State.PLANNED, State.SENDING),
    State.DROPPED: (State.PLANNED, State.UNKNOWN, State.HELD, State.REFUSED),
}

OUTCOMES: dict[State, Outcome] = {
    State.PLANNED: Outcome.NOT_ATTEMPTED,
    State.SENDING: Outcome.UNKNOWN,
    State.UNKNOWN: Outcome.UNKNOWN,
    State.SHIPPED: Outcome.SHIPPED,
    State.ALREADY_SHIPPED: Outcome.ALREADY_SHIPPED,
    State.HELD: Outcome.HELD,
    State.REFUSED: Outcome.REFUSED,
    State.DROPPED: Outcome.SKIPPED,
}
