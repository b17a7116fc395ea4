from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from batch.journal.entries import (
    content_of,
    kept,
    parcels_from,
    parts_from,
    sent_as,
    sent_from,
    to_json,
)
from batch.marketplace.orders import Parcel
from tests.unit.journal.making import DAY, HELD, NOW, SHIPPED, parcel

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

PARCELS = st.builds(
    Parcel,
    line_number=st.sampled_from(["", "1", "2"]),
    sku=st.sampled_from(["", "MUG-é"]),
    quantity=st.integers(0, 3),
    carrier=st.sampled_from(["", "UPS", "Canada Post"]),
    tracking_number=st.sampled_from(["", "1Z999AA10123456784", "7035114477138472"]),
    shipped_at=st.integers(0, 2**42),
    date_only=st.booleans(),
)
CHANGED: dict[str, Any] = {
    "line_number": "2",
    "sku": "MUG",
    "quantity": 2,
    "carrier": "FedEx",
    "other_carrier": "Uncle Bob",
    "method_code": "Express",
    "tracking_number": "1Z999AA10123456785",
    "tracking_url": "https://track.example.com/1",
    "shipped_at": NOW,
    "date_only": True,
    "ship_from_country": "US",
    "seller_order_id": "A-1",
}


def fingerprint(parcels: Sequence[Parcel], *, undated_at: int = 0) -> str:
    return kept(parcels, undated_at=undated_at).fingerprint


@given(st.lists(PARCELS, min_size=1, max_size=5), st.randoms(use_true_random=False))
def test_the_sequence_of_parcels_does_not_matter_to_a_fingerprint(parcels: list[Parcel], random: Random) -> None:
    shuffled = random.sample(parcels, len(parcels))

    assert fingerprint(shuffled) == fingerprint(parcels)


@given(st.lists(PARCELS, max_size=5), st.randoms(use_true_random=False))
def test_parcels_are_kept_in_one_sequence_and_each_is_found_there(parcels: list[Parcel], random: Random) -> None:
    shuffled = random.sample(parcels, len(parcels))
    one, other = kept(parcels), kept(shuffled)

    for given_, as_kept in ((parcels, one), (shuffled, other)):
        there = parcels_from(as_kept.content)
        assert [there[place] for place in as_kept.places or range(len(given_))] == given_
    if not any(parcel.date_only for parcel in parcels):
        assert one.content == other.content


@pytest.mark.parametrize("member", Parcel.__struct_fields__)
def test_every_member_of_a_parcel_matters_to_a_fingerprint(member: str) -> None:
    assert fingerprint([replace(parcel(), **{member: CHANGED[member]})]) != fingerprint([parcel()])


def test_one_parcel_more_is_another_order() -> None:
    assert fingerprint([parcel(), parcel()]) != fingerprint([parcel()])


def test_the_moment_of_reading_is_no_difference_between_files_without_ship_times() -> None:
    first, again = parcel(shipped_at=NOW), parcel(shipped_at=NOW + 5)

    assert fingerprint([first], undated_at=NOW) == fingerprint([again], undated_at=NOW + 5)
    assert fingerprint([first], undated_at=NOW) != fingerprint([first], undated_at=NOW + 5)


@given(st.lists(PARCELS, max_size=4))
def test_parcels_come_back_as_they_were(parcels: list[Parcel]) -> None:
    assert parcels_from(content_of(parcels)) == tuple(parcels)


@given(st.lists(PARCELS, max_size=4))
def test_what_was_sent_comes_back_as_it_was(parcels: list[Parcel]) -> None:
    places = tuple(range(len(parcels)))[::-1]

    sent = sent_as(tuple(parcels), places, content=content_of(parcels))

    assert sent_from(sent, tuple(parcels)) == (tuple(parcels), places)


def test_what_was_sent_is_not_kept_twice() -> None:
    one, other = parcel("1"), parcel("2")
    content = content_of([one, other])

    assert sent_as((one, other), (0, 1), content=content) is None
    assert sent_from(None, (one, other)) == ((one, other), (0, 1))
    assert sent_as((one,), (0,), content=content) is not None
    assert sent_as((one, other), (1, 0), content=content) is not None
    assert sent_as((one, replace(other, quantity=7)), (0, 1), content=content) is not None


def test_every_member_of_a_parcel_is_kept() -> None:
    assert parcels_from(content_of([Parcel(**CHANGED)])) == (Parcel(**CHANGED),)


def test_a_parcel_of_an_older_journal_lacks_what_came_later() -> None:
    assert parcels_from(orjson.dumps([["1", "MUG", 2]])) == (Parcel(line_number="1", sku="MUG", quantity=2),)


def test_a_day_without_a_time_is_the_same_day_whenever_it_is_read() -> None:
    """It counts as noon, but never as later than now: a file that is dropped in the morning says less than at night."""
    morning, night = (parcel(shipped_at=NOW + hour * 3_600_000, date_only=True) for hour in (-6, 0))

    assert fingerprint([morning]) == fingerprint([night])
    assert fingerprint([replace(night, shipped_at=NOW + DAY)]) != fingerprint([night])
    assert fingerprint([replace(night, date_only=False)]) != fingerprint([night])


def test_parts_come_back_as_they_were() -> None:
    assert parts_from(to_json((None, HELD, SHIPPED))) == (None, HELD, SHIPPED)


def test_nothing_is_kept_of_parts_that_say_nothing() -> None:
    assert to_json((None, None)) is None
    assert to_json(()) is None
    assert (parts_from(None), parcels_from(None)) == ((), ())
