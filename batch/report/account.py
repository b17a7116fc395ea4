"""The account of a run: all that a report tells, and the proof that it adds up.

Whoever ran the orders fills a `RunAccount`; every page of the report is made from it alone, so a report
can be written again later, and nothing in it is found out twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from batch.errors import AccountsDoNotAdd
from batch.outcomes import GRAVEST_FIRST, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from batch.reading.table import Table

READY = "ready"  # in `check`: the row or order would be sent

# Gravest first; an order is as grave as the gravest of its rows. What is ready is as light as what was shipped.
_SHIPPED_AT = GRAVEST_FIRST.index(Outcome.SHIPPED)
GRAVITY = (*map(str, GRAVEST_FIRST[:_SHIPPED_AT]), READY, *map(str, GRAVEST_FIRST[_SHIPPED_AT:]))

# Column ▶ dtype of the tables of an account. `int64` times are UTC epoch milliseconds, 0 for none.
ROW_COLUMNS = {
    "table": "int64",  # index into `RunAccount.tables`
    "row": "int64",  # as Excel shows it, 1-based
    "outcome": "str",
    "reason": "str",  # one sentence, or several with a space between; names the cell where there is one
    "purchase_order_id": "str",
    "order": "int64",  # index into `RunAccount.orders`, -1 where the row belongs to none
    "correlation_id": "str",  # of the last call that was about it
    "finished_at": "int64",
}
ORDER_COLUMNS = {
    "purchase_order_id": "str",
    "outcome": "str",
    "reason": "str",
    "rows": "int64",
    "parcels": "int64",
    "attempts": "int64",
    "correlation_id": "str",
    "ship_by": "int64",  # the marketplace's deadline
    "started_at": "int64",
    "finished_at": "int64",
    "note": "str",  # what was inferred, warned of, or stays open
}
ATTEMPT_COLUMNS = {
    "kind": "str",  # ship, read, acknowledge, edit, find, token
    "started_at": "int64",
    "ended_at": "int64",
    "status": "int64",  # HTTP, 0 where no answer came
    "verdict": "str",  # accepted, refused, throttled, unauthorised, unavailable, unknown
    "order": "int64",  # index into `RunAccount.orders`, -1 where it belongs to none
}
FINDING_COLUMNS = {
    "table": "int64",  # index into `RunAccount.tables`
    "row": "int64",  # position in the table's cells, 0-based
    "column": "int64",  # index of the table's column, -1 where no column of the file is meant
    "effect": "str",  # warning, note: the row goes all the same
    "reason": "str",  # one sentence that begins with its place
}
REQUESTS = ("ship", "read", "acknowledge", "throttled", "retries")


def empty(columns: Mapping[str, str]) -> pd.DataFrame:
    """Return a table with these columns and no rows."""
    return pd.DataFrame({name: pd.Series(dtype=dtype) for name, dtype in columns.items()})


@dataclass(frozen=True, slots=True, kw_only=True)
class FileAccount:
    """One input file: what it was taken for and how many rows were read."""

    path: Path
    sha256: str = ""
    profile: str = ""
    rows: int = 0
    problem: str = ""  # one sentence; the file could not be read


@dataclass(frozen=True, slots=True, kw_only=True)
class RunAccount:
    """All that a report tells of one run over one account.

    `rows` has one row for each input row, in input order: the rows of `tables[0]`, then of `tables[1]`, and so on.
    `orders` has one row for each order, in order of first appearance, those included that were not to be sent.
    What has a default may be left out; the report then says less.
    """

    run: str
    account: str
    command: str
    tables: tuple[Table, ...] = ()
    rows: pd.DataFrame = field(default_factory=lambda: empty(ROW_COLUMNS))
    orders: pd.DataFrame = field(default_factory=lambda: empty(ORDER_COLUMNS))
    files: tuple[FileAccount, ...] = ()
    started_at: int = 0  # UTC epoch milliseconds
    finished_at: int = 0  # UTC epoch milliseconds
    requests: Mapping[str, int] = field(default_factory=dict)
    exit_code: int = 0
    interrupted: bool = False
    ready: bool = False  # an account of `check`: outcomes may be "ready"
    seconds_to_send: float = 0.0  # in `check`: how long sending will take
    timezone: str = "UTC"  # in which people read times
    attempts: pd.DataFrame = field(default_factory=lambda: empty(ATTEMPT_COLUMNS))
    findings: pd.DataFrame = field(default_factory=lambda: empty(FINDING_COLUMNS))
    limits: Mapping[str, float] = field(default_factory=dict)  # kind of call ▶ calls a minute
    carriers: pd.Series = field(
        default_factory=lambda: pd.Series(dtype="str")
    )  # beside each row of `rows`; may be empty


def check_conservation(account: RunAccount) -> None:
    """Raise `AccountsDoNotAdd` unless every input row has exactly one outcome and every order that of its rows."""
    _every_row_once(account)
    _known_outcomes("row", account.rows["outcome"], ready=account.ready)
    _known_outcomes("order", account.orders["outcome"], ready=account.ready)
    _files_add_up(account)
    _orders_are_as_grave_as_their_rows(account)


def _every_row_once(account: RunAccount) -> None:
    lengths = [len(table.cells) for table in account.tables]
    if len(account.rows) != sum(lengths):
        raise AccountsDoNotAdd(f"{sum(lengths)} rows were read and {len(account.rows)} are accounted for.")
    tables = np.repeat(np.arange(len(lengths)), lengths)
    numbers = np.concatenate([table.rows for table in account.tables]) if lengths else np.empty(0, np.int64)
    strange = (account.rows["table"].to_numpy() != tables) | (account.rows["row"].to_numpy() != numbers)
    if strange.any():
        at = int(strange.argmax())
        name = account.tables[tables[at]].source.path.name
        raise AccountsDoNotAdd(f"{name} row {numbers[at]} was read and is not accounted for in its place.")


def _known_outcomes(noun: str, outcomes: pd.Series, *, ready: bool) -> None:
    known = [word for word in GRAVITY if ready or word != READY]
    strange = ~outcomes.isin(known)
    if strange.any():
        at = int(strange.to_numpy().argmax())
        raise AccountsDoNotAdd(f"{noun} {at + 1} of the report ended as '{outcomes.iloc[at]}', which is no outcome.")


def _files_add_up(account: RunAccount) -> None:
    told = sum(file.rows for file in account.files)
    if told != len(account.rows):
        raise AccountsDoNotAdd(f"The files have {told} rows and {len(account.rows)} are accounted for.")


def _orders_are_as_grave_as_their_rows(account: RunAccount) -> None:
    of_row = account.rows["order"].to_numpy()
    belonging = of_row >= 0
    count = len(account.orders)
    if (of_row >= count).any() or (of_row < -1).any():
        raise AccountsDoNotAdd("A row belongs to an order that is not accounted for.")
    rows = np.bincount(of_row[belonging], minlength=count)
    worst = np.full(count, len(GRAVITY))
    np.minimum.at(worst, of_row[belonging], gravity(account.rows["outcome"])[belonging])
    strange = (rows != account.orders["rows"].to_numpy()) | (worst != gravity(account.orders["outcome"]))
    if strange.any():
        order = account.orders["purchase_order_id"].iloc[int(strange.argmax())]
        raise AccountsDoNotAdd(f"Order {order} does not end as its rows do, or has not as many as it says.")


def gravity(outcomes: pd.Series) -> np.ndarray:
    """Return beside each outcome its place in `GRAVITY`, 0 for the gravest."""
    places = pc.index_in(pa.array(outcomes, pa.large_string()), pa.array(GRAVITY, pa.large_string()))
    return np.asarray(pc.fill_null(places, -1).to_numpy(zero_copy_only=False), np.int64)
