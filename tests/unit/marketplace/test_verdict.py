from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.marketplace.call import Answer, Call, Kind, NoAnswer
from batch.marketplace.codes import CODES, MESSAGES
from batch.marketplace.orders import Parcel, ShippingUpdate
from batch.marketplace.verdict import Meaning, Verdict, read_verdict

if TYPE_CHECKING:
    from batch.marketplace.dialect import Dialect

SAMPLES = Path(__file__).parent / "samples"
EXPECTED: dict[str, dict[str, Any]] = tomllib.loads((SAMPLES / "expected.toml").read_text())
PURCHASE_ORDER = "309121065891123"
CUSTOMER_ORDER = "200012345678901"
BUYER = ("Tremblay", "Saint-", "6135550123", "relay.walmart.com", "J8X", "example.com", "555-0123")
FLAGS = (
    "fatal",
    "missing",
    "already_shipped",
    "over_shipped",
    "intent_to_cancel",
    "maybe_transient",
    "harmless",
)
PARCEL = Parcel(
    line_number="1",
    quantity=2,
    carrier="CPC",
    method_code="Standard",
    tracking_number="7035114477138472",
    shipped_at=1_700_100_000_000,
    ship_from_country="CA",
)
KINDS = [Kind.SHIP, Kind.EDIT, Kind.READ, Kind.ACKNOWLEDGE, Kind.FIND, Kind.TOKEN]


def call_of(kind: Kind) -> Call:
    return Call(
        kind=kind,
        method="POST",
        url="https://marketplace.example/v3/orders",
        purchase_order_id=PURCHASE_ORDER,
        customer_order_id=CUSTOMER_ORDER if kind is Kind.FIND else "",
    )


def called(dialect: Dialect, name: str) -> Call:
    packages = ("P1", "P1") if name == "packages" else ()
    update = ShippingUpdate(
        purchase_order_id=PURCHASE_ORDER, parcels=(PARCEL,) * max(1, len(packages)), shipment_numbers=packages
    )
    calls = {
        "ship": lambda: dialect.ship(update),
        "packages": lambda: dialect.ship(update),
        "read": lambda: dialect.read(PURCHASE_ORDER),
        "acknowledge": lambda: dialect.acknowledge(PURCHASE_ORDER),
        "find": lambda: dialect.find(CUSTOMER_ORDER),
    }
    return calls[name]()


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_every_captured_answer_means_what_stands_beside_it(name: str, dialect: Dialect) -> None:
    expected = EXPECTED[name]
    answer = Answer(int(name[:3]), {}, (SAMPLES / name).read_bytes())
    verdict = read_verdict(called(dialect, expected["call"]), answer)
    assert verdict.meaning == expected["meaning"]
    assert expected["says"] in verdict.reason
    assert [flag for flag in FLAGS if getattr(verdict, flag)] == expected.get("flags", [])
    assert verdict.wait == expected.get("wait", 0.0)
    assert list(verdict.lines) == expected.get("lines", list(verdict.lines))
    assert verdict.status == answer.status


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_no_verdict_tells_who_the_buyer_is(name: str, modern: Dialect) -> None:
    answer = Answer(int(name[:3]), {}, (SAMPLES / name).read_bytes())
    said = repr(read_verdict(called(modern, EXPECTED[name]["call"]), answer)) + repr(answer)
    assert not [word for word in BUYER if word in said]


def test_every_sample_has_its_meaning_beside_it() -> None:
    assert {path.name for path in SAMPLES.glob("[0-9]*")} == set(EXPECTED)


def test_every_documented_code_and_every_known_message_has_a_sample() -> None:
    texts = [(SAMPLES / name).read_text().lower() for name in EXPECTED]
    assert [code for code in CODES if not any(code.lower() in text for text in texts)] == []
    assert not [pattern.pattern for pattern, _ in MESSAGES if not any(pattern.search(text) for text in texts)]


@pytest.mark.parametrize("advice", [meant.advice for meant in (*CODES.values(), *(meant for _, meant in MESSAGES))])
def test_every_advice_is_a_sentence(advice: str) -> None:
    assert advice[0].isupper()
    assert advice.endswith(".")
    assert ".." not in advice


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_certainly_not_sent_may_be_sent_again(kind: Kind) -> None:
    verdict = read_verdict(call_of(kind), NoAnswer(sent=False, reason="the name cannot be looked up"))
    assert verdict.meaning is Meaning.UNAVAILABLE
    assert verdict.reason == "Nothing was sent: the name cannot be looked up."


@pytest.mark.parametrize(
    ("kind", "meaning"),
    [
        (Kind.SHIP, Meaning.UNKNOWN),
        (Kind.EDIT, Meaning.UNKNOWN),
        (Kind.ACKNOWLEDGE, Meaning.UNKNOWN),
        (Kind.READ, Meaning.UNAVAILABLE),
        (Kind.FIND, Meaning.UNAVAILABLE),
        (Kind.TOKEN, Meaning.UNAVAILABLE),
    ],
)
def test_a_lost_answer_is_unknown_for_what_changes_an_order(kind: Kind, meaning: Meaning) -> None:
    assert read_verdict(call_of(kind), NoAnswer(sent=True, reason="it broke")).meaning is meaning


def test_a_fresh_proof_is_worth_one_more_attempt_only_where_it_can_help() -> None:
    def renewable(name: str) -> bool:
        body = (SAMPLES / name).read_bytes()
        return read_verdict(call_of(Kind.SHIP), Answer(int(name[:3]), {}, body)).renewable

    assert renewable("401-unauthorized.json")
    assert renewable("400-invalid-token.json")
    assert not renewable("403-forbidden.json")
    assert not renewable("429-threshold.json")


def test_an_order_that_is_further_on_needs_no_acknowledging() -> None:
    answer = Answer(400, {}, (SAMPLES / "400-higher-status.json").read_bytes())
    assert read_verdict(call_of(Kind.ACKNOWLEDGE), answer).done
    assert not read_verdict(call_of(Kind.SHIP), answer).done


def errors_of(*errors: dict[str, Any]) -> bytes:
    return json.dumps({"errors": {"error": list(errors)}}).encode()


@pytest.mark.parametrize(
    ("codes", "meaning"),
    [
        (("INVALID_REQUEST_CONTENT", "SYSTEM_ERROR"), Meaning.UNKNOWN),
        (("INVALID_REQUEST_CONTENT", "UNAUTHORIZED"), Meaning.UNAUTHORISED),
        (("REQUEST_THRESHOLD_VIOLATED", "INVALID_REQUEST_CONTENT"), Meaning.THROTTLED),
        (("RESOURCE_IS_LOCKED", "INVALID_REQUEST_CONTENT"), Meaning.UNAVAILABLE),
        (("INVALID_REQUEST_CONTENT", "CONTENT_NOT_FOUND"), Meaning.REFUSED),
    ],
)
def test_the_gravest_of_several_errors_decides(codes: tuple[str, ...], meaning: Meaning) -> None:
    body = errors_of(*({"code": code, "description": "no"} for code in codes))
    verdict = read_verdict(call_of(Kind.SHIP), Answer(400, {}, body))
    assert verdict.meaning is meaning
    assert verdict.codes == codes


def test_an_acknowledge_is_harmless_only_where_all_errors_are() -> None:
    further_on, other = {"code": "INVALID_REQUEST_CONTENT", "description": "qty in higher status"}, {"code": "NEW"}
    verdict = read_verdict(call_of(Kind.ACKNOWLEDGE), Answer(400, {}, errors_of(further_on, other)))
    assert not verdict.harmless


def test_hundreds_of_errors_make_a_reason_that_can_be_read() -> None:
    errors = [
        {"code": "INVALID_REQUEST_CONTENT", "description": f"line {number} is in SHIPPED status"} for number in range(9)
    ]
    reason = read_verdict(call_of(Kind.SHIP), Answer(400, {}, errors_of(*errors))).reason
    assert reason.startswith("Line 0: It is shipped already")
    assert reason.endswith(" And 6 more.")


def test_the_servers_words_are_quoted_without_what_may_be_a_secret() -> None:
    words = "token " + "eyJ0" * 20 + " is " + "too long " * 60
    reason = read_verdict(call_of(Kind.SHIP), Answer(400, {}, errors_of({"code": "NEW", "description": words}))).reason
    assert "eyJ0" not in reason
    assert 'says: "token … is too long' in reason
    assert len(reason) < 300


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "errors",
                    "error",
                    "code",
                    "description",
                    "order",
                    "list",
                    "elements",
                    "purchaseOrderId",
                    "orderLines",
                    "orderLine",
                    "lineNumber",
                    "severity",
                    "causes",
                    "field",
                    "x",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)
statuses = st.sampled_from(
    [100, 200, 202, 206, 301, 400, 401, 403, 404, 409, 423, 429, 500, 503, 520, 600]
) | st.integers(0, 999)


def check_sanity(call: Call, verdict: Verdict) -> None:
    """What holds of every verdict, whatever the bytes were."""
    if verdict.meaning is Meaning.ACCEPTED and call.kind is not Kind.FIND:
        assert verdict.order
        assert verdict.order.purchase_order_id == call.purchase_order_id
        assert verdict.order.lines
        assert 200 <= verdict.status < 300
    if verdict.meaning is Meaning.UNKNOWN:
        assert call.changes
    if verdict.meaning is not Meaning.ACCEPTED:
        assert verdict.reason
    assert verdict.reason.isprintable()


@given(st.sampled_from(KINDS), statuses, st.binary(max_size=200))
def test_arbitrary_bytes_never_raise_and_are_never_accepted(kind: Kind, status: int, body: bytes) -> None:
    verdict = read_verdict(call_of(kind), Answer(status, {}, body))
    check_sanity(call_of(kind), verdict)
    assert not verdict.done or kind is Kind.FIND


@given(st.sampled_from(KINDS), statuses, json_values)
def test_arbitrary_json_never_raises_and_is_never_wrongly_accepted(kind: Kind, status: int, value: object) -> None:
    try:
        body = json.dumps(value).encode()
    except UnicodeEncodeError:
        body = b""
    check_sanity(call_of(kind), read_verdict(call_of(kind), Answer(status, {}, body)))


@given(
    st.sampled_from(sorted(EXPECTED)),
    st.sampled_from(KINDS),
    statuses,
    st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 40), st.binary(max_size=8)), max_size=4),
)
def test_mutated_real_answers_never_raise_and_are_never_wrongly_accepted(
    name: str, kind: Kind, status: int, cuts: list[tuple[int, int, bytes]]
) -> None:
    body = (SAMPLES / name).read_bytes()
    for start, length, inserted in cuts:
        body = body[:start] + inserted + body[start + length :]
    check_sanity(call_of(kind), read_verdict(call_of(kind), Answer(status, {}, body)))


@given(st.sampled_from([name for name in EXPECTED if "shipped" in name]), st.integers(0, 4000))
def test_a_truncated_order_is_never_accepted(name: str, length: int) -> None:
    body = (SAMPLES / name).read_bytes().rstrip()
    if length >= len(body):
        return
    assert read_verdict(call_of(Kind.SHIP), Answer(200, {}, body[:length])).meaning is not Meaning.ACCEPTED
