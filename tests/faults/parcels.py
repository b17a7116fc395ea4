"""Made-up orders as rows of a spreadsheet, with tracking numbers whose check digits hold."""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

from batch.sandbox.orders import invented_customer_order_id

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

Key = tuple[str, str, str]  # purchase order, line, tracking number


class Row(NamedTuple):
    """A row with our own columns."""

    purchase_order_id: str
    line_number: str
    quantity: int
    carrier: str
    tracking_number: str
    ship_date: str


def purchase_order(number: int) -> str:
    """Return a purchase order id."""
    return f"309121065{number:06d}"


def tracking(number: int) -> str:
    """Return a UPS tracking number; the last digit is the check digit of the fifteen characters before it."""
    body = f"999AA1{number * 37:09d}"
    values = [(ord(character) - 63) % 10 if character.isalpha() else int(character) for character in body]
    total = sum(value * (1 + place % 2) for place, value in enumerate(values))
    return f"1Z{body}{-total % 10}"


def orders(count: int, *, first: int = 0) -> list[Row]:
    """Return rows of so many orders: of every three, the third has two lines, the second of them two parcels."""
    rows: list[Row] = []
    shipped = f"{datetime.now(UTC) - timedelta(days=2):%Y-%m-%d}"
    for order in range(first, first + count):
        parcels = [("1", 1), ("2", 2), ("2", 1)] if order % 3 == 2 else [("1", 1 + order % 2)]
        for place, (line, quantity) in enumerate(parcels):
            number = tracking(order * 3 + place)
            rows.append(Row(purchase_order(order), line, quantity, "UPS", number, shipped))
    return rows


def units_in(files: Iterable[Path]) -> dict[Key, int]:
    """Return the units of each parcel that the files name; a parcel that stands in several is the same one."""
    units: dict[Key, int] = {}
    for file in files:
        with file.open(newline="", encoding="utf-8-sig") as stream:
            for row in csv.DictReader(stream):
                order = row.get("purchaseOrderId") or _BY_CUSTOMER[row["customerOrderId"]]
                units[order, row["lineNumber"], row["trackingNumber"]] = int(row["quantity"])
    return units


def by_customer(rows: Iterable[Row]) -> list[Row]:
    """Return the rows with the customer order in the place of the purchase order."""
    return [row._replace(purchase_order_id=invented_customer_order_id(row.purchase_order_id)) for row in rows]


_BY_CUSTOMER = {invented_customer_order_id(purchase_order(number)): purchase_order(number) for number in range(1000)}
