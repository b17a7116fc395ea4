"""Measure every budget against its named baseline, in the same run, on loopback.

    python -m tests.bench                 all, three rounds each (about an hour)
    python -m tests.bench pace journal    these
    python -m tests.bench --quick         a glance at small sizes: figures that mean nothing, for building
    python -m tests.bench --list          what can be measured

Safety is on throughout: full sync, journal, report, checks. A figure counts only where the server's counter, ours and
the report agree. Table, picture and all rounds go to data/bench, where the README takes them from.
"""

from __future__ import annotations

import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console

from tests.bench.catalogue import BENCHMARKS, chosen
from tests.bench.goals import Benchmark, CannotMeasure, NotBelievable, Round
from tests.bench.machine import busy, facts
from tests.bench.place import ROOT, Place
from tests.bench.results import Result, kept, result
from tests.bench.tables import behind, markdown, terminal_table

QUICK = 0.04  # share of the full sizes
OUTPUT = ROOT / "data" / "bench"


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--rounds", type=click.IntRange(1), default=3, show_default=True, help="How often each is measured.")
@click.option("--share", type=click.FloatRange(0, 1, min_open=True), default=1.0, help="Share of the full sizes.")
@click.option("--quick", is_flag=True, help="One round of small sizes; nothing is written.")
@click.option("--output", type=click.Path(path_type=Path), default=OUTPUT, help="Where the results go.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where to work: on the disk that is to be measured.")
@click.option("--list", "listed", is_flag=True, help="Tell what can be measured.")
def main(
    *, names: tuple[str, ...], rounds: int, share: float, quick: bool, output: Path, folder: Path | None, listed: bool
) -> None:
    """Measure budgets against their baselines; without names all but the longest."""
    if listed:
        click.echo("\n".join(f"{one.name}{' (only by name)' if one.only_by_name else ''}" for one in BENCHMARKS))
        return
    try:
        benchmarks = chosen(names)
    except LookupError as error:
        raise click.BadParameter(str(error.args[0])) from None
    console = Console(width=None if sys.stdout.isatty() else 180)
    if said := busy():
        console.print(said, style="yellow")
    with tempfile.TemporaryDirectory(prefix="shipbatch-bench-", dir=folder) as work:
        place = Place(Path(work).resolve(), share=QUICK if quick else share)
        results = [_measured(console, one, place, 1 if quick else rounds) for one in benchmarks]
    console.print(terminal_table(results))
    if place.share == 1:
        _write(console, results, output)


def _measured(console: Console, benchmark: Benchmark, place: Place, rounds: int) -> Result:
    """Measure one benchmark; what cannot be measured says why, and stops no other."""
    console.rule(benchmark.name, align="left")
    outcome: dict[str, object]
    try:
        outcome = {"rounds": _rounds(console, benchmark, place, benchmark.rounds or rounds)}
    except CannotMeasure as reason:
        outcome = {"problem": f"skipped: {reason}"}
    except NotBelievable as reason:
        outcome = {"problem": f"no figure: {reason}"}
    except Exception as error:  # noqa: BLE001 - the other benchmarks are still to be measured
        console.print(traceback.format_exc(), markup=False, highlight=False)
        outcome = {"problem": f"no figure: {type(error).__name__}"}
    done = result(benchmark, on=f"{datetime.now(UTC):%Y-%m-%d}", share=place.share, machine=facts(place), **outcome)
    if done.problem:
        console.print(done.problem, style="yellow", markup=False)
    for line in behind(done):
        console.print(f"  {line}", markup=False, highlight=False)
    return done


def _rounds(console: Console, benchmark: Benchmark, place: Place, count: int) -> list[Round]:
    rounds: list[Round] = []
    with benchmark.begun(place) as once:
        for number in range(count):
            rounds.append(once())
            values = ", ".join(f"{name} {value:.4g}" for name, value in rounds[-1].values.items())
            console.print(f"round {number + 1}: {values}", markup=False, highlight=False)
    return rounds


def _write(console: Console, results: list[Result], output: Path) -> None:
    from tests.bench.picture import draw  # noqa: PLC0415 - large, and would count as every child's memory

    output.mkdir(parents=True, exist_ok=True)
    everything = kept(output / "results.json", results, [one.name for one in BENCHMARKS])
    (output / "table.md").write_text(markdown(everything), encoding="utf-8")
    drawn = draw(everything, output)
    names = ", ".join(str(file) for file in [output / "results.json", output / "table.md", *drawn])
    console.print(f"Written: {names}", markup=False)


if __name__ == "__main__":
    main()
