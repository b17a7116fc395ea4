from __future__ import annotations

from xml.etree import ElementTree as ET

import orjson
import pytest

from batch.sandbox.refusals import (
    HTML,
    JSON,
    XML,
    Complaint,
    Envelope,
    Refusal,
    header_refused,
    outage_400,
    render,
    throttled,
    unauthorised,
)

TWO = Refusal(
    400,
    Complaint(code="INVALID_REQUEST_CONTENT.GMP_ORDER_API", description="A & B", field="methodCode"),
    Complaint(code="INVALID_REQUEST_CONTENT.GMP_ORDER_API", description="C"),
)


def test_the_order_component_wraps_its_errors_twice() -> None:
    body, content_type = render(TWO)
    assert content_type == JSON
    assert orjson.loads(body)["errors"]["error"][0] == {
        "code": "INVALID_REQUEST_CONTENT.GMP_ORDER_API",
        "field": "methodCode",
        "description": "A & B",
        "info": "Request content is invalid.",
        "severity": "ERROR",
        "category": "DATA",
        "causes": [],
        "errorIdentifiers": {"entry": []},
    }
    assert len(orjson.loads(body)["errors"]["error"]) == 2


@pytest.mark.parametrize("refusal", [unauthorised(), throttled(), header_refused("WM_SVC.NAME")])
def test_the_gateway_wraps_them_once(refusal: Refusal) -> None:
    error = orjson.loads(render(refusal)[0])["error"][0]
    assert error["errorIdentifiers"] == {}
    assert error["code"].endswith(".GMP_GATEWAY_API")


def test_the_newer_documents_show_a_flat_list() -> None:
    assert orjson.loads(render(TWO, Envelope.FLAT)[0])["errors"][1] == {
        "code": "INVALID_REQUEST_CONTENT",
        "message": "C",
        "category": "DATA",
        "severity": "ERROR",
        "field": "data",
    }


def test_xml_is_well_formed_and_in_its_namespace() -> None:
    body, content_type = render(TWO, Envelope.XML)
    assert content_type == XML
    root = ET.fromstring(body)  # noqa: S314 - our own
    assert root.tag == "{http://walmart.com/}errors"
    assert [each.text for each in root.iter("{http://walmart.com/}description")] == ["A & B", "C"]


def test_converted_answers_have_a_single_error() -> None:
    assert orjson.loads(render(TWO, Envelope.SINGLE)[0])["errors"]["error"]["description"] == "A & B"


def test_the_edge_answers_with_a_page() -> None:
    body, content_type = render(TWO, Envelope.HTML)
    assert content_type == HTML
    assert b"<title>Access Denied</title>" in body


def test_the_outage_s_vague_400_is_the_captured_one() -> None:
    (complaint,) = outage_400().complaints
    assert (complaint.code, complaint.field, complaint.description, complaint.info) == (
        "INVALID_REQUEST.GMP_ORDER_API",
        "data",
        "Invalid Request",
        "Request invalid.",
    )
