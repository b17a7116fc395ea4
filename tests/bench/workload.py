"""The files that are measured with: believable exports in our own columns, with check digits that are right.

    python -m tests.bench.workload FILE ORDERS LINES [FIRST]

FILE ends in .csv, .xlsx or .bodies. LINES is the most lines that an order has: orders have one line, two and so on up
to LINES in turn, and rows are shuffled where it is more than one. FIRST numbers the first order. A .bodies file has an
update a line, encoded as our client encodes it: purchase order id, tab, body.
"""

from __future__ import annotations

import csv
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import xlsxwriter  # type: ignore[import-untyped] # it ships no types

from batch.marketplace.orders import Parcel, ShippingUpdate
from batch.marketplace.payload import shipping_body

if TYPE_CHECKING:
    from collections.abc import Iterator

HEADER = (
    "purchaseOrderId",
    "customerOrderId",
    "lineNumber",
    "sku",
    "quantity",
    "carrier",
    "trackingNumber",
    "methodCode",
    "shipDateTime",
    "shipFromCountry",
    "Customer",
)
SKUS = ("TUQ-NOIR-M", "MITAINE-7", "0042-LAMPE", "CAFÉ-1KG", "SKU-00913", "BOOT-44-BRN", "PELLE-XL")
CUSTOMERS = ("Émile Côté", "Zoë Beauséjour", "François Lévesque", "Mary O'Brien", "Noémie Gagné", "John Smith")
_FIRST_PURCHASE_ORDER = 309_121_000_000_000
_FIRST_CUSTOMER_ORDER = 5_000_000_000_000
_DAY = 86_400  # s
_FEDEX = (3, 1, 7, 3, 1, 7, 3, 1, 7, 3, 1)
_SEED = 20261125


class Row(NamedTuple):
    """What one row says, but for what nobody reads."""

    order: int
    line: int


@dataclass(frozen=True, slots=True)
class Workload:
    """So many orders from the number `first` on, with one to `lines` lines each, shipped within the last three days."""

    orders: int
    lines: int
    first: int = 0
    day: int = int(time.time()) // _DAY * _DAY - 3 * _DAY  # s, UTC epoch

    def rows(self) -> Iterator[Row]:
        """Return the rows as they stand in the file."""
        numbers = np.arange(self.first, self.first + self.orders, dtype=np.int64)
        counts = np.arange(self.orders, dtype=np.int64) % self.lines + 1
        order = np.repeat(numbers, counts)
        line = np.arange(len(order)) - np.repeat(np.cumsum(counts) - counts, counts) + 1
        if self.lines > 1:
            shuffled = np.random.default_rng(_SEED).permutation(len(order))
            order, line = order[shuffled], line[shuffled]
        for start in range(0, len(order), 100_000):
            stop = start + 100_000
            yield from map(Row, order[start:stop].tolist(), line[start:stop].tolist())

    def cells(self, row: Row) -> tuple[str, ...]:
        """Return the cells of a row, beside `HEADER`."""
        at = time.strftime("%Y-%m-%d %H:%M", time.gmtime(self._shipped_at(row.order)))
        carrier, tracking = parcel_of(row.order)
        return (
            purchase_order(row.order),
            str(_FIRST_CUSTOMER_ORDER + row.order),
            str(row.line),
            SKUS[(row.order + row.line) % len(SKUS)],
            str(_quantity(row)),
            "Canada Post" if carrier == "CPC" else carrier,
            tracking,
            "Standard",
            at,
            "CA",
            CUSTOMERS[row.order % len(CUSTOMERS)],
        )

    def update(self, order: int, count: int) -> ShippingUpdate:
        """Return the update of an order with so many lines."""
        carrier, tracking = parcel_of(order)
        return ShippingUpdate(
            purchase_order_id=purchase_order(order),
            parcels=tuple(
                Parcel(
                    line_number=str(line),
                    quantity=_quantity(Row(order, line)),
                    carrier=carrier,
                    method_code="Standard",
                    tracking_number=tracking,
                    shipped_at=self._shipped_at(order) * 1000,
                    ship_from_country="CA",
                )
                for line in range(1, count + 1)
            ),
        )

    def _shipped_at(self, order: int) -> int:
        return self.day + order * 60 % _DAY


def purchase_order(order: int) -> str:
    """Return the purchase order id of the order of that number."""
    return str(_FIRST_PURCHASE_ORDER + order)


def order_number(purchase_order_id: str) -> int:
    """Return the number of the order with that purchase order id."""
    return int(purchase_order_id) - _FIRST_PURCHASE_ORDER


def parcel_of(order: int) -> tuple[str, str]:
    """Return the carrier's code and the tracking number of an order, with its check digit."""
    if order % 2:
        digits = f"{70_000_000_000 + order:011}"
        return "FedEx", f"{digits}{sum(int(d) * w for d, w in zip(digits, _FEDEX, strict=True)) % 11 % 10}"
    digits = f"{702_321_000_000_000 + order:015}"
    total = 3 * sum(map(int, digits[::2])) + sum(map(int, digits[1::2]))
    return "CPC", f"{digits}{-total % 10}"


def _quantity(row: Row) -> int:
    return 1 if row.order % 5 else 2


def write_csv(file: Path, workload: Workload) -> None:
    """Write the workload as CSV, UTF-8."""
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(HEADER)
        writer.writerows(map(workload.cells, workload.rows()))


def account_file(folder: Path, number: int, orders: int) -> Path:
    """Make an account's folder, and in it a file of so many orders that no other account has."""
    folder.mkdir()
    file = folder / "orders.csv"
    write_csv(file, Workload(orders, 1, number * orders))
    return file


def write_xlsx(file: Path, workload: Workload) -> None:
    """Write the workload as a workbook, all cells as text."""
    with xlsxwriter.Workbook(file, {"strings_to_numbers": False}) as book:
        sheet = book.add_worksheet("Shipments")
        for place, cells in enumerate([HEADER, *map(workload.cells, workload.rows())]):
            for column, text in enumerate(cells):
                sheet.write_string(place, column, text)


def write_bodies(file: Path, workload: Workload) -> None:
    """Write the bodies of the workload's updates, encoded."""
    with file.open("wb") as stream:
        for place in range(workload.orders):
            update = workload.update(workload.first + place, place % workload.lines + 1)
            stream.write(update.purchase_order_id.encode() + b"\t" + shipping_body(update) + b"\n")


WRITERS = {".csv": write_csv, ".xlsx": write_xlsx, ".bodies": write_bodies}


if __name__ == "__main__":
    name, *figures = sys.argv[1:]
    WRITERS[Path(name).suffix](Path(name), Workload(*map(int, figures)))
