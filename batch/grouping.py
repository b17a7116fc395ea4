"""Which rows belong to one order, and which of them need a closer look: rows of one order have to meet for that.

They meet in one table of all rows or, where rows are many, in buckets: rows of one order always fall into the same.

    keys ──dealt──▶ keys of each bucket ──grouped──▶ groups of each bucket ──laid_together──▶ groups of all rows
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from schemas.characters import hashes, is_blank, joined_texts, picked, replaced, text_array

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, slots=True)
class Groups:
    """Rows by order."""

    order: np.ndarray  # int64, beside each row a number for the order that it names, by first appearance
    two_customers: np.ndarray  # positions of rows whose purchase order has the orders of two customers, ascending
    alike: np.ndarray  # positions of rows that may say the same parcel as another, a few others perhaps; ascending


@dataclass(frozen=True, slots=True)
class Bucket:
    """Some of all rows by order: those that met. Positions of `groups` are places in `position`."""

    position: np.ndarray  # int64, of each row among all, ascending
    groups: Groups


class Keys(Protocol):
    """What is looked at of rows. Hashes are equal where texts are, and hardly ever elsewhere (`schemas.characters`)."""

    @property
    def ready(self) -> np.ndarray:
        """Return whether nothing speaks against the row itself, bool."""

    @property
    def whole(self) -> np.ndarray:
        """Return whether it names both its purchase order and its customer's, bool."""

    def orders(self) -> pa.LargeStringArray:
        """Return what each row's order is called."""

    def customers(self, rows: np.ndarray) -> np.ndarray:
        """Return hashes of what the customer's orders are called."""

    def numbers(self, rows: np.ndarray) -> np.ndarray:
        """Return hashes of tracking numbers."""

    def items(self, rows: np.ndarray) -> np.ndarray:
        """Return hashes of line numbers."""


class KeysOfLines:
    """The keys of validated lines."""

    def __init__(self, lines: pd.DataFrame, ready: np.ndarray) -> None:
        self.ready = ready
        self._lines = lines

    @property
    def whole(self) -> np.ndarray:
        """Return which rows name both their purchase order and their customer's."""
        return np.asarray(~is_blank(self._lines["customer_order_id"]) & ~is_blank(self._lines["purchase_order_id"]))

    def orders(self) -> pa.LargeStringArray:
        """Return each row's purchase order, else its customer's order."""
        names = text_array(self._lines["purchase_order_id"])
        unnumbered = np.flatnonzero(is_blank(self._lines["purchase_order_id"]))
        customers = joined_texts("customer ", picked(text_array(self._lines["customer_order_id"]), unnumbered))
        return replaced(names, unnumbered, customers)

    def customers(self, rows: np.ndarray) -> np.ndarray:
        """Return hashes of what the customer's orders are called."""
        return self._hashes("customer_order_id", rows)

    def numbers(self, rows: np.ndarray) -> np.ndarray:
        """Return hashes of tracking numbers."""
        return self._hashes("tracking_number", rows)

    def items(self, rows: np.ndarray) -> np.ndarray:
        """Return hashes of line numbers."""
        return self._hashes("line_number", rows)

    def _hashes(self, column: str, rows: np.ndarray) -> np.ndarray:
        return hashes(picked(text_array(self._lines[column]), rows))


@dataclass(frozen=True, slots=True)
class Dealt:
    """The keys of some rows, on their way to where rows of the same orders meet."""

    position: np.ndarray  # int64, ascending
    order: pa.LargeStringArray
    ready: np.ndarray
    whole: np.ndarray
    customer: np.ndarray  # uint64, as the other two
    number: np.ndarray
    item: np.ndarray

    def orders(self) -> pa.LargeStringArray:
        """Return what each row's order is called."""
        return self.order

    def customers(self, rows: np.ndarray) -> np.ndarray:
        """Return hashes of what the customer's orders are called."""
        return np.asarray(self.customer[rows])

    def numbers(self, rows: np.ndarray) -> np.ndarray:
        """Return hashes of tracking numbers."""
        return np.asarray(self.number[rows])

    def items(self, rows: np.ndarray) -> np.ndarray:
        """Return hashes of line numbers."""
        return np.asarray(self.item[rows])


def dealt(keys: Keys, buckets: int) -> list[Dealt]:
    """Deal rows out, those of one order into the same bucket wherever they come from; positions count from 0."""
    orders = keys.orders()
    everything = np.arange(len(orders))
    hashed = [keys.customers(everything), keys.numbers(everything), keys.items(everything)]
    ready, whole = keys.ready, keys.whole
    # The upper half of a hash is the well mixed one.
    bucket = ((hashes(orders) >> np.uint64(32)) * np.uint64(buckets)) >> np.uint64(32)
    chosen = (np.flatnonzero(bucket == number) for number in range(buckets))
    return [
        Dealt(rows, picked(orders, rows), ready[rows], whole[rows], *(of[rows] for of in hashed)) for rows in chosen
    ]


def met(pieces: Sequence[Dealt], starts: Sequence[int]) -> Dealt:
    """Return the keys that came into one bucket. `starts`: beside each piece, where the rows that it is of begin."""
    positions = [piece.position + start for piece, start in zip(pieces, starts, strict=True)]
    return Dealt(
        np.concatenate([np.empty(0, np.int64), *positions]),
        pa.chunked_array([piece.order for piece in pieces], pa.large_string()).combine_chunks(),
        *(
            np.concatenate([np.empty(0, kind), *(getattr(piece, name) for piece in pieces)])
            for name, kind in (
                ("ready", np.bool_),
                ("whole", np.bool_),
                ("customer", np.uint64),
                ("number", np.uint64),
                ("item", np.uint64),
            )
        ),
    )


def grouped(keys: Keys) -> Groups:
    """Group rows."""
    order = _numbered(keys.orders())
    pa.default_memory_pool().release_unused()
    mixed = _two_customers(keys, order)
    left = keys.ready.copy()
    left[mixed] = False
    return Groups(order, mixed, _perhaps_alike(keys, order, np.flatnonzero(left)))


def _numbered(names: pa.LargeStringArray) -> np.ndarray:
    """Return a number for each name, by first appearance."""
    return np.asarray(pc.dictionary_encode(names).indices.to_numpy(zero_copy_only=False), np.int64)


def _two_customers(keys: Keys, order: np.ndarray) -> np.ndarray:
    """Return ready rows of purchase orders for which rows name two customers' orders."""
    rows = np.flatnonzero(keys.ready & keys.whole)
    if not len(rows):
        return rows
    code, customer = order[rows], keys.customers(rows)
    first = np.zeros(int(code.max()) + 1, np.uint64)
    first[code[::-1]] = customer[::-1]
    return np.flatnonzero(np.isin(order, np.unique(code[customer != first[code]])) & keys.ready)


def _perhaps_alike(keys: Keys, order: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return which of the rows have an order, line and tracking number that another has, too, and a few others."""
    code = order[rows]
    together = np.bincount(code, minlength=1)[code] > 1
    rows, code = rows[together], code[together]
    mixed = (keys.numbers(rows) * np.uint64(31) + keys.items(rows)) * np.uint64(31) + code.astype(np.uint64)
    return np.asarray(rows[pd.Series(mixed).duplicated(keep=False).to_numpy()])


def laid_together(buckets: Sequence[Bucket]) -> Groups:
    """Return the groups of all rows, each of which is in one bucket."""
    starts = np.cumsum([0, *(int(one.groups.order.max(initial=-1)) + 1 for one in buckets)]).tolist()
    first = np.empty(starts[-1], np.int64)  # position at which each order appears
    for one, start in zip(buckets, starts, strict=False):
        first[one.groups.order[::-1] + start] = one.position[::-1]
    number = np.empty(len(first), np.int64)
    number[np.argsort(first, kind="stable")] = np.arange(len(first))
    order = np.empty(sum(len(one.position) for one in buckets), np.int64)
    for one, start in zip(buckets, starts, strict=False):
        order[one.position] = number[one.groups.order + start]
    return Groups(
        order,
        _sorted(one.position[one.groups.two_customers] for one in buckets),
        _sorted(one.position[one.groups.alike] for one in buckets),
    )


def _sorted(positions: Iterable[np.ndarray]) -> np.ndarray:
    return np.sort(np.concatenate([np.empty(0, np.int64), *positions]))
