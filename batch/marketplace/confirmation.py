"""The comparison of an order, as the marketplace shows it, with what an update said."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batch.marketplace.orders import normalised

if TYPE_CHECKING:
    from batch.marketplace.orders import Order, ShippingUpdate

SHIPPED_STATUSES = frozenset({"Shipped", "Delivered", "Refund"})  # what is delivered or refunded was shipped before

_Units = dict[tuple[str, str], int]  # by line number and normalised tracking number, blank where there is none


def confirmed(update: ShippingUpdate, order: Order, before: Order | None = None) -> tuple[bool, ...]:
    """Say beside each parcel whether the order shows it as shipped: its line, tracking number and units.

    True is proof. False is none of the contrary where the order came with the answer to the update itself, which may be
    a copy from before it (seen with acknowledging): read the order, and believe that.

    Units are summed by line and tracking number, for the server may split or merge entries. What `before`, the order as
    it was read before sending, already showed does not count. A parcel without a tracking number (Lettermail) is told
    by all shipped units of its line where `before` is known, else by those without a tracking number. Of several
    packages for the same units each is shown where its number is.
    """
    keys = [(parcel.line_number, normalised(parcel.tracking_number)) for parcel in update.parcels]
    wanted: _Units = {}
    for key, parcel in zip(keys, update.parcels, strict=True):
        wanted[key] = wanted.get(key, 0) + parcel.quantity
    shown = shipped_units(order)
    if before:
        for key, units in shipped_units(before).items():
            shown[key] = shown.get(key, 0) - units
        for line_number in {line for line, number in wanted if not number}:
            wanted[line_number, ""] = sum(units for (line, _), units in wanted.items() if line == line_number)
            shown[line_number, ""] = _shipped_of_line(order, line_number) - _shipped_of_line(before, line_number)
    if not update.shipment_numbers:
        return tuple([shown.get(key, 0) >= wanted[key] for key in keys])
    beside = zip(keys, update.shipment_numbers, strict=True)
    return tuple([shown.get(key, 0) >= (1 if number else wanted[key]) for key, number in beside])


def shipped_units(order: Order) -> _Units:
    """Return the shipped units by line number and normalised tracking number, blank where there is none."""
    units: _Units = {}
    for line in order.lines:
        for status in line.statuses:
            if status.status in SHIPPED_STATUSES:
                numbers = set(map(normalised, status.packages)) or (normalised(status.tracking_number),)
                for number in numbers:
                    key = line.line_number, number
                    units[key] = units.get(key, 0) + status.quantity
    return units


def _shipped_of_line(order: Order, line_number: str) -> int:
    statuses = (status for line in order.lines if line.line_number == line_number for status in line.statuses)
    return sum(status.quantity for status in statuses if status.status in SHIPPED_STATUSES)
