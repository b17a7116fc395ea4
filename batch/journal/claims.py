"""Claims: which parcel of which order line was, is or may have been sent. The second barrier against sending twice."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from sqlalchemy import bindparam, insert, select, update

from batch.journal import tables
from batch.journal.entries import Claim
from batch.journal.states import OPEN, State

if TYPE_CHECKING:
    from collections.abc import Sequence

    from sqlalchemy import Connection

    from batch.journal.entries import Begin
    from batch.marketplace.orders import Parcel

_claims, _orders = tables.claims, tables.orders
_HOLDS = (*OPEN, State.SHIPPED, State.ALREADY_SHIPPED)  # other states let the next order have the claim

_FIND = (
    select(_claims, _orders.c.state, _orders.c.sent_at)
    .join(_orders, _orders.c.id == _claims.c.order)
    .where(
        _claims.c.seller == bindparam("of_seller"),
        _claims.c.purchase_order_id.in_(bindparam("purchase_orders", expanding=True)),
    )
)
_TAKE_OVER = (
    update(_claims)
    .where(
        _claims.c.seller == bindparam("of_seller"),
        _claims.c.purchase_order_id == bindparam("purchase_order"),
        _claims.c.line_number == bindparam("line"),
        _claims.c.parcel == bindparam("tracking"),
    )
    .values(order=bindparam("to_order"), quantity=bindparam("units"))
)


def claims_of(connection: Connection, seller: str, purchase_orders: Sequence[str]) -> dict[str, list[Claim]]:
    """Return the claims on each of these purchase orders; those that have none are left out."""
    found: defaultdict[str, list[Claim]] = defaultdict(list)
    for row in connection.execute(_FIND, {"of_seller": seller, "purchase_orders": list(purchase_orders)}):
        claim = Claim(row.line_number, row.parcel, row.quantity, row.order, State(row.state), row.sent_at)
        found[row.purchase_order_id].append(claim)
    return found


def claim(connection: Connection, begin: Begin) -> tuple[Claim, ...]:
    """Claim the parcels of an update for its order; return the claims of others that stand against it, then none was made."""
    assert begin.update is not None  # noqa: S101 - the caller's condition
    purchase_order = begin.update.purchase_order_id
    wanted = units_by_parcel(begin.update.parcels)
    known = {
        (claim.line_number, claim.parcel): claim
        for claim in claims_of(connection, begin.seller, [purchase_order]).get(purchase_order, ())
    }
    against = tuple(
        claim for key in wanted if (claim := known.get(key)) and claim.order != begin.order and claim.state in _HOLDS
    )
    if against:
        return against
    key = {"of_seller": begin.seller, "purchase_order": purchase_order, "to_order": begin.order}
    parcels = [
        ({**key, "line": line, "tracking": parcel, "units": n}, (line, parcel) in known)
        for (line, parcel), n in wanted.items()
    ]
    if old := [values for values, is_known in parcels if is_known]:
        connection.execute(_TAKE_OVER, old)
    if new := [values for values, is_known in parcels if not is_known]:
        connection.execute(_NEW, new)
    return ()


_NEW = insert(_claims).values(
    seller=bindparam("of_seller"),
    purchase_order_id=bindparam("purchase_order"),
    line_number=bindparam("line"),
    parcel=bindparam("tracking"),
    quantity=bindparam("units"),
    order=bindparam("to_order"),
)


def units_by_parcel(parcels: Sequence[Parcel]) -> Counter[tuple[str, str]]:
    """Return the units of each (line number, parcel key)."""
    units: Counter[tuple[str, str]] = Counter()
    for parcel in parcels:
        units[parcel.line_number, parcel.key] += parcel.quantity
    return units
