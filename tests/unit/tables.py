"""Tables of shipment columns for tests: what reading would hand on."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd

from batch.draft import Policy
from batch.reading.declaration import Profile
from batch.reading.shipments import Shipments
from batch.reading.table import Source, Table
from schemas.findings import no_findings
from schemas.shipment import SHIPMENT_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

TORONTO = ZoneInfo("America/Toronto")
NOW = 1795550400000  # 2026-11-24T20:00:00Z, 15:00 in Toronto
HOUR = 3_600_000
YESTERDAY = NOW - 24 * HOUR

GOOD = {
    "purchase_order_id": "309121065891123",
    "line_number": "1",
    "quantity": "1",
    "carrier": "Canada Post",
    "tracking_number": "7035114477138472",
    "ship_date_time": "2026-11-23 15:00",
}
HEADERS = {"purchase_order_id": "purchaseOrderId", "tracking_number": "trackingNumber"}


def texts(values: Sequence[str]) -> pd.Series:
    return pd.Series(list(values), dtype="str")


def shipment_columns(rows: Sequence[Mapping[str, str]]) -> pd.DataFrame:
    """Return rows as shipment columns, "" where a row says nothing."""
    return pd.DataFrame({name: texts([row.get(name, "") for row in rows]) for name in SHIPMENT_COLUMNS})


def shipments(
    rows: Sequence[Mapping[str, str]],
    *,
    file: str = "warehouse.csv",
    sheet: str = "",
    shipped_at: Sequence[int] | None = None,
    date_only: Sequence[bool] | None = None,
    kinds: np.ndarray | None = None,
    found: pd.DataFrame | None = None,
    order: Sequence[str] = SHIPMENT_COLUMNS,
) -> Shipments:
    """Return a table whose columns are those that any row names, in the given order."""
    columns = shipment_columns(rows)
    named = [name for name in order if any(name in row for row in rows)]
    cells = pd.DataFrame({place: columns[name] for place, name in enumerate(named)}, index=columns.index)
    return Shipments(
        table=Table(
            source=Source(Path(file), "0" * 64, Path(file)),
            sheet=sheet,
            header_row=1,
            columns=tuple(HEADERS.get(name, name) for name in named),
            cells=cells,
            kinds=kinds,
            rows=np.arange(2, len(rows) + 2),
        ),
        profile=Profile(name="shipbatch", title="Our own columns"),
        columns=columns,
        origins={name: place for place, name in enumerate(named)},
        shipped_at=pd.Series([YESTERDAY] * len(rows) if shipped_at is None else shipped_at, dtype=np.int64),
        date_only=pd.Series([False] * len(rows) if date_only is None else date_only, dtype=np.bool_),
        findings=no_findings() if found is None else found,
    )


def policy(**changed: object) -> Policy:
    return replace(Policy(zone=TORONTO, now_ms=NOW), **changed)  # type: ignore[arg-type]  # any of its fields
