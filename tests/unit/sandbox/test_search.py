from __future__ import annotations

from typing import Any

import orjson
import pytest

from batch.sandbox.orders import Status
from batch.sandbox.refusals import Refusal
from batch.sandbox.search import answer_search
from batch.sandbox.state import Caller, Marketplace, Rules
from tests.unit.sandbox.saying import DAY, NOW, order

SINCE = "createdStartDate=2020-01-01"


def marketplace() -> Marketplace:
    made = Marketplace()
    for number in range(5):
        made.add(order(f"po{number}", customer="twins" if number < 2 else f"c{number}"))
    made.orders["po2"].lines["1"].sku = "MUG"
    made.orders["po3"].lines["1"].units[0].status = Status.CREATED
    made.orders["po4"].fulfilled_by_walmart = True
    made.orders["po0"].ordered_at = NOW - 100 * DAY
    return made


def found(query: str, verb: str = "", *, legacy: bool = False) -> list[str]:
    page = orjson.loads(answer_search(marketplace(), query, verb, Caller(legacy=legacy)))
    return [entry.get("purchaseOrderId", "none") for entry in page["list"]["elements"]["order"]]


@pytest.mark.parametrize(
    ("query", "orders"),
    [
        (SINCE, ["po0", "po1", "po2", "po3", "po4"]),
        (f"{SINCE}T00:00:00Z&customerOrderId=twins", ["po0", "po1"]),
        (f"{SINCE}&purchaseOrderId=po2", ["po2"]),
        (f"{SINCE}&purchaseOrderId=po2&customerOrderId=c2", ["po2"]),
        (f"{SINCE}&sku=MUG", ["po2"]),
        (f"{SINCE}&status=Created", ["po3"]),
        (f"{SINCE}&shipNodeType=SellerFulfilled", ["po0", "po1", "po2", "po3"]),
        (f"{SINCE}&shipNodeType=WFSFulfilled", ["po4"]),
        (f"{SINCE}&fromExpectedShipDate=2020-01-01&productInfo=true", ["po0", "po1", "po2", "po3", "po4"]),
    ],
)
def test_orders_are_found_by_what_is_asked(query: str, orders: list[str]) -> None:
    assert found(query) == orders


def test_dates_bound_the_search() -> None:
    assert "po0" not in found("createdStartDate=2026-10-01")
    for query in ("createdStartDate=2020-01-01&createdEndDate=2020-01-02", f"{SINCE}&toExpectedShipDate=2020-01-01"):
        with pytest.raises(Refusal, match="Orders not found"):
            found(query)


def test_released_orders_are_those_not_yet_acknowledged() -> None:
    assert found(SINCE, "released") == ["po3"]


def test_the_legacy_api_keeps_orders_that_walmart_fulfils_apart_and_without_an_id() -> None:
    assert "po4" not in found(SINCE, legacy=True)
    assert found("", "wfs", legacy=True) == ["none"]


@pytest.mark.parametrize(
    ("query", "status", "field"),
    [
        ("", 400, "createdStartDate"),
        ("customerOrderId=twins", 400, "createdStartDate"),
        ("createdStartDate=2020-01-01T00:00:00.000Z", 400, "createdStartDate"),
        ("createdStartDate=1577836800000", 400, "createdStartDate"),
        (f"{SINCE}&limit=201", 400, "limit"),
        (f"{SINCE}&limit=0", 400, "limit"),
        (f"{SINCE}&limit=many", 400, "limit"),
        (f"{SINCE}&offset=-1", 400, "offset"),
        (f"{SINCE}&status=shipped", 400, "status"),
        (f"{SINCE}&customer_order_id=1", 400, "customer_order_id"),
        (f"{SINCE}&customerOrderId=nobody", 404, "data"),
        (f"{SINCE}&purchaseOrderId=nobody", 404, "data"),
    ],
)
def test_what_cannot_be_asked_is_refused(query: str, status: int, field: str) -> None:
    with pytest.raises(Refusal) as refused:
        found(query)
    assert (refused.value.status, refused.value.complaints[0].field) == (status, field)


def test_nothing_found_is_no_mistake() -> None:
    with pytest.raises(Refusal) as refused:
        found(f"{SINCE}&customerOrderId=nobody")
    complaint = refused.value.complaints[0]
    assert (complaint.code, complaint.severity) == ("CONTENT_NOT_FOUND.GMP_ORDER_API", "INFO")


def test_the_start_date_may_be_left_out_where_the_rules_say_so() -> None:
    lenient = marketplace()
    lenient.rules = Rules(created_start_date=False)
    assert answer_search(lenient, "customerOrderId=twins", "", Caller())


def test_the_next_cursor_is_appended_as_it_is_until_there_is_none() -> None:
    market, query, seen, pages = marketplace(), f"{SINCE}&limit=2&sku=", [], 0
    while query:
        page: dict[str, Any] = orjson.loads(answer_search(market, query, "", Caller()))["list"]
        seen += [entry["purchaseOrderId"] for entry in page["elements"]["order"]]
        cursor = page["meta"]["nextCursor"]
        assert cursor is None or cursor.startswith("?")
        query, pages = (cursor or "").removeprefix("?"), pages + 1
        assert page["meta"]["totalCount"] == 5
    assert (seen, pages) == (["po0", "po1", "po2", "po3", "po4"], 3)
