"""From a file to a plan, by this process or by workers of our own: a program that does only that.

    python -m tests.bench.preparing here FILE
    python -m tests.bench.preparing local:2 FILE

Prints as JSON how long that took (s; with workers, their start counts, too), how many orders there are, a digest of the
plan, and each process's peak memory (MiB).
"""

from __future__ import annotations

import hashlib
import json
import resource
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pandas as pd

from batch.draft import Policy
from batch.inputs import in_place
from batch.job import Job, prepared
from batch.settings import Account, Settings

if TYPE_CHECKING:
    from batch.job import Prepare
    from batch.reading.table import Source

_POLICY = Policy(zone=ZoneInfo("America/Toronto"), now_ms=1_795_550_400_000)


def here(file: Path) -> dict[str, Any]:
    """Prepare in this process."""
    told = _prepared(prepared, in_place(file))
    return {**told, "start": 0.0, "peaks": [peak()]}


def by_workers(address: str, file: Path) -> dict[str, Any]:
    """Prepare by workers of our own: one of them plans, as for an account that it sends for."""
    from batch.cluster.address import address_from  # noqa: PLC0415 - the extra `cluster`
    from batch.cluster.engine import connected  # noqa: PLC0415 - the same

    source = in_place(file)
    began = time.perf_counter()
    with connected(address_from(address)) as client:
        start = time.perf_counter() - began
        told: dict[str, Any] = client.submit(in_worker, source).result()
        peaks = [peak(), *client.run(peak).values()]
    return {**told, "start": start, "peaks": peaks}


def in_worker(source: Source) -> dict[str, Any]:
    """Prepare as a worker does that an account was given to."""
    import distributed  # noqa: PLC0415 - the extra

    from batch.cluster.partitions import Partitions  # noqa: PLC0415 - the same

    client = distributed.get_client()
    distributed.secede()  # type: ignore[no-untyped-call] # it has few types
    return _prepared(Partitions(client, local=True), source)


def peak() -> float:
    """Return this process's peak memory, MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _prepared(prepare: Prepare, source: Source) -> dict[str, Any]:
    job = Job(settings=Settings(), name="default", account=Account(client_id="one", client_secret="s"))
    began = time.perf_counter()
    _, plan = prepare(job, [source], _POLICY)
    seconds = time.perf_counter() - began
    digest = hashlib.sha256()
    for frame in (plan.orders, plan.rows[["row", "named", "order", "parcel", "outcome"]]):
        digest.update(pd.util.hash_pandas_object(frame, index=False).to_numpy().tobytes())
    return {"seconds": seconds, "orders": len(plan), "rows": len(plan.rows), "digest": digest.hexdigest()}


if __name__ == "__main__":
    how, name = sys.argv[1:]
    print(json.dumps(here(Path(name)) if how == "here" else by_workers(how, Path(name))))  # noqa: T201 - it is a program
