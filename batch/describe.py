"""A plan as text: stable, and made to be read line by line. Golden files compare it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from batch.sentences import table_names

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batch.marketplace.orders import Parcel
    from batch.plan import Plan, PlannedOrder

_READY = "ready"


def describe(plan: Plan) -> str:
    """Return the whole plan as text: tables, counts, orders with their parcels, rows that are not sent, and notes."""
    return "\n".join(_lines(plan)) + "\n"


def _lines(plan: Plan) -> Iterator[str]:
    names = table_names(plan.shipments)
    for name, one in zip(names, plan.shipments, strict=True):
        yield f"{name}: profile {one.profile.name}, header in row {one.table.header_row}"
    counts = Counter(outcome or _READY for outcome in plan.rows["outcome"].tolist())
    told = ", ".join(f"{count} {outcome}" for outcome, count in sorted(counts.items()))
    yield f"rows: {len(plan.rows)}" + (f" ({told})" if told else "")
    yield f"orders: {len(plan)}"
    places = _places(plan, names)
    for order in plan:
        yield ""
        yield from _order(order, places)
    ended = plan.rows[plan.rows["outcome"] != ""]
    if len(ended):
        yield from ("", "not sent now:")
        for outcome, reason, row in zip(
            ended["outcome"].tolist(), ended["reason"].tolist(), ended.index.tolist(), strict=True
        ):
            told = reason.removeprefix(f"{places[row]}: ").removeprefix(f"{names[plan.rows['shipments'].iloc[row]]} ")
            yield f"  {places[row]}, {outcome}: {told}"
    if len(plan.notes):
        yield from ("", "notes:")
        for effect, reason in zip(plan.notes["effect"].tolist(), plan.notes["reason"].tolist(), strict=True):
            yield f"  {effect}: {reason}"


def _places(plan: Plan, names: list[str]) -> list[str]:
    pairs = zip(plan.rows["shipments"].tolist(), plan.rows["row"].tolist(), strict=True)
    return [f"{names[table]} row {row}" for table, row in pairs]


def _order(order: PlannedOrder, places: list[str]) -> Iterator[str]:
    customer = f" customer order {order.customer_order_id}" if order.customer_order_id else ""
    due = f" due {_instant(order.due_at)}" if order.due_at else ""
    yield f"order {order.purchase_order_id or '?'}{customer}{due}"
    for parcel, rows in zip(order.parcels, order.rows, strict=True):
        yield f"  {' + '.join(places[row] for row in rows)}: {_parcel(parcel)}"


def _parcel(parcel: Parcel) -> str:
    said = {
        "line": parcel.line_number,
        "sku": parcel.sku,
        "quantity": str(parcel.quantity or ""),
        "carrier": parcel.carrier,
        "other": parcel.other_carrier,
        "method": parcel.method_code,
        "tracking": parcel.tracking_number,
        "url": parcel.tracking_url,
        "shipped": _instant(parcel.shipped_at) + (" (day)" if parcel.date_only else ""),
        "from": parcel.ship_from_country,
        "seller order": parcel.seller_order_id,
    }
    return ", ".join(f"{name} {value}" for name, value in said.items() if value)


def _instant(milliseconds: int) -> str:
    return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
