"""What the marketplace knows and when it says no. Pure: no sockets, no clock; each change happens whole or not at all.

Rules and messages are those of Walmart's CA reference and of captured answers; where the real marketplace's behaviour
is unconfirmed, a member of `Rules` says what this one does.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from batch.sandbox.orders import LEFT_THE_HOUSE, Line, Order, Status, Units
from batch.sandbox.refusals import Refusal, content_refused, not_found

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from batch.sandbox.bodies import Cancellation, Dispatch, Shipment

    Check = Callable[[Order, Line | None, list[Dispatch], "Caller"], Refusal | None]

HOUR = 3600.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """How this marketplace behaves where it could behave otherwise."""

    must_acknowledge: bool = True  # units still Created cannot be shipped
    refuse_reship: bool = True  # False: a second update of shipped units charges once more
    all_or_nothing: bool = True  # False: an update with one bad line ships the others
    stale_acknowledge: bool = True  # the answer still shows Created (seen in production)
    stale_shipping: bool = False  # the answer shows the order as it was before
    edit_window: float = 4 * HOUR  # seconds after shipping in which tracking may be changed
    ship_ahead: float = 24 * HOUR  # seconds that a ship time may lie in the future
    created_start_date: bool = True  # the order search insists on createdStartDate


class Charge(NamedTuple):
    """The buyer paid for so many units. Never removed, never changed."""

    at: int  # UTC epoch milliseconds
    purchase_order_id: str
    line_number: str
    tracking_number: str
    units: int
    correlation_id: str


class Edit(NamedTuple):
    """A tracking number took another's place."""

    at: int  # UTC epoch milliseconds
    purchase_order_id: str
    line_number: str
    before: str
    after: str
    correlation_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who asks, when, and under which correlation id."""

    seller: str = ""
    now: int = 0  # UTC epoch milliseconds
    correlation_id: str = ""
    legacy: bool = False  # the legacy API shows no orders that Walmart fulfils


ANYONE = Caller()


@dataclass(slots=True)
class Marketplace:
    """All orders and all charges."""

    rules: Rules = field(default_factory=Rules)
    orders: dict[str, Order] = field(default_factory=dict)  # by purchase order id, in order of arrival
    by_customer: dict[str, list[str]] = field(default_factory=dict)
    charges: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)  # order, line, tracking: units
    charge_log: list[Charge] = field(default_factory=list)
    edit_log: list[Edit] = field(default_factory=list)

    def add(self, order: Order) -> None:
        """Take an order in; one with the same purchase order id gives way to it."""
        if order.purchase_order_id in self.orders:
            self.by_customer[self.orders[order.purchase_order_id].customer_order_id].remove(order.purchase_order_id)
        self.orders[order.purchase_order_id] = order
        self.by_customer.setdefault(order.customer_order_id, []).append(order.purchase_order_id)

    def clear(self) -> None:
        """Forget all orders and charges."""
        for kept in (self.orders, self.by_customer, self.charges, self.charge_log, self.edit_log):
            kept.clear()

    @property
    def units_charged(self) -> int:
        """All units that buyers were ever charged for."""
        return sum(charge.units for charge in self.charge_log)

    def find(self, purchase_order_id: str, caller: Caller = ANYONE, call: str = "getOrder") -> Order:
        """Return the caller's order. Raises `Refusal`: 404 for one that is unknown, or not the caller's to see."""
        order = self.orders.get(purchase_order_id)
        if order is None or not visible(order, caller):
            raise not_found(call)
        return order

    def acknowledge(self, purchase_order_id: str, caller: Caller) -> None:
        """Take all Created units to Acknowledged. Raises `Refusal` where there is nothing left to acknowledge."""
        order = self.find(purchase_order_id, caller, "acknowledge")
        lines = [line for line in order.lines.values() if line.count(Status.CREATED)]
        beyond = any(line.count(*LEFT_THE_HOUSE, Status.CANCELLED) for line in order.lines.values())
        if beyond and not lines:
            raise content_refused(
                f"Failed when called acknowledge API for '{purchase_order_id}'. Some or all qty in higher status"
            )
        for line in lines:
            after = Units(status=Status.ACKNOWLEDGED, quantity=0)
            line.move(line.count(Status.CREATED), (Status.CREATED,), after)
            line.changed_at = caller.now

    def ship(self, purchase_order_id: str, shipment: Shipment, caller: Caller) -> None:
        """Carry out a shipping update, or an edit: check every line, then charge. Raises `Refusal`."""
        order = self.find(purchase_order_id, caller, "shipConfirm")
        if order.fulfilled_by_walmart:
            raise content_refused(
                f"PO: {purchase_order_id} is fulfilled by Walmart and cannot be updated by the seller"
            )
        check = self._edit_problem if shipment.edit else self._ship_problem
        problems = dict(self._problems(order, shipment.dispatches, caller, check))
        if problems and (
            self.rules.all_or_nothing or len(problems) == len({d.line_number for d in shipment.dispatches})
        ):
            raise Refusal(400, *(complaint for problem in problems.values() for complaint in problem.complaints))
        for dispatch in shipment.dispatches:
            if dispatch.line_number not in problems:
                (self._edit if shipment.edit else self._charge)(order, dispatch, caller)

    def cancel(self, purchase_order_id: str, cancellations: Iterable[Cancellation], caller: Caller = ANYONE) -> None:
        """Cancel units that have not left. Raises `Refusal` where there are not so many."""
        order = self.find(purchase_order_id, caller, "cancel")
        wanted = tuple(cancellations)
        asked: Counter[str] = Counter()
        for cancellation in wanted:
            asked[cancellation.line_number] += cancellation.quantity
        for number, quantity in asked.items():
            line = order.lines.get(number)
            if line is None or line.count(Status.CREATED, Status.ACKNOWLEDGED) < quantity:
                raise content_refused(f"Qty of line {number} of PO: {purchase_order_id} cannot be cancelled")
        for cancellation in wanted:
            line = order.lines[cancellation.line_number]
            after = Units(status=Status.CANCELLED, quantity=0, reason=cancellation.reason)
            line.move(cancellation.quantity, (Status.CREATED, Status.ACKNOWLEDGED), after)
            line.changed_at = caller.now

    def cancel_all(self, purchase_order_id: str, line_number: str = "", now: int = 0) -> int:
        """Cancel, as a buyer does, all that is still open (of one line); return the number of units."""
        order = self.find(purchase_order_id)
        cancelled = 0
        for line in order.lines.values():
            still_open = line.count(Status.CREATED, Status.ACKNOWLEDGED)
            if still_open and line_number in ("", line.number):
                after = Units(status=Status.CANCELLED, quantity=0, reason="CUSTOMER_REQUESTED_SELLER_TO_CANCEL")
                line.move(still_open, (Status.CREATED, Status.ACKNOWLEDGED), after)
                line.changed_at = now
                cancelled += still_open
        return cancelled

    def _problems(
        self, order: Order, dispatches: tuple[Dispatch, ...], caller: Caller, check: Check
    ) -> Iterator[tuple[str, Refusal]]:
        asked: dict[str, list[Dispatch]] = {}
        for dispatch in dispatches:
            asked.setdefault(dispatch.line_number, []).append(dispatch)
        for number, wanted in asked.items():
            problem = check(order, order.lines.get(number), wanted, caller)
            if problem:
                yield number, problem

    def _ship_problem(
        self, order: Order, line: Line | None, dispatches: list[Dispatch], caller: Caller
    ) -> Refusal | None:
        quantity = sum(dispatch.quantity for dispatch in dispatches)
        if line is None:
            return _over_shipped(order)
        if self.rules.refuse_reship and not line.count(*_OPEN) and line.count(*LEFT_THE_HOUSE):
            return _in_shipped_status(order, line)
        if quantity > line.count(*self._shippable()):
            return _over_shipped(order)
        if line.intent_to_cancel and not all(dispatch.override_intent_to_cancel for dispatch in dispatches):
            return content_refused(
                f"The Line: {line.number} of PO: {order.purchase_order_id} has intent to cancel; "
                "intentToCancelOverride is needed to ship it"
            )
        return self._time_problem(order, dispatches, caller)

    def _shippable(self) -> tuple[Status, ...]:
        created = () if self.rules.must_acknowledge else (Status.CREATED,)
        shipped = () if self.rules.refuse_reship else tuple(LEFT_THE_HOUSE)
        return (Status.ACKNOWLEDGED, *created, *shipped)

    def _time_problem(self, order: Order, dispatches: list[Dispatch], caller: Caller) -> Refusal | None:
        times = [package.shipped_at for dispatch in dispatches for package in dispatch.packages]
        if min(times) < order.ordered_at:
            return content_refused("shipDateTime is before the order date", "shipDateTime")
        if caller.now and max(times) > caller.now + self.rules.ship_ahead * 1000:
            return content_refused("shipDateTime is in the future", "shipDateTime")
        return None

    def _edit_problem(
        self, order: Order, line: Line | None, dispatches: list[Dispatch], caller: Caller
    ) -> Refusal | None:
        if line is None:
            return _over_shipped(order)
        for dispatch in dispatches:
            shipped = [units for units in line.units if _carries(units, dispatch.replaces)]
            if sum(units.quantity for units in shipped) < dispatch.quantity:
                return content_refused(
                    f"Tracking number {dispatch.replaces} is not found on Line: {line.number} "
                    f"of PO: {order.purchase_order_id}",
                    "currentTrackingInfo",
                )
            if any(caller.now - units.shipped_at > self.rules.edit_window * 1000 for units in shipped):
                return content_refused("Tracking information can no longer be updated", "trackingInfo")
        return self._time_problem(order, dispatches, caller)

    def _charge(self, order: Order, dispatch: Dispatch, caller: Caller) -> None:
        """Mark units shipped and charge the buyer, in one go."""
        line = order.lines[dispatch.line_number]
        movable = min(dispatch.quantity, line.count(Status.ACKNOWLEDGED, Status.CREATED))
        if movable:
            after = Units(status=Status.SHIPPED, quantity=0, packages=dispatch.packages, shipped_at=caller.now)
            line.move(movable, (Status.ACKNOWLEDGED, Status.CREATED), after)
        line.changed_at = caller.now
        line.ship_from_country = dispatch.ship_from_country
        tracking = dispatch.package.tracking_number
        counter = self.charges.setdefault(order.purchase_order_id, {}).setdefault(line.number, {})
        counter[tracking] = counter.get(tracking, 0) + dispatch.quantity
        self.charge_log.append(
            Charge(
                at=caller.now,
                purchase_order_id=order.purchase_order_id,
                line_number=line.number,
                tracking_number=tracking,
                units=dispatch.quantity,
                correlation_id=caller.correlation_id,
            )
        )

    def _edit(self, order: Order, dispatch: Dispatch, caller: Caller) -> None:
        line = order.lines[dispatch.line_number]
        left = dispatch.quantity
        for units in [units for units in line.units if _carries(units, dispatch.replaces)]:
            moved = min(left, units.quantity)
            if moved:
                left -= moved
                units.quantity -= moved
                line.units.append(
                    Units(status=units.status, quantity=moved, packages=dispatch.packages, shipped_at=units.shipped_at)
                )
        line.units = [units for units in line.units if units.quantity]
        line.changed_at = caller.now
        self.edit_log.append(
            Edit(
                at=caller.now,
                purchase_order_id=order.purchase_order_id,
                line_number=line.number,
                before=dispatch.replaces,
                after=dispatch.package.tracking_number,
                correlation_id=caller.correlation_id,
            )
        )


_OPEN = (Status.CREATED, Status.ACKNOWLEDGED)


def visible(order: Order, caller: Caller) -> bool:
    """Return whether the caller may see the order at all."""
    return (not order.seller or not caller.seller or order.seller == caller.seller) and not (
        caller.legacy and order.fulfilled_by_walmart
    )


def _carries(units: Units, tracking_number: str) -> bool:
    return units.status in LEFT_THE_HOUSE and any(
        package.tracking_number == tracking_number for package in units.packages
    )


def _in_shipped_status(order: Order, line: Line) -> Refusal:
    return content_refused(
        f"Unable to process this request. The Line: {line.number} of PO: {order.purchase_order_id} is in SHIPPED status"
    )


def _over_shipped(order: Order) -> Refusal:
    return content_refused(
        f"Failed when called shipConfirm API for {order.purchase_order_id}. Qty OverShipped : Some or All Line(s)/Qty "
        "cannot be Shipped due to invalid Lines Or invalid Qty Or Qty more than allowed"
    )
