"""orders.csv: one line for each order, in order of first appearance."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from batch.report import cells

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pandas as pd

    from batch.report.account import RunAccount


def figures(values: pd.Series) -> cells.Column:
    """Return counts as a column to write."""
    return pa.array(values.to_numpy())


def times(values: pd.Series) -> cells.Column:
    """Return UTC epoch milliseconds, 0 for none, as a column of RFC 3339 to write."""
    return cells.time_column(values.to_numpy())


# Header ▶ column of `RunAccount.orders`, and how it is written.
COLUMNS: dict[str, tuple[str, Callable[[pd.Series], cells.Column]]] = {
    "purchaseOrderId": ("purchase_order_id", cells.text_column),
    "outcome": ("outcome", cells.text_column),
    "reason": ("reason", cells.text_column),
    "rows": ("rows", figures),
    "parcels": ("parcels", figures),
    "attempts": ("attempts", figures),
    "correlationId": ("correlation_id", cells.text_column),
    "shipBy": ("ship_by", times),
    "startedAt": ("started_at", times),
    "finishedAt": ("finished_at", times),
    "note": ("note", cells.text_column),
}


def write_orders(path: Path, account: RunAccount) -> None:
    """Write orders.csv, block by block."""
    types = [pa.int64() if write is figures else cells.TEXT for _, write in COLUMNS.values()]
    with cells.CsvFile(path, list(COLUMNS), types) as file:
        for block in cells.blocks(len(account.orders)):
            told = account.orders.iloc[block]
            file.write([write(told[name]) for name, write in COLUMNS.values()])
