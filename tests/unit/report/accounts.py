"""Accounts of runs made up for tests: tables with their rows, and what became of each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from batch.reading.table import Source, Table
from batch.report.account import GRAVITY, FileAccount, RunAccount

if TYPE_CHECKING:
    from collections.abc import Sequence

STARTED = 1_795_480_000_000  # 2026-11-24T00:26:40Z
HEADERS = ("Order #", "Tracking Number", "Note")


def make_table(
    *rows: Sequence[str], path: str = "in/march.csv", columns: Sequence[str] = HEADERS, sheet: str = ""
) -> Table:
    """Make a table whose first row of data is Excel's row 2."""
    cells = pd.DataFrame(
        {index: pd.Series([row[index] for row in rows], dtype="str") for index in range(len(columns))},
        index=pd.RangeIndex(len(rows)),
    )
    source = Source(Path(path), "ab" * 32, Path(path))
    return Table(source, sheet, 1, tuple(columns), cells, None, np.arange(2, len(rows) + 2))


def make_account(tables: Sequence[Table], told: Sequence[tuple[str, str, str]], **fields: object) -> RunAccount:
    """Make an account: beside each row of the tables its outcome, its reason and its purchase order ("" for none)."""
    ids = list(dict.fromkeys(order for _, _, order in told if order))
    places = {order: index for index, order in enumerate(ids)}
    rows = pd.DataFrame(
        {
            "table": np.repeat(np.arange(len(tables)), [len(table.cells) for table in tables]).astype(np.int64),
            "row": np.concatenate([table.rows for table in tables] or [np.empty(0, np.int64)]),
            "outcome": pd.Series([outcome for outcome, _, _ in told], dtype="str"),
            "reason": pd.Series([reason for _, reason, _ in told], dtype="str"),
            "purchase_order_id": pd.Series([order for _, _, order in told], dtype="str"),
            "order": pd.Series([places[order] if order else -1 for _, _, order in told], dtype="int64"),
            "correlation_id": pd.Series([f"c-{order}" if order else "" for _, _, order in told], dtype="str"),
            "finished_at": np.where([outcome == "shipped" for outcome, _, _ in told], STARTED + 1_500, 0),
        }
    )
    told_by: dict[str, list[tuple[str, str, str]]] = {}
    for line in told:
        told_by.setdefault(line[2], []).append(line)
    worst = [min(told_by[order], key=lambda line: GRAVITY.index(line[0])) for order in ids]
    count = len(ids)
    orders = pd.DataFrame(
        {
            "purchase_order_id": pd.Series(ids, dtype="str"),
            "outcome": pd.Series([line[0] for line in worst], dtype="str"),
            "reason": pd.Series([line[1] for line in worst], dtype="str"),
            "rows": pd.Series([len(told_by[order]) for order in ids], dtype="int64"),
            "parcels": pd.Series([len(told_by[order]) for order in ids], dtype="int64"),
            "attempts": pd.Series([int(line[0] == "shipped") for line in worst], dtype="int64"),
            "correlation_id": pd.Series([f"c-{order}" for order in ids], dtype="str"),
            "ship_by": pd.Series([STARTED + 3_600_000] * count, dtype="int64"),
            "started_at": pd.Series([STARTED + 1_000] * count, dtype="int64"),
            "finished_at": pd.Series([STARTED + 1_500] * count, dtype="int64"),
            "note": pd.Series([""] * count, dtype="str"),
        }
    )
    files = {table.source.path: 0 for table in tables}
    for table in tables:
        files[table.source.path] += len(table.cells)
    defaults: dict[str, Any] = {
        "run": "20261124-002640-3f2a",
        "account": "default",
        "command": "run",
        "files": tuple(
            FileAccount(path=path, sha256="ab" * 32, profile="shipbatch", rows=length) for path, length in files.items()
        ),
        "started_at": STARTED,
        "finished_at": STARTED + 65_000,
        "requests": {"ship": 3, "read": 5, "acknowledge": 1, "throttled": 0, "retries": 2},
    }
    return RunAccount(tables=tuple(tables), rows=rows, orders=orders, **(defaults | fields))


def ordinary() -> RunAccount:
    """Make an account with each outcome once, in one file."""
    outcomes = ["shipped", "already_shipped", "skipped", "rejected", "held", "refused", "unknown", "not_attempted"]
    table = make_table(*([f"10{index}", f"73{index}", "é"] for index in range(len(outcomes))))
    told = [
        (outcome, "" if outcome == "shipped" else f"This is why it is {outcome}.", f"10{index}")
        for index, outcome in enumerate(outcomes)
    ]
    return make_account([table], told, exit_code=5)
