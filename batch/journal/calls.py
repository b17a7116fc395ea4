"""What the calls that were made for an order may have done, however their answers were taken."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import func, or_, select

from batch.journal import tables
from batch.journal.database import lasting
from batch.marketplace.call import Kind
from batch.marketplace.verdict import Meaning

if TYPE_CHECKING:
    from batch.journal.database import Database

_attempts, _decisions = tables.attempts, tables.decisions
_MAY_BE_DONE = (Meaning.ACCEPTED, Meaning.UNKNOWN)


@lasting
def was_accepted(database: Database, order: int) -> bool:
    """Whether the marketplace said yes to the order's last update."""
    last = (
        select(_attempts.c.verdict)
        .where(_attempts.c.order == order, _attempts.c.kind.in_((Kind.SHIP, Kind.EDIT)))
        .order_by(_attempts.c.id.desc())
        .limit(1)
    )
    with database.reading() as connection:
        return connection.execute(last).scalar_one_or_none() == Meaning.ACCEPTED


@lasting
def may_be_edited(database: Database, order: int) -> bool:
    """Whether an edit of the order may have been made since a person last decided that it is to be sent."""
    decided = select(func.max(_decisions.c.decided_at)).where(
        _decisions.c.order == order, _decisions.c.decision == "send"
    )
    made = select(func.count()).where(
        _attempts.c.order == order,
        _attempts.c.kind == Kind.EDIT,
        or_(_attempts.c.verdict.is_(None), _attempts.c.verdict.in_(_MAY_BE_DONE)),
        _attempts.c.started_at > func.coalesce(decided.scalar_subquery(), 0),
    )
    with database.reading() as connection:
        return connection.execute(made).scalar_one() > 0
