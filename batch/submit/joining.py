"""Which orders of a run are about one purchase order, and so go together or wait for each other.

An order that names only a customer order is found to be about a purchase order that another one names; files of two
days are about the same purchase order; an order that an earlier run left to be settled comes before anything new is
said about it.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from batch.journal.merging import merge, naming, sharing, unnamed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from batch.journal.database import Database


@dataclass(slots=True)
class _Queue:
    """Orders of one purchase order behind those of it that are being settled."""

    unsettled: set[int]
    waiting: list[int] = field(default_factory=list)


class Joining:
    """The orders of one run, seen from their purchase orders.

    `own`: what the run sends; `left_open`: what it settles. `merged`: told of an order that became part of another.
    """

    def __init__(
        self,
        database: Database,
        seller: str,
        own: Iterable[int],
        left_open: Iterable[int],
        merged: Callable[[int, int], None],
    ) -> None:
        self._database, self._seller, self._merged = database, seller, merged
        self._own, self._unsettled = array("q", sorted(own)), set(left_open)  # there may be a million
        self._part_of: dict[int, int] = {}
        self._aside: set[int] = set()  # part of another order, waiting behind one, or gone on
        self._queues: dict[int, _Queue] = {}
        self._unnamed: frozenset[int] = frozenset()

    def begin(self) -> list[int]:
        """Join what is known to belong together; return what names no purchase order yet and is to be read first."""
        for same in sharing(self._database, self._seller).values():
            self._join(same)
        by_customer = unnamed(self._database, self._seller)
        for same in by_customer.values():
            self._join(same)
        waiting = {order for same in by_customer.values() for order in same}
        self._unnamed = frozenset(one for one in waiting - self._aside if self._is_own(one))
        return sorted(self._unnamed)

    def named(self, orders: Sequence[int]) -> list[int]:
        """Return which of these orders go their own way and name their purchase order."""
        return [one for one in orders if one not in self._aside and one not in self._unnamed]

    def found(self, order: int, purchase_order_id: str) -> int:
        """Join an order whose purchase order is now known with others; return the one that goes on, 0 for none now."""
        others = [one for one in naming(self._database, self._seller, purchase_order_id) if one != order]
        one = self._join([*others, order])
        self._aside.add(one)
        return one

    def whole(self, order: int) -> int:
        """Return the order itself, or the one that it became part of."""
        while order in self._part_of:
            order = self._part_of[order]
        return order

    def settled(self, order: int, *, again: bool) -> list[int]:
        """Note that an order is settled, and goes again or not; return the orders of it that may go on, as one."""
        self._unsettled.discard(order)
        self._aside.add(order)
        queue = self._queues.pop(order, None) or _Queue({order})
        queue.unsettled.discard(order)
        queue.waiting += [order] if again else []
        return [] if queue.unsettled else self._one(queue.waiting)

    def _join(self, same: Sequence[int]) -> int:
        """Join orders of one purchase order; return the one that goes on, 0 where it waits for others to be settled."""
        unsettled = [one for one in same if one in self._unsettled]
        planned = [one for one in same if self._is_own(one) and one not in self._unsettled | self._aside]
        if not unsettled or not planned:
            return next(iter(self._one(planned)), 0)
        queue = next((self._queues[one] for one in unsettled if one in self._queues), _Queue(set(unsettled)))
        self._queues |= dict.fromkeys(unsettled, queue)
        queue.waiting += planned
        self._aside.update(planned)
        return 0

    def _one(self, orders: Sequence[int]) -> list[int]:
        if len(orders) > 1:
            into, others = orders[0], orders[1:]
            merge(self._database, into, others)
            self._aside.update(others)
            for other in others:
                self._part_of[other] = into
                self._merged(other, into)
        return list(orders[:1])

    def _is_own(self, order: int) -> bool:
        place = bisect_left(self._own, order)
        return place < len(self._own) and self._own[place] == order
