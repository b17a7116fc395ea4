"""Rows that belong together: a parcel told twice or in two ways, an order of two customers, and bad rows' siblings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from batch.draft import HELD, REJECTED, SKIPPED
from schemas.characters import is_blank
from schemas.findings import Effect
from schemas.shipment import PARCEL_COLUMNS

if TYPE_CHECKING:
    from batch.draft import Draft

NAMED = 3  # other rows that a row's reason names


def end_repeats(draft: Draft, rows: np.ndarray) -> None:
    """Skip rows that repeat another exactly, and reject those that say the same parcel in different ways.

    `rows`: those of `Groups.alike`.
    """
    parcel = _same_parcel(draft, rows)
    twice = pd.Series(parcel).duplicated(keep=False).to_numpy()
    rows, parcel = rows[twice], parcel[twice]
    order = np.argsort(parcel, kind="stable")
    rows, parcel = rows[order], parcel[order]
    starts = np.flatnonzero(np.diff(parcel, prepend=-1))
    group = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(rows)))
    first = rows[starts][group] if len(rows) else rows
    differing = {name: _differs(draft.lines[name], rows, first) for name in PARCEL_COLUMNS}
    contradicted = np.zeros(len(starts), np.bool_)
    for differs in differing.values():
        contradicted[group[differs]] = True
    repeats = np.flatnonzero(~contradicted[group] & (rows != first))
    _skip_repeats(draft, rows[repeats], first[repeats])
    _reject_contradictions(draft, rows, starts, contradicted, differing)


def reject_two_customers(draft: Draft, rows: np.ndarray) -> None:
    """Reject the rows of a purchase order that name two customers' orders: one column was moved against another.

    `rows`: those of `Groups.two_customers`.
    """
    mixed = rows[np.argsort(draft.order[rows], kind="stable")]
    for members in np.split(mixed, np.flatnonzero(np.diff(draft.order[mixed])) + 1) if len(mixed) else ():
        places = draft.places(members)
        told = "the same purchase order has another customer order in"
        draft.end(members, REJECTED, [f"{place}: {told} {_listing(places, place)}" for place in places])


def _same_parcel(draft: Draft, rows: np.ndarray) -> np.ndarray:
    """Return a number for each row's parcel: order, line (else SKU) and tracking number (else carrier)."""
    lines = draft.lines.iloc[rows]
    item = np.where(is_blank(lines["line_number"]), "sku " + lines["sku"], lines["line_number"])
    carrier = np.where(lines["carrier"] == "", lines["other_carrier"].astype("str"), lines["carrier"].astype("str"))
    number = np.where(is_blank(lines["tracking_number"]), carrier, lines["tracking_number"])
    keys = pd.DataFrame({"order": draft.order[rows], "item": item, "number": number})
    return np.asarray(keys.groupby(["order", "item", "number"], sort=False).ngroup(), np.int64)


def _differs(column: pd.Series, rows: np.ndarray, others: np.ndarray) -> np.ndarray:
    if isinstance(column.dtype, pd.CategoricalDtype):
        codes = column.cat.codes.to_numpy()
        return np.asarray(codes[rows] != codes[others])
    return np.asarray(column.iloc[rows].to_numpy() != column.iloc[others].to_numpy())


def _skip_repeats(draft: Draft, rows: np.ndarray, first: np.ndarray) -> None:
    counts = draft.lines["quantity"].to_numpy()[rows].tolist()
    reasons = [
        f"{place}: repeats {other} exactly; it is not sent again, and its {_units(count)} open"
        for place, other, count in zip(draft.places(rows), draft.places(first), counts, strict=True)
    ]
    draft.end(rows, SKIPPED, reasons)


def _units(count: int) -> str:
    return {0: "units stay", 1: "1 unit stays"}.get(count, f"{count} units stay")


def _reject_contradictions(
    draft: Draft, rows: np.ndarray, starts: np.ndarray, contradicted: np.ndarray, differing: dict[str, np.ndarray]
) -> None:
    ends = np.append(starts[1:], len(rows))
    for low, high in zip(starts[contradicted].tolist(), ends[contradicted].tolist(), strict=True):
        places = draft.places(rows[low:high])
        what = " and ".join(_SPOKEN[name] for name, differs in differing.items() if differs[low:high].any())
        draft.end(
            rows[low:high],
            REJECTED,
            [f"{place}: the same parcel has another {what} in {_listing(places, place)}" for place in places],
        )


_SPOKEN = {
    "line_number": "line number",
    "sku": "SKU",
    "quantity": "quantity",
    "carrier": "carrier",
    "other_carrier": "other carrier",
    "method_code": "method",
    "tracking_number": "tracking number",
    "tracking_url": "tracking URL",
    "shipped_at": "ship time",
    "date_only": "precision of its ship time",
    "ship_from_country": "ship-from country",
    "seller_order_id": "seller order id",
}


def _listing(places: list[str], but: str = "") -> str:
    others = [place for place in places if place != but]
    named = " and ".join(others[:NAMED])
    return f"{named} and {len(others) - NAMED} more" if len(others) > NAMED else named


def hold_siblings(draft: Draft) -> None:
    """Hold the good rows of orders that have a bad one."""
    bad = np.flatnonzero((draft.state == REJECTED) | (draft.state == HELD))
    touched = _touched(draft, bad)
    rows = draft.ready
    rows = rows[np.isin(draft.order[rows], np.fromiter(touched, np.int64, len(touched)))]
    if not len(rows):
        return
    told = {code: _listing(draft.places(np.array(members))) for code, members in touched.items()}
    places = draft.places(rows)
    codes = draft.order[rows].tolist()
    draft.end(
        rows,
        HELD,
        [f"{place}: held with its order, because of {told[code]}" for place, code in zip(places, codes, strict=True)],
    )


def _touched(draft: Draft, bad: np.ndarray) -> dict[int, list[int]]:
    """Return the orders that bad rows belong to, with those rows: by the order they name, or by their customer's.

    A customer's order may be several purchase orders. It counts where either row does not surely say which of them.
    """
    touched: dict[int, list[int]] = {}
    for row, code in zip(bad.tolist(), draft.order[bad].tolist(), strict=True):
        touched.setdefault(code, []).append(row)
    customers = draft.lines["customer_order_id"]
    named = bad[~is_blank(customers.iloc[bad])]
    by_customer = {customers.iloc[row]: row for row in reversed(named.tolist())}
    unsure = set(customers.iloc[named[_order_is_unsure(draft, named)]])
    kin = np.flatnonzero(customers.isin(list(by_customer))) if by_customer else named
    nameless = is_blank(draft.lines["purchase_order_id"].iloc[kin])
    for row, code, alone in zip(kin.tolist(), draft.order[kin].tolist(), nameless.tolist(), strict=True):
        if alone or customers.iloc[row] in unsure:
            touched.setdefault(code, [by_customer[customers.iloc[row]]])
    return touched


def _order_is_unsure(draft: Draft, rows: np.ndarray) -> np.ndarray:
    """Return which rows name no purchase order, or one that is ruined, or are not whole."""
    found = draft.found[draft.found["effect"] == Effect.REJECTED]
    ruined = found["position"][found["column"].isin(["", "purchase_order_id"])].to_numpy()
    return np.asarray(is_blank(draft.lines["purchase_order_id"].iloc[rows]) | np.isin(rows, ruined))
