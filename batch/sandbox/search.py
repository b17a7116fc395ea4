"""The order search: what may be asked, and its pages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode

from batch.sandbox.answers import several_orders
from batch.sandbox.orders import Order, Status
from batch.sandbox.refusals import not_found, parameter_refused
from batch.sandbox.state import Caller, Marketplace, visible

if TYPE_CHECKING:
    from collections.abc import Iterable

LARGEST_PAGE = 200
LARGEST_OFFSET = 10**9
DEFAULT_LIMITS = {"": 100, "released": 10, "wfs": 10}
_KNOWN = frozenset(
    {
        "customerOrderId",
        "purchaseOrderId",
        "sku",
        "status",
        "createdStartDate",
        "createdEndDate",
        "fromExpectedShipDate",
        "toExpectedShipDate",
        "limit",
        "shipNodeType",
        "productInfo",
        "hasMoreElements",
        "soIndex",
        "offset",
        "poIndex",
        "partnerId",
        "sellerId",
    }
)
_FORMATS = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What is asked for; blank means any. Times are UTC epoch milliseconds."""

    customer_order_id: str = ""
    purchase_order_id: str = ""
    sku: str = ""
    status: str = ""
    created_from: int = 0
    created_to: int = 0
    ship_by_from: int = 0
    ship_by_to: int = 0
    ship_node_type: str = ""
    limit: int = 100
    offset: int = 0


def read_search(query: str, verb: str, *, start_date_required: bool) -> Search:
    """Read the query string. Raises `Refusal`: 400 for a parameter that is missing, unknown or of the wrong form."""
    asked = dict(parse_qsl(query, keep_blank_values=True))
    if strange := asked.keys() - _KNOWN:
        raise parameter_refused(min(strange), f"{min(strange)} is not a valid parameter")
    if start_date_required and verb != "wfs" and not asked.get("createdStartDate"):
        raise parameter_refused("createdStartDate", "createdStartDate is required", "MISSING_REQUEST_PARAM")
    status = "Created" if verb == "released" else asked.get("status", "")
    if status and status not in set(Status):
        raise parameter_refused("status", f"status {status} is not supported")
    return Search(
        customer_order_id=asked.get("customerOrderId", ""),
        purchase_order_id=asked.get("purchaseOrderId", ""),
        sku=asked.get("sku", ""),
        status=status,
        created_from=_moment(asked, "createdStartDate"),
        created_to=_moment(asked, "createdEndDate"),
        ship_by_from=_moment(asked, "fromExpectedShipDate"),
        ship_by_to=_moment(asked, "toExpectedShipDate"),
        ship_node_type="WFSFulfilled" if verb == "wfs" else asked.get("shipNodeType", ""),
        limit=_number(asked, "limit", DEFAULT_LIMITS[verb], least=1, largest=LARGEST_PAGE),
        offset=_number(asked, "offset" if "offset" in asked else "soIndex", 0, least=0, largest=LARGEST_OFFSET),
    )


def answer_search(marketplace: Marketplace, query: str, verb: str, caller: Caller) -> bytes:
    """Return one page of what the search finds. Raises `Refusal`: 400, or 404 where nothing matches."""
    search = read_search(query, verb, start_date_required=marketplace.rules.created_start_date)
    seen_by = Caller(seller=caller.seller) if verb == "wfs" else caller
    found = [order for order in _candidates(marketplace, search) if visible(order, seen_by) and _matches(order, search)]
    page = found[search.offset : search.offset + search.limit]
    if not page:
        raise not_found("getAllReleased" if verb == "released" else "getAllOrders")
    more = search.offset + search.limit < len(found)
    cursor = _cursor(query, search) if more else None
    return several_orders(page, total=len(found), limit=search.limit, next_cursor=cursor, wfs=verb == "wfs")


def _candidates(marketplace: Marketplace, search: Search) -> Iterable[Order]:
    if search.purchase_order_id:
        order = marketplace.orders.get(search.purchase_order_id)
        return [order] if order else []
    if search.customer_order_id:
        return [marketplace.orders[po] for po in marketplace.by_customer.get(search.customer_order_id, ())]
    return marketplace.orders.values()


def _matches(order: Order, search: Search) -> bool:
    lines = order.lines.values()
    return (
        search.customer_order_id in ("", order.customer_order_id)
        and (not search.sku or any(line.sku == search.sku for line in lines))
        and (not search.status or any(line.count(Status(search.status)) for line in lines))
        and search.created_from <= order.ordered_at <= (search.created_to or order.ordered_at)
        and search.ship_by_from <= order.ship_by <= (search.ship_by_to or order.ship_by)
        and (not search.ship_node_type or (search.ship_node_type == "WFSFulfilled") == order.fulfilled_by_walmart)
    )


def _cursor(query: str, search: Search) -> str:
    """Return the next page's ready query string; it is appended as it is."""
    kept = [(name, value) for name, value in parse_qsl(query) if name not in ("offset", "soIndex", "hasMoreElements")]
    return "?" + urlencode([*kept, ("hasMoreElements", "true"), ("soIndex", str(search.offset + search.limit))])


def _moment(asked: dict[str, str], name: str) -> int:
    text = asked.get(name)
    if not text:
        return 0
    for form in _FORMATS:
        try:
            return int(datetime.strptime(text, form).replace(tzinfo=UTC).timestamp() * 1000)
        except ValueError:
            continue
    raise parameter_refused(name, "Invalid Date format value", "INVALID_REQUEST")


def _number(asked: dict[str, str], name: str, default: int, *, least: int, largest: int) -> int:
    text = asked.get(name, "")
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and least <= int(text) <= largest):
        raise parameter_refused(name, f"{name} {text} is not supported")
    return int(text)
