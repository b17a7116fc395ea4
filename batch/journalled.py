"""From the journal to the account of a run that the report tells."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from batch.accounting import orders_of
from batch.journal import history
from batch.outcomes import Outcome
from batch.report.account import RunAccount
from schemas.characters import is_blank, text_array

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from batch.journal.database import Database
    from batch.reading.table import Table


def journalled_account(
    database: Database,
    number: int,
    tables: Sequence[Table],
    *,
    notes: Mapping[str, str] | None = None,
    unattempted: str = "",
    keep: bool = True,
    **told: Any,  # noqa: ANN401 - the account's own fields
) -> RunAccount:
    """Return the account of a run as the journal has it, where `number` is the run's.

    `tables`: the rows read, in input order. `notes`: purchase order id ▶ what else is to be said of it.
    `unattempted`: why those were not attempted whose turn did not come. `keep`: write down there how its rows ended,
    for good.
    """
    kept = _explained(history.rows_of(database, number), unattempted)
    if keep:
        history.keep_rows(database, number, kept)
    attempts = history.attempts_of(database, number)
    rows = pd.DataFrame(
        {
            "table": np.repeat(np.arange(len(tables)), [len(table.rows) for table in tables]),
            "row": kept["row"],
            "outcome": kept["outcome"],
            "reason": kept["reason"],
            "purchase_order_id": kept["purchase_order_id"],
            "correlation_id": kept["correlation_id"],
            "finished_at": kept["finished_at"],
            "order": _order_numbers(kept["purchase_order_id"]),
        }
    )
    return RunAccount(
        rows=rows,
        orders=_with_journal(orders_of(rows), rows["order"], kept, attempts, notes or {}),
        tables=tuple(tables),
        attempts=_placed(attempts, rows["order"], kept["order"]),
        **told,
    )


def _explained(rows: pd.DataFrame, unattempted: str) -> pd.DataFrame:
    """Give rows whose turn did not come the reason for which the run stopped."""
    untold = (rows["outcome"] == str(Outcome.NOT_ATTEMPTED)) & (rows["reason"] == "")
    return rows.assign(reason=rows["reason"].where(~untold, unattempted)) if untold.any() else rows


def _order_numbers(purchase_orders: pd.Series) -> np.ndarray:
    """Return a number for each row's order, by first appearance; -1 for rows that name none."""
    named, blank = text_array(purchase_orders), is_blank(purchase_orders)
    if blank.any():
        named = pc.if_else(pa.array(blank), pa.scalar(None, named.type), named)
    numbers = pc.dictionary_encode(named).indices
    return np.asarray(pc.fill_null(numbers, -1).to_numpy(zero_copy_only=False), np.int64)


def _with_journal(
    orders: pd.DataFrame,
    order_of_row: pd.Series,
    journal: pd.DataFrame,
    attempts: pd.DataFrame,
    notes: Mapping[str, str],
) -> pd.DataFrame:
    """Lay beside each order what the journal has of it; where it has several, the last one."""
    there = np.flatnonzero((order_of_row.to_numpy() >= 0) & (journal["order"].to_numpy() >= 0))
    places = np.full(len(orders), -1)
    places[order_of_row.to_numpy()[there]] = there
    last = journal[["order", "correlation_id", "ship_by", "sent_at", "finished_at", "note"]].reindex(places)
    last = last.set_axis(orders.index)
    return orders.assign(
        attempts=_whole(last["order"].map(attempts["order"].value_counts())),
        correlation_id=last["correlation_id"].fillna(""),
        ship_by=_whole(last["ship_by"]),
        started_at=_whole(last["sent_at"]),
        finished_at=_whole(last["finished_at"]),
        note=_noted(last["note"].fillna(""), orders["purchase_order_id"], notes),
    )


def _whole(numbers: pd.Series) -> pd.Series:
    """Return whole numbers, 0 where there is none."""
    return numbers.fillna(0).astype("int64")


def _noted(said: pd.Series, orders: pd.Series, notes: Mapping[str, str]) -> pd.Series:
    """Add to what is said of orders what else is to be said of them."""
    if not notes:
        return said
    more = pd.Series([notes.get(order, "") for order in orders.tolist()], index=said.index, dtype="str")
    return said.where((said == "") | (more == ""), said + "; ") + more


def _placed(attempts: pd.DataFrame, order_of_row: pd.Series, journal_order_of_row: pd.Series) -> pd.DataFrame:
    """Return the calls with the orders of the account in the place of the journal's."""
    places = pd.Series(order_of_row.to_numpy(), index=journal_order_of_row.to_numpy())
    places = places[~places.index.duplicated(keep="last")]
    return attempts.assign(order=attempts["order"].map(places).fillna(-1).astype("int64"))
