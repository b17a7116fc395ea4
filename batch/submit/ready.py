"""The orders that are ready to be sent, the nearest deadline first."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from batch.journal.entries import JournalOrder
    from batch.marketplace.orders import Order

READING_LASTS = 60.0  # s; an older reading is made again when its order's turn comes
READINGS_KEPT = 256
NO_DEADLINE = 1 << 62


class Reading(Struct, frozen=True):
    """An order as the marketplace showed it."""

    order: Order
    at: float  # s, monotonic, when it was asked for


class Ready:
    """Gives out the order with the nearest deadline; among equals, the one that came first.

    Of an order that waits only its number and its deadline are kept; of the first ones their content and reading, too.
    """

    def __init__(self, *, most: int = 0) -> None:
        self._queue: asyncio.PriorityQueue[tuple[int, int, int]] = asyncio.PriorityQueue(most)
        self._kept: dict[int, tuple[JournalOrder, Reading | None]] = {}
        self._count = 0

    async def put(self, order: JournalOrder, reading: Reading | None, *, keep: bool = False) -> None:
        """Add an order; waits while `most` are there. `keep`: hold its content, whatever its number."""
        self._count += 1
        if keep or len(self._kept) < READINGS_KEPT:
            self._kept[order.id] = (order, reading)
        deadline = reading.order.ship_by if reading is not None else 0
        await self._queue.put((deadline or NO_DEADLINE, self._count, order.id))

    async def get(self) -> tuple[int, JournalOrder | None, Reading | None]:
        """Wait for the next order: its number and, where they were kept, its content and its reading."""
        _, _, order = await self._queue.get()
        content, reading = self._kept.pop(order, (None, None))
        return order, content, reading

    @property
    def nearest(self) -> int:
        """The nearest deadline among those that wait, UTC epoch milliseconds; 0 for none."""
        waiting = self._queue._queue  # type: ignore[attr-defined]  # noqa: SLF001 - the heap's first is the nearest
        return waiting[0][0] if waiting and waiting[0][0] != NO_DEADLINE else 0

    def __len__(self) -> int:
        return self._queue.qsize()
