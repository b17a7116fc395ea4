"""Accounts of runs made up for tests: tables with their rows, and what became of each."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

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


def a_night(count: int, *, needing: int = 0) -> RunAccount:
    """Make an account of so many orders, sent at 60 a minute with throttles and an outage; some need a person."""
    outcomes = ["rejected"] * needing + ["shipped"] * (count - needing)
    table = make_table(*([f"30912106{at:07d}", f"70351144{at:08d}", "é"] for at in range(count)))
    why = 'B{} Tracking Number "7.03511E+15": Excel shows this number in E-notation; <make> the column text.'
    told = [
        (outcome, why.format(at + 2) if outcome == "rejected" else "", f"30912106{at:07d}")
        for at, outcome in enumerate(outcomes)
    ]
    account = make_account([table], told, timezone="America/Toronto", limits={"ship": 60.0})
    sent = np.arange(needing, count)
    started = STARTED + 1_000 * (sent - needing) + 300_000 * (sent - needing > (count - needing) // 2)
    random = np.random.default_rng(7)
    odd = random.random(len(sent))
    attempts = pd.DataFrame(
        {
            "kind": pd.Series(["ship"] * len(sent), dtype="str"),
            "started_at": started,
            "ended_at": started + random.gamma(2, 120, len(sent)).astype(np.int64),
            "status": np.where(odd < 0.002, 429, 200),
            "verdict": pd.Series(np.where(odd < 0.002, "throttled", "accepted"), dtype="str"),
            "order": sent,
        }
    )
    down = attempts.iloc[len(sent) // 2 : len(sent) // 2 + 5].assign(status=503, verdict="unavailable")
    down = down.assign(started_at=down["started_at"] - 200_000, ended_at=down["ended_at"] - 100_000)
    account.orders["ship_by"] = STARTED + random.integers(-20, 90, count) * 3_600_000
    account.orders.loc[sent, "finished_at"] = attempts["ended_at"].to_numpy()
    account.orders["correlation_id"] = pd.Series(
        ["" if at < needing else f"{UUID(bytes=random.bytes(16))}" for at in range(count)], dtype="str"
    )
    return replace(
        account,
        attempts=pd.concat([attempts, down], ignore_index=True).sort_values("started_at", ignore_index=True),
        carriers=pd.Series(random.choice(["Canada Post", "UPS", "Purolator", "FedEx"], count), dtype="str"),
        finished_at=int(attempts["ended_at"].max()) if len(sent) else STARTED,
    )


def an_account(*outcomes: str, **fields: object) -> RunAccount:
    """Return an account of orders of one row each, which ended so."""
    table = make_table(*([str(index), "x", ""] for index in range(len(outcomes))))
    return make_account([table], [(outcome, "Why.", str(index)) for index, outcome in enumerate(outcomes)], **fields)
