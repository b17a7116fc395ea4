from __future__ import annotations

from batch.marketplace.global_api import GlobalApi
from batch.marketplace.verdict import Meaning, Verdict
from batch.outcomes import Outcome
from batch.submit.looking import reading_of, shown_by
from tests.unit.submit.saying import shown

ORDER = shown("1: 1 open")
OTHER = shown("1: 1 open", purchase_order_id="2")
BY_WALMART = shown("1: 1 open", purchase_order_id="", fulfilled_by_walmart=True)


def found(*orders: object) -> Verdict:
    return Verdict(meaning=Meaning.ACCEPTED, orders=orders)  # type: ignore[arg-type]


def test_an_order_is_asked_for_by_its_number_else_by_the_customer_orders() -> None:
    dialect = GlobalApi(base_url="http://127.0.0.1", client_id="me", client_secret="hush")
    assert reading_of(dialect, "1", "C1") == dialect.read("1")
    assert reading_of(dialect, "", "C1") == dialect.find("C1")


def test_an_order_that_is_shown_is_the_one() -> None:
    assert shown_by(Verdict(meaning=Meaning.ACCEPTED, order=ORDER)).order is ORDER
    assert shown_by(found(ORDER)).order is ORDER
    assert shown_by(found(BY_WALMART, ORDER)).order is ORDER
    assert shown_by(found(BY_WALMART, BY_WALMART)).order is BY_WALMART


def test_an_order_that_is_not_there_is_missing() -> None:
    for verdict in (Verdict(meaning=Meaning.REFUSED, missing=True), found()):
        assert (shown_by(verdict).missing, shown_by(verdict).account_is_right) == (True, False)


def test_several_purchase_orders_are_for_a_person_to_choose_from() -> None:
    several = shown_by(found(ORDER, OTHER))
    assert several.end is not None
    assert (several.end.outcome, several.account_is_right) == (Outcome.HELD, True)
    assert "several purchase orders (1, 2)" in several.end.reason


def test_a_reading_that_is_refused_says_why() -> None:
    refused = shown_by(Verdict(meaning=Meaning.REFUSED, reason="check the number"))
    assert refused.end is not None
    assert (refused.end.outcome, refused.end.reason) == (Outcome.REFUSED, "check the number")
    assert not refused.account_is_right
