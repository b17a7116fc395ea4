"""Sentences about rows: where it is, what stands there, what is wrong. The one place that composes them.

warehouse.csv B17 trackingNumber "7.03511E+15": Excel shows this number in E-notation ...
orders.xlsx 'March' row 4: the order number is missing ...
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, cast

from batch.reading.table import column_letters

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from batch.reading.shipments import Recognised

LONGEST = 80  # characters of a value that a sentence shows

OUR_NAMES = {
    "purchase_order_id": "purchaseOrderId",
    "customer_order_id": "customerOrderId",
    "line_number": "lineNumber",
    "sku": "sku",
    "quantity": "quantity",
    "carrier": "carrier",
    "tracking_number": "trackingNumber",
    "tracking_url": "trackingURL",
    "method_code": "methodCode",
    "ship_date_time": "shipDateTime",
    "ship_from_country": "shipFromCountry",
    "seller_order_id": "sellerOrderId",
}
"""What people call our columns."""


def table_names(shipments: Sequence[Recognised]) -> list[str]:
    """Return what sentences call each table: the file's name, its path where two names are alike, and the sheet."""
    paths = {one.table.source.path for one in shipments}
    alike = Counter(path.name for path in paths)
    return [
        (str(path) if alike[path.name] > 1 else path.name) + (f" '{one.table.sheet}'" if one.table.sheet else "")
        for one in shipments
        for path in (one.table.source.path,)
    ]


def shown(value: str) -> str:
    """Return a value as a sentence shows it: on one line, cut where it is long."""
    line = "".join(character if character.isprintable() else " " for character in value[: LONGEST + 1])
    return f'"{line[:LONGEST]}…"' if len(value) > LONGEST else f'"{line}"'


def sentences(found: pd.DataFrame, shipments: Sequence[Recognised]) -> list[str]:
    """Compose one sentence for each finding.

    `found` are findings with a column `table`, the place in `shipments`; `row` is the position within that table.
    """
    names = table_names(shipments)
    composed = [""] * len(found)
    for key, chosen in found.reset_index(drop=True).groupby(["table", "column"], sort=False):
        table, column = cast("tuple[int, str]", key)
        one = shipments[table]
        rows = one.table.rows[chosen["row"].to_numpy()].tolist()
        told = _named(one, column, rows, _values(one, column, chosen))
        for member, place, reason in zip(chosen.index.tolist(), told, chosen["reason"].tolist(), strict=True):
            composed[member] = f"{names[table]} {place}: {reason}"
    return composed


def _values(one: Recognised, column: str, chosen: pd.DataFrame) -> list[str]:
    """Return the cells as the file has them; what the finding saw where no cell of the file stands behind it."""
    if column in one.origins:
        texts: list[str] = one.table.cells.iloc[chosen["row"].to_numpy(), one.origins[column]].tolist()
        return texts
    seen: list[str] = chosen["value"].tolist()
    return seen


def _named(one: Recognised, column: str, rows: list[int], values: list[str]) -> list[str]:
    """Return what each row is called: by the cell's address, header and value, as far as there are any."""
    if not column:
        return [f"row {row}" for row in rows]
    origin = one.origins.get(column)
    name = OUR_NAMES[column] if origin is None else one.table.columns[origin]
    start = "row " if origin is None else column_letters(origin)
    return [
        f"{start}{row} {name}" + (f" {shown(value)}" if value else "") for row, value in zip(rows, values, strict=True)
    ]
