"""The fault scenarios in which a process dies at a bad moment, or the marketplace answers badly or not at all."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from batch.crashpoints import KILLED, Step
from batch.sandbox import Moment, Options, Rules, ThrottleHeaders
from tests.faults.checker import check
from tests.faults.ordeal import begun_ordeal
from tests.faults.parcels import orders, purchase_order

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from tests.faults.ordeal import Ordeal
    from tests.ran import Ran

SHIP = {"kind": "ship"}
DAYS = 86_400  # seconds


def dropped(ordeal: Ordeal, count: int) -> Path:
    """Drop a file of so many orders, all of which the marketplace knows."""
    file = ordeal.write("orders.csv", *orders(count))
    ordeal.fill(file)
    return file


def all_shipped(ordeal: Ordeal, ran: Ran) -> bool:
    return set(ordeal.outcomes(ran).values()) == {"shipped"}


def test_01_killed_after_the_server_accepted_and_before_that_is_on_record(either: Ordeal) -> None:
    file = dropped(either, 1)
    died = either.does("run", file, crash_at=f"{Step.ANSWER_CAME} 1")
    assert (died.code, either.requests["ship"]) == (KILLED, 1)
    resumed = either.does("resume", "--json")
    assert (resumed.code, either.requests["ship"]) == (0, 1)
    assert all_shipped(either, resumed)
    assert "confirmed by reading the order" in either.orders(resumed)[0]["note"]
    check(either, file, orders=1)


def test_02_killed_after_sending_is_on_record_and_before_a_byte_leaves(either: Ordeal) -> None:
    file = dropped(either, 1)
    died = either.does("run", file, crash_at=f"{Step.CALL_LEAVES} 1")
    assert (died.code, either.requests.get("ship")) == (KILLED, None)
    resumed = either.does("resume", "--json")
    assert (resumed.code, either.requests["ship"]) == (0, 1)
    story = either.does("order", purchase_order(0)).out
    assert (story.count("ship: "), story.count("ship: no answer on record")) == (2, 1)
    check(either, file, orders=1)


def go_wrong_once_each(ordeal: Ordeal, faults: Sequence[Mapping[str, object]]) -> Path:
    """Drop as many orders as there are faults; each order's first update meets its own."""
    file = dropped(ordeal, len(faults))
    ordeal.goes_wrong(
        *({"match": {**SHIP, "po": purchase_order(n)}, "times": 1, **fault} for n, fault in enumerate(faults))
    )
    return file


def updates(ordeal: Ordeal) -> dict[str, int]:
    """Return how many updates came for each order."""
    return Counter(one.purchase_order_id for one in ordeal.sandbox.counters.log if one.kind == "ship")


LOST: Sequence[tuple[Mapping[str, object], int]] = (
    ({"do": "reset-after"}, 1),
    ({"do": "hang-after", "seconds": 1.5}, 1),
    ({"do": "late-commit", "seconds": 0.7}, 1),
    ({"do": "slow", "seconds": 0.6}, 1),
    ({"do": "trickle", "seconds": 3}, 1),
    ({"do": "reset-before"}, 2),
    ({"do": "hang", "seconds": 1.5}, 2),
)


def test_03_answer_lost_to_a_reset_a_timeout_or_a_late_commit(either: Ordeal) -> None:
    either.write_settings(timeout=1, settle_time=1.5)
    file = go_wrong_once_each(either, [fault for fault, _ in LOST])
    ran = either.does("run", file, "--json")
    assert ran.code == 0
    assert updates(either) == {purchase_order(n): sent for n, (_, sent) in enumerate(LOST)}
    assert all_shipped(either, ran)
    check(either, file, orders=len(LOST), faults=len(LOST))


def test_03_answer_lost_and_no_reading_to_be_had_stays_unknown_until_there_is(either: Ordeal) -> None:
    either.write_settings(preflight=False, settle_time=0.3)
    file = dropped(either, 3)
    either.goes_wrong(
        {"match": SHIP, "do": "reset-after", "times": 3}, {"match": {"kind": "read", "every": 1}, "do": "503"}
    )
    ran = either.does("run", file, "--for", "2s", "--json")
    assert (ran.code, set(either.outcomes(ran).values())) == (5, {"unknown"})
    assert "resume" in "".join(either.reasons(ran)) + ran.err
    either.goes_wrong()
    either.resume_until_ended()
    assert either.requests["ship"] == 3
    check(either, file, orders=3, faults=3)


def test_04_success_that_cannot_be_read_or_tells_only_half_is_looked_up(either: Ordeal) -> None:
    faults = [{"do": fault} for fault in ("html", "empty", "partial-echo", "truncated", "stale-answer", "partial-echo")]
    file = go_wrong_once_each(either, faults)
    ran = either.does("run", file, "--json")
    assert (ran.code, set(updates(either).values())) == (0, {1})
    assert all_shipped(either, ran)
    check(either, file, orders=len(faults), faults=len(faults))


def test_04_success_with_errors_inside_is_a_refusal_with_its_reason(either: Ordeal) -> None:
    file = dropped(either, 2)
    either.goes_wrong({"match": {**SHIP, "po": purchase_order(1), "every": 1}, "do": "errors-200"})
    ran = either.does("run", file, "--json")
    assert ran.code == 1
    assert either.outcomes(ran) == {purchase_order(0): "shipped", purchase_order(1): "refused"}
    assert any("could not be processed" in reason for reason in either.reasons(ran))
    check(either, file, orders=2)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        (ThrottleHeaders(), 0.4),
        (ThrottleHeaders(moment=Moment.SECONDS, retry_after=True), 0.2),
        (ThrottleHeaders(moment=Moment.RELATIVE), 0.4),
        (ThrottleHeaders(), -DAYS),
        (ThrottleHeaders(), 3 * DAYS),
        (ThrottleHeaders(told=False), 0.4),
    ],
    ids=["ms", "retry-after", "relative", "past", "3 days ahead", "no header"],
)
def test_05_throttled_with_whatever_header(tmp_path: Path, key: Path, headers: ThrottleHeaders, seconds: float) -> None:
    """Waiting is no attempt: one is all there is here, and yet all goes well."""
    options = Options(rules=Rules(refuse_reship=False), throttle_headers=headers)
    with begun_ordeal(tmp_path, key=key, options=options, attempts=1) as ordeal:
        file = dropped(ordeal, 3)
        ordeal.goes_wrong({"match": {**SHIP, "nth": 2}, "do": "429", "seconds": max(0, seconds)})
        ordeal.sandbox.faults.rules[0].seconds = seconds
        ran = ordeal.does("run", file, "--json", "--for", "20s")
        assert (ran.code, ran.summary["requests"]["throttled"]) == (0, 1)
        check(ordeal, file, orders=3)


def test_05_throttled_all_workers_wait_together(either: Ordeal) -> None:
    file = dropped(either, 12)
    either.write_settings(workers=4, rate={"ship": 2400, "acknowledge": 0, "read": 0})
    either.goes_wrong({"match": {**SHIP, "nth": 3}, "do": "429", "seconds": 1})
    ran = either.does("run", file, "--json")
    assert ran.code == 0
    came = [one for one in either.sandbox.counters.log if one.kind == "ship"]
    pause = next(one.at for one in came if one.answer == "429")
    between = [one.at - pause for one in came if 200 < one.at - pause < 950]
    assert between == []
    check(either, file, orders=12)


def test_05_throttled_past_the_deadline_the_rest_waits_for_the_next_run(either: Ordeal) -> None:
    file = dropped(either, 4)
    either.goes_wrong({"match": {**SHIP, "every": 1}, "do": "429", "seconds": 60})
    ran = either.does("run", file, "--for", "1s", "--json")
    assert (ran.code, set(either.outcomes(ran).values())) == (4, {"not_attempted"})
    either.goes_wrong()
    either.resume_until_ended()
    check(either, file, orders=4, faults=0)


OUTAGES = {"500": 2, "502": 2, "503": 2, "504": 2, "520": 2, "500-after": 1, "504-after": 1, "520-after": 1}


def test_06_outage_in_the_midst_is_looked_up_before_anything_is_sent_again(either: Ordeal) -> None:
    file = go_wrong_once_each(either, [{"do": fault} for fault in OUTAGES])
    ran = either.does("run", file, "--json")
    assert ran.code == 0
    assert updates(either) == {purchase_order(n): OUTAGES[fault] for n, fault in enumerate(OUTAGES)}
    assert all_shipped(either, ran)
    check(either, file, orders=8, faults=8)


def test_06_outage_without_end_stops_the_run_and_leaves_the_rest_alone(either: Ordeal) -> None:
    file = dropped(either, 12)
    either.write_settings(outages=3, workers=1)
    either.goes_wrong({"match": {**SHIP, "every": 1}, "do": "503"})
    ran = either.does("run", file, "--json")
    assert ran.code == 5
    assert "calls in a row failed" in ran.err
    assert either.requests["ship"] == 3
    assert sorted(either.outcomes(ran).values()) == ["not_attempted"] * 9 + ["unknown"] * 3
    either.goes_wrong()
    either.resume_until_ended()
    check(either, file, orders=12, faults=3)


def test_06_outage_no_connection_at_all_touches_no_order(either: Ordeal) -> None:
    file = dropped(either, 3)
    either.write_settings(outages=3)
    away = dataclasses.replace(either, url="http://127.0.0.1:9")
    away.write_settings(outages=3)
    ran = either.does("run", file, "--json")
    assert (ran.code, set(either.outcomes(ran).values())) == (4, {"not_attempted"})
    assert "cannot be reached" in ran.err
    either.write_settings()
    either.resume_until_ended()
    check(either, file, orders=3, faults=0)


def test_07_token_expires_in_mid_run_and_is_fetched_once_for_all(ordeal: Ordeal) -> None:
    file = dropped(ordeal, 40)
    ordeal.write_settings(workers=32, rate={"ship": 1200, "acknowledge": 0, "read": 0})
    running = ordeal.begin("run", file, "--json")
    ordeal.until(lambda: ordeal.requests.get("ship", 0) >= 5)
    ordeal.expire_tokens()
    ran = ordeal.ended(running)
    assert (ran.code, ordeal.requests["token"]) == (0, 2)
    assert all_shipped(ordeal, ran)
    check(ordeal, file, orders=40, faults=0)


def test_07_token_refused_once_is_tried_once_more(either: Ordeal) -> None:
    file = dropped(either, 5)
    either.goes_wrong({"match": {**SHIP, "nth": 3}, "do": "unauthorised"})
    ran = either.does("run", file, "--json")
    assert (ran.code, either.requests["ship"]) == (0, 6)
    check(either, file, orders=5)


def test_07_credentials_revoked_end_the_run_and_refuse_no_order(either: Ordeal) -> None:
    file = dropped(either, 5)
    either.goes_wrong({"match": {**SHIP, "every": 1}, "do": "unauthorised"})
    ran = either.does("run", file, "--json")
    assert (ran.code, set(either.outcomes(ran).values())) == (6, {"not_attempted"})
    assert either.units_charged == {}
    either.goes_wrong()
    either.resume_until_ended()
    check(either, file, orders=5)


def test_07_credentials_refused_from_the_start_send_nothing(either: Ordeal) -> None:
    file = dropped(either, 3)
    either.goes_wrong({"match": {"every": 1}, "do": "unauthorised"})
    ran = either.does("run", file, "--json")
    assert (ran.code, either.changes_asked) == (6, 0)
    assert set(either.outcomes(ran).values()) == {"not_attempted"}
    either.goes_wrong()
    either.resume_until_ended()
    check(either, file, orders=3)
