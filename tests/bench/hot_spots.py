"""Show where an order's microseconds go: a run of many small orders under a sampling profiler.

    python -m tests.bench.hot_spots [--orders 20000] [--signed] [--output FOLDER]

py-spy looks at all threads a thousand times a second and counts those that are at work; sums are microseconds an order,
of all threads together. --output keeps the samples, in the format that flame graphs are made from.
"""

from __future__ import annotations

import re
import shutil
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batch.sandbox.demo import demo_key
from tests.bench.marketplaces import marketplace
from tests.bench.measures.sending import one_line_orders
from tests.bench.ours import CANADA, GLOBAL, expect, settings
from tests.bench.place import Place

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

RATE = 1000  # samples a second
_SHOWN = 25
_OURS = re.compile(r" \((batch|schemas)/")
_WAITING = ("_worker (concurrent/futures/thread.py", "wait (threading.py")  # where threads wait for work

# The parts of a run, by what only their frames contain; the first that fits counts.
PARTS = {
    "imports": ("_find_and_load ",),
    "journal, writing": ("apply (batch/journal/journal.py",),
    "journal, loading orders": ("load (batch/journal/journal.py",),
    "journal, planning": ("plan (batch/journal/journal.py", "record_rows (batch/journal/journal.py"),
    "reading": ("read_inputs (batch/inputs.py",),
    "planning": ("make_plan (batch/plan.py",),
    "signing": ("sign (batch/marketplace/signature.py",),
    "sending": ("run (asyncio/runners.py", "_run_once (asyncio/base_events.py"),
    "accounting": ("journalled_account (batch/journalled.py",),
    "report": ("write_report (batch/report/folder.py",),
}

Stack = tuple[str, ...]  # outermost first: the thread, then "function (file)"


@dataclass(frozen=True, slots=True)
class Samples:
    """Samples by stack."""

    counts: Counter[Stack] = field(default_factory=Counter)

    @classmethod
    def read(cls, lines: Iterable[str]) -> Samples:
        """Read py-spy's raw format: frames from the outermost, a blank, a count. Threads that wait are left out."""
        counts: Counter[Stack] = Counter()
        for line in lines:
            stack, _, count = line.strip().rpartition(" ")
            frames = tuple(re.sub(r"(\.py|>):\d+\)", r"\1)", frame) for frame in stack.split(";"))
            if not frames[-1].startswith(_WAITING):
                counts[frames] += int(count)
        return cls(counts)

    def parts(self) -> dict[str, Samples]:
        """Return the samples by part of the run."""
        found: dict[str, Counter[Stack]] = {name: Counter() for name in (*PARTS, "other")}
        for stack, count in self.counts.items():
            fits = (name for name, frames in PARTS.items() if any(one in frame for one in frames for frame in stack))
            found[next(fits, "other")][stack] += count
        return {name: Samples(counts) for name, counts in found.items()}

    def own(self) -> Counter[str]:
        """Return the samples in which a function itself was at work."""
        own: Counter[str] = Counter()
        for stack, count in self.counts.items():
            own[stack[-1]] += count
        return own

    def whole(self) -> Counter[str]:
        """Return the samples in which a function or what it calls was at work."""
        whole: Counter[str] = Counter()
        for stack, count in self.counts.items():
            for frame in set(stack[1:]):
                whole[frame] += count
        return whole


@click.command()
@click.option("--orders", default=20_000, show_default=True, help="Of one line each.")
@click.option("--signed", is_flag=True, help="Over the signed API, on all cores.")
@click.option("--output", type=click.Path(path_type=Path, file_okay=False), help="Where the samples go.")
def main(*, orders: int, signed: bool, output: Path | None) -> None:
    """Show where an order's microseconds go."""
    if shutil.which("py-spy", path=str(Path(sys.executable).parent)) is None:
        raise click.ClickException("py-spy is not here; install the extra `bench`.")
    with tempfile.TemporaryDirectory(prefix="shipbatch-profile-") as work:
        samples = _sampled(Place(Path(work).resolve()), orders, signed=signed, output=output)
    for line in told(samples, orders):
        click.echo(line)


def _sampled(place: Place, orders: int, *, signed: bool, output: Path | None) -> Samples:
    file, folder = one_line_orders(place, orders), place.fresh_folder()
    raw = (output or folder).absolute() / "samples.txt"
    raw.parent.mkdir(parents=True, exist_ok=True)
    spy = Path(sys.executable).with_name("py-spy")
    demo_key(place.folder)
    with marketplace(place, file) as server:
        config = settings(folder, server.url, api=CANADA if signed else GLOBAL, key=place.folder)
        record = [spy, "record", "--rate", RATE, "--threads", "--format", "raw", "--output", raw, "--"]
        command = [*record, sys.executable, "-m", "batch", "run", "--quiet", "--config", config, file]
        place.run(command, cores=place.cores if signed else place.client, cwd=folder)
        expect(server.seen(), orders)
    with raw.open(encoding="utf-8") as lines:
        return Samples.read(lines)


def told(samples: Samples, orders: int) -> Iterator[str]:
    """Return what the samples tell, line by line."""
    parts = samples.parts()
    sums = Counter({name: part.counts.total() for name, part in parts.items()})
    yield from _table(f"A run of {orders:,} orders, by its parts", sums, orders)
    for name in ("sending", "journal, writing"):
        whole = parts[name].whole()
        ours = Counter({frame: count for frame, count in whole.items() if _OURS.search(frame)})
        yield from _table(f"{name}: our functions, with all that they call", ours, orders)
        yield from _table(f"{name}: what was at work itself", parts[name].own(), orders)


def _table(title: str, counts: Counter[str], orders: int) -> Iterator[str]:
    yield f"{title} (microseconds an order)"
    for frame, count in counts.most_common(_SHOWN):
        if count:
            yield f"{count / RATE / orders * 1e6:9.1f}  {frame}"
    yield ""


if __name__ == "__main__":
    main()
