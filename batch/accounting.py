"""From a plan to the account of a run that the report tells, and what is told of every run."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from batch.outcomes import Outcome
from batch.plan import make_plan
from batch.reading.columns import empty_column
from batch.report.account import FINDING_COLUMNS, READY, FileAccount, RunAccount, empty, gravity
from schemas.carriers import spoken
from schemas.characters import is_blank, text_array, text_series

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from batch.foresight import Foresight
    from batch.leftovers import Leftovers
    from batch.plan import Plan, Policy
    from batch.settings import Settings


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
            "correlation_id": text_series(empty_column(len(plan.rows))),
            "finished_at": np.zeros(len(plan.rows), np.int64),
            "order": _renumbered(plan.rows["named"].to_numpy(), is_blank(plan.rows["purchase_order_id"])),
        },
        copy=False,  # a plan of ten million rows is told of, too
    )
    orders = orders_of(rows)
    return RunAccount(
        **of_files(plan),
        rows=rows,
        orders=_unsent(orders),
        tables=tuple(one.table for one in plan.shipments),
        ready=True,
        **told,
    )


def _unsent(orders: pd.DataFrame) -> pd.DataFrame:
    """Return orders with what is told once they are sent: nothing yet. Zeros that nobody writes to take no memory."""
    numbers = {name: np.zeros(len(orders), np.int64) for name in ("attempts", "ship_by", "started_at", "finished_at")}
    texts = {name: text_series(empty_column(len(orders))) for name in ("correlation_id", "note")}
    columns: dict[Any, Any] = {**dict(orders.items()), **numbers, **texts}
    return pd.DataFrame(columns, copy=False)


def with_foresight(account: RunAccount, plan: Plan, seen: Foresight) -> RunAccount:
    """Return the account of a plan with what reading its orders showed: deadlines, and what else is to be said."""
    told = account.orders.copy()
    places = pd.Series(account.rows["order"].to_numpy(), index=plan.rows["order"].to_numpy())
    places = places[~places.index.duplicated()]
    for order, foreseen in seen.orders.items():
        place = int(places.loc[order])
        told.loc[place, ["ship_by", "note"]] = foreseen.ship_by, seen.notes.get(order, "")
    return replace(account, orders=told)


def of_run(settings: Settings, name: str, command: str, at: int, files: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return what the report tells of a run itself. `name`: the account's; `at`: when it began, epoch milliseconds."""
    return {
        "run": new_run(at),
        "account": name,
        "command": command,
        "files": file_accounts(files),
        "started_at": at,
        "timezone": settings.timezone,
        "limits": settings.accounts[name].rate.model_dump(),
    }


def new_run(at: int) -> str:
    """Return a name for a run: its time, UTC epoch milliseconds, and a few digits against chance."""
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(4)}"


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
        chosen = np.searchsorted(shipments.table.rows, table.rows)
        carriers.append(told["carriers"].iloc[chosen])
        some = told["findings"][told["findings"]["row"].isin(chosen)]
        found.append(some.assign(table=place, row=np.searchsorted(chosen, some["row"].to_numpy())))
    return {"carriers": pd.concat(carriers, ignore_index=True), "findings": pd.concat(found, ignore_index=True)}


def file_accounts(files: Sequence[Mapping[str, Any]]) -> tuple[FileAccount, ...]:
    """Return what the report tells of the input files."""
    return tuple(FileAccount(**{**file, "path": Path(file["path"])}) for file in files)


def _renumbered(named: np.ndarray, nameless: np.ndarray) -> np.ndarray:
    """Return the numbers of the orders that rows name, those of nameless rows left out: -1 there, and no gap."""
    kept = np.ones(int(named.max(initial=-1)) + 1, np.bool_)
    kept[named[nameless]] = False
    return np.where(nameless, -1, (np.cumsum(kept) - 1)[named])


def orders_of(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each order, as grave as the gravest of its rows."""
    belonging = rows["order"].to_numpy() >= 0
    rows = rows if belonging.all() else rows[belonging]
    order = rows["order"].to_numpy()
    grave = gravity(rows["outcome"]).astype(np.int8)
    count = int(order.max(initial=-1)) + 1
    gravest = np.full(count, np.iinfo(np.int8).max, np.int8)
    np.minimum.at(gravest, order, grave)
    telling = np.flatnonzero(grave == gravest[order])[::-1]
    first = np.empty(count, np.int64)
    first[order[telling]] = telling  # from the last row to the first, which so has the last word
    del telling
    told = rows[["purchase_order_id", "outcome", "reason"]].iloc[first].reset_index(drop=True)
    skipped = order[(rows["outcome"] == str(Outcome.SKIPPED)).to_numpy()]
    count_of = np.bincount(order, minlength=count)
    return told.assign(rows=count_of, parcels=count_of - np.bincount(skipped, minlength=count))
