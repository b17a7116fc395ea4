from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.marketplace.answer import read_document, read_errors, read_order
from batch.marketplace.usual import usual_order

SAMPLES = Path(__file__).parent / "samples"
USUAL: dict[str, Any] = json.loads((SAMPLES / "200-shipped.json").read_text())
PURCHASE_ORDER = USUAL["order"]["purchaseOrderId"]

# What may stand anywhere in a document: usual values, unusual ones, and what is none at all.
ANYTHING = st.one_of(
    st.sampled_from(["", " ", "1", " 7 ", "WFS", "shipped", "Y", "false", "1700100000000", "2026-01-05T00:00:00Z"]),
    st.sampled_from([None, True, False, 0, 1, 1.0, 2.5, -1, 10**12, 10**25, 1_700_100_000_000, [], {}, ["1"]]),
    st.sampled_from([{"amount": "3"}, {"carrier": "UPS"}, {"orderLine": []}, {"type": "WFSFulfilled"}, [None]]),
).map(copy.deepcopy)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:  # noqa: ANN401 - any JSON
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path] * bool(path) + [place for name, below in items for place in places(below, (*path, name))]


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Give the usual answer with some of its members changed, left out, doubled or added."""
    document = copy.deepcopy(USUAL)
    for _ in range(draw(st.integers(0, 3))):
        if not (there := places(document)):
            break
        *above, name = draw(st.sampled_from(there))
        parent: Any = document
        for step in above:
            parent = parent[step]
        match draw(st.sampled_from(["other", "gone", "twice", "more"])):
            case "other":
                parent[name] = draw(ANYTHING)
            case "gone":
                del parent[name]
            case "twice":
                parent[name] = [parent[name]] * 2 if isinstance(parent, dict) else parent[name]
            case _:
                member = st.sampled_from(["errors", "error", "shipmentPackages", "intentToCancel", "shipNode", "item"])
                if isinstance(parent, dict):
                    parent[draw(member)] = draw(ANYTHING)
    return document


def test_the_usual_answer_is_read() -> None:
    assert usual_order(json.dumps(USUAL).encode(), PURCHASE_ORDER) == read_order(USUAL, PURCHASE_ORDER) is not None


@given(documents())
def test_whatever_is_read_as_usual_is_read_alike(document: dict[str, Any]) -> None:
    body = json.dumps(document).encode()
    if order := usual_order(body, PURCHASE_ORDER):
        read = read_document(body)
        assert order == read_order(read, PURCHASE_ORDER)
        assert not read_errors(read)


def changed(path: str, value: object) -> bytes:
    document = copy.deepcopy(USUAL)
    line = document["order"]["orderLines"]["orderLine"][0]
    *above, name = path.split(".")
    place: Any = {"order": document["order"], "line": line}
    for step in above:
        place = place[int(step)] if isinstance(place, list) else place[step]
    place[name] = value
    return json.dumps(document).encode()


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("line.lineNumber", " "),
        ("line.orderLineStatuses.orderLineStatus.0.status", ""),
        ("line.orderLineStatuses.orderLineStatus.0.statusQuantity.amount", "two"),
        ("line.orderLineQuantity.amount", "1234567890"),
        ("order.purchaseOrderId", ""),
        ("order.orderLines.orderLine", []),
        ("order.orderLines.orderLine", [USUAL["order"]["orderLines"]["orderLine"][0]] * 2),
    ],
)
def test_what_is_odd_about_an_order_is_left_to_others(path: str, value: object) -> None:
    assert usual_order(changed(path, value), PURCHASE_ORDER) is None


def test_the_order_of_another_id_is_not_ours() -> None:
    assert usual_order(json.dumps(USUAL).encode(), "1") is None


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"null",
        b"<order/>",
        b"\xff",
        b'{"order": {',
        b'{"order":' + b"[" * 100_000,
        b'{"order": null}',
        b"\xef\xbb\xbf{}",
    ],
)
def test_what_is_no_usual_answer_is_left_to_others(body: bytes) -> None:
    assert usual_order(body, PURCHASE_ORDER) is None
