from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batch.journal.claims import claims_of, units_by_parcel
from batch.journal.entries import Begin, Claim, Part
from batch.journal.states import LEGAL, OPEN, State
from batch.marketplace.orders import Parcel
from batch.outcomes import Outcome
from tests.unit.journal.making import HELD, NOW, SELLER, SHIPPED, begin, change, number_of, parcel, plan, planned, send

if TYPE_CHECKING:
    from batch.journal.journal import Journal

ORDER = "309121065891123"
FIRST, OTHER = parcel(tracking="1Z999AA10123456784"), parcel(tracking="1Z999AA10123456785")
SECOND_LINE = parcel("2", "1Z999AA10123456786")


@pytest.fixture
def orders(journal: Journal) -> list[int]:
    """Return three orders on one purchase order: what the file said of it at three times."""
    return plan(journal, planned(ORDER, FIRST), planned(ORDER, OTHER), planned(ORDER, FIRST, SECOND_LINE))


def _claims(journal: Journal, seller: str = SELLER) -> list[Claim]:
    with journal.database.reading() as connection:
        return claims_of(connection, seller, [ORDER]).get(ORDER, [])


def _holders(journal: Journal) -> dict[tuple[str, str], int]:
    return {(one.line_number, one.parcel): one.order for one in _claims(journal)}


def test_an_update_claims_its_parcels_before_it_leaves(journal: Journal, run: int, orders: list[int]) -> None:
    assert send(journal, orders[0], run, parcel(quantity=2)) == ()

    assert _claims(journal) == [Claim("1", FIRST.key, 2, orders[0], State.SENDING, NOW)]


@pytest.mark.parametrize("to", [State.SENDING, State.UNKNOWN, State.SHIPPED, State.ALREADY_SHIPPED, State.HELD])
def test_a_parcel_that_may_have_been_sent_is_nobody_elses(
    journal: Journal, run: int, orders: list[int], to: State
) -> None:
    send(journal, orders[0], run, FIRST)
    if to is not State.SENDING:
        journal.apply([change(orders[0], to)])

    against = send(journal, orders[2], run, FIRST, SECOND_LINE)

    assert [(one.order, one.state) for one in against] == [(orders[0], to)]
    assert journal.load([orders[2]])[0].state is State.PLANNED
    assert _holders(journal) == {("1", FIRST.key): orders[0]}


@pytest.mark.parametrize("to", [State.PLANNED, State.REFUSED])
def test_a_parcel_of_which_nothing_was_done_is_free_again(
    journal: Journal, run: int, orders: list[int], to: State
) -> None:
    send(journal, orders[0], run, FIRST)
    journal.apply([change(orders[0], to)])

    assert _claims(journal) == []
    assert send(journal, orders[2], run, FIRST, SECOND_LINE) == ()


def test_an_update_that_settling_shows_to_be_undone_frees_its_parcels(
    journal: Journal, run: int, orders: list[int]
) -> None:
    send(journal, orders[0], run, FIRST)
    journal.apply([change(orders[0], State.UNKNOWN)])
    journal.apply([change(orders[0], State.PLANNED)])

    assert _claims(journal) == []


@pytest.mark.parametrize("to", OPEN)
def test_another_parcel_of_the_same_line_waits_until_the_first_is_settled(
    journal: Journal, run: int, orders: list[int], to: State
) -> None:
    """Else a corrected tracking number would go beside an update that may still come true."""
    send(journal, orders[0], run, FIRST)
    if to is State.UNKNOWN:
        journal.apply([change(orders[0], to)])

    assert [one.order for one in send(journal, orders[1], run, OTHER)] == [orders[0]]


def test_another_parcel_of_the_same_line_goes_once_the_first_is_shipped(
    journal: Journal, run: int, orders: list[int]
) -> None:
    send(journal, orders[0], run, FIRST)
    journal.apply([change(orders[0], State.SHIPPED)])

    assert send(journal, orders[1], run, OTHER) == ()


def test_a_parcel_of_another_line_goes_at_any_time(journal: Journal, run: int, orders: list[int]) -> None:
    send(journal, orders[0], run, FIRST)

    assert send(journal, orders[2], run, SECOND_LINE) == ()


def test_a_line_is_the_same_however_many_zeros_lead(journal: Journal, run: int, orders: list[int]) -> None:
    send(journal, orders[0], run, parcel("01"))

    assert [one.line_number for one in send(journal, orders[2], run, parcel("1"))] == ["1"]


def test_a_tracking_number_is_the_same_however_it_is_written(journal: Journal, run: int, orders: list[int]) -> None:
    send(journal, orders[0], run, parcel(tracking="1z 999-aa10123456784"))

    assert send(journal, orders[2], run, FIRST)


def test_another_sellers_parcels_are_another_matter(journal: Journal, run: int, orders: list[int]) -> None:
    send(journal, orders[0], run, FIRST)
    [theirs] = plan(journal, planned(ORDER, FIRST), seller="seller-2")

    assert send(journal, theirs, run, FIRST, seller="seller-2") == ()
    assert [one.order for one in _claims(journal, "seller-2")] == [theirs]


def test_of_two_updates_in_one_block_the_first_has_the_parcel(journal: Journal, run: int, orders: list[int]) -> None:
    against = journal.apply([begin(orders[0], run, FIRST), begin(orders[2], run, FIRST, SECOND_LINE)])

    assert [[one.order for one in claims] for claims in against] == [[], [orders[0]]]
    assert _holders(journal) == {("1", FIRST.key): orders[0]}


def test_an_order_may_send_again_what_it_claimed_itself(journal: Journal, run: int, orders: list[int]) -> None:
    send(journal, orders[0], run, parcel(quantity=3))
    journal.apply([change(orders[0], State.HELD)])
    journal.plan(SELLER, [planned(ORDER, FIRST)], NOW)  # dropped again

    assert send(journal, orders[0], run, parcel(quantity=2)) == ()
    assert [(one.order, one.quantity) for one in _claims(journal)] == [(orders[0], 2)]


def test_what_was_shipped_of_a_held_order_stays_claimed_and_counts_as_shipped(
    journal: Journal, run: int, orders: list[int]
) -> None:
    send(journal, orders[2], run, FIRST, SECOND_LINE)
    journal.apply([change(orders[2], State.HELD, parts=(SHIPPED, None))])

    assert [(one.parcel, one.state) for one in _claims(journal)] == [
        (FIRST.key, State.SHIPPED),
        (SECOND_LINE.key, State.HELD),
    ]

    journal.decide(
        orders[2], decision="drop", user="kim", note="Lost.", change=change(orders[2], State.DROPPED, "Lost.")
    )
    assert [(one.parcel, one.state) for one in _claims(journal)] == [(FIRST.key, State.SHIPPED)]


def test_what_was_shipped_stays_claimed_when_the_rest_is_refused(journal: Journal, run: int, orders: list[int]) -> None:
    """As of a parcel that was held with its row and went later."""
    order = orders[2]
    send(journal, order, run, FIRST, parts=(0,), ended=(None, HELD))
    journal.apply([change(order, State.SHIPPED)])  # so the order is held
    journal.plan(SELLER, [planned(ORDER, FIRST, SECOND_LINE)], NOW)
    send(journal, order, run, SECOND_LINE, parts=(1,), ended=(Part(Outcome.SHIPPED, ""), None))
    journal.apply([change(order, State.REFUSED)])

    assert [(one.parcel, one.state) for one in _claims(journal)] == [(FIRST.key, State.SHIPPED)]


def test_a_person_who_has_it_sent_again_frees_what_it_claimed(journal: Journal, run: int, orders: list[int]) -> None:
    send(journal, orders[0], run, FIRST)
    journal.apply([change(orders[0], State.UNKNOWN)])

    journal.decide(orders[0], decision="send", user="kim", note="Not there.", change=change(orders[0], State.PLANNED))

    assert _claims(journal) == []


def test_units_of_one_parcel_add_up() -> None:
    lettermail = Parcel(line_number="2", carrier="Canada Post", quantity=1)

    assert units_by_parcel([parcel(quantity=2), parcel(quantity=3), lettermail]) == {
        ("1", FIRST.key): 5,
        ("2", "CANADA POST"): 1,
    }


# One or two of the lines with one of the numbers each, as a file may say of an order at one time.
SAID = st.dictionaries(st.sampled_from(["1", "2"]), st.sampled_from([FIRST, OTHER]), min_size=1)
STEPS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["send", *State])), max_size=25)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=st.lists(SAID, min_size=4, max_size=4), steps=STEPS)
def test_a_parcel_that_may_have_been_sent_never_has_two_holders(
    journal: Journal, run: int, said: list[dict[str, Parcel]], steps: list[tuple[int, str]]
) -> None:
    seller = f"seller-{number_of('orders', journal)}"
    contents = [tuple(parcel(line, one.tracking_number) for line, one in lines.items()) for lines in said]
    orders = [plan(journal, planned(ORDER, *content), seller=seller)[0] for content in contents]
    sent: dict[tuple[str, str], set[int]] = {}  # by parcel: orders whose update has left and may come true

    for which, step in steps:
        order, content = orders[which], contents[which]
        was = journal.load([order])[0].state
        keys = [(one.line_number, one.key) for one in content]
        if step == "send":
            if was is State.PLANNED and not send(journal, order, run, *content, seller=seller):
                for key in keys:
                    sent.setdefault(key, set()).add(order)
        elif was in LEGAL[State(step)] and step != State.SENDING:
            journal.apply([change(order, State(step))])
            if was in OPEN and step in (State.PLANNED, State.REFUSED):
                for key in keys:
                    sent[key].discard(order)

    assert all(len(holders) <= 1 for holders in sent.values())
    held = {(one.line_number, one.parcel): {one.order} for one in _claims(journal, seller)}
    assert {key: holders for key, holders in sent.items() if holders} == held


def test_claiming_takes_updates_only(journal: Journal, run: int, orders: list[int]) -> None:
    acknowledge = Begin(order=orders[0], seller=SELLER, run=run, kind="acknowledge", correlation_id="call-a", at=NOW)

    assert journal.apply([acknowledge]) == [()]
    assert _claims(journal) == []
