"""Input files: a private copy of each, named by its content, and the shipments that it holds."""

from __future__ import annotations

import hashlib
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from batch.crashpoints import Step, reached
from batch.errors import Fatal, FileChanged, UnreadableFile
from batch.journal import history
from batch.reading.files import read_shipments
from batch.reading.profiles import load_profiles
from batch.reading.table import Source, Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from batch.journal.database import Database
    from batch.reading.declaration import Profile
    from batch.reading.shipments import Shipments
    from batch.settings import Settings

_CHUNK = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Inputs:
    """What was read: the shipments of all files, in input order, and what is told of each file."""

    shipments: tuple[Shipments, ...]
    files: tuple[dict[str, Any], ...]  # path, sha256, profile, rows, problem
    sources: tuple[int, ...]  # beside each of the shipments: which file they come from

    def file_of(self, shipments: int) -> int:
        """Return which file these shipments come from."""
        return self.sources[shipments]


@dataclass(frozen=True, slots=True)
class Leftovers:
    """Rows of earlier runs, as they stand in the copies of their files."""

    tables: tuple[Table, ...]
    files: tuple[dict[str, Any], ...]
    rows: tuple[dict[str, Any], ...]  # position, file, sheet, row, purchase_order_id, order, part
    shipments: tuple[Shipments | None, ...]  # beside each of the tables: whole, as it was read; None where it is gone


def read_inputs(
    files: Iterable[Path | Source],
    settings: Settings,
    *,
    now_ms: int,
    profile: str | None = None,
    copies: Path | None = None,
    whole: bool = False,
) -> Inputs:
    """Read the files; one that cannot be read is told of and stops no other.

    `copies`: the folder into which each file is copied first, so that nobody changes it under our hands. A `Source` was
    copied before. `whole`: a file that changes while it is copied is not read.
    """
    copy = copied_whole if whole else copied
    profiles = load_profiles(settings.profiles)
    shipments: list[Shipments] = []
    told: list[dict[str, Any]] = []
    sources: list[int] = []
    for file in files:
        path = file.path if isinstance(file, Source) else file
        sha256, problem = "", ""
        some: tuple[Shipments, ...] = ()
        try:
            source = file if isinstance(file, Source) else copy(path, copies) if copies else in_place(path)
            sha256 = source.sha256
            some = _read(source, profiles, settings, profile, now_ms)
        except UnreadableFile as error:
            problem = str(error)
        shipments.extend(some)
        sources.extend([len(told)] * len(some))
        told.append(
            {
                "path": str(path),
                "sha256": sha256,
                "profile": ", ".join(dict.fromkeys(one.profile.name for one in some)),
                "rows": sum(len(one.table.rows) for one in some),
                "problem": problem,
            }
        )
    return Inputs(tuple(shipments), tuple(told), tuple(sources))


def _read(
    source: Source, profiles: Sequence[Profile], settings: Settings, profile: str | None, now_ms: int
) -> tuple[Shipments, ...]:
    return read_shipments(source, profiles, profile_name=profile, zone=settings.zone, undated_at=now_ms)


def in_place(path: Path) -> Source:
    """Return the file as it lies there. Raises `UnreadableFile`."""
    try:
        with path.open("rb") as stream:
            return Source(path, hashlib.file_digest(stream, "sha256").hexdigest(), path)
    except OSError as error:
        raise UnreadableFile(f"{path}: the file cannot be read: {error.strerror}.") from error


def copied(path: Path, folder: Path) -> Source:
    """Copy the file to `folder/SHA256`, for the owner's eyes only, and return it.

    Raises `UnreadableFile`, and `Fatal` where the copy cannot be kept.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        aside, name = tempfile.mkstemp(dir=folder, prefix=".")
    except OSError as error:
        raise _not_kept(folder, error) from error
    try:
        sha256 = _poured(path, aside)
        reached(Step.COPY_WRITTEN_ASIDE)
        Path(name).replace(folder / sha256)
        reached(Step.COPY_IN_PLACE)
    except OSError as error:
        raise _not_kept(folder, error) from error
    finally:
        Path(name).unlink(missing_ok=True)
    return Source(path, sha256, folder / sha256)


def _poured(path: Path, aside: int) -> str:
    """Write the file's content to an open file, bring it to the disk, and return its SHA-256."""
    digest = hashlib.sha256()
    with os.fdopen(aside, "wb") as copy:
        for chunk in _chunks(path):
            digest.update(chunk)
            copy.write(chunk)
        copy.flush()
        os.fsync(copy.fileno())
    return digest.hexdigest()


def _chunks(path: Path) -> Iterator[bytes]:
    """Read the file piece by piece. Raises `UnreadableFile`; what its reader meets on writing is another matter."""
    try:
        with path.open("rb") as original:
            while chunk := original.read(_CHUNK):
                yield chunk
    except OSError as error:
        raise UnreadableFile(f"{path}: the file cannot be read: {error.strerror}.") from error


def _not_kept(folder: Path, error: OSError) -> Fatal:
    return Fatal(f"{folder}: the copies of input files cannot be kept: {error.strerror}.")


def copied_whole(path: Path, folder: Path) -> Source:
    """Copy the file as `copied` does, and see that it is what was copied. Raises `FileChanged` where it is not."""
    source = copied(path, folder)
    if in_place(path).sha256 != source.sha256:
        raise FileChanged(f"{path}: the file changed while it was read; it is read when it is whole.")
    return source


def read_leftovers(database: Database, orders: Sequence[int], settings: Settings, *, now_ms: int) -> Leftovers:
    """Return the rows of these orders of the journal, each order's from the last run that had any."""
    return _read_rows(history.last_rows_of(database, orders), settings, now_ms=now_ms)


def read_rows_of(database: Database, run: int, settings: Settings, *, now_ms: int) -> Leftovers:
    """Return the rows of an earlier run, as they stand in the copies of its files."""
    return _read_rows(history.places_of(database, run), settings, now_ms=now_ms)


def _read_rows(wanted: pd.DataFrame, settings: Settings, *, now_ms: int) -> Leftovers:
    profiles = load_profiles(settings.profiles)
    tables: list[Table] = []
    files: list[dict[str, Any]] = []
    rows: list[dict[str, Any]] = []
    shipments: list[Shipments | None] = []
    for key, of_file in wanted.groupby(["path", "sha256", "profile"], sort=False):
        path, sha256, profile = cast("tuple[str, str, str]", key)
        source = Source(Path(path), sha256, settings.state / "inputs" / sha256)
        read = {one.table.sheet: one for one in _read_again(source, profiles, settings, profile, now_ms)}
        for name, of_sheet in of_file.groupby("sheet", sort=False):
            sheet = str(name)
            shipments.append(one := read.get(sheet))
            table = one.table if one else _without_cells(source, sheet, of_sheet["row"].to_numpy(np.int64))
            chosen = of_sheet[of_sheet["row"].isin(table.rows)].sort_values("row")
            tables.append(some_rows(table, np.flatnonzero(np.isin(table.rows, chosen["row"].to_numpy()))))
            told = chosen[["sheet", "row", "purchase_order_id", "order", "part"]].to_dict("records")
            rows.extend(
                {"position": place, "file": len(files), **{str(column): value for column, value in row.items()}}
                for place, row in enumerate(told, len(rows))
            )
        files.append({"path": path, "sha256": sha256, "profile": profile, "rows": len(of_file), "problem": ""})
    nothing = {"outcome": None, "reason": None}
    return Leftovers(tuple(tables), tuple(files), tuple({**row, **nothing} for row in rows), tuple(shipments))


def _read_again(
    source: Source, profiles: Sequence[Profile], settings: Settings, profile: str, now_ms: int
) -> tuple[Shipments, ...]:
    """Read the copy of an earlier run's file.

    Nothing where it is gone or no longer understood: then its rows go without their cells.
    """
    name = profile if any(one.name == profile for one in profiles) else None
    try:
        return _read(source, profiles, settings, name, now_ms)
    except UnreadableFile:
        return ()


def _without_cells(source: Source, sheet: str, rows: np.ndarray) -> Table:
    cells = pd.DataFrame(index=pd.RangeIndex(len(rows)))
    numbers = np.sort(rows)
    return Table(source=source, sheet=sheet, header_row=0, columns=(), cells=cells, kinds=None, rows=numbers, notes=())


def some_rows(table: Table, positions: np.ndarray) -> Table:
    """Return the table with only the rows at these positions."""
    return replace(
        table,
        cells=table.cells.iloc[positions].reset_index(drop=True),
        kinds=None if table.kinds is None else table.kinds[positions],
        rows=table.rows[positions],
    )
