"""What is left to do after a run, by whom and how: one task for each kind of reason, the most frequent first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from batch.outcomes import NEEDS_PERSON, Outcome
from batch.report import reasons, to_fix
from batch.report.account import READY

if TYPE_CHECKING:
    from batch.report.account import RunAccount

# In the order in which a person had best turn to them.
_ACTING = (Outcome.UNKNOWN, Outcome.REJECTED, Outcome.HELD, Outcome.REFUSED)

MEANING = {
    Outcome.SHIPPED: "Walmart confirmed it",
    Outcome.ALREADY_SHIPPED: "it was shipped before, with the same tracking number",
    Outcome.SKIPPED: "no shipment, or an exact repeat of another row",
    Outcome.REJECTED: "the file is wrong",
    Outcome.HELD: "the row is good, but must not go alone or not now",
    Outcome.REFUSED: "Walmart said no",
    Outcome.UNKNOWN: "it was sent, and what became of it could not be found out",
    Outcome.NOT_ATTEMPTED: "the run ended first, or it is due later; shipbatch resume goes on with it",
    READY: "it would be sent",
}
WHO = {
    Outcome.REJECTED: "who made the file",
    Outcome.HELD: "a person decides",
    Outcome.REFUSED: "who runs the account",
    Outcome.UNKNOWN: "a person looks",
}
HOW = {
    Outcome.REJECTED: "Mend the rows in the file under to_fix and drop that file again.",
    Outcome.HELD: "Mend the rows in the file under to_fix and drop it again, or decide what becomes of the order:",
    Outcome.REFUSED: "Put right what Walmart names and drop the mended file under to_fix, or send the same again:",
    Outcome.UNKNOWN: (
        "Do not send these again by hand. shipbatch resume looks once more; "
        "or look in Seller Center yourself and say what you saw:"
    ),
}
COMMANDS = {
    Outcome.HELD: "shipbatch settle PO --as shipped|send|drop --note TEXT",
    Outcome.REFUSED: "shipbatch resume --refused",
    Outcome.UNKNOWN: "shipbatch settle PO --as shipped|send --note TEXT",
}
RESUME = "shipbatch resume"


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Rows with one kind of reason that need a person."""

    outcome: Outcome
    reason: str  # one sentence; "…" stands for what differs
    orders: int
    rows: np.ndarray  # positions in `RunAccount.rows`, in order

    @property
    def how(self) -> str:
        """What the person does."""
        return HOW[self.outcome]

    @property
    def command(self) -> str:
        """The command that `how` ends with, "" for none."""
        return COMMANDS.get(self.outcome, "")

    @property
    def who(self) -> str:
        """Whom it concerns."""
        return WHO[self.outcome]


def tasks(account: RunAccount) -> list[Task]:
    """Return what persons must do: unknown ones first, then by outcome, the most frequent reason first.

    A row with several reasons stands under each of them.
    """
    needing = np.flatnonzero(account.rows["outcome"].isin([str(word) for word in NEEDS_PERSON]).to_numpy())
    if not len(needing):
        return []
    told = account.rows.iloc[needing].reset_index(drop=True)
    names = reasons.names_of(account.tables[index] for index in np.unique(told["table"].to_numpy()))
    single = reasons.taken_apart(told["reason"], names)
    wording, wordings = pd.factorize(reasons.without_place(single, names))
    kind, kinds = pd.factorize(reasons.kinds(pd.Series(wordings, dtype="str")))
    outcome, outcomes = pd.factorize(told["outcome"])
    frame = pd.DataFrame({"row": single.index, "wording": wording, "kind": kind[wording]})
    frame["outcome"] = outcome[frame["row"]]
    found = []
    for _, part in frame.groupby(["outcome", "kind"]):
        first, rows = part.iloc[0], np.unique(part["row"].to_numpy())
        told_so = [str(wordings[one]) for one in part["wording"].unique()]
        said = reasons.said_of(str(kinds[first["kind"]]), told_so)
        found.append(_task(Outcome(outcomes[first["outcome"]]), said, told["order"].to_numpy()[rows], needing[rows]))
    return sorted(found, key=lambda task: (_ACTING.index(task.outcome), -len(task.rows), task.reason))


def _task(outcome: Outcome, reason: str, order: np.ndarray, rows: np.ndarray) -> Task:
    return Task(outcome=outcome, reason=reason, orders=len(np.unique(order[order >= 0])), rows=rows)


def files_to_mend(account: RunAccount) -> list[str]:
    """Return the names of the files to mend, as paths below the report's folder."""
    return [f"{to_fix.FOLDER}/{file.name}" for file in to_fix.plan_to_fix(account)]
