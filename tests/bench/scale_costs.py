"""What the plan for a large night is driven by: what an account, an order and a transaction cost, measured here."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil  # type: ignore[import-untyped] # it ships no types

from batch.journal.journal import Journal
from tests.bench.journal_work import write_orders
from tests.bench.marketplaces import has_nginx, nginx, sandbox
from tests.bench.ours import expect, ship
from tests.bench.workload import account_file
from tests.postgres import MISSING, begun_server

if TYPE_CHECKING:
    from tests.bench.place import Place
    from tests.postgres import Server

_ACCOUNTS = 40
_FEW, _MANY = 10, 210  # orders of each
_PLANNING = 0.4  # of what an account costs beside its orders; the rest is its report (by profile)
_ORDERS = 4_000  # written to the database


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Seconds of CPU."""

    planning: float  # of an account: to read and plan its files
    reporting: float  # of an account: to write its report
    order: float  # of a worker, to send one
    database_order: float  # of PostgreSQL, for what is written of an order
    transaction: float  # of PostgreSQL, for each transaction, however much is in it

    def __str__(self) -> str:
        return (
            f"an account {(self.planning + self.reporting) * 1e3:,.0f} ms, an order {self.order * 1e6:,.0f} µs; of the "
            f"database an order {self.database_order * 1e6:,.0f} µs, a transaction {self.transaction * 1e6:,.0f} µs."
        )


def measured_costs(place: Place) -> Costs:
    """Measure whole runs with few and with many orders an account, and a journal on PostgreSQL, in blocks and alone."""
    accounts = place.sized(_ACCOUNTS, 4)
    few, many = (_run(place, accounts, orders) for orders in (_FEW, _MANY))
    order = (many - few) / (accounts * (_MANY - _FEW))
    account = max(0.0, few / accounts - _FEW * order)
    database_order, transaction = _database(place)
    return Costs(
        planning=account * _PLANNING,
        reporting=account * (1 - _PLANNING),
        order=order,
        database_order=database_order,
        transaction=transaction,
    )


def _run(place: Place, accounts: int, orders: int) -> float:
    """Return the seconds of CPU of a run for so many accounts."""
    folder = place.fresh_folder()
    files = [account_file(folder / f"s{number}", number, orders) for number in range(accounts)]
    with nginx(place) if has_nginx() else sandbox(place, *files, sellers=accounts) as server:
        shipped = ship(place, server, folder, cores=place.client, sellers=accounts)
        expect(server.seen(), accounts * orders)
    return shipped.ran.cpu


def _database(place: Place) -> tuple[float, float]:
    """Return the seconds of CPU of a PostgreSQL server for an order, and for a transaction."""
    orders = place.sized(_ORDERS, 200)
    with begun_server() as server:
        if server is None:
            raise SystemExit(MISSING)
        alone, blocks = (_written(server, orders, workers) for workers in (1, 256))
    # Alone, each of an order's two writes is a transaction; in blocks nearly none is.
    transaction = (alone - blocks) / (2 * orders)
    return blocks / orders, max(0.0, transaction)


def _written(server: Server, orders: int, workers: int) -> float:
    """Write so many orders to a new journal; return the seconds of CPU that the server took."""
    with closing(Journal.open(server.url(server.database()))) as journal:
        before = _cpu(server)
        write_orders(journal, orders, workers)
        return _cpu(server) - before


def _cpu(server: Server) -> float:
    first = psutil.Process(server.pid)
    times = [process.cpu_times() for process in (first, *first.children(recursive=True))]
    return float(sum(one.user + one.system for one in times))
