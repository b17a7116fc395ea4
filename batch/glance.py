"""One account's sending at one moment, as somebody who watches sees it: it may travel from where it is sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from batch.marketplace.call import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batch.journal.states import State
    from batch.sending import Followed


@dataclass(frozen=True, slots=True, kw_only=True)
class Glance:
    """What is seen of an account."""

    name: str  # the account's, in the settings
    total: int  # orders to be sent or settled
    ended: Mapping[State, int]  # of them, by the state in which they ended
    sent: int = 0  # updates
    gap: float = 0.0  # s between two updates by the limit; 0: there is none
    paused: float = 0.0  # s until the marketplace's limit lets us go on
    outages: int = 0  # answers one after the other that were none
    nearest: int = 0  # the next deadline, epoch ms; 0: none is known
    stopping: str = ""  # why it stops; a sentence

    @property
    def left(self) -> int:
        """How many orders have not ended yet."""
        return max(0, self.total - sum(self.ended.values()))


def glance_at(one: Followed) -> Glance:
    """Look at an account that is sent for in this process."""
    pace = one.conversation.paces[Kind.SHIP]
    return Glance(
        name=one.errand.name,
        total=one.total,
        ended=dict(one.submission.ended),
        sent=one.conversation.requests[Kind.SHIP],
        gap=pace.bucket.gap,
        paused=pace.paused,
        outages=one.conversation.outages,
        nearest=one.submission.ready.nearest,
        stopping=one.stop.reason if one.stop.requested else "",
    )
