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
    known = history.orders_of(database, number)
    of_row = known.reindex(kept["order"].where(kept["order"] >= 0))
    rows = pd.DataFrame(
        {
            "table": np.repeat(np.arange(len(tables)), [len(table.rows) for table in tables]),
            "row": kept["row"].to_numpy(np.int64),
            "outcome": kept["outcome"].astype("str"),
            "reason": _text(kept["reason"]),
            "purchase_order_id": kept["purchase_order_id"].astype("str"),
            "correlation_id": _text(of_row["correlation_id"]).to_numpy(),
            "finished_at": of_row["finished_at"].fillna(0).to_numpy(np.int64),
        }
    )
    rows["order"] = _order_numbers(rows["purchase_order_id"])
    return RunAccount(
        rows=rows,
        orders=_with_journal(orders_of(rows), rows["order"], of_row, notes or {}),
        tables=tuple(tables),
        attempts=_attempts(database, number, rows["order"], kept["order"]),
        **told,
    )


def _explained(rows: pd.DataFrame, unattempted: str) -> pd.DataFrame:
    """Give rows whose turn did not come the reason for which the run stopped."""
    untold = (rows["outcome"] == str(Outcome.NOT_ATTEMPTED)) & (rows["reason"].fillna("") == "")
    return rows.assign(reason=rows["reason"].where(~untold, unattempted))


def _order_numbers(purchase_orders: pd.Series) -> np.ndarray:
    """Return a number for each row's order, by first appearance; -1 for rows that name none."""
    named, blank = text_array(purchase_orders), is_blank(purchase_orders)
    if blank.any():
        named = pc.if_else(pa.array(blank), pa.scalar(None, named.type), named)
    numbers = pc.dictionary_encode(named).indices
    return np.asarray(pc.fill_null(numbers, -1).to_numpy(zero_copy_only=False), np.int64)


def _with_journal(
    orders: pd.DataFrame, order_of_row: pd.Series, journal_of_row: pd.DataFrame, notes: Mapping[str, str]
) -> pd.DataFrame:
    """Lay beside each order what the journal has of it; where it has several, the last one."""
    beside = journal_of_row.assign(order=order_of_row.to_numpy()).dropna(subset=["state"])
    last = beside[beside["order"] >= 0].drop_duplicates("order", keep="last").set_index("order").reindex(orders.index)
    said = _text(last["note"])
    named = orders["purchase_order_id"]
    more = pd.Series([notes.get(order, "") for order in named.tolist()], index=orders.index, dtype="str")
    return orders.assign(
        attempts=last["attempts"].fillna(0).astype("int64"),
        correlation_id=_text(last["correlation_id"]),
        ship_by=last["ship_by"].fillna(0).astype("int64"),
        started_at=last["sent_at"].fillna(0).astype("int64"),
        finished_at=last["finished_at"].fillna(0).astype("int64"),
        note=said.where((said == "") | (more == ""), said + "; ") + more,
    )


def _attempts(database: Database, run: int, order_of_row: pd.Series, journal_order_of_row: pd.Series) -> pd.DataFrame:
    attempts = history.attempts_of(database, run)
    place = dict(zip(journal_order_of_row.tolist(), order_of_row.tolist(), strict=True))
    return attempts.assign(
        kind=attempts["kind"].astype("str"),
        verdict=attempts["verdict"].astype("str"),
        order=attempts["order"].map(place).fillna(-1).astype("int64"),
    )


def _text(column: pd.Series) -> pd.Series:
    """Return a column as text, "" where there is nothing: one in which there is nothing at all has no text type yet."""
    return column.astype(object).where(column.notna(), "").astype("str")
