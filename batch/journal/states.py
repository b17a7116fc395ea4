"""The states of an order in the journal, and the only changes that are legal.

    planned ─▶ sending ─▶ shipped | already_shipped | refused | held | planned (the answer shows that nothing was done)
       │          │
       │          └─▶ unknown ─(settle)─▶ shipped | planned | held | unknown
       └─▶ already_shipped | held | refused          (what the read before sending shows)

A new drop of its file takes a held order back to planned, and `resume --refused` a refused one. A person (`settle`) may
end any order that is not shipped as shipped or dropped, or have it sent.
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


NAMED = {state.value: state for state in State}  # a look into it is cheaper than a call, where thousands are read
OPEN = (State.SENDING, State.UNKNOWN)  # may have been sent: to be settled before anything else
UNFINISHED = (State.PLANNED, *OPEN)

# From which states each state may be reached.
LEGAL: dict[State, tuple[State, ...]] = {
    State.PLANNED: (State.SENDING, State.UNKNOWN, State.HELD, State.REFUSED),
    State.SENDING: (State.PLANNED,),
    State.UNKNOWN: (State.SENDING, State.UNKNOWN),
    State.SHIPPED: (State.SENDING, State.UNKNOWN),
    State.ALREADY_SHIPPED: (State.PLANNED, State.SENDING),
    State.HELD: (State.PLANNED, State.SENDING, State.UNKNOWN),
    State.REFUSED: (State.PLANNED, State.SENDING),
    State.DROPPED: (),
}

_NOT_SHIPPED = (State.PLANNED, State.SENDING, State.UNKNOWN, State.HELD, State.REFUSED)

# The same for a person's decision.
BY_DECISION: dict[State, tuple[State, ...]] = {
    State.PLANNED: (State.SENDING, State.UNKNOWN, State.HELD, State.REFUSED, State.DROPPED),
    State.SHIPPED: _NOT_SHIPPED,
    State.DROPPED: _NOT_SHIPPED,
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
