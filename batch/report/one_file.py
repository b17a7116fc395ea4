"""The account of one of a run's files, as if the run had been about nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from batch.outcomes import Outcome
from batch.report.account import gravity

if TYPE_CHECKING:
    from batch.report.account import RunAccount


def of_one_file(account: RunAccount, place: int) -> RunAccount:
    """Return what the account tells of `account.files[place]`. Its requests and its time remain the whole run's."""
    if len(account.files) == 1:
        return account
    file = account.files[place]
    chosen = [
        index
        for index, table in enumerate(account.tables)
        if (table.source.path, table.source.sha256) == (file.path, file.sha256)
    ]
    mask = account.rows["table"].isin(chosen).to_numpy()
    rows = account.rows[mask].reset_index(drop=True)
    numbers, known = pd.factorize(rows["order"].where(rows["order"] >= 0))
    orders = account.orders.iloc[known.astype(np.int64)].reset_index(drop=True)
    rows = rows.assign(table=_renumbered(rows["table"], chosen), order=numbers.astype(np.int64))
    findings = account.findings[account.findings["table"].isin(chosen)].reset_index(drop=True)
    attempts = account.attempts[account.attempts["order"].isin(known)].reset_index(drop=True)
    return replace(
        account,
        files=(file,),
        tables=tuple(account.tables[index] for index in chosen),
        rows=rows,
        orders=with_rows(orders, rows),
        findings=findings.assign(table=_renumbered(findings["table"], chosen)),
        attempts=attempts.assign(order=_renumbered(attempts["order"], known.astype(np.int64).tolist())),
        carriers=account.carriers[mask[: len(account.carriers)]].reset_index(drop=True),
    )


def with_rows(orders: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the orders as these rows of theirs make them: outcome and reason of the gravest, counts."""
    belonging = rows[rows["order"] >= 0]
    gravest = belonging.assign(grave=gravity(belonging["outcome"])).sort_values(["order", "grave"], kind="stable")
    first = gravest.drop_duplicates("order")
    parcels = belonging.loc[belonging["outcome"] != Outcome.SKIPPED, "order"]
    return orders.assign(
        outcome=first["outcome"].to_numpy(),
        reason=first["reason"].to_numpy(),
        rows=np.bincount(belonging["order"], minlength=len(orders)).astype(np.int64),
        parcels=np.bincount(parcels, minlength=len(orders)).astype(np.int64),
    ).astype({"outcome": "str", "reason": "str"})


def _renumbered(numbers: pd.Series, old: list[int]) -> np.ndarray:
    """Return beside each number its place in `old`."""
    places = {number: place for place, number in enumerate(old)}
    return np.array([places[number] for number in numbers.tolist()], np.int64)
