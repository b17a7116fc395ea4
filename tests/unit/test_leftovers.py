from __future__ import annotations

from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pandas as pd

from batch.accounting import of_leftovers
from batch.draft import Policy
from batch.leftovers import _read_rows
from batch.settings import Settings

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

NOW = 1_796_000_000_000
_CSV = """purchaseOrderId,carrier,trackingNumber,shipDateTime
309121065000001,UPS,1Z999AA10123456784,2026-11-24
309121065000002,FedEx,917776317063,2026-11-24
"""


def test_a_row_that_two_orders_left_over_come_from_is_told_of_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings()
    (settings.state / "inputs").mkdir(parents=True)
    (settings.state / "inputs" / "ab").write_text(_CSV)
    of = {"path": "a.csv", "sha256": "ab", "profile": "shipbatch", "sheet": "", "part": 0}
    rows = [
        {"row": row, "purchase_order_id": str(order), "order": order, **of} for order, row in ((1, 2), (2, 3), (3, 2))
    ]
    left = _read_rows(pd.DataFrame(rows), settings, now_ms=NOW)
    assert [row["row"] for row in left.rows] == left.tables[0].rows.tolist() == [2, 2, 3]
    carriers = of_leftovers(left, Policy(zone=ZoneInfo("UTC"), now_ms=NOW))["carriers"]
    assert carriers.tolist() == ["UPS", "UPS", "FedEx"]
