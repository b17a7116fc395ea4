"""How a row and its order ended: eight words, and nothing else."""

from __future__ import annotations

from enum import StrEnum


class Outcome(StrEnum):
    """How a row or an order ended; from the gravest to the lightest."""

    UNKNOWN = "unknown"  # sent, and we cannot find out what happened: a person looks
    REFUSED = "refused"  # the marketplace said no: who runs the account
    HELD = "held"  # good, but must not go alone or not now: a person decides
    REJECTED = "rejected"  # the file is wrong: who made the file
    NOT_ATTEMPTED = "not_attempted"  # the run ended first, or it is due later: `resume` goes on with it
    SHIPPED = "shipped"  # the marketplace confirmed it
    ALREADY_SHIPPED = "already_shipped"  # it was shipped before this run, with the same tracking
    SKIPPED = "skipped"  # no shipment at all, or an exact repeat of another row


GRAVEST_FIRST = tuple(Outcome)
NEEDS_PERSON = frozenset({Outcome.UNKNOWN, Outcome.REFUSED, Outcome.HELD, Outcome.REJECTED})
WELL = frozenset({Outcome.SHIPPED, Outcome.ALREADY_SHIPPED, Outcome.SKIPPED})
