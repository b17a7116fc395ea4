"""From a plan, or from the journal, to the account of a run that the report tells."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from batch.journal import history
from batch.outcomes import Outcome
from batch.plan import make_plan
from batch.report.account import FINDING_COLUMNS, READY, FileAccount, RunAccount, empty, gravity
from schemas.carriers import spoken
from schemas.characters import is_blank, text_array, text_series

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from batch.foresight import Foresight
    from batch.inputs import Leftovers
    from batch.journal.database import Database
    from batch.plan import Plan, Policy
    from batch.reading.table import Table


def planned_account(plan: Plan, **told: Any) -> RunAccount:  # noqa: ANN401 - the account's own fields
    """Return the account of a plan that was not sent: what would be sent counts as ready."""
    rows = pd.DataFrame(
        {
            "table": plan.rows["shipments"].to_numpy(),
            "row": plan.rows["row"].to_numpy(),
            "outcome": text_series(
                pc.if_else(pa.array(is_blank(plan.rows["outcome"])), READY, text_array(plan.rows["outcome"]))
            ),
            "reason": plan.rows["reason"],
            "purchase_order_id": plan.rows["purchase_order_id"],
            "correlation_id": text_series(pa.repeat(pa.scalar("", pa.large_string()), len(plan.rows))),
            "finished_at": 0,
        }
    )
    rows["order"] = _renumbered(plan.rows["named"].to_numpy(), is_blank(rows["purchase_order_id"]))
    orders = _orders(rows)
    return RunAccount(
        **of_files(plan),
        rows=rows,
        orders=orders.assign(attempts=0, correlation_id="", ship_by=0, started_at=0, finished_at=0, note=""),
        tables=tuple(one.table for one in plan.shipments),
        ready=True,
        **told,
    )


def with_foresight(account: RunAccount, plan: Plan, seen: Foresight) -> RunAccount:
    """Return the account of a plan with what reading its orders showed: deadlines, and what else is to be said."""
    told = account.orders.copy()
    places = pd.Series(account.rows["order"].to_numpy(), index=plan.rows["order"].to_numpy())
    places = places[~places.index.duplicated()]
    for order, foreseen in seen.orders.items():
        place = int(places.loc[order])
        told.loc[place, ["ship_by", "note"]] = foreseen.ship_by, seen.notes.get(order, "")
    return replace(account, orders=told)


def journalled_account(
    database: Database,
    number: int,
    tables: Sequence[Table],
    *,
    notes: Mapping[str, str] | None = None,
    keep: bool = True,
    **told: Any,  # noqa: ANN401 - the account's own fields
) -> RunAccount:
    """Return the account of a run as the journal has it, where `number` is the run's.

    `keep`: write down there how its rows ended, for good. `tables`: the rows read, in input order. `notes`: purchase
    order id ▶ what else is to be said of it.
    """
    kept = history.rows_of(database, number)
    if keep:
        history.keep_rows(database, number, kept)
    known = history.orders_of(database, number)
    of_row = known.reindex(kept["order"].where(kept["order"] >= 0))
    rows = pd.DataFrame(
        {
            "table": np.repeat(np.arange(len(tables)), [len(table.rows) for table in tables]),
            "row": kept["row"].to_numpy(np.int64),
            "outcome": kept["outcome"].astype("str"),
            "reason": _text(kept["reason"]),
            "purchase_order_id": kept["purchase_order_id"].astype("str"),
            "correlation_id": _text(of_row["correlation_id"]).to_numpy(),
            "finished_at": of_row["finished_at"].fillna(0).to_numpy(np.int64),
        }
    )
    rows["order"] = _order_numbers(rows["purchase_order_id"])
    return RunAccount(
        rows=rows,
        orders=_with_journal(_orders(rows), rows["order"], of_row, notes or {}),
        tables=tuple(tables),
        attempts=_attempts(database, number, rows["order"], kept["order"]),
        **told,
    )


def of_files(plan: Plan) -> dict[str, Any]:
    """Return what the report tells of rows whatever became of them: their carriers, warnings and notes."""
    codes, others = plan.lines["carrier"], plan.lines["other_carrier"]
    names = codes.cat.rename_categories({code: spoken(code) for code in codes.cat.categories})
    column = [
        plan.shipments[table].origins.get(name, -1)
        for table, name in zip(plan.notes["table"].tolist(), plan.notes["column"].tolist(), strict=True)
    ]
    found = {name: plan.notes[name].to_numpy() for name in ("table", "row", "effect", "reason")}
    return {
        "carriers": names.astype("str").where(codes != "", others.astype("str")) if (codes == "").any() else names,
        "findings": pd.DataFrame(found | {"column": np.array(column, np.int64)})[list(FINDING_COLUMNS)],
    }


def of_leftovers(left: Leftovers, policy: Policy) -> dict[str, Any]:
    """Return what `of_files` does, of rows that an earlier run left."""
    carriers, found = [empty({"name": "str"})["name"]], [empty(FINDING_COLUMNS)]
    for place, (table, shipments) in enumerate(zip(left.tables, left.shipments, strict=True)):
        if shipments is None:
            carriers.append(pd.Series("", index=range(len(table.rows)), dtype="str"))
            continue
        told = of_files(make_plan((shipments,), policy))
        chosen = np.flatnonzero(np.isin(shipments.table.rows, table.rows))
        carriers.append(told["carriers"].iloc[chosen])
        some = told["findings"][told["findings"]["row"].isin(chosen)]
        found.append(some.assign(table=place, row=np.searchsorted(chosen, some["row"].to_numpy())))
    return {"carriers": pd.concat(carriers, ignore_index=True), "findings": pd.concat(found, ignore_index=True)}


def file_accounts(files: Sequence[Mapping[str, Any]]) -> tuple[FileAccount, ...]:
    """Return what the report tells of the input files."""
    return tuple(FileAccount(**{**file, "path": Path(file["path"])}) for file in files)


def _order_numbers(purchase_orders: pd.Series) -> np.ndarray:
    """Return a number for each row's order, by first appearance; -1 for rows that name none."""
    named, blank = text_array(purchase_orders), is_blank(purchase_orders)
    if blank.any():
        named = pc.if_else(pa.array(blank), pa.scalar(None, named.type), named)
    numbers = pc.dictionary_encode(named).indices
    return np.asarray(pc.fill_null(numbers, -1).to_numpy(zero_copy_only=False), np.int64)


def _renumbered(named: np.ndarray, nameless: np.ndarray) -> np.ndarray:
    """Return the numbers of the orders that rows name, those of nameless rows left out: -1 there, and no gap."""
    kept = np.ones(int(named.max(initial=-1)) + 1, np.bool_)
    kept[named[nameless]] = False
    return np.where(nameless, -1, (np.cumsum(kept) - 1)[named])


def _orders(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each order, as grave as the gravest of its rows."""
    order = rows["order"].to_numpy()
    belonging = np.flatnonzero(order >= 0)
    order = order[belonging]
    grave = gravity(rows["outcome"]).astype(np.int8)[belonging]
    count = int(order.max(initial=-1)) + 1
    gravest = np.full(count, np.iinfo(np.int8).max, np.int8)
    np.minimum.at(gravest, order, grave)
    telling = np.flatnonzero(grave == gravest[order])[::-1]
    first = np.empty(count, np.int64)
    first[order[telling]] = telling  # from the last row to the first, which so has the last word
    told = rows[["purchase_order_id", "outcome", "reason"]].iloc[belonging[first]].reset_index(drop=True)
    parcels = order[(rows["outcome"] != str(Outcome.SKIPPED)).to_numpy()[belonging]]
    return told.assign(rows=np.bincount(order, minlength=count), parcels=np.bincount(parcels, minlength=count))


def _with_journal(
    orders: pd.DataFrame, order_of_row: pd.Series, journal_of_row: pd.DataFrame, notes: Mapping[str, str]
) -> pd.DataFrame:
    """Lay beside each order what the journal has of it; where it has several, the last one."""
    beside = journal_of_row.assign(order=order_of_row.to_numpy()).dropna(subset=["state"])
    last = beside[beside["order"] >= 0].drop_duplicates("order", keep="last").set_index("order").reindex(orders.index)
    said = _text(last["note"])
    named = orders["purchase_order_id"]
    more = pd.Series([notes.get(order, "") for order in named.tolist()], index=orders.index, dtype="str")
    return orders.assign(
        attempts=last["attempts"].fillna(0).astype("int64"),
        correlation_id=_text(last["correlation_id"]),
        ship_by=last["ship_by"].fillna(0).astype("int64"),
        started_at=last["sent_at"].fillna(0).astype("int64"),
        finished_at=last["finished_at"].fillna(0).astype("int64"),
        note=said.where((said == "") | (more == ""), said + "; ") + more,
    )


def _attempts(database: Database, run: int, order_of_row: pd.Series, journal_order_of_row: pd.Series) -> pd.DataFrame:
    attempts = history.attempts_of(database, run)
    place = dict(zip(journal_order_of_row.tolist(), order_of_row.tolist(), strict=True))
    return attempts.assign(
        kind=attempts["kind"].astype("str"),
        verdict=attempts["verdict"].astype("str"),
        order=attempts["order"].map(place).fillna(-1).astype("int64"),
    )


def _text(column: pd.Series) -> pd.Series:
    """Return a column as text, "" where there is nothing: one in which there is nothing at all has no text type yet."""
    return column.astype(object).where(column.notna(), "").astype("str")
