"""rows.csv: every input row in input order, its own columns first, then what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from batch.report import cells

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import pandas as pd

    from batch.reading.table import Table
    from batch.report.account import RunAccount

# Part of the outside contract. Reading ignores columns that begin with "_".
ADDED = {
    "_file": cells.TEXT,
    "_sheet": cells.TEXT,
    "_row": pa.int64(),
    "_outcome": cells.TEXT,
    "_reason": cells.TEXT,
    "_purchase_order_id": cells.TEXT,
    "_correlation_id": cells.TEXT,
    "_finished_at": cells.TEXT,
}


def write_rows(path: Path, account: RunAccount) -> None:
    """Write rows.csv, block by block."""
    own = cells.union_of_own_columns(account.tables)
    headers = [header for header, _ in own] + list(ADDED)
    types = [cells.TEXT] * len(own) + list(ADDED.values())
    first = 0
    with cells.CsvFile(path, headers, types) as file:
        for table in account.tables:
            for block in cells.blocks(len(table.cells)):
                told = account.rows.iloc[first + block.start : first + block.stop]
                file.write([*cells.own_cells(table, own, table.cells.iloc[block]), *_added(table, told)])
            first += len(table.cells)


def _added(table: Table, told: pd.DataFrame) -> Sequence[cells.Column]:
    return [
        cells.constant_column(str(table.source.path), len(told)),
        cells.constant_column(table.sheet, len(told)),
        pa.array(told["row"].to_numpy()),
        cells.text_column(told["outcome"]),
        cells.text_column(told["reason"]),
        cells.text_column(told["purchase_order_id"]),
        cells.text_column(told["correlation_id"]),
        cells.time_column(told["finished_at"].to_numpy()),
    ]
