"""`check`: the same plan as a run's, and nothing sent.

    1  read the files where they lie      (batch.inputs)
    2  plan: rows become orders           (batch.plan)
    3  see in the journal, if there is one, what was sent before
    4  with `remote`, read each order     (batch.foresight)
    5  account for every row              (batch.accounting)

Whoever drops a file wants to know at once. So what few checks need is imported where it is needed.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from batch.accounting import of_run, planned_account, with_foresight
from batch.clock import now_ms
from batch.end_of_run import Ended, ended
from batch.ended_before import end_rows, mark_ended_before
from batch.inputs import read_inputs
from batch.plan import Plan, Policy, make_plan
from schemas.characters import is_blank

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from batch.foresight import Foresight
    from batch.settings import Account, Settings


@dataclass(frozen=True, slots=True, kw_only=True)
class Checking:
    """One account's check with one set of settings."""

    settings: Settings
    name: str
    account: Account
    profile: str | None = None  # the only one that files may be by

    def of(self, files: Sequence[Path], *, remote: bool = False) -> Ended:
        """Plan and send nothing. What the journal knows to be sent counts as such. `remote`: read each order, too."""
        now = now_ms()
        inputs = read_inputs(files, self.settings, now_ms=now, profile=self.profile)
        plan = make_plan(inputs.shipments, Policy.of(self.account, self.settings.zone, now))
        self._mark_ended_before(plan, now)
        told = of_run(self.settings, self.name, "check", now, inputs.files)
        if not remote:
            account = planned_account(plan, **told, seconds_to_send=self._seconds_to_send(plan))
            return ended(replace(account, finished_at=now_ms()))
        seen = self._foreseen(plan)
        end_rows(plan, seen.end_of)
        told |= {"seconds_to_send": seen.seconds, "requests": seen.requests}
        account = with_foresight(planned_account(plan, **told), plan, seen)
        return ended(replace(account, finished_at=now_ms()), seen.stopped_by, seen.reason)

    def _mark_ended_before(self, plan: Plan, now: int) -> None:
        file = self.settings.journal_file
        if file is not None and not file.exists():
            return
        from batch.journal.journal import Journal  # noqa: PLC0415 - see above

        if journal := Journal.open_existing(self.settings.journal):
            with closing(journal):
                mark_ended_before(plan, journal.known(self.account.seller, plan, now))

    def _foreseen(self, plan: Plan) -> Foresight:
        from batch.foresight import foresee  # noqa: PLC0415 - see above
        from batch.marketplace.credentials import open_dialect_of  # noqa: PLC0415 - the same

        dialect = open_dialect_of(self.name, self.account)
        return foresee(plan, _to_be_sent(plan).tolist(), self.account, dialect, self.settings.zone)

    def _seconds_to_send(self, plan: Plan) -> float:
        return _to_be_sent(plan).size * 60 / self.account.rate.ship if self.account.rate.ship else 0.0


def _to_be_sent(plan: Plan) -> np.ndarray:
    """Return the places of the orders that would be sent now, in their order."""
    order = plan.rows["order"].to_numpy()
    ready = is_blank(plan.rows["outcome"]) & (order >= 0)
    return np.flatnonzero(np.bincount(order[ready], minlength=1))
