from __future__ import annotations

import pytest

from batch.sandbox.refusals import Refusal
from batch.sandbox.routes import Kind, Route, find_route


@pytest.mark.parametrize(
    ("method", "path", "route"),
    [
        ("POST", "/v3/token", Route(kind=Kind.TOKEN)),
        ("GET", "/v3/token/detail", Route(kind=Kind.TOKEN, verb="detail")),
        ("GET", "/v3/orders", Route(kind=Kind.FIND)),
        ("GET", "/v3/ca/orders", Route(kind=Kind.FIND, legacy=True)),
        ("GET", "/v3/ca/orders/released", Route(kind=Kind.FIND, legacy=True, verb="released")),
        ("GET", "/v3/ca/orders/wfs", Route(kind=Kind.FIND, legacy=True, verb="wfs")),
        ("GET", "/v3/orders/1%2F2", Route(kind=Kind.READ, purchase_order_id="1/2")),
        (
            "POST",
            "/v3/ca/orders/1/acknowledge",
            Route(kind=Kind.ACKNOWLEDGE, legacy=True, purchase_order_id="1", verb="acknowledge"),
        ),
        ("POST", "/v3/orders/1/shipping", Route(kind=Kind.SHIP, purchase_order_id="1", verb="shipping")),
        (
            "POST",
            "/v3/orders/1/multiPackageShipping",
            Route(kind=Kind.SHIP, purchase_order_id="1", verb="multiPackageShipping"),
        ),
        ("POST", "/v3/orders/1/cancel", Route(kind=Kind.CANCEL, purchase_order_id="1", verb="cancel")),
    ],
)
def test_paths_of_both_dialects_are_known(method: str, path: str, route: Route) -> None:
    assert find_route(method, path) == route


def test_an_edit_is_known_by_its_mode() -> None:
    assert find_route("POST", "/v3/orders/1/shipping", b'{"processMode":"PARTIAL_UPDATE"}').kind is Kind.EDIT


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/v3/orders/", 404),
        ("GET", "/v3/orders//shipping", 404),
        ("POST", "/v3/orders/1/refund", 404),
        ("POST", "/v3/ca/token", 404),
        ("GET", "/v3/ca/token/detail", 404),
        ("GET", "/v4/orders", 404),
        ("GET", "/v3/orders/1/shipping", 405),
        ("POST", "/v3/orders/1", 405),
        ("GET", "/v3/token", 405),
    ],
)
def test_other_paths_and_methods_are_refused(method: str, path: str, status: int) -> None:
    with pytest.raises(Refusal) as refused:
        find_route(method, path)
    assert refused.value.status == status
