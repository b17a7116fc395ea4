from __future__ import annotations

from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from batch.journal.entries import Claim, Part
from batch.journal.states import State
from batch.marketplace.global_api import GlobalApi
from batch.marketplace.orders import LineStatus, Order, OrderLine
from batch.outcomes import Outcome
from batch.settings import Account
from batch.submit.preflight import decide, without_reading
from batch.submit.standing import total_shipped, units_open
from tests.unit.submit.saying import DAY, HOUR, NOW_MS, row, rows, shown

if TYPE_CHECKING:
    from batch.submit.resolution import Resolution

ACCOUNT = Account(client_id="me", client_secret="hush")
TORONTO = ZoneInfo("America/Toronto")
SHIPPED = Part(Outcome.SHIPPED, "Confirmed by reading the order.")


def account(**settings: object) -> Account:
    return ACCOUNT.model_copy(update=settings)


def decided(order: Order | str, said: str, settings: dict[str, Any] | None = None, **more: Any) -> Resolution:  # noqa: ANN401
    order = shown(order) if isinstance(order, str) else order
    return decide(rows(said), order, account(**(settings or {})), zone=TORONTO, now_ms=NOW_MS, **more)


def told(resolution: Resolution) -> str:
    """What becomes of the parcels, one word each; `sent` with line, tracking number and units."""
    update = resolution.update
    parcels = zip(resolution.indexes, update.parcels, strict=True) if update else ()
    sent = [f"sent {parcel.line_number} {parcel.key} x{parcel.quantity}" for _, parcel in parcels]
    ends = [part.outcome.value for part in resolution.parts if part]
    return ", ".join([*sent, *ends])


# Each case: how the order stands, what the file says, settings, what becomes of it, words of the reason.
CASES: list[tuple[str, str, dict[str, Any], str, str]] = [
    # all is open
    ("1: 1 open", "1 A", {}, "sent 1 A x1", ""),
    ("1: 1 created", "1 A", {}, "sent 1 A x1", ""),
    ("1: 3 open", "1 A x2; 1 B", {}, "sent 1 A x2, sent 1 B x1", ""),
    ("1: 1 open; 2: 1 open", "2 B; 1 A", {}, "sent 1 A x1, sent 2 B x1", ""),
    ("1: 1 open", "001 A", {}, "sent 1 A x1", ""),  # the order's own spelling counts
    ("001: 1 open", "1 A", {}, "sent 001 A x1", ""),
    ("1: 1 open", "1 lettermail", {}, "sent 1 LETTERMAIL x1", ""),
    # shipped before
    ("1: 1 shipped A", "1 A", {}, "already_shipped", "shipped before, with this tracking number"),
    ("1: 1 shipped a-1", "1 A1", {}, "already_shipped", "shipped before"),
    ("1: 1 delivered A", "1 A", {}, "already_shipped", "shipped before"),
    ("1: 1 refund A", "1 A", {}, "already_shipped", "shipped before"),
    ("1: 1 shipped A, 1 shipped A", "1 A x2", {}, "already_shipped", "shipped before"),  # the server splits entries
    ("1: 2 shipped A", "1 A", {}, "held", "shows 2 units of line 1 shipped with this tracking number, the file says 1"),
    ("1: 1 shipped lettermail", "1 lettermail", {}, "already_shipped", "shipped before"),
    # shipped with another number
    ("1: 1 shipped B", "1 A", {}, "held", "Line 1 is shipped with B, the file says A; set allow_edits"),
    ("1: 1 shipped B", "1 A", {"allow_edits": True}, "sent 1 A x1", ""),
    ("1: 2 shipped B", "1 A", {"allow_edits": True}, "held", "is shipped with B"),  # not the same units
    ("1: 2 shipped B", "1 A x?", {"allow_edits": True}, "sent 1 A x2", ""),  # the units of the number that it replaces
    ("1: 1 shipped B, 1 shipped C", "1 A x2", {"allow_edits": True}, "held", "is shipped with B, C"),
    ("1: 1 shipped B", "1 lettermail", {"allow_edits": True}, "held", "is shipped with B"),
    ("1: 1 shipped lettermail", "1 A", {"allow_edits": True}, "held", "shipped with LETTERMAIL"),  # nothing to replace
    # cancelled, asked to cancel
    ("1: 1 cancelled", "1 A", {}, "held", "Line 1 is cancelled at the marketplace"),
    ("1!: 1 open", "1 A", {}, "held", "The buyer asked to cancel line 1"),
    ("1!: 1 open", "1 A", {"override_intent_to_cancel": True}, "sent 1 A x1", ""),
    ("1!: 1 shipped A", "1 A", {}, "already_shipped", "shipped before"),  # too late to cancel
    ("1!: 1 shipped B", "1 A", {}, "held", "is shipped with B"),
    ("1: 1 open, 1 cancelled", "1 A x2", {}, "held", "ships 2 units of line 1, 1 are still open (1 are cancelled)"),
    # more than is open
    ("1: 1 open", "1 A x2", {}, "held", "The file ships 2 units of line 1, 1 are still open"),
    ("1: 1 open", "1 A; 1 B", {}, "held, held", "The file ships 2 units of line 1, 1 are still open"),
    ("1: 1 open", "1 A; 01 B", {}, "held, held", "The file ships 2 units of line 1, 1 are still open"),
    ("1: 1 shipped A, 1 cancelled", "1 A x2", {}, "held", "ships 2 units of line 1, 1 of them are shipped already, 0"),
    # part shipped
    ("1: 1 shipped A, 1 open", "1 A; 1 B", {}, "sent 1 B x1, already_shipped", ""),
    ("1: 1 shipped A, 1 open", "1 A x2", {}, "sent 1 A x1", ""),  # the rest of the same parcel
    (
        "1: 1 shipped A, 1 open",
        "1 B",
        {},
        "held",
        "was shipped in part with A, which no row of this order names; B may",
    ),
    ("1: 1 shipped A, 1 open", "1 B", {"later_parcels": "send"}, "sent 1 B x1", ""),
    ("1: 1 shipped A, 1 open", "- A; 1 B", {}, "sent 1 B x1, already_shipped", ""),  # named, if without its line
    ("1: 1 shipped A, 1 open", "1 A; 1 B x2", {}, "already_shipped, held", "The file ships 2 units of line 1, 1 are"),
    # rows without line number
    ("1: 1 open", "- A", {}, "sent 1 A x1", ""),
    ("1: 1 open; 2: 1 shipped X", "- A", {}, "sent 1 A x1", ""),
    ("1: 1 open; 2: 1 open", "- A", {}, "held", "names no line, so its order line cannot be told (open lines: 1, 2)"),
    ("1: 1 open; 2: 2 open", "- A x?", {"one_parcel_ships_all": True}, "sent 1 A x1, sent 2 A x2", ""),
    ("1: 1 open; 2: 1 open", "- A; - B", {"one_parcel_ships_all": True}, "held, held", "cannot be told"),
    ("1: 1 open; 2: 1 open", "- A x1", {"one_parcel_ships_all": True}, "held", "cannot be told"),
    ("1: 3 open", "- A x?", {"one_parcel_ships_all": True}, "sent 1 A x3", ""),
    ("1: 1 shipped A; 2: 1 open", "- A x?", {"one_parcel_ships_all": True}, "sent 2 A x1", ""),
    ("1: 1 shipped A, 1 open", "- A x?", {"one_parcel_ships_all": True}, "sent 1 A x1", ""),
    ("1: 1 shipped A; 2: 1 shipped A", "- A x2", {}, "already_shipped", "shipped before"),
    ("1: 1 shipped A; 2: 1 shipped A", "- A x3", {}, "held", "cannot be told (open lines: none)"),
    ("1: 1 shipped A; 2: 1 open", "- A", {}, "already_shipped", "shipped before"),
    ("1: 1 shipped X; 2: 1 shipped X", "- A", {}, "held", "open lines: none"),
    ("1: 2 open", "- A; - B", {}, "sent 1 A x1, sent 1 B x1", ""),  # several parcels, by their quantities
    # SKUs
    ("1[RED]: 1 open; 2[BLUE]: 1 open", "[blue] A", {}, "sent 2 A x1", ""),
    ("1[RED]: 1 open; 2[RED]: 1 shipped X", "[RED] A", {}, "sent 1 A x1", ""),
    ("1[RED]: 1 open; 2[RED]: 1 open", "[RED] A", {}, "held", "names SKU RED, so its order line cannot be told"),
    ("1[RED]: 1 open", "[GREEN] A", {}, "held", "The order has no line with SKU GREEN; it has RED"),
    ("1: 1 open", "[GREEN] A", {}, "held", "no line with SKU GREEN; it has none"),
    # blank quantities
    ("1: 1 open", "1 A x?", {}, "sent 1 A x1", ""),
    ("1: 2 open", "1 A x?", {}, "held", "names no quantity, and 2 units of line 1 are open; write the quantity"),
    ("1: 2 open", "1 A x?; 1 B x?", {}, "held, held", "names no quantity"),
    ("1: 1 cancelled", "1 A x?", {}, "held", "is cancelled"),
    ("1: 2 shipped A", "1 A x?", {}, "already_shipped", "shipped before"),
    # lines that are not there
    ("1: 1 open; 2: 1 open", "3 A", {}, "held", "The order has no line 3; it has 1, 2."),
    ("", "1 A", {}, "held", "The order has no line 1; it has none."),
    # the same parcel twice
    ("1: 1 open", "1 A; 01 a", {}, "sent 1 A x1, skipped", "repeats another row of this order exactly"),
    ("1: 3 open", "1 A; 1 A x2", {}, "held, held", "put the same parcel on line 1 and say different things"),
    # siblings
    ("1: 1 open; 2: 1 cancelled", "1 A; 2 B", {}, "held, held", "the order goes whole or not at all"),
    ("1: 1 open; 2: 1 cancelled", "1 A; 2 B", {"on_bad_row": "send-rest"}, "sent 1 A x1, held", "is cancelled"),
    ("1: 1 open; 2: 1 shipped B", "1 A; 2 B", {}, "sent 1 A x1, already_shipped", ""),
    ("1: 1 open; 2: 1 shipped X", "1 A; 2 B", {"allow_edits": True}, "held, held", "drop them in two files"),
    ("1: 1 shipped X; 2: 1 shipped Y", "1 A; 2 B", {"allow_edits": True}, "sent 1 A x1, sent 2 B x1", ""),
    # several packages for the same units
    ("1: 1 open", "1 A; 1 B", {"several_packages": "send"}, "sent 1 A x1, sent 1 B x1", ""),
    ("1: 2 open", "1 A x2; 1 B x2", {"several_packages": "send"}, "sent 1 A x2, sent 1 B x2", ""),
    ("1: 2 open", "1 A x2; 1 B x1", {"several_packages": "send"}, "held, held", "ships 3 units of line 1, 2 are"),
    ("1: 1 open, 1 cancelled", "1 A; 1 B", {"several_packages": "send"}, "held, held", "1 are cancelled"),
    ("1: 1 open; 2: 1 open", "1 A; 1 B; 2 lettermail", {"several_packages": "send"}, "held, held, held", "a call of"),
    (
        "1: 1 open; 2: 1 open",
        "1 A; 1 B; 2 C",
        {"several_packages": "send"},
        "sent 1 A x1, sent 1 B x1, sent 2 C x1",
        "",
    ),
]


@pytest.mark.parametrize(("order", "said", "settings", "expected", "reason"), CASES)
def test_what_becomes_of_an_order(order: str, said: str, settings: dict[str, Any], expected: str, reason: str) -> None:
    resolution = decided(order, said, settings)
    assert told(resolution) == expected
    assert reason in " ".join(part.reason for part in resolution.parts if part)


def test_what_walmart_fulfils_is_refused() -> None:
    resolution = decided(shown("1: 1 open", fulfilled_by_walmart=True), "1 A; 2 B")
    assert told(resolution) == "refused, refused"
    assert "Walmart fulfils this order itself" in str(resolution.parts)


# What the update says


def test_an_edit_replaces_the_number_that_no_row_names_as_the_marketplace_writes_it() -> None:
    resolution = decided("1: 1 shipped A, 1 shipped b-2", "1 A; 1 C3", {"allow_edits": True})
    assert (told(resolution), resolution.update and resolution.update.replaces) == (
        "sent 1 C3 x1, already_shipped",
        ("b-2",),
    )
    assert not resolution.acknowledge


@pytest.mark.parametrize(
    ("order", "settings", "acknowledged"),
    [
        ("1: 1 created", {}, True),
        ("1: 1 open, 1 created", {}, True),
        ("1: 1 created", {"acknowledge": False}, False),
        ("1: 1 open", {}, False),
        ("1: 1 open; 2: 1 created", {}, False),  # no line that goes
        ("1: 1 cancelled; 2: 1 created", {}, False),  # nothing goes
    ],
)
def test_only_an_order_that_goes_and_needs_it_is_acknowledged(
    order: str, settings: dict[str, Any], *, acknowledged: bool
) -> None:
    assert decided(order, "1 A", settings).acknowledge is acknowledged


def test_the_buyers_wish_is_overridden_only_where_it_stands_in_the_way() -> None:
    allowed = {"override_intent_to_cancel": True}
    for order, expected in (("1!: 1 open", True), ("1: 1 open", False), ("1: 1 open; 2!: 1 open", False)):
        update = decided(order, "1 A", allowed).update
        assert update is not None
        assert update.override_intent_to_cancel is expected


@pytest.mark.parametrize(
    ("said", "ordered", "method"),
    [("Express", "Value", "Express"), ("", "Value", "Value"), ("", "ONE_DAY", "OneDay"), ("", "Ground", "Standard")],
)
def test_the_method_is_the_rows_else_the_orders_else_the_settings(said: str, ordered: str, method: str) -> None:
    order = shown("1: 1 open", method_code=ordered)
    resolution = decide([row("1 A", method_code=said)], order, ACCOUNT, zone=TORONTO, now_ms=NOW_MS)
    assert resolution.update is not None
    assert resolution.update.parcels[0].method_code == method


@pytest.mark.parametrize(
    ("shipped_at", "ordered_at", "expected"),
    [
        (NOW_MS - 3 * HOUR, NOW_MS - DAY, NOW_MS - 3 * HOUR),  # noon of today
        (NOW_MS + 2 * HOUR, NOW_MS - DAY, NOW_MS),  # not after now
        (NOW_MS - 3 * HOUR, NOW_MS - HOUR, NOW_MS - HOUR),  # not before the order's own time that day
        (NOW_MS - 3 * HOUR, 0, NOW_MS - 3 * HOUR),  # the order does not say
    ],
)
def test_a_day_without_a_time(shipped_at: int, ordered_at: int, expected: int) -> None:
    order = shown("1: 1 open", ordered_at=ordered_at)
    day = row("1 A", shipped_at=shipped_at, date_only=True)
    resolution = decide([day], order, ACCOUNT, zone=TORONTO, now_ms=NOW_MS)
    assert resolution.update is not None
    assert resolution.update.parcels[0].shipped_at == expected


@pytest.mark.parametrize("date_only", [True, False])
def test_what_is_shipped_before_it_was_ordered_is_held_with_both_times(*, date_only: bool) -> None:
    order = shown("1: 1 open", ordered_at=NOW_MS)
    early = row("1 A", shipped_at=NOW_MS - 2 * DAY, date_only=date_only)
    resolution = decide([early], order, ACCOUNT, zone=TORONTO, now_ms=NOW_MS)
    assert told(resolution) == "held"
    assert "shipped on 2026-11-22 15:00, before it was ordered (2026-11-24 15:00)" in str(resolution.parts)


@pytest.mark.parametrize("member", ["ship_from_country", "seller_order_id"])
def test_parcels_of_a_line_that_one_update_cannot_hold_are_held(member: str) -> None:
    parcels = [row("1 A"), row("1 B", **{member: "US"})]
    by_reading = decide(parcels, shown("1: 2 open"), ACCOUNT, zone=TORONTO, now_ms=NOW_MS)
    blindly = without_reading(parcels, "1", ACCOUNT, now_ms=NOW_MS)
    for resolution in (by_reading, blindly):
        assert told(resolution) == "held, held"
        assert "name two countries or two seller order ids" in str(resolution.parts)


@pytest.mark.parametrize(
    ("order", "said", "note"),
    [
        ("1: 1 open", "1 A", ""),
        ("1: 1 open", "- A", "line 1 was found as the order's only line"),
        ("1: 1 open; 2: 1 shipped X", "- A", "line 1 was found as the only one that fits"),
        ("1[RED]: 1 open; 2: 1 open", "[RED] A", "line 1 was found by SKU RED"),
        ("1: 1 open", "1 A x?", "the quantity 1 is all that is open on line 1"),
    ],
)
def test_what_was_inferred_is_noted(order: str, said: str, note: str) -> None:
    assert decided(order, said).note == note


@pytest.mark.parametrize(
    ("order", "said", "settings", "units"),
    [
        ("1: 1 open", "1 A", {}, 0),
        ("1: 3 open; 2: 2 open", "1 A", {}, 4),
        ("1: 1 shipped A; 2: 2 open", "1 A", {}, 2),  # nothing is sent
        ("1: 1 open; 2: 1 open", "1 A; 1 B", {"several_packages": "send"}, 1),  # two boxes for one unit
        ("1: 1 shipped B; 2: 1 open", "1 A", {"allow_edits": True}, 1),
    ],
)
def test_units_that_stay_open_are_counted(order: str, said: str, settings: dict[str, Any], units: int) -> None:
    assert decided(order, said, settings).stays_open == units


def test_what_was_shipped_beforehand_is_remembered_by_line_and_parcel() -> None:
    assert decided("1: 1 shipped A, 1 shipped B, 1 open; 2: 1 open", "1 A x2; 1 B; 2 C").before == {
        "1": 2,
        "2": 0,
        "1 A": 1,
    }


# What the journal remembers


def claim(line: str, parcel: str, quantity: int = 1, state: State = State.SHIPPED, sent_at: int = NOW_MS) -> Claim:
    return Claim(line, parcel, quantity, 99, state, sent_at)


@pytest.mark.parametrize(
    ("order", "said", "claims", "expected", "reason"),
    [
        ("1: 1 open", "1 A", [claim("1", "B")], "sent 1 A x1", ""),
        ("1: 1 open; 2: 1 open", "1 A", [claim("2", "A", state=State.UNKNOWN)], "sent 1 A x1", ""),
        (
            "1: 1 open",
            "1 A",
            [claim("1", "A")],
            "held",
            "sent on 2026-11-24 20:00 UTC and accepted, but the order does",
        ),
        ("1: 1 open", "001 A", [claim("1", "A")], "held", "accepted, but the order does not show it"),
        ("1: 1 open", "1 A", [claim("1", "A", sent_at=0)], "held", "was sent before and accepted"),
        ("1: 1 open", "1 A", [claim("1", "A", state=State.HELD)], "held", "`shipbatch settle` decides"),
        ("1: 1 open", "1 A", [claim("1", "B", state=State.UNKNOWN)], "held", "update of this line is not settled yet"),
        ("1: 1 open", "1 A", [claim("1", "A", state=State.SENDING)], "held", "is not settled yet"),
        ("1: 1 shipped A", "1 A", [claim("1", "A")], "already_shipped", "we sent it on 2026-11-24 20:00 UTC"),
        ("1: 1 shipped A, 1 open", "1 A x2", [claim("1", "A")], "held", "with quantity 1, the file says 2"),
    ],
)
def test_what_other_orders_claimed(order: str, said: str, claims: list[Claim], expected: str, reason: str) -> None:
    resolution = decided(order, said, claims=claims)
    assert told(resolution) == expected
    assert reason in " ".join(part.reason for part in resolution.parts if part)


def test_parcels_that_ended_before_stay_so_and_count_as_known() -> None:
    resolution = decided("1: 1 shipped A, 1 open", "1 A; 1 B", ended=(SHIPPED, None))
    assert (told(resolution), resolution.parts) == ("sent 1 B x1, shipped", (SHIPPED, None))


def test_an_order_of_which_all_has_ended_needs_nothing() -> None:
    resolution = decided("1: 1 shipped A", "1 A", ended=(SHIPPED,))
    assert (resolution.update, resolution.parts) == (None, (SHIPPED,))


# Without reading


@pytest.mark.parametrize(
    ("said", "claims", "settings", "expected", "reason"),
    [
        ("1 A; 2 B", [], {}, "sent 1 A x1, sent 2 B x1", ""),
        ("1 A; 2 B", [claim("1", "A")], {}, "sent 2 B x1, already_shipped", "It was sent on 2026-11-24 20:00 UTC"),
        ("1 A x2", [claim("1", "A")], {}, "held", "with quantity 1, the file says 2"),
        ("1 A; 2 B", [claim("1", "A", state=State.UNKNOWN)], {}, "held, held", "goes whole or not at all"),
        (
            "1 A; 2 B",
            [claim("1", "X", state=State.UNKNOWN)],
            {"on_bad_row": "send-rest"},
            "sent 2 B x1, held",
            "settled",
        ),
        ("1 A", [claim("1", "A")], {}, "already_shipped", "It was sent on"),
        ("1 A", [claim("1", "B")], {}, "held", "A may be a corrected number or a further parcel"),
        ("1 A", [claim("1", "B")], {"later_parcels": "send"}, "sent 1 A x1", ""),
        ("1 A; 1 B", [claim("1", "B")], {}, "sent 1 A x1, already_shipped", "It was sent on"),
        ("1 A", [claim("2", "B")], {}, "sent 1 A x1", ""),
    ],
)
def test_without_reading_the_file_and_the_journal_decide(
    said: str, claims: list[Claim], settings: dict[str, Any], expected: str, reason: str
) -> None:
    resolution = without_reading(rows(said), "7", account(**settings), now_ms=NOW_MS, claims=claims)
    assert told(resolution) == expected
    assert reason in " ".join(part.reason for part in resolution.parts if part)
    assert not resolution.acknowledge


def test_without_reading_an_order_goes_nowhere_while_its_last_update_is_in_doubt() -> None:
    resolution = without_reading(rows("1 A; 1 B"), "7", ACCOUNT, now_ms=NOW_MS, ended=(SHIPPED, None), doubtful=True)
    assert (told(resolution), resolution.parts[0]) == ("shipped, held", SHIPPED)
    assert "`shipbatch settle`" in str(resolution.parts[1])


def test_without_reading_a_day_is_its_noon_but_not_after_now() -> None:
    day = row("1 A", shipped_at=NOW_MS + HOUR, date_only=True)
    resolution = without_reading([day], "7", account(method_code="Express"), now_ms=NOW_MS, ended=(None,))
    assert resolution.update is not None
    assert (resolution.update.purchase_order_id, resolution.update.parcels[0].shipped_at) == ("7", NOW_MS)
    assert resolution.update.parcels[0].method_code == "Express"


# Whatever an order looks like

STATUSES = st.sampled_from(["Created", "Acknowledged", "Shipped", "Delivered", "Cancelled", "Refund"])
TRACKINGS = st.sampled_from(["", "A", "B", "C"])
LINE_STATUSES = st.builds(
    LineStatus, status=STATUSES, quantity=st.integers(1, 3), tracking_number=TRACKINGS, carrier=st.just("UPS")
)


def order_line(number: int, statuses: tuple[LineStatus, ...], *, asked: bool, sku: str) -> OrderLine:
    quantity = sum(status.quantity for status in statuses)
    return OrderLine(line_number=str(number), sku=sku, quantity=quantity, statuses=statuses, intent_to_cancel=asked)


LINES = st.lists(
    st.tuples(st.lists(LINE_STATUSES, max_size=3).map(tuple), st.booleans(), st.sampled_from(["", "RED", "BLUE"])),
    max_size=3,
)


def order_of(lines: list[tuple[tuple[LineStatus, ...], bool, str]]) -> Order:
    told = (order_line(n, statuses, asked=asked, sku=sku) for n, (statuses, asked, sku) in enumerate(lines, 1))
    return replace(shown(""), lines=tuple(told))


ORDERS = LINES.map(order_of)
PARCELS = st.lists(
    st.builds(
        lambda line, sku, tracking, units: row(f"{line} {tracking} x{units}", sku=sku),
        st.sampled_from(["-", "1", "01", "2", "9"]),
        st.sampled_from(["", "RED"]),
        st.sampled_from(["A", "B", "C", "D", "lettermail"]),
        st.integers(0, 3).map(lambda units: units or "?"),
    ),
    min_size=1,
    max_size=4,
)
SETTINGS = st.fixed_dictionaries(
    {
        "allow_edits": st.booleans(),
        "one_parcel_ships_all": st.booleans(),
        "override_intent_to_cancel": st.booleans(),
        "several_packages": st.sampled_from(["hold", "send"]),
        "later_parcels": st.sampled_from(["hold", "send"]),
        "on_bad_row": st.sampled_from(["hold-order", "send-rest"]),
    }
)


@given(ORDERS, PARCELS, SETTINGS)
def test_whatever_an_order_looks_like_nothing_is_sent_that_is_not_open(
    order: Order, parcels: list[Any], settings: dict[str, Any]
) -> None:
    resolution = decide(parcels, order, account(**settings), zone=TORONTO, now_ms=NOW_MS)
    assert len(resolution.parts) == len(parcels)
    update = resolution.update
    if update is None:
        assert all(resolution.parts)
        return
    GlobalApi(base_url="http://127.0.0.1", client_id="me", client_secret="hush").ship(update)  # can be said
    for line in order.lines:
        sent = [parcel for parcel in update.parcels if parcel.line_number == line.line_number]
        if update.replaces:
            assert not sent or units_open(line) == 0 < total_shipped(line)
        elif sent:
            shared = any(
                number
                for parcel, number in zip(update.parcels, update.shipment_numbers, strict=False)
                if parcel in sent
            )
            assert (max if shared else sum)(parcel.quantity for parcel in sent) <= units_open(line)
            assert not line.intent_to_cancel or update.override_intent_to_cancel
