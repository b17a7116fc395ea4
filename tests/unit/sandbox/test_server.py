from __future__ import annotations

import asyncio
import signal
import time
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

import aiohttp
import pytest
from aiohttp.test_utils import make_mocked_request

from batch.errors import UsageError
from batch.sandbox import Limit, Options, Rule, Rules, Sandbox, Status
from batch.sandbox.access import AccessRules
from batch.sandbox.answers import BUYER_MARKERS
from batch.sandbox.faults import Action
from batch.sandbox.routes import Kind
from batch.sandbox.server import _break, _loop_factory, run_sandbox, serve
from tests.unit.sandbox.saying import (
    OTHER_TRACKING,
    PO,
    TRACKING,
    cancellation,
    edit,
    line,
    order,
    packages,
    shipment,
    status,
    tracking_info,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.unit.sandbox.conftest import Open


async def test_a_shipping_update_ships_and_charges_once(open_sandbox: Open, dialect: str) -> None:
    async with open_sandbox(dialect=dialect) as (sandbox, talk):
        heard = await talk.ship()
        assert (heard.status, heard.statuses) == (200, [("1", "Shipped", "1")])
        assert sandbox.state.charges == {PO: {"1": {TRACKING: 1}}}
        again = await talk.ship()
        assert again.status == 400
        assert f"The Line: 1 of PO: {PO} is in SHIPPED status" in again.description
        assert sandbox.state.units_charged == 1


async def test_without_the_refusal_a_second_update_really_charges_twice(open_sandbox: Open, dialect: str) -> None:
    async with open_sandbox(dialect=dialect, rules=Rules(refuse_reship=False)) as (sandbox, talk):
        assert [(await talk.ship()).status for _ in range(2)] == [200, 200]
        assert sandbox.state.charges == {PO: {"1": {TRACKING: 2}}}
        assert len({charge.correlation_id for charge in sandbox.state.charge_log}) == 2
        assert (await talk.read()).statuses == [("1", "Shipped", "1")]


async def test_an_acknowledgement_counts_although_its_answer_is_stale(open_sandbox: Open, dialect: str) -> None:
    async with open_sandbox(dialect=dialect) as (sandbox, talk):
        sandbox.state.add(order(PO, 2, state=Status.CREATED))
        refused = await talk.ship()
        assert "Qty OverShipped" in refused.description
        assert (await talk.acknowledge()).statuses == [("1", "Created", "2")]
        assert (await talk.read()).statuses == [("1", "Acknowledged", "2")]
        assert (await talk.ship(shipment(line("1", status("2"))))).status == 200
        beyond = await talk.acknowledge()
        assert (beyond.status, "Some or all qty in higher status" in beyond.description) == (400, True)


async def test_tracking_can_be_edited_without_another_charge(open_sandbox: Open, dialect: str) -> None:
    async with open_sandbox(dialect=dialect) as (sandbox, talk):
        await talk.ship()
        heard = await talk.ship(edit(TRACKING, OTHER_TRACKING))
        assert heard.status == 200
        shown = heard.json["order"]["orderLines"]["orderLine"][0]["orderLineStatuses"]["orderLineStatus"]
        assert [entry["trackingInfo"]["trackingNumber"] for entry in shown] == [OTHER_TRACKING]
        assert sandbox.state.charges == {PO: {"1": {TRACKING: 1}}}
        assert [(done.before, done.after) for done in sandbox.state.edit_log] == [(TRACKING, OTHER_TRACKING)]
        assert (sandbox.counters.requests["ship"], sandbox.counters.requests["edit"]) == (1, 1)


async def test_several_boxes_for_one_unit_charge_it_once(open_sandbox: Open, dialect: str) -> None:
    async with open_sandbox(dialect=dialect) as (sandbox, talk):
        heard = await talk.ship(packages(TRACKING, OTHER_TRACKING), verb="multiPackageShipping")
        assert heard.status == 200
        assert sandbox.state.charges == {PO: {"1": {TRACKING: 1}}}
        shown = heard.json["order"]["orderLines"]["orderLine"][0]["orderLineStatuses"]["orderLineStatus"][0]
        boxes = shown["shipmentPackages"]["shipmentPackage"]
        assert [box["trackingNumber"] for box in boxes] == [TRACKING, OTHER_TRACKING]


async def test_a_seller_may_cancel_what_is_open(open_sandbox: Open, dialect: str) -> None:
    async with open_sandbox(dialect=dialect) as (_, talk):
        assert (await talk.ship(cancellation(), verb="cancel")).statuses == [("1", "Cancelled", "1")]
        assert (await talk.ship(cancellation(), verb="cancel")).status == 400


async def test_answers_show_the_buyer_in_full(open_sandbox: Open, dialect: str) -> None:
    async with open_sandbox(dialect=dialect) as (_, talk):
        text = (await talk.read()).body.decode()
        assert all(marker in text for marker in BUYER_MARKERS)


@pytest.mark.parametrize(
    ("path", "method", "code", "answered"),
    [
        ("/v3/orders/123", "GET", "CONTENT_NOT_FOUND", 404),
        ("/v3/feeds", "GET", "URI_NOT_FOUND", 404),
        ("/nowhere", "GET", "URI_NOT_FOUND", 404),
        ("/v3/orders/123", "DELETE", "METHOD_NOT_ALLOWED", 405),
        ("/v3/orders", "GET", "MISSING_REQUEST_PARAM", 400),
    ],
)
async def test_what_is_not_there_is_said_so(
    open_sandbox: Open, path: str, method: str, code: str, answered: int
) -> None:
    async with open_sandbox() as (_, talk):
        heard = await talk.call(method, path)
        assert (heard.status, heard.codes) == (answered, [code])


async def test_orders_of_another_seller_are_not_found(open_sandbox: Open, dialect: str) -> None:
    async with open_sandbox(dialect=dialect) as (sandbox, talk):
        sandbox.state.add(order("77", seller="demo-1"))
        assert (await talk.read("77")).status == 404
        talk.number, talk.token = 1, ""
        assert (await talk.read("77")).status == 200


async def test_media_types_are_checked(open_sandbox: Open) -> None:
    async with open_sandbox() as (_, talk):
        path = f"/v3/orders/{PO}/shipping"
        assert (await talk.call("POST", path, shipment(), Accept="application/xml")).status == 406
        heard = await talk.call("POST", path, shipment(), **{"Content-Type": "application/xml"})
        assert (heard.status, heard.codes) == (415, ["UNSUPPORTED_MEDIA_TYPE"])


async def test_signatures_hold_for_the_very_url_that_was_sent(open_sandbox: Open) -> None:
    async with open_sandbox(dialect="walmart-canada") as (sandbox, talk):
        sandbox.state.add(order("A/B 1", customer="C 1"))
        assert (await talk.read("A%2FB%201")).status == 200
        found = await talk.call("GET", "/v3/ca/orders?customerOrderId=C%201&createdStartDate=2020-01-01T00:00:00Z")
        assert found.json["list"]["elements"]["order"][0]["purchaseOrderId"] == "A/B 1"


@pytest.mark.parametrize(
    ("changes", "answered", "field"),
    [
        ({"WM_SEC.AUTH_SIGNATURE": "AAAA"}, 401, "UNAUTHORIZED"),
        ({"WM_SEC.AUTH_SIGNATURE": "no base64!"}, 401, "UNAUTHORIZED"),
        ({"WM_SEC.TIMESTAMP": "1502165720641"}, 401, "UNAUTHORIZED"),
        ({"WM_SEC.TIMESTAMP": "-1.5E12"}, 401, "UNAUTHORIZED"),
        ({"WM_CONSUMER.ID": "somebody"}, 401, "UNAUTHORIZED"),
        ({"WM_CONSUMER.CHANNEL.TYPE": "made up"}, 400, "WM_CONSUMER.CHANNEL.TYPE"),
        ({"WM_CONSUMER.CHANNEL.TYPE": None}, 400, "WM_CONSUMER.CHANNEL.TYPE"),
        ({"WM_SVC.NAME": None}, 400, "WM_SVC.NAME"),
        ({"WM_QOS.CORRELATION_ID": None}, 400, "WM_QOS.CORRELATION_ID"),
        ({"WM_QOS.CORRELATION_ID": "1"}, 400, "WM_QOS.CORRELATION_ID"),
        ({"WM_SEC.AUTH_SIGNATURE": ""}, 400, "WM_SEC.AUTH_SIGNATURE"),
    ],
)
async def test_legacy_credentials_are_checked(
    open_sandbox: Open, changes: dict[str, Any], answered: int, field: str
) -> None:
    async with open_sandbox(dialect="walmart-canada") as (_, talk):
        talk.extra = changes
        heard = await talk.read()
        errors = heard.json["error"] if "error" in heard.json else heard.json["errors"]["error"]
        assert (heard.status, errors[0]["field"]) == (answered, field)


async def test_every_missing_header_has_its_complaint(open_sandbox: Open) -> None:
    async with open_sandbox(dialect="walmart-canada") as (_, talk):
        talk.extra = {"WM_SVC.NAME": None, "WM_CONSUMER.ID": ""}
        heard = await talk.read()
        assert heard.codes == ["INVALID_REQUEST_HEADER"] * 2
        assert heard.description == "WM_SVC.NAME set blank or null; WM_CONSUMER.ID set blank or null"


@pytest.mark.parametrize(
    ("changes", "answered"),
    [
        ({"WM_SEC.ACCESS_TOKEN": None, "Authorization": "Bearer x"}, 401),
        ({"WM_SEC.ACCESS_TOKEN": "made up"}, 401),
        ({"WM_MARKET": None}, 400),
        ({"WM_MARKET": "us"}, 400),
        ({"WM_MARKET": "CA"}, 200),
        ({"WM_GLOBAL_VERSION": None}, 400),
        ({"WM_GLOBAL_VERSION": "3.0"}, 400),
        ({"WM_SVC.NAME": None}, 400),
        ({"WM_QOS.CORRELATION_ID": "x"}, 400),
    ],
)
async def test_global_credentials_are_checked(open_sandbox: Open, changes: dict[str, Any], answered: int) -> None:
    async with open_sandbox() as (_, talk):
        await talk.log_in()
        talk.extra = changes
        assert (await talk.read()).status == answered


@pytest.mark.parametrize(
    ("changes", "answered", "code"),
    [
        ({}, 200, ""),
        ({"Authorization": "Basic AAAA"}, 401, "UNAUTHORIZED"),
        ({"Authorization": "Basic %%%"}, 401, "UNAUTHORIZED"),
        ({"Authorization": "Bearer AAAA"}, 401, "UNAUTHORIZED"),
        ({"Authorization": None}, 401, "UNAUTHORIZED"),
        ({"WM_MARKET": None}, 400, "INVALID_REQUEST_HEADER"),
        ({"WM_SVC.NAME": None}, 400, "INVALID_REQUEST_HEADER"),
    ],
)
async def test_tokens_are_given_for_the_right_credentials(
    open_sandbox: Open, changes: dict[str, Any], answered: int, code: str
) -> None:
    async with open_sandbox() as (_, talk):
        heard = await talk.log_in(**changes)
        assert heard.status == answered
        if code:
            assert heard.codes == [code]
        else:
            assert heard.json["token_type"] == "Bearer"
            assert heard.json["expires_in"] == 900


async def test_another_grant_is_refused(open_sandbox: Open) -> None:
    async with open_sandbox() as (_, talk):
        await talk.log_in()
        heard = await talk.send("POST", "/v3/token", b"grant_type=password", {"WM_SVC.NAME": "x"})
        assert heard.codes == ["INVALID_REQUEST_HEADER"]


@pytest.mark.parametrize(("answered", "code"), [(401, "UNAUTHORIZED"), (400, "INVALID_TOKEN")])
async def test_a_token_ends(open_sandbox: Open, answered: int, code: str) -> None:
    clock = [1_700_000_000.0]
    rules = AccessRules(expired_token_status=answered)
    async with open_sandbox(access=rules, arguments={"clock": lambda: clock[0]}) as (_, talk):
        assert (await talk.read()).status == 200
        detail = await talk.call("GET", "/v3/token/detail")
        assert detail.json["expire_at"] == 1_700_000_900_000
        clock[0] += 900
        heard = await talk.read()
        assert (heard.status, heard.codes) == (answered, [code])
        await talk.log_in()
        assert (await talk.read()).status == 200


async def test_limits_are_told_and_kept(open_sandbox: Open, dialect: str) -> None:
    tick, now = [0.0], time.time()
    options: dict[str, Any] = {"limits": {Kind.READ: Limit(per_minute=60, burst=2)}}
    clocks = {"tick": lambda: tick[0], "clock": lambda: now}
    async with open_sandbox(dialect=dialect, arguments=clocks, **options) as (sandbox, talk):
        heard = [await talk.read() for _ in range(3)]
        assert [each.status for each in heard] == [200, 200, 429]
        assert [each.headers["X-Current-Token-Count"] for each in heard] == ["1", "0", "0"]
        assert heard[2].codes == ["REQUEST_THRESHOLD_VIOLATED"]
        assert heard[2].headers["X-Next-Replenishment-Time"] == str(int(now * 1000) + 1000)
        tick[0] = 1.0
        assert (await talk.read()).status == 200
        assert "X-Current-Token-Count" not in (await talk.ship()).headers
        assert sandbox.counters.as_json()["throttled"] == 1


async def test_repeated_correlation_ids_are_counted(open_sandbox: Open) -> None:
    async with open_sandbox() as (sandbox, talk):
        talk.extra = {"WM_QOS.CORRELATION_ID": "b3261d2d-028a-4ef7-8602-633c23200af6"}
        await talk.read()
        await talk.read()
        assert sandbox.counters.repeated_correlation_ids == 1


@pytest.mark.parametrize(
    ("action", "answered", "charged"),
    [
        (Action.ERROR_500, 500, 0),
        (Action.ERROR_502, 502, 0),
        (Action.UNAVAILABLE, 503, 0),
        (Action.ERROR_504, 504, 0),
        (Action.ERROR_520, 520, 0),
        (Action.LOCKED, 423, 0),
        (Action.THROTTLED, 429, 0),
        (Action.FORBIDDEN, 403, 0),
        (Action.UNAUTHORISED, 401, 0),
        (Action.OUTAGE_400, 400, 0),
        (Action.ERRORS_200, 200, 0),
        (Action.REDIRECT, 307, 0),
        (Action.ERROR_500_AFTER, 500, 1),
        (Action.ERROR_504_AFTER, 504, 1),
        (Action.ERROR_520_AFTER, 520, 1),
        (Action.HTML, 200, 1),
        (Action.TRUNCATED, 200, 1),
        (Action.EMPTY, 200, 1),
        (Action.PARTIAL_ECHO, 200, 1),
        (Action.STALE_ANSWER, 200, 1),
        (Action.TRICKLE, 200, 1),
        (Action.SLOW, 200, 1),
        (Action.CANCEL_FIRST, 400, 0),
    ],
)
async def test_faults_answer_as_they_say(open_sandbox: Open, action: Action, answered: int, charged: int) -> None:
    fault = Rule(action=action, kind=Kind.SHIP, times=1, seconds=0)
    async with open_sandbox(faults=(fault,)) as (sandbox, talk):
        heard = await talk.ship()
        assert (heard.status, sandbox.state.units_charged) == (answered, charged)
        assert sandbox.faults.fired == {action: 1}


@pytest.mark.parametrize(
    ("action", "charged"),
    [(Action.RESET_BEFORE, 0), (Action.RESET_AFTER, 1), (Action.HANG, 0), (Action.HANG_AFTER, 1)],
)
async def test_connections_break_before_or_after(
    open_sandbox: Open, action: Action, charged: int, dialect: str
) -> None:
    fault = Rule(action=action, kind=Kind.SHIP, times=1, seconds=0)
    async with open_sandbox(dialect=dialect, faults=(fault,)) as (sandbox, talk):
        with pytest.raises(aiohttp.ClientConnectionError):
            await talk.ship()
        assert sandbox.state.units_charged == charged
        assert (await talk.read()).statuses == [("1", "Shipped" if charged else "Acknowledged", "1")]
        assert sandbox.counters.answers["ship"] == {"lost": 1}


async def test_a_late_commit_comes_after_its_lost_answer(open_sandbox: Open) -> None:
    waited: list[float] = []
    gate = asyncio.Event()

    async def sleep(seconds: float) -> None:
        waited.append(seconds)
        await gate.wait()

    fault = Rule(action=Action.LATE_COMMIT, kind=Kind.SHIP, times=1, seconds=7)
    async with open_sandbox(faults=(fault,), arguments={"sleep": sleep}) as (_, talk):
        with pytest.raises(aiohttp.ClientConnectionError):
            await talk.ship()
        assert (await talk.read()).statuses == [("1", "Acknowledged", "1")]
        gate.set()
        assert (await talk.read()).statuses == [("1", "Shipped", "1")]
        assert waited == [7]


async def test_what_is_to_be_committed_later_ends_with_the_sandbox(open_sandbox: Open) -> None:
    fault = Rule(action=Action.LATE_COMMIT, kind=Kind.SHIP, seconds=3600)
    async with open_sandbox(faults=(fault,)) as (sandbox, talk):
        with pytest.raises(aiohttp.ClientConnectionError):
            await talk.ship()
    assert sandbox.state.units_charged == 0


async def test_a_client_that_gives_up_leaves_nothing_behind(open_sandbox: Open) -> None:
    waiting, given_up = asyncio.Event(), asyncio.Event()

    async def sleep(_seconds: float) -> None:
        waiting.set()
        try:
            await asyncio.Event().wait()
        finally:
            given_up.set()

    fault = Rule(action=Action.HANG_AFTER, kind=Kind.SHIP, times=1)
    async with open_sandbox(faults=(fault,), arguments={"sleep": sleep}) as (sandbox, talk):
        await talk.log_in()
        update = asyncio.create_task(talk.ship())
        await waiting.wait()
        update.cancel()
        with pytest.raises(asyncio.CancelledError):
            await update
        await given_up.wait()
        assert (await talk.read()).statuses == [("1", "Shipped", "1")]
        assert sandbox.counters.answers["ship"] == {"lost": 1}
        assert sandbox.counters.at_once == 0


async def test_a_throttling_fault_tells_how_long_to_wait(open_sandbox: Open) -> None:
    fault = Rule(action=Action.THROTTLED, kind=Kind.READ, times=1, seconds=30)
    async with open_sandbox(faults=(fault,), arguments={"clock": lambda: 1_700_000_000.0}) as (_, talk):
        heard = await talk.read()
        assert heard.headers["X-Next-Replenishment-Time"] == "1700000030000"


async def test_faulty_answers_lie_as_they_should(open_sandbox: Open) -> None:
    wanted = {
        Action.PARTIAL_ECHO: [("1", "Shipped", "1")],
        Action.STALE_ANSWER: [("1", "Acknowledged", "1"), ("2", "Acknowledged", "1")],
    }
    for action, shown in wanted.items():
        async with open_sandbox(faults=(Rule(action=action, kind=Kind.SHIP),)) as (sandbox, talk):
            sandbox.state.add(order(PO, 1, 1))
            two = shipment(line("1"), line("2", status(tracking=tracking_info(OTHER_TRACKING))))
            assert (await talk.ship(two)).statuses == shown
            assert sandbox.state.units_charged == 2


async def test_a_token_can_go_wrong_too(open_sandbox: Open) -> None:
    faults = (Rule(action=Action.UNAVAILABLE, kind=Kind.TOKEN, times=1), Rule(action=Action.STALE_ANSWER, times=1))
    async with open_sandbox(faults=faults) as (_, talk):
        assert (await talk.log_in()).status == 503
        assert (await talk.log_in()).status == 200


async def test_an_address_in_use_is_said_in_a_sentence() -> None:
    async with Sandbox().serve() as url:
        port = int(url.rpartition(":")[2])
        with pytest.raises(UsageError, match=f"The sandbox cannot serve at 127.0.0.1:{port}"):
            async with Sandbox(Options(port=port)).serve():
                pass


async def test_it_serves_on_ipv6_too() -> None:
    async with Sandbox().serve("::1") as url:
        assert url.startswith("http://[::1]:")


async def test_it_serves_until_it_is_told_to_stop() -> None:
    stop = asyncio.Event()

    def ready(url: str) -> None:
        assert url.startswith("http://127.0.0.1:")
        stop.set()

    await serve(Options(), ready, stop=stop)
    assert stop.is_set()


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_process_s_sandbox(name: signal.Signals, capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(name)
    run_sandbox(Options(), ready=lambda _: signal.raise_signal(name))
    assert signal.getsignal(name) is before
    assert capsys.readouterr().out == ""


def test_where_there_is_no_uvloop_the_usual_loop_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.platform", "win32")
    assert _loop_factory() is None


def test_a_connection_that_is_gone_cannot_be_broken() -> None:
    gone = make_mocked_request("GET", "/")
    with patch.object(type(gone), "transport", None):
        assert _break(gone).status == 500


def test_the_ready_line_has_the_url(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("batch.sandbox.server.serve", _say_at_once)
    run_sandbox(Options())
    assert capsys.readouterr().out == "The sandbox is ready at http://127.0.0.1:1 (Ctrl-C ends it)\n"


async def _say_at_once(_options: Options, ready: Callable[[str], None], _marketplace: object) -> None:
    ready("http://127.0.0.1:1")
