"""Orders, parcels and entries for tests of the journal, with as little said as the test is about."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select

from batch.journal import tables
from batch.journal.entries import Begin, Change, End, Part
from batch.journal.states import State
from batch.marketplace.orders import Parcel, ShippingUpdate
from batch.outcomes import Outcome
from batch.plan import PlannedOrder

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batch.journal.database import Database
    from batch.journal.entries import Claim
    from batch.journal.journal import Journal

SELLER = "seller-1"
NOW = 1795550400000  # 2026-11-24T20:00:00Z
DAY = 86_400_000  # ms
SHIPPED = Part(Outcome.SHIPPED, "Confirmed by reading the order.")
HELD = Part(Outcome.HELD, "Another parcel of this order is held.")

RUN = {"run": "run-1", "seller": "s", "account": "default", "command": "run", "started_at": 1}

_numbers = count(1)


def add_run(database: Database, **changed: object) -> None:
    """Write a row of its own into the table of runs."""
    with database.writing() as connection:
        connection.execute(insert(tables.runs).values(RUN | changed))


def runs_in(database: Database) -> list[str]:
    """Return the names of all runs."""
    with database.reading() as connection:
        return list(connection.execute(select(tables.runs.c.run)).scalars())


def parcel(line: str = "1", tracking: str = "1Z999AA10123456784", quantity: int = 1, **members: object) -> Parcel:
    told: dict[str, Any] = {"carrier": "UPS", "method_code": "Standard", "shipped_at": NOW - DAY} | members
    return Parcel(line_number=line, tracking_number=tracking, quantity=quantity, **told)


def planned(
    purchase_order: str = "309121065891123", *parcels: Parcel, customer_order: str = "", due_at: int = 0
) -> PlannedOrder:
    parcels = parcels or (parcel(),)
    rows = tuple((place,) for place in range(len(parcels)))
    return PlannedOrder(purchase_order, customer_order, parcels, rows, due_at)


def begin_run(journal: Journal, *, seller: str = SELLER, at: int = NOW, **told: object) -> int:
    named: dict[str, Any] = {"run": f"run-{next(_numbers)}", "account": "default", "command": "run"} | told
    return journal.begin_run(seller=seller, at=at, **named)


def plan(journal: Journal, *orders: PlannedOrder, seller: str = SELLER, at: int = NOW) -> list[int]:
    """Record a plan; return the numbers of its orders."""
    return [one.id for one in journal.plan(seller, orders, at)]


def begin(order: int, run: int, *parcels: Parcel, **told: object) -> Begin:
    """Return the entry with which an order's update begins. `purchase_order`: which, where it matters."""
    parcels = parcels or (parcel(),)
    purchase_order = str(told.pop("purchase_order", "309121065891123"))
    given: dict[str, Any] = {
        "seller": SELLER,
        "kind": "ship",
        "correlation_id": f"call-{next(_numbers)}",
        "at": NOW,
        "update": ShippingUpdate(purchase_order_id=purchase_order, parcels=parcels),
        "parts": tuple(range(len(parcels))),
    }
    return Begin(order=order, run=run, **(given | told))


def end(begun: Begin, *, verdict: str = "accepted", status: int = 200, reason: str = "") -> End:
    return End(
        order=begun.order,
        correlation_id=begun.correlation_id,
        at=begun.at + 1,
        status=status,
        verdict=verdict,
        reason=reason,
    )


def change(order: int, to: State, reason: str = "", **told: object) -> Change:
    given: dict[str, Any] = {"at": NOW + 2} | told
    return Change(order=order, to=to, reason=reason, **given)


def send(journal: Journal, order: int, run: int, *parcels: Parcel, **told: object) -> tuple[Claim, ...]:
    """Take an order to `sending`; return the claims that stand against it."""
    return journal.apply([begin(order, run, *parcels, **told)])[0]


def state(journal: Journal, order: int) -> State:
    return journal.load([order])[0].state


def force(journal: Journal, order: int, to: State) -> None:
    """Put an order into a state whatever is legal, as a test's beginning."""
    ended = to not in (State.PLANNED, State.SENDING, State.UNKNOWN)
    with journal.database.writing() as connection:
        connection.execute(
            tables.orders.update()
            .where(tables.orders.c.id == order)
            .values(state=to.value, finished_at=NOW if ended else 0)
        )


def stored(journal: Journal, order: int) -> dict[str, Any]:
    """Return an order's row of the table."""
    with journal.database.reading() as connection:
        row = connection.execute(select(tables.orders).where(tables.orders.c.id == order)).one()
    return dict(row._mapping)


def record_input(
    journal: Journal,
    run: int,
    orders: Sequence[tuple[int | None, int | None]],
    path: str = "warehouse.csv",
    **told: object,
) -> None:
    """Record a run's one input file and its rows: beside each row its order and which parcel of it, None for none."""
    file = {"path": path, "sha256": "0" * 64, "profile": "shipbatch", "rows": len(orders), "problem": ""} | told
    journal.record_files(run, [file])
    journal.record_rows(
        {
            "run": run,
            "position": place,
            "file": 0,
            "sheet": "",
            "row": place + 2,
            "purchase_order_id": "309121065891123",
            "order": order,
            "part": part,
            "outcome": None if order else "rejected",
            "reason": None if order else "The carrier is missing.",
        }
        for place, (order, part) in enumerate(orders)
    )


def number_of(table: str, journal: Journal) -> int:
    """Return how many rows a table has."""
    with journal.database.reading() as connection:
        return len(connection.execute(select(tables.metadata.tables[table])).all())


def insert_row(journal: Journal, table: str, **values: object) -> None:
    with journal.database.writing() as connection:
        connection.execute(insert(tables.metadata.tables[table]).values(**values))
