"""Rows become orders: what will be sent, in which order, and what will not, each row with its reason.

Pure and vectorised. The steps, each on whole columns:

    draft       damage, then the model of a shipment line, table by table
    judge       rows that findings speak against end here
    grouping    rows of one order meet
    repeats     rows that say the same parcel again, or contradict each other
    siblings    good rows whose order has a bad one
    finish      stable sort by order, boundaries; order of first appearance kept

A large table may come in parts: `planned` makes the same plan of what was examined and grouped elsewhere.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
from msgspec import Struct

from batch.draft import LATER, SKIPPED, STATES, Draft, Policy, beginnings, drafted, judge
from batch.grouping import Groups, KeysOfLines, grouped
from batch.marketplace.orders import Parcel
from batch.reading.columns import repeated
from batch.repeats import end_repeats, hold_siblings, reject_two_customers
from batch.sentences import sentences
from schemas.characters import is_blank, lengths, picked, replaced, text_array, text_series
from schemas.findings import Effect
from schemas.shipment import PARCEL_COLUMNS

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from batch.reading.shipments import Recognised, Shipments
    from batch.reading.table import Table

__all__ = ["Plan", "PlannedOrder", "Policy", "make_plan"]

_BLOCK = 1024  # orders that are made into objects at once
_UNTERMINATED = "its last line has no line end; see that the file is whole"


class PlannedOrder(Struct, frozen=True):
    """One order to be sent."""

    purchase_order_id: str  # "" where only the customer order id is known
    customer_order_id: str
    parcels: tuple[Parcel, ...]
    rows: tuple[tuple[int, ...], ...]  # beside each parcel the positions of its rows in `Plan.rows`
    due_at: int = 0  # epoch ms, not before; 0: now


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be sent, and what will not."""

    shipments: tuple[Recognised, ...]  # in input order
    rows: pd.DataFrame
    """One row for each input row, in input order: `shipments` (place in `shipments`), `row` (as Excel shows it),
    `purchase_order_id` (as normalised; the customer order id where that is all), `named` (a number for the order that
    the row names, by first appearance), `order` (place in `orders`, -1: not sent), `parcel` (place within its order,
    -1), `outcome` ("": ready to be sent), `reason`."""
    orders: pd.DataFrame
    """One row for each order that is sent, in order of first appearance: `purchase_order_id`, `customer_order_id`,
    `first` (place in `sent`), `parcels` (count), `due_at` (0: now; else epoch ms, not before)."""
    sent: np.ndarray
    """The rows that are sent, by order, order of appearance kept: int64, places in `rows` and `lines`."""
    lines: pd.DataFrame
    """What each row says of its parcel: `PARCEL_COLUMNS`, beside `rows`. A million rows are kept once, in input order;
    columns of few distinct values are categorical."""
    notes: pd.DataFrame
    """Warnings and notes: the columns of findings, `table` (place in `shipments`), `position` (place in `rows`); the
    reason names file, cell and value. They stand in the order of rows, but what concerns a whole table comes first."""

    def __len__(self) -> int:
        """Return how many orders there are."""
        return len(self.orders)

    def __iter__(self) -> Iterator[PlannedOrder]:
        """Stream the orders, in order of first appearance, made in blocks."""
        for start in range(0, len(self), _BLOCK):
            yield from self._some(start, min(start + _BLOCK, len(self)))

    def order(self, index: int) -> PlannedOrder:
        """Return one order by its place."""
        return self._some(index, index + 1)[0]

    def _some(self, start: int, stop: int) -> list[PlannedOrder]:
        orders = self.orders.iloc[start:stop]
        first = orders["first"].to_numpy()
        bounds = [*first.tolist(), int(first[-1] + orders["parcels"].iloc[-1])]
        rows = self.sent[bounds[0] : bounds[-1]]
        made = _parcels(self.lines.take(rows))
        places = [(place,) for place in rows.tolist()]
        return [
            PlannedOrder(
                order_id,
                customer_id,
                tuple(made[low - bounds[0] : high - bounds[0]]),
                tuple(places[low - bounds[0] : high - bounds[0]]),
                due_at,
            )
            for order_id, customer_id, due_at, (low, high) in zip(
                _listed(orders["purchase_order_id"]),
                _listed(orders["customer_order_id"]),
                orders["due_at"].tolist(),
                pairwise(bounds),
                strict=True,
            )
        ]


def _parcels(block: pd.DataFrame) -> list[Parcel]:
    return [
        Parcel(
            line_number=line_number,
            sku=sku,
            quantity=quantity,
            carrier=carrier,
            other_carrier=other_carrier,
            method_code=method_code,
            tracking_number=tracking_number,
            tracking_url=tracking_url,
            shipped_at=shipped_at,
            date_only=date_only,
            ship_from_country=ship_from_country,
            seller_order_id=seller_order_id,
        )
        for (
            line_number,
            sku,
            quantity,
            carrier,
            other_carrier,
            method_code,
            tracking_number,
            tracking_url,
            shipped_at,
            date_only,
            ship_from_country,
            seller_order_id,
        ) in zip(*(_listed(block[column]) for column in PARCEL_COLUMNS), strict=True)
    ]


def make_plan(shipments: Sequence[Shipments], policy: Policy) -> Plan:
    """Plan what to send of some tables; the rows of one order meet wherever they stand."""
    draft = drafted(tuple(shipments), policy)
    judge(draft)
    return planned(draft, grouped(KeysOfLines(draft.lines, draft.state == 0)), policy)


def planned(draft: Draft, groups: Groups, policy: Policy) -> Plan:
    """Plan what to send of rows that are judged and grouped."""
    draft.order = groups.order
    reject_two_customers(draft, groups.two_customers)
    end_repeats(draft, groups.alike)
    if policy.on_bad_row == "hold-order":
        hold_siblings(draft)
    return _finished(draft, policy)


def _finished(draft: Draft, policy: Policy) -> Plan:
    ready = draft.ready
    ready = ready[np.argsort(draft.order[ready], kind="stable")]
    codes = draft.order[ready]
    first = np.flatnonzero(np.diff(codes, prepend=-1))
    counts = np.diff(first, append=len(ready))
    due = _due(draft.lines, ready, first, policy)
    order, parcel = np.full(len(draft.row), -1, np.int64), np.full(len(draft.row), -1, np.int64)
    order[ready] = np.repeat(np.arange(len(first)), counts)
    parcel[ready] = np.arange(len(ready)) - np.repeat(first, counts)
    _wait(draft, ready, np.repeat(due, counts), policy)
    return Plan(
        shipments=draft.shipments,
        rows=_rows(draft, order, parcel),
        orders=pd.DataFrame(
            {
                "purchase_order_id": _picked(draft.lines["purchase_order_id"], ready[first]),
                "customer_order_id": _customers(draft.lines["customer_order_id"], ready, first, counts),
                "first": first,
                "parcels": counts,
                "due_at": due,
            }
        ),
        sent=ready,
        lines=draft.lines[list(PARCEL_COLUMNS)],
        notes=_notes(draft),
    )


def _picked(texts: pd.Series, rows: np.ndarray) -> pd.Series:
    return text_series(picked(text_array(texts), rows))


def _due(lines: pd.DataFrame, rows: np.ndarray, first: np.ndarray, policy: Policy) -> np.ndarray:
    """Return for each order from when on it may be sent, epoch ms, 0 for now: it waits for its latest parcel."""
    times = lines["shipped_at"].to_numpy()[rows]
    due = np.zeros(len(rows), np.int64)
    ahead = times > policy.now_ms
    due[ahead] = beginnings(times[ahead], lines["date_only"].to_numpy()[rows][ahead], policy.zone)
    return np.maximum.reduceat(due, first) if len(first) else np.empty(0, np.int64)


def _wait(draft: Draft, rows: np.ndarray, due: np.ndarray, policy: Policy) -> None:
    """Tell the rows of orders that are due later when that is."""
    waiting = due > 0
    times = pd.DatetimeIndex(due[waiting].astype("datetime64[ms]"), tz="UTC").tz_convert(policy.zone)
    told = [f"due on {text} ({policy.zone.key})" for text in times.strftime("%Y-%m-%d %H:%M")]
    draft.end(rows[waiting], LATER, told)


def _customers(ids: pd.Series, ready: np.ndarray, first: np.ndarray, counts: np.ndarray) -> pd.Series:
    """Return each order's customer order id: the first that any of its rows has."""
    texts = text_array(ids)
    found = picked(texts, ready[first])
    lacking = lengths(found) == 0
    if lacking.any() and len(given := np.flatnonzero(lengths(texts)[ready])):
        orders, where = np.unique(np.repeat(np.arange(len(first)), counts)[given], return_index=True)
        late = lacking[orders]
        found = replaced(found, orders[late], picked(texts, ready[given[where[late]]]))
    return text_series(found)


def _rows(draft: Draft, order: np.ndarray, parcel: np.ndarray) -> pd.DataFrame:
    order_ids = text_array(draft.lines["purchase_order_id"])
    unnumbered = np.flatnonzero(is_blank(draft.lines["purchase_order_id"]))
    order_ids = replaced(order_ids, unnumbered, picked(text_array(draft.lines["customer_order_id"]), unnumbered))
    outcomes = pa.DictionaryArray.from_arrays(pa.array(draft.state), pa.array([str(state) for state in STATES]))
    return pd.DataFrame(
        {
            "shipments": draft.table,
            "row": draft.row,
            "purchase_order_id": text_series(order_ids),
            "named": draft.order,
            "order": order,
            "parcel": parcel,
            "outcome": text_series(outcomes.cast(pa.string()).cast(pa.large_string())),
            "reason": text_series(_reasons(draft)),
        },
        copy=False,  # of ten million rows each column is 80 MB
    )


def _reasons(draft: Draft) -> pa.LargeStringArray:
    rows = np.concatenate([np.empty(0, np.int64), *(rows for rows, _ in draft.reasons)])
    texts = pa.array([text for _, told in draft.reasons for text in told], pa.large_string())
    nothing = repeated("", len(draft.row))
    order = np.argsort(rows, kind="stable")
    return replaced(nothing, rows[order], picked(texts, order))


def _notes(draft: Draft) -> pd.DataFrame:
    mild = draft.found["effect"].isin([Effect.WARNING, Effect.NOTE]) & (draft.state[draft.found["position"]] != SKIPPED)
    told = draft.found[mild].sort_values("position", kind="stable", ignore_index=True)
    told["reason"] = pd.Series(sentences(told, draft.shipments), dtype="str")
    notes: pd.DataFrame = pd.concat([_of_tables(draft, told), told], ignore_index=True)
    return notes


def _of_tables(draft: Draft, told: pd.DataFrame) -> pd.DataFrame:
    """Return what was found out about each table as a note at its first row; a table without rows has none."""
    firsts = np.searchsorted(draft.table, np.arange(len(draft.shipments))).tolist()
    notes = [
        {
            "row": 0,
            "column": "",
            "value": "",
            "effect": str(Effect.NOTE),
            "reason": f"{name}: {'; '.join(said)}",
            "summed": "",
            "more": 0,
            "table": place,
            "position": first,
        }
        for place, (one, name, first) in enumerate(zip(draft.shipments, draft.names, firsts, strict=True))
        if len(one.table.rows) and (said := _said_of(one.table))
    ]
    return pd.DataFrame(notes, columns=told.columns).astype(told.dtypes)


def _said_of(table: Table) -> tuple[str, ...]:
    return (*table.notes, _UNTERMINATED) if table.unterminated else table.notes


def _listed(column: pd.Series) -> list[Any]:
    if isinstance(column.dtype, pd.CategoricalDtype):
        names = [*column.cat.categories]
        return [names[code] for code in column.cat.codes.tolist()]
    values: list[Any] = text_array(column).to_pylist() if column.dtype == "str" else column.tolist()
    return values
