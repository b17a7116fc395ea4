"""All that can be measured, in the order of the table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.bench.measures import (
    accounts,
    ceiling,
    checking,
    help_start,
    httpx_comparison,
    journal,
    pace,
    preparing,
    recovery,
    signed_run,
    unsigned_run,
    watch_memory,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.bench.goals import Benchmark

BENCHMARKS: tuple[Benchmark, ...] = (
    pace.BENCHMARK,
    pace.REAL,
    accounts.BENCHMARK,
    accounts.FIVE_THOUSAND,
    unsigned_run.BENCHMARK,
    signed_run.BENCHMARK,
    httpx_comparison.BENCHMARK,
    ceiling.BENCHMARK,
    journal.RECORDING,
    checking.CSV_1M,
    checking.CSV_10M,
    preparing.BENCHMARK,
    checking.XLSX_100K,
    help_start.BENCHMARK,
    recovery.BENCHMARK,
    journal.HISTORY,
    watch_memory.BENCHMARK,
)


def chosen(names: Sequence[str]) -> list[Benchmark]:
    """Return the benchmarks of these names; without any, all but those that are only measured by name."""
    if unknown := set(names) - {one.name for one in BENCHMARKS}:
        there_are = ", ".join(one.name for one in BENCHMARKS)
        raise LookupError(f"There is no benchmark {', '.join(sorted(unknown))}; there are: {there_are}.")
    return [one for one in BENCHMARKS if one.name in names or not (names or one.only_by_name)]
