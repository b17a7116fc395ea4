"""What a run leaves: one task for each kind of reason that needs a person, and what is worth knowing besides."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from batch.outcomes import Outcome
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
    Outcome.REJECTED: "Mend the rows in the to_fix file and drop that file again.",
    Outcome.HELD: "Mend the rows in the to_fix file and drop it again, or decide what becomes of the order:",
    Outcome.REFUSED: "Put right what Walmart names and drop the mended to_fix file, or send the same again:",
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
ENDED_FIRST = "The run ended before it was their turn."


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Rows with one kind of reason that need a person."""

    outcome: Outcome
    reason: str  # one sentence; "…" stands for what differs
    example: str  # the first row's cell and what stands in it, or its own sentence; "" where that says no more
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


@dataclass(frozen=True, slots=True)
class Remark:
    """Rows of which the same is to be said."""

    reason: str  # one sentence; "…" stands for what differs
    example: str  # the first row's cell and what stands in it, or its own sentence; "" where that says no more
    rows: np.ndarray  # positions in `RunAccount.rows`, in order
    orders: int  # that these rows belong to


def tasks(account: RunAccount) -> list[Task]:
    """Return what persons must do: unknown ones first, then by outcome, the most frequent reason first.

    A row with several reasons stands under each of them.
    """
    return [
        Task(outcome=outcome, reason=one.reason, example=one.example, orders=one.orders, rows=one.rows)
        for outcome in _ACTING
        for one in _by_kind(_reasons_of(account, outcome), account)
    ]


def waiting(account: RunAccount) -> list[Remark]:
    """Return why rows were not attempted, the most frequent reason first."""
    return _by_kind(_reasons_of(account, Outcome.NOT_ATTEMPTED).replace("", ENDED_FIRST), account)


def _reasons_of(account: RunAccount, outcome: Outcome) -> pd.Series:
    ended_so = np.flatnonzero(account.rows["outcome"] == outcome)
    return pd.Series(account.rows["reason"].to_numpy()[ended_so], index=ended_so, dtype="str")


def remarks(account: RunAccount, effect: str) -> list[Remark]:
    """Return what was found to that effect ("warning", "note") and stops no row, the most frequent first."""
    found = account.findings[account.findings["effect"] == effect]
    starts = np.cumsum([0, *(len(table.cells) for table in account.tables)])
    rows = starts[found["table"].to_numpy()] + found["row"].to_numpy()
    return _by_kind(pd.Series(found["reason"].to_numpy(), index=rows), account)


def _by_kind(told: pd.Series, account: RunAccount) -> list[Remark]:
    """Return what rows have in common, the most frequent first; `told` are their reasons by position."""
    if not len(told):
        return []
    tables = [account.tables[index] for index in account.rows["table"].iloc[told.index].unique()]
    names, headers = reasons.names_of(tables), reasons.odd_headers_of(tables)
    single = reasons.taken_apart(told, names)
    wording, wordings = pd.factorize(reasons.without_place(single, names, headers))
    kind, kinds = pd.factorize(reasons.kinds(pd.Series(wordings, dtype="str")))
    order = account.rows["order"].to_numpy()
    frame = pd.DataFrame({"row": single.index, "wording": wording, "kind": kind[wording], "at": range(len(single))})
    found = []
    for _, part in frame.groupby("kind"):
        told_so = [str(wordings[one]) for one in part["wording"].unique()]
        said = reasons.said_of(str(kinds[part["kind"].iloc[0]]), told_so)
        cell = reasons.cell_of(single.iloc[part["at"].iloc[0]], names, headers)
        example = cell or (reasons.said_of(told_so[0], told_so[:1]) if len(told_so) > 1 else "")
        rows = np.unique(part["row"].to_numpy())
        named = order[rows]
        found.append(Remark(said, example, rows, len(np.unique(named[named >= 0]))))
    return sorted(found, key=lambda remark: (-len(remark.rows), remark.reason))


def files_to_mend(account: RunAccount) -> list[str]:
    """Return the names of the files to mend, as paths below the report's folder."""
    return [f"{to_fix.FOLDER}/{file.name}" for file in to_fix.plan_to_fix(account)]
