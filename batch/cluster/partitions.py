"""A large account's files, prepared by all workers: read, examined and grouped in parts, planned where they are sent.

    part ──examined──▶ rows ──dealt──▶ keys by bucket ──grouped──▶ groups
     └────────────── tasks, wherever there is room ─────────────────┘   └▶ one plan, here

Rows of one order meet in a bucket (batch.grouping), a shuffle on the order's number. Rows stay in the workers' memory,
which Dask lays on the disk where it gets scarce, until they come here one part after the other. Nothing irrevocable
happens meanwhile: where a worker is lost, Dask does its parts again elsewhere.
"""

from __future__ import annotations

from concurrent.futures import CancelledError
from contextvars import copy_context
from dataclasses import dataclass, replace
from functools import partial
from operator import getitem
from typing import TYPE_CHECKING, Any

import numpy as np

from batch.draft import draft_of, examined, judge
from batch.errors import Exit, NotBegun, UnreadableFile
from batch.grouping import Bucket, Dealt, KeysOfLines, dealt, grouped, laid_together, met
from batch.in_parts import examined_part, ready_rows, settled, table_of
from batch.inputs import Inputs, Unread, inputs_by, kept, read_source
from batch.job import prepared
from batch.plan import planned
from batch.reading.division import PART, divided
from batch.reading.profiles import load_profiles
from batch.reading.spilling import spilled
from batch.reading.table import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from distributed import Client, Future

    from batch.draft import Examined, Policy
    from batch.in_parts import Clues, ExaminedPart
    from batch.job import Job
    from batch.plan import Plan
    from batch.reading.declaration import Profile
    from batch.reading.division import Division, Part
    from batch.reading.shipments import Recognised

    Seen = tuple[Clues, ExaminedPart | None] | None

_PARTS_IN_BUCKET = 4  # as many bytes of rows as so many parts have meet in one task
_FIRST = 10  # priority: what is begun is ended before another account is


@dataclass(frozen=True, slots=True)
class _Terms:
    """What holds for all files of a job."""

    job: Job
    policy: Policy
    profiles: Sequence[Profile]
    buckets: int  # in which rows of one order meet


@dataclass(frozen=True, slots=True)
class _File:
    """A file that is read: its keys are on their way to where they meet, its tables may still be elsewhere."""

    keys: Sequence[Sequence[Dealt | Future[Dealt]]]  # of each piece of it, by bucket
    heights: Sequence[int]  # rows of each piece
    tables: Callable[[], Sequence[tuple[Recognised, Examined]]]  # raises UnreadableFile


class Partitions:
    """How a job prepares its input by all workers: `Job.prepare`. To be made in a task.

    `local`: workers find our copies where they lie; else the bytes go with the tasks. `part`: bytes.
    """

    def __init__(self, client: Client, *, local: bool, part: int = PART) -> None:
        self._client, self._local, self._part = client, local, part
        self._task = copy_context()  # in which Dask finds what is here already

    def __call__(
        self, job: Job, files: Sequence[Path | Source | Unread], policy: Policy
    ) -> tuple[Inputs[Recognised], Plan]:
        """Read and plan the files as `batch.job.prepared` does, the large ones in parts.

        Raises NotBegun where workers die again and again, or the scheduler is lost.
        """
        from distributed import KilledWorker  # noqa: PLC0415 - the extra `cluster`

        copies = [kept(file, job.settings.state / "inputs", whole=job.dropped) for file in files]
        try:
            return self._prepared(job, copies, policy)
        except (KilledWorker, CancelledError):
            said = "workers died again and again while they read its files; nothing was done, so run the command again."
            raise NotBegun(Exit.TEMPORARY, f"Account {job.name}: {said}") from None

    def _prepared(self, job: Job, files: Sequence[Source | Unread], policy: Policy) -> tuple[Inputs[Recognised], Plan]:
        sources = [file for file in files if isinstance(file, Source)]
        size = sum(file.content.stat().st_size for file in sources)
        terms = _Terms(job, policy, load_profiles(job.settings.profiles), size // (_PARTS_IN_BUCKET * self._part) + 1)
        in_parts = [self._in_parts(file, terms) for file in sources]
        if not any(in_parts):
            return prepared(job, files, policy)
        found = [parts or _whole(file, terms) for file, parts in zip(sources, in_parts, strict=True)]
        groups = self._grouped(found, terms.buckets)
        tables: list[tuple[Recognised, Examined]] = []
        coming = iter(found)

        def read(_source: Source) -> tuple[Recognised, ...]:
            some = next(coming).tables()
            tables.extend(some)
            return tuple(table for table, _ in some)

        inputs = inputs_by(read, files)
        draft = draft_of(inputs.shipments, [it for _, it in tables])
        judge(draft)
        return inputs, planned(draft, laid_together(self._gathered(groups)), policy)

    def _in_parts(self, source: Source, terms: _Terms) -> _File | None:
        """Let a file be read in parts, and its rows be dealt out; None where only the whole can be read."""
        division = divided(
            source,
            terms.profiles,
            profile_name=terms.job.profile,
            zone=terms.job.settings.zone,
            undated_at=terms.policy.now_ms,
            part=self._part,
        )
        found = division and settled(division, partial(self._examined, terms.policy))
        if not found:
            return None
        of_all, clues, parts = found
        keys = [self._dealt(part, terms.buckets) for part in parts]
        heights = [one.rows for one in clues]
        return _File(keys, heights, lambda: [table_of(of_all, clues, self._rows(parts), spilled)])

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

    def _rows(self, parts: Iterable[Future[Seen]]) -> Iterator[ExaminedPart]:
        """Bring rows here, part by part."""
        for part in parts:
            (seen,) = self._gathered([part])
            yield _settled(seen)

    def _grouped(self, files: Sequence[_File], buckets: int) -> list[Future[Bucket]]:
        keys = [of_piece for file in files for of_piece in file.keys]
        starts = np.cumsum([0, *(height for file in files for height in file.heights)])[:-1].tolist()
        return [self._submit(_group, [one[bucket] for one in keys], starts) for bucket in range(buckets)]

    def _gathered(self, futures: Sequence[Future[Any]]) -> list[Any]:
        found: list[Any] = self._task.run(self._client.gather, futures)
        return found

    def _submit(self, do: Callable[..., Any], *given: object) -> Future[Any]:
        future: Future[Any] = self._client.submit(do, *given, pure=False, priority=_FIRST)
        return future


def _whole(source: Source, terms: _Terms) -> _File:
    """Read a file here that is small, or of which only the whole can be read."""
    try:
        read = read_source(source, terms.profiles, terms.job.settings, terms.job.profile, terms.policy.now_ms)
    except UnreadableFile as error:
        return _File([], [], partial(_refuse, error))
    tables = [(one, examined(one, terms.policy)) for one in read]
    keys = [dealt(KeysOfLines(it.lines, ready_rows(it.found, len(it.lines))), terms.buckets) for _, it in tables]
    return _File(keys, [len(it.lines) for _, it in tables], lambda: tables)


def _refuse(error: UnreadableFile) -> Sequence[tuple[Recognised, Examined]]:
    raise error


def _settled(seen: Seen) -> ExaminedPart:
    assert seen is not None  # noqa: S101 - only what was examined is settled
    assert seen[1] is not None  # noqa: S101 - the same
    return seen[1]


# In a worker


def _examine(division: Division, part: Part, content: bytes | None, policy: Policy) -> Seen:
    return examined_part(division, part, division.content(part) if content is None else content, policy)


def _clues(seen: Seen) -> Clues | None:
    return seen and seen[0]


def _deal(seen: Seen, buckets: int) -> list[Dealt]:
    return _settled(seen).dealt(buckets)


def _group(pieces: Sequence[Dealt], starts: Sequence[int]) -> Bucket:
    keys = met(pieces, starts)
    return Bucket(keys.position, grouped(keys))
