from __future__ import annotations

import pytest

from batch.outcomes import Outcome
from batch.submit.settle import Found, settled
from batch.submit.standing import remembered
from tests.unit.submit.saying import rows, shown

DONE, NOT_DONE, CONFLICT = Found.DONE, Found.NOT_DONE, Found.CONFLICT

# Each case: how the order stood before (None: it was not read), what was sent, how it stands now, what that means.
CASES = [
    ("1: 1 open", "1 A", "1: 1 shipped A", DONE, ""),
    ("1: 1 open", "1 A", "1: 1 delivered a", DONE, ""),
    ("1: 1 open", "1 A", "001: 1 refund A", DONE, ""),
    ("1: 3 open", "1 A x3", "1: 1 shipped A, 2 shipped A", DONE, ""),  # the server splits
    ("1: 2 open", "1 A; 1 B", "1: 1 shipped A, 1 shipped B", DONE, ""),
    ("1: 1 open", "1 A", "1: 1 open", NOT_DONE, ""),
    ("1: 1 open", "1 A", "1: 1 created", NOT_DONE, ""),
    ("1: 2 open", "1 A x2", "1: 1 open, 1 cancelled", NOT_DONE, ""),  # what is left is decided anew
    ("1: 1 open", "1 A", "1: 1 cancelled", CONFLICT, "Line 1 was cancelled while the update was on its way"),
    ("1: 1 open", "1 A", "1: 1 shipped B", CONFLICT, "shows 1 units shipped with B; we sent 1 with A"),
    ("1: 2 open", "1 A x2", "1: 1 shipped A, 1 open", CONFLICT, "shows 1 units shipped with A; we sent 2 with A"),
    ("1: 3 open", "1 A x2", "1: 1 shipped B, 2 open", CONFLICT, "shows 1 units shipped with B"),
    ("1: 1 open", "1 A", "2: 1 open", CONFLICT, "no longer shows line 1"),
    # what was there before
    ("1: 1 shipped A, 1 open", "1 A", "1: 2 shipped A", DONE, ""),
    ("1: 1 shipped A, 1 open", "1 A", "1: 1 shipped A, 1 open", NOT_DONE, ""),  # not ours, though it has our number
    ("1: 1 shipped B, 1 open", "1 A", "1: 1 shipped B, 1 open", NOT_DONE, ""),
    ("1: 1 shipped B, 1 open", "1 A", "1: 1 shipped B, 1 shipped A", DONE, ""),
    # Lettermail has no numbers
    ("1: 1 open", "1 lettermail", "1: 1 shipped lettermail", DONE, ""),
    ("1: 1 shipped lettermail, 1 open", "1 lettermail", "1: 1 shipped lettermail, 1 open", NOT_DONE, ""),
    ("1: 1 shipped lettermail, 1 open", "1 lettermail", "1: 2 shipped lettermail", DONE, ""),
    ("1: 2 open", "1 lettermail; 1 A", "1: 2 shipped A", DONE, ""),
    ("1: 2 open", "1 lettermail x2", "1: 1 shipped lettermail, 1 open", CONFLICT, "we sent 2 with LETTERMAIL"),
    # edits: a number takes the place of another
    ("1: 1 shipped B", "1 A", "1: 1 shipped A", DONE, ""),
    ("1: 1 shipped B", "1 A", "1: 1 shipped B", CONFLICT, "shows 1 units shipped with B; we sent 1 with A"),
    # several packages of the same units
    ("1: 1 open", "1 A; 1 B", "1: 1 shipped A+B", DONE, ""),
    ("1: 1 open", "1 A; 1 B", "1: 1 open", NOT_DONE, ""),
    # the order was not read before
    (None, "1 A", "1: 1 shipped A", DONE, ""),
    (None, "01 A", "1: 1 shipped A", DONE, ""),
    (None, "1 A", "1: 1 shipped B, 1 open", NOT_DONE, ""),
    (None, "1 A x2", "1: 1 shipped A, 1 open", CONFLICT, "shows 1 units shipped with A"),
    (None, "1 lettermail", "1: 1 shipped lettermail", DONE, ""),  # the whole line
    (None, "1 lettermail", "1: 1 open", NOT_DONE, ""),
    (None, "1 lettermail", "1: 1 shipped lettermail, 1 open", CONFLICT, "we sent 1 with LETTERMAIL"),  # whose is it?
    # several lines
    ("1: 1 open; 2: 1 open", "1 A; 2 B", "1: 1 shipped A; 2: 1 shipped B", DONE, ""),
    ("1: 1 open; 2: 1 open", "1 A; 2 B", "1: 1 open; 2: 1 open", NOT_DONE, ""),
    ("1: 1 open; 2: 1 open", "1 A; 2 B", "1: 1 shipped A; 2: 1 open", CONFLICT, "Line 2 was not shipped."),
]


@pytest.mark.parametrize(("before", "sent", "now", "found", "reason"), CASES)
def test_what_became_of_an_update(before: str | None, sent: str, now: str, found: Found, reason: str) -> None:
    parcels = rows(sent)
    remembers = None if before is None else remembered(shown(before), parcels)
    settlement = settled(parcels, remembers, shown(now))
    assert settlement.found is found
    assert reason in settlement.reason


def test_an_update_of_which_some_lines_are_done_is_split_by_line() -> None:
    parcels = rows("1 A; 1 B; 2 C")
    settlement = settled(parcels, None, shown("1: 1 shipped A, 1 shipped B; 2: 1 open"))
    parts = settlement.parts(parcels, (2, 0, 1), 4)
    assert [part and part.outcome for part in parts] == [Outcome.SHIPPED, None, Outcome.SHIPPED, None]


def test_a_parcel_that_ships_several_lines_is_shipped_when_all_of_them_are() -> None:
    parcels = rows("1 A; 2 A")
    settlement = settled(parcels, None, shown("1: 1 shipped A; 2: 1 open"))
    assert settlement.parts(parcels, (0, 0), 1) == (None,)
