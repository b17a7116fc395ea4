from __future__ import annotations

from dataclasses import replace

from batch.describe import describe
from batch.plan import make_plan
from tests.unit.tables import GOOD, HOUR, NOW, YESTERDAY, policy, shipments

PLAN = """\
warehouse.csv: profile shipbatch, header in row 1
rows: 5 (1 not_attempted, 2 ready, 1 rejected, 1 skipped)
orders: 2

order 309121065891123
  warehouse.csv row 2: line 1, quantity 1, carrier CPC, tracking 7035114477138472, shipped 2026-11-23T20:00:00Z, from CA
  warehouse.csv row 3: line 2, sku A, quantity 3, other Nationex, method Value, tracking N1234567, url https://n.ca/t, \
shipped 2026-11-23T20:00:00Z (day), from CA, seller order S-1

order ? customer order 5121 due 2026-11-24T21:00:00Z
  warehouse.csv row 4: line 1, quantity 1, carrier CPC, tracking 7035114477138473, shipped 2026-11-24T21:00:00Z, from CA

not sent now:
  warehouse.csv row 4, not_attempted: due on 2026-11-24 16:00 (America/Toronto)
  warehouse.csv row 5, skipped: repeats warehouse.csv row 2 exactly; it is not sent again, and its 1 unit stays open
  warehouse.csv row 6, rejected: E6 quantity "0": a quantity is a whole number from 1 to 999999

notes:
  note: warehouse.csv: Windows-1252; its last line has no line end; see that the file is whole
  warning: warehouse.csv G4 trackingNumber "7035114477138473": the check digit is wrong for a number of Canada Post: \
compare it with the label
"""


def test_a_plan_is_told_in_full_and_always_alike() -> None:
    rows = [
        GOOD,
        GOOD
        | {
            "line_number": "2",
            "sku": "A",
            "quantity": "3",
            "carrier": "Nationex",
            "tracking_number": "N1234567",
            "tracking_url": "https://n.ca/t",
            "method_code": "value",
            "seller_order_id": "S-1",
        },
        GOOD | {"purchase_order_id": "", "customer_order_id": "5121", "tracking_number": "7035114477138473"},
        GOOD,
        GOOD | {"purchase_order_id": "309121065891124", "quantity": "0"},
    ]
    times = [YESTERDAY, YESTERDAY, NOW + HOUR, YESTERDAY, YESTERDAY]
    table = shipments(rows, shipped_at=times, date_only=[False, True, False, False, False])

    table = replace(table, table=replace(table.table, notes=("Windows-1252",), unterminated=True))

    assert describe(make_plan([table], policy())) == PLAN


def test_an_empty_plan_is_two_lines() -> None:
    assert describe(make_plan([], policy())) == "rows: 0\norders: 0\n"
