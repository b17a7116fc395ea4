from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from batch.sandbox import Rules, Status
from tests.unit.sandbox.saying import OTHER_TRACKING, PO, TRACKING, edit, order

if TYPE_CHECKING:
    from tests.unit.sandbox.conftest import Open


async def test_charges_and_counters_can_be_looked_at(open_sandbox: Open) -> None:
    async with open_sandbox() as (_, talk):
        await talk.ship()
        await talk.ship(edit(TRACKING, OTHER_TRACKING))
        await talk.read("unknown")
        assert (await talk.control("GET", "charges")).json == {PO: {"1": {TRACKING: 1}}}
        assert (await talk.control("GET", "counters")).json == {
            "requests": {"token": 1, "ship": 1, "edit": 1, "read": 1},
            "answers": {"token": {"200": 1}, "ship": {"200": 1}, "edit": {"200": 1}, "read": {"404": 1}},
            "throttled": 0,
            "repeated_correlation_ids": 0,
            "most_at_once": 1,
            "faults": {},
            "units_charged": 1,
            "edits": 1,
        }
        charge = (await talk.control("GET", "charge_log")).json[0]
        assert (charge["purchase_order_id"], charge["units"]) == (PO, 1)
        assert (await talk.control("GET", "edit_log")).json[0]["after"] == OTHER_TRACKING
        log = (await talk.control("GET", "log")).json
        assert [(entry["kind"], entry["answer"]) for entry in log][-1] == ("read", "404")
        assert log[1]["correlation_id"] == charge["correlation_id"]


async def test_the_log_keeps_no_more_than_it_may(open_sandbox: Open) -> None:
    async with open_sandbox(log_length=2) as (_, talk):
        for _ in range(4):
            await talk.read()
        assert len((await talk.control("GET", "log")).json) == 2


async def test_orders_can_be_put_in_and_looked_at(open_sandbox: Open) -> None:
    async with open_sandbox() as (sandbox, talk):
        several = {"orders": [{"purchaseOrderId": "7"}, {"purchaseOrderId": "8", "fulfilledByWalmart": True}]}
        assert (await talk.control("POST", "orders", several)).json == {"orders": 2}
        assert (await talk.control("POST", "orders", [{"purchaseOrderId": "9"}])).json == {"orders": 1}
        assert (await talk.control("POST", "orders", {"purchaseOrderId": "A/B"})).json == {"orders": 1}
        assert list(sandbox.state.orders) == [PO, "7", "8", "9", "A/B"]
        state = (await talk.control("GET", "state")).json["orders"]
        assert [each["purchaseOrderId"] for each in state] == list(sandbox.state.orders)
        assert (await talk.control("GET", "orders/A%2FB")).json == state[-1]
        assert (await talk.read("7")).statuses == [("1", "Acknowledged", "1")]


async def test_one_bad_order_keeps_all_out(open_sandbox: Open) -> None:
    async with open_sandbox() as (sandbox, talk):
        heard = await talk.control("POST", "orders", [{"purchaseOrderId": "7"}, {}])
        assert (heard.status, heard.json) == (400, {"problem": "an order needs purchaseOrderId or customerOrderId"})
        assert list(sandbox.state.orders) == [PO]


async def test_buyers_cancel_and_ask_to(open_sandbox: Open) -> None:
    async with open_sandbox() as (sandbox, talk):
        sandbox.state.add(order(PO, 1, 2))
        assert (await talk.control("POST", f"orders/{PO}/intent", {"line": "1"})).json == {"lines": 1}
        assert [line.intent_to_cancel for line in sandbox.state.orders[PO].lines.values()] == [True, False]
        assert (await talk.control("POST", f"orders/{PO}/intent", {"asked": False})).json == {"lines": 2}
        assert not sandbox.state.orders[PO].lines["1"].intent_to_cancel
        assert (await talk.control("POST", f"orders/{PO}/cancel", {"line": "2"})).json == {"cancelled": 2}
        assert (await talk.control("POST", f"orders/{PO}/cancel")).json == {"cancelled": 1}
        assert sandbox.state.orders[PO].lines["1"].count(Status.CANCELLED) == 1


async def test_faults_can_be_ordered_while_it_runs(open_sandbox: Open) -> None:
    async with open_sandbox() as (sandbox, talk):
        script = '[[rules]]\nmatch = {kind = "read"}\ndo = "503"\n'
        assert (await talk.control("POST", "faults", script)).json == {"rules": 1}
        assert [(await talk.read()).status for _ in range(2)] == [503, 200]
        assert (await talk.control("POST", "faults", {"rules": [], "seed": 3})).json == {"rules": 0}
        assert sandbox.faults.fired == {"503": 1}


async def test_rules_can_be_changed_while_it_runs(open_sandbox: Open) -> None:
    async with open_sandbox() as (sandbox, talk):
        heard = await talk.control("POST", "rules", {"refuse_reship": False, "edit_window": 60})
        assert heard.json["must_acknowledge"] is True
        assert sandbox.state.rules == Rules(refuse_reship=False, edit_window=60)


async def test_tokens_end_on_request(open_sandbox: Open) -> None:
    async with open_sandbox() as (_, talk):
        assert (await talk.read()).status == 200
        assert (await talk.control("POST", "token/expire")).json == {"expired": 1}
        assert (await talk.read()).status == 401


async def test_a_reset_forgets_everything(open_sandbox: Open) -> None:
    async with open_sandbox() as (sandbox, talk):
        await talk.control("POST", "faults", [{"do": "slow", "seconds": 0, "times": 0}])
        await talk.ship()
        assert (await talk.control("POST", "reset")).json == {}
        assert (sandbox.state.orders, sandbox.state.charges, sandbox.faults.rules) == ({}, {}, [])
        assert sandbox.counters.requests == {}


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "problem"),
    [
        ("GET", "nothing", None, 404, "there is no GET /_sandbox/nothing"),
        ("POST", "nothing", None, 404, "there is no POST"),
        ("POST", "orders/1/explode", None, 404, "there is no POST"),
        ("DELETE", "orders", None, 404, "there is no DELETE"),
        ("GET", "orders/404", None, 404, "Orders not found"),
        ("POST", "orders/404/cancel", None, 404, "Orders not found"),
        ("POST", "orders", "{", 400, "unexpected end of data"),
        ("POST", "faults", [{"do": "explode"}], 400, "rule 1: 'explode' is none of"),
        ("POST", "rules", {"kindness": True}, 400, "there is no 'kindness'"),
        ("POST", "rules", {"refuse_reship": 1}, 400, "refuse_reship 1 is no bool"),
        ("POST", "rules", {"edit_window": "long"}, 400, "edit_window 'long' is no float"),
        ("POST", "rules", [], 400, "an object is needed"),
        ("POST", "reset", {"now": True}, 400, "there is no 'now'"),
    ],
)
async def test_mistakes_are_named(
    open_sandbox: Open,
    method: str,
    path: str,
    content: Any,  # noqa: ANN401 - any JSON
    status: int,
    problem: str,
) -> None:
    async with open_sandbox() as (_, talk):
        heard = await talk.control(method, path, content)
        assert heard.status == status
        assert problem in heard.json["problem"]
