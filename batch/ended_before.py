"""Rows whose order ended before they could be sent: in an earlier run, or as reading the order shows."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pandas as pd

from batch.journal.states import State
from batch.outcomes import WELL, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from batch.journal.entries import Planned
    from batch.plan import Plan


def mark_ended_before(plan: Plan, stand: Sequence[Planned | None]) -> None:
    """Give the rows of orders that ended before their outcome, so that a plan says what a run would do."""
    ended_before = {order: before for order, one in enumerate(stand) if one and (before := _before(one))}
    if ended_before or any(one.parts for one in stand if one):
        end_rows(plan, lambda order, parcel: _part_before(stand[order], parcel) or ended_before.get(order))


def end_rows(plan: Plan, end_of: Callable[[int, int], tuple[str, str] | None]) -> None:
    """Give each row that is to be sent the outcome and the reason of its order's parcel, where that has ended."""
    ready = plan.rows.index[(plan.rows["outcome"] == "") & (plan.rows["order"] >= 0)]
    parcels = zip(ready.tolist(), *(plan.rows.loc[ready, name].tolist() for name in ("order", "parcel")), strict=True)
    ends = {row: end for row, order, parcel in parcels if (end := end_of(order, parcel))}
    for name, of in (("outcome", 0), ("reason", 1)):
        texts = plan.rows[name].astype("str").to_numpy(object)
        texts[list(ends)] = [str(end[of]) for end in ends.values()]
        plan.rows[name] = pd.Series(texts, dtype="str")


def _part_before(one: Planned | None, parcel: int) -> tuple[str, str] | None:
    """Return how a parcel ended for good in an earlier run that did not end well for its whole order."""
    again = one is not None and one.state in (State.PLANNED, State.REFUSED, State.DROPPED)
    part = one.parts[parcel] if one is not None and again and one.parts else None
    if part is None or part.outcome not in WELL:
        return None
    return Outcome.ALREADY_SHIPPED, "It was shipped before, though not all of its order was."


def _before(one: Planned) -> tuple[str, str] | None:
    """Return how an order ended in an earlier run, None where it is still to be sent or settled."""
    match one.state:
        case State.SHIPPED | State.ALREADY_SHIPPED:
            return Outcome.ALREADY_SHIPPED, f"It was shipped before, confirmed on {_end_of(one)}."
        case State.REFUSED:
            again = "`shipbatch resume --refused` sends it again"
            return Outcome.REFUSED, f"Refused on {_end_of(one)} and unchanged since: {one.reason} ({again})."
        case State.DROPPED:
            return Outcome.SKIPPED, f"Dropped on {_end_of(one)}: {one.reason}"
        case _:
            return None


def _end_of(one: Planned) -> str:
    return f"{datetime.fromtimestamp(one.finished_at / 1000, UTC):%Y-%m-%d %H:%M} UTC"
