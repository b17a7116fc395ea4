"""How the orders of a run end: counted, and noted for the report."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from batch.journal.states import State


class Register:
    """One run's orders on their way to their ends."""

    def __init__(self) -> None:
        self.ended: Counter[State] = Counter()
        self.notes: dict[str, str] = {}  # purchase order id ▶ what else the report says of it
        self.faults = 0  # of ours; each has put one order aside
        self.all_ended = asyncio.Event()
        self.only_missing_left = asyncio.Event()
        self.missing: list[int] | None = []  # orders that were not found; None: some order was found
        self.merged: Counter[int] = Counter()  # order ▶ others that became part of it
        self.open = 0  # orders that have not ended

    def expect(self, orders: int) -> None:
        """Note how many orders are to end."""
        self.open = orders
        self._look()

    def end(self, order: int, state: State) -> None:
        """Note that an order has come to its end in this run, and with it those that became part of it."""
        count = 1 + self.merged.pop(order, 0)
        self.ended[state] += count
        self.open -= count
        self._look()

    def merge(self, order: int, into: int) -> None:
        """Note that an order became part of another."""
        self.merged[into] += 1 + self.merged.pop(order, 0)

    def miss(self, order: int) -> bool:
        """Note that an order is not found; say whether that is to be held back, as long as none was found at all."""
        if self.missing is None:
            return False
        self.missing.append(order)
        self._look()
        return True

    def take_missing(self) -> list[int]:
        """Return the orders that were held back, for one was found, or no other is left."""
        missing, self.missing = self.missing or [], None
        return missing

    def _look(self) -> None:
        if self.open <= 0:
            self.all_ended.set()
        elif self.missing and sum(1 + self.merged[order] for order in self.missing) >= self.open:
            self.only_missing_left.set()

    def note(self, purchase_order_id: str, *, units_open: int, late: str = "") -> None:
        """Note what else is to be said of an order that is shipped."""
        if not (late or units_open):
            return
        stays = f"{units_open} unit{'s stay' if units_open > 1 else ' stays'} open" if units_open else ""
        if told := "; ".join(filter(None, (late, stays))):
            self.notes[purchase_order_id] = told


def lateness(ship_by: int, sent_at: int, zone: ZoneInfo) -> str:
    """Say that an order was shipped after its deadline, blank where it was not. Times: UTC epoch ms, 0 not known."""
    return _late(ship_by, zone) if 0 < ship_by < sent_at else ""


@lru_cache(maxsize=1024)  # late orders come together, and most deadlines are the same few hours
def _late(ship_by: int, zone: ZoneInfo) -> str:
    return f"shipped after its deadline, {datetime.fromtimestamp(ship_by / 1000, zone):%Y-%m-%d %H:%M}"
