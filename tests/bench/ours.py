"""`shipbatch` as its users run it, with all safety on, and the proof that what it says is so.

A figure counts only where the server's counter, the client's counter and the report agree and nothing was charged
twice.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from batch.sandbox.demo import demo_seller, example_settings
from tests.bench.goals import NotBelievable
from tests.bench.place import SHIPBATCH

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.bench.marketplaces import Seen, Server
    from tests.bench.place import Place
    from tests.bench.processes import Cores, Ran

GLOBAL, CANADA = "walmart-global", "walmart-canada"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipped:
    """A run of ours that did what it says."""

    ran: Ran
    seen: Seen
    summaries: tuple[Mapping[str, Any], ...]

    @property
    def orders(self) -> int:
        """How many orders were shipped."""
        return sum(summary["orders"]["shipped"] for summary in self.summaries)

    @property
    def sending(self) -> float:
        """Seconds from the first update to the last, by the server's clock."""
        return self.seen.last - self.seen.first


def settings(
    folder: Path,
    url: str,
    *,
    api: str = GLOBAL,
    sellers: int = 1,
    rate: float = 0,
    key: Path | None = None,
    **overrides: object,
) -> Path:
    """Write settings for one account, or for several named s0, s1 and so on; orders are not read before sending.

    `rate`: updates a minute, 0 for no limit of our own. `key`: the folder with the key that requests are signed with.
    """
    chosen = {"preflight": False, "rate": {"ship": rate, "acknowledge": 0, "read": 0}, **overrides}
    names = ["default"] if sellers == 1 else [f"s{number}" for number in range(sellers)]
    accounts = {name: demo_seller(key, number) for number, name in enumerate(names)}
    file = folder / "shipbatch.toml"
    file.write_text(example_settings(api, url, folder, sellers=accounts, overrides=chosen))
    return file


def ship(
    place: Place,
    server: Server,
    what: Path,
    *,
    folder: Path | None = None,
    cores: Cores | None = None,
    **chosen: Any,  # noqa: ANN401 - of `settings`
) -> Shipped:
    """Run `shipbatch run` over a file or folder that is all to be shipped. Raises `NotBelievable`."""
    folder = folder or place.fresh_folder()
    config = settings(folder, server.url, **chosen)
    ran = place.run([SHIPBATCH, "run", "--config", config, "--json", what], cores=cores, cwd=folder)
    told = json.loads(ran.out)
    shipped = Shipped(ran=ran, seen=server.seen(), summaries=tuple(told.get("runs", [told])))
    _prove(shipped, folder)
    return shipped


def expect(seen: Seen, orders: int) -> None:
    """Raise `NotBelievable` unless just so many orders were charged, each once, and nothing else happened."""
    wrong = {
        "updates": seen.ship != orders,
        "purchase orders charged": seen.charged != orders,
        "charged twice": seen.charged_twice != 0,
        "refused": seen.refused != 0,
        "correlation ids repeated": seen.repeated_ids != 0,
    }
    if any(wrong.values()):
        names = ", ".join(name for name, is_wrong in wrong.items() if is_wrong)
        raise NotBelievable(f"Not as it should be: {names}; {orders} orders were sent, and the server saw {seen}.")


def _prove(shipped: Shipped, folder: Path) -> None:
    """Compare server, client and report."""
    expect(shipped.seen, shipped.orders)
    for summary in shipped.summaries:
        report = folder / "reports" / str(summary["run"])
        rows = sum(row["_outcome"] == "shipped" for row in _rows(report / "rows.csv"))
        if not rows == summary["rows"]["total"] == summary["rows"]["shipped"]:
            raise NotBelievable(f"{report}: {rows} rows are shipped, and the summary says {summary['rows']}.")
    requests = sum(summary["requests"]["ship"] - summary["requests"]["throttled"] for summary in shipped.summaries)
    if requests != shipped.orders:
        raise NotBelievable(f"The report says {requests} updates were sent for {shipped.orders} orders.")


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(newline="", encoding="utf-8-sig") as stream:
        return list(csv.DictReader(stream))
