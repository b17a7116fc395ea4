"""The nouns of the conversation: what we tell the marketplace, and what it tells us of an order.

Pure data. Both dialects, the batch job and the client for programs use the same ones.
"""

from __future__ import annotations

from msgspec import Struct


class Parcel(Struct, frozen=True, kw_only=True, array_like=True):
    """One tracking number on one order line, with its quantity.

    As JSON it is a list of its members, so one that comes later joins at the end.

    A parcel that comes from a file may leave blank what the order itself can tell: `line_number`,
    `quantity` (0), `method_code`. A request is only built from parcels in which nothing is blank.
    """

    line_number: str = ""
    sku: str = ""  # finds the line where `line_number` is blank; never sent
    quantity: int = 0  # units of the line in this parcel; 0: not said
    carrier: str = ""  # one of the marketplace's codes; blank where `other_carrier` stands
    other_carrier: str = ""  # a carrier that is not on the marketplace's list
    method_code: str = ""  # Standard, Express, OneDay, Freight, WhiteGlove, Value
    tracking_number: str = ""  # blank only for Lettermail
    tracking_url: str = ""  # required with `other_carrier`
    shipped_at: int = 0  # UTC epoch milliseconds
    date_only: bool = False  # the file named a day without a time
    ship_from_country: str = ""  # ISO 3166 alpha-2
    seller_order_id: str = ""  # at most 30 characters; left out where blank

    @property
    def key(self) -> str:
        """What distinguishes parcels of one line: the normalised tracking number, else the carrier's name."""
        return normalised(self.tracking_number) or (self.carrier or self.other_carrier).upper()


class ShippingUpdate(Struct, frozen=True, kw_only=True):
    """All that one call says: the parcels of one purchase order."""

    purchase_order_id: str
    parcels: tuple[Parcel, ...]
    replaces: tuple[str, ...] = ()  # an edit: beside each parcel the tracking number that it takes the place of
    # Several packages for the same units: beside each parcel a number of the seller's own. Parcels of one line with the
    # same number hold the same units together, and each says all of them; blank: a parcel with units of its own.
    shipment_numbers: tuple[str, ...] = ()
    override_intent_to_cancel: bool = False


class LineStatus(Struct, frozen=True, kw_only=True):
    """So many units of a line are in this status. Statuses are per quantity, not per line."""

    status: str  # Created, Acknowledged, Shipped, Delivered, Cancelled, Refund
    quantity: int
    carrier: str = ""
    tracking_number: str = ""
    shipped_at: int = 0  # UTC epoch milliseconds
    packages: tuple[str, ...] = ()  # tracking numbers of all packages of these units, where several are listed


class OrderLine(Struct, frozen=True, kw_only=True):
    """One line of an order as the marketplace shows it."""

    line_number: str
    sku: str = ""
    quantity: int = 0  # units ordered
    statuses: tuple[LineStatus, ...] = ()
    intent_to_cancel: bool = False  # the buyer asked to cancel


class Order(Struct, frozen=True, kw_only=True):
    """An order as the marketplace shows it, without anything about the buyer."""

    purchase_order_id: str
    customer_order_id: str = ""
    ordered_at: int = 0  # UTC epoch milliseconds; 0: not said
    ship_by: int = 0  # estimatedShipDate, UTC epoch milliseconds; 0: not said
    method_code: str = ""
    fulfilled_by_walmart: bool = False  # WFS orders cannot be shipped by the seller
    lines: tuple[OrderLine, ...] = ()


def normalised(tracking_number: str) -> str:
    """Return the tracking number as it is compared: upper case, without spaces and dashes."""
    return tracking_number.replace(" ", "").replace("-", "").upper()
