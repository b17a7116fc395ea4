"""A large account's files, prepared by all workers: read, examined and grouped in parts, planned where they are sent.

    part ──examined──▶ rows ──dealt──▶ keys by bucket ──grouped──▶ groups
     └────────────── tasks, wherever there is room ─────────────────┘   └▶ one plan, here

Rows of one order meet in a bucket (batch.grouping), a shuffle on the order's number. Rows stay in the workers' memory,
which Dask lays on the disk where it gets scarce, until they come here one part after the other. Nothing irrevocable
happens meanwhile: where a worker is lost, Dask does its parts again elsewhere.
"""

from __future__ import annotations

from concurrent.futures import CancelledError
from dataclasses import dataclass, replace
from functools import partial
from operator import getitem
from typing import TYPE_CHECKING, Any

import numpy as np

from batch.draft import draft_of, examined, judge
from batch.errors import Exit, NotBegun
from batch.grouping import Dealt, Groups, KeysOfLines, dealt, grouped, laid_together, met
from batch.in_parts import examined_part, ready_rows, settled, table_of
from batch.inputs import Inputs, inputs_by, read_source
from batch.plan import make_plan, planned
from batch.reading.division import PART, divided
from batch.reading.profiles import load_profiles
from batch.reading.shipments import Recognised, Shipments
from batch.reading.spilling import spilled
from batch.reading.table import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from distributed import Client, Future

    from batch.draft import Examined, Policy
    from batch.in_parts import Clues, ExaminedPart
    from batch.inputs import Unread
    from batch.job import Job
    from batch.plan import Plan
    from batch.reading.division import Division, Part

    Seen = tuple[Clues, ExaminedPart | None] | None

_PARTS_IN_BUCKET = 4  # as many bytes of rows as so many parts have meet in one task
_FIRST = 10  # priority: what is begun is ended before another account is


@dataclass(frozen=True, slots=True, kw_only=True)
class InParts(Recognised):
    """A table that was read in parts."""

    examined: Examined
    keys: list[list[Future[Dealt]]]  # of each part, by bucket
    heights: list[int]  # rows of each part


class Partitions:
    """How a job prepares its input by all workers: `Job.prepare`.

    `local`: workers find our copies where they lie; else the bytes go with the tasks. `part`: bytes.
    """

    def __init__(self, client: Client, *, local: bool, part: int = PART) -> None:
        self._client, self._local, self._part = client, local, part

    def __call__(
        self, job: Job, files: Sequence[Path | Source | Unread], policy: Policy
    ) -> tuple[Inputs[Recognised], Plan]:
        """Read and plan the files as `batch.job.prepared` does, the large ones in parts.

        Raises NotBegun where workers die again and again, or the scheduler is lost.
        """
        from distributed import KilledWorker  # noqa: PLC0415 - the extra `cluster`

        sizes = [file.content.stat().st_size for file in files if isinstance(file, Source)]
        buckets = sum(sizes) // (_PARTS_IN_BUCKET * self._part) + 1
        profiles = load_profiles(job.settings.profiles)

        def read(source: Source) -> tuple[Recognised, ...]:
            division = divided(
                source,
                profiles,
                profile_name=job.profile,
                zone=job.settings.zone,
                undated_at=policy.now_ms,
                part=self._part,
            )
            found = division and self._in_parts(division, policy, buckets)
            return (found,) if found else read_source(source, profiles, job.settings, job.profile, policy.now_ms)

        try:
            inputs = inputs_by(read, files, copies=job.settings.state / "inputs", whole=job.dropped)
            return inputs, self._plan(inputs.shipments, policy, buckets)
        except (KilledWorker, CancelledError):
            said = "workers died again and again while they read its files; nothing was done, so run the command again."
            raise NotBegun(Exit.TEMPORARY, f"Account {job.name}: {said}") from None

    # One file

    def _in_parts(self, division: Division, policy: Policy, buckets: int) -> InParts | None:
        found = settled(division, partial(self._examined, policy))
        if found is None:
            return None
        division, clues, parts = found
        keys = [self._dealt(part, buckets) for part in parts]
        table, it = table_of(division, clues, map(self._rows, parts), spilled)
        return InParts(
            table=table.table,
            profile=table.profile,
            origins=table.origins,
            examined=it,
            keys=keys,
            heights=[one.rows for one in clues],
        )

    def _examined(
        self, policy: Policy, division: Division, parts: Sequence[Part]
    ) -> list[tuple[Clues, Future[Seen]] | None]:
        of_all = replace(division, parts=())
        seen: list[Future[Seen]] = [
            self._submit(_examine, of_all, part, None if self._local else division.content(part), policy)
            for part in parts
        ]
        clues: list[Clues | None] = self._gathered([self._submit(_clues, one) for one in seen])
        return [None if one is None else (one, future) for one, future in zip(clues, seen, strict=True)]

    def _dealt(self, part: Future[Seen], buckets: int) -> list[Future[Dealt]]:
        pieces = self._submit(_deal, part, buckets)
        return [self._submit(getitem, pieces, bucket) for bucket in range(buckets)]

    def _rows(self, part: Future[Seen]) -> ExaminedPart:
        """Bring a part's rows here."""
        seen = part.result()
        assert seen is not None  # noqa: S101 - all were examined
        assert seen[1] is not None  # noqa: S101 - and settled
        return seen[1]

    # All files

    def _plan(self, tables: Sequence[Recognised], policy: Policy, buckets: int) -> Plan:
        whole = [one for one in tables if isinstance(one, Shipments)]
        if len(whole) == len(tables):
            return make_plan(whole, policy)
        of_tables: list[Examined] = []
        keys: list[Sequence[Dealt | Future[Dealt]]] = []
        heights: list[int] = []
        for one in tables:
            if isinstance(one, InParts):
                of_tables.append(one.examined)
                keys += one.keys
                heights += one.heights
            else:
                assert isinstance(one, Shipments)  # noqa: S101 - there is no third kind
                of_tables.append(it := examined(one, policy))
                keys.append(dealt(KeysOfLines(it.lines, ready_rows(it.found, len(it.lines))), buckets))
                heights.append(len(it.lines))
        starts = np.cumsum([0, *heights])[:-1].tolist()
        groups = [self._submit(_group, [one[bucket] for one in keys], starts) for bucket in range(buckets)]
        draft = draft_of(tuple(tables), of_tables)
        judge(draft)
        return planned(draft, laid_together(self._gathered(groups)), policy)

    def _gathered(self, futures: Sequence[Future[Any]]) -> list[Any]:
        found: list[Any] = self._client.gather(futures)  # type: ignore[no-untyped-call] # distributed has few types
        return found

    def _submit(self, do: Callable[..., Any], *given: object) -> Future[Any]:
        future: Future[Any] = self._client.submit(do, *given, pure=False, priority=_FIRST)
        return future


# In a worker


def _examine(division: Division, part: Part, content: bytes | None, policy: Policy) -> Seen:
    return examined_part(division, part, division.content(part) if content is None else content, policy)


def _clues(seen: Seen) -> Clues | None:
    return seen and seen[0]


def _deal(seen: Seen, buckets: int) -> list[Dealt]:
    assert seen is not None  # noqa: S101 - only what was settled is dealt
    assert seen[1] is not None  # noqa: S101 - the same
    return seen[1].dealt(buckets)


def _group(pieces: Sequence[Dealt], starts: Sequence[int]) -> Groups:
    keys = met(pieces, starts)
    return grouped(keys, keys.position)
