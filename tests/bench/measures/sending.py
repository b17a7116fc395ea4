"""What several benchmarks have in common: a baseline that sends, and a whole run of ours that sends the same orders."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.bench.baselines import CONNECTIONS
from tests.bench.marketplaces import marketplace
from tests.bench.ours import Shipped, expect, ship

if TYPE_CHECKING:
    from pathlib import Path

    from tests.bench.place import Place
    from tests.bench.processes import Ran


@dataclass(frozen=True, slots=True)
class Looped:
    """A baseline that sent its orders."""

    ran: Ran
    sending: float  # s, its loop alone


def one_line_orders(place: Place, orders: int) -> Path:
    """Return a file of so many orders of one line each."""
    return place.made(f"{orders}-orders.csv", orders, 1)


def bare(place: Place, baseline: str, orders: int) -> Looped:
    """Let a baseline send the bodies of so many orders from the client's core."""
    file = one_line_orders(place, orders)
    bodies = place.made(f"{orders}-orders.bodies", orders, 1)
    with marketplace(place, file) as server:
        ran = place.python("-m", "tests.bench.baselines", baseline, server.url, bodies, cores=place.client)
        expect(server.seen(), orders)
    return Looped(ran, float(ran.out))


def whole_run(place: Place, orders: int, **chosen: Any) -> Shipped:  # noqa: ANN401 - of `ours.ship`
    """Let a whole run of ours send so many orders over as many connections, with a journal that is empty."""
    file = one_line_orders(place, orders)
    with marketplace(place, file) as server:
        shipped = ship(place, server, file, workers=CONNECTIONS, **chosen)
    expect(shipped.seen, orders)
    return shipped


def told_of(ours: Shipped) -> dict[str, tuple[float, str]]:
    """Return the figures of a run that a reader wants to see."""
    return {
        "our run, start to end": (ours.ran.wall, "s"),
        "our run, sending": (ours.sending, "s"),
        "our CPU an order": (ours.ran.cpu / ours.orders * 1e6, "us"),
        "our peak memory": (ours.ran.peak, "MiB"),
    }
