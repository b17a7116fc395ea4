"""Input files: a private copy of each, named by its content, and the shipments that it holds."""

from __future__ import annotations

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from batch.crashpoints import Step, reached
from batch.errors import Fatal, FileChanged, UnreadableFile
from batch.reading.files import read_shipments
from batch.reading.profiles import load_profiles
from batch.reading.table import Source

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from io import BufferedReader

    from batch.reading.declaration import Profile
    from batch.reading.shipments import Recognised, Shipments
    from batch.settings import Settings

_CHUNK = 1 << 20  # bytes


_Table_co = TypeVar("_Table_co", bound="Recognised", covariant=True)


@dataclass(frozen=True, slots=True)
class Inputs(Generic[_Table_co]):
    """What was read: the shipments of all files, in input order, and what is told of each file."""

    shipments: tuple[_Table_co, ...]
    files: tuple[dict[str, Any], ...]  # path, sha256, profile, rows, problem
    sources: tuple[int, ...]  # beside each of the shipments: which file they come from

    def file_of(self, shipments: int) -> int:
        """Return which file these shipments come from."""
        return self.sources[shipments]


@dataclass(frozen=True, slots=True)
class Unread:
    """A file that could not even be copied, and why: a sentence."""

    path: Path
    problem: str


def read_inputs(
    files: Iterable[Path | Source | Unread],
    settings: Settings,
    *,
    now_ms: int,
    profile: str | None = None,
    copies: Path | None = None,
    whole: bool = False,
) -> Inputs[Shipments]:
    """Read the files; one that cannot be read is told of and stops no other.

    `copies`: the folder into which each file is copied first, so that nobody changes it under our hands. A `Source` was
    copied before, and one that is `Unread` could not be. `whole`: a file that changes while it is copied is not read.
    """
    profiles = load_profiles(settings.profiles)

    def read(source: Source) -> tuple[Shipments, ...]:
        return read_source(source, profiles, settings, profile, now_ms)

    return inputs_by(read, files, copies=copies, whole=whole)


def inputs_by(
    read: Callable[[Source], tuple[_Table_co, ...]],
    files: Iterable[Path | Source | Unread],
    *,
    copies: Path | None = None,
    whole: bool = False,
) -> Inputs[_Table_co]:
    """Read the files as `read_inputs` does, each by `read`, which raises UnreadableFile."""
    copy = copied_whole if whole else copied
    shipments: list[_Table_co] = []
    told: list[dict[str, Any]] = []
    sources: list[int] = []
    for file in files:
        path = file if isinstance(file, Path) else file.path
        sha256, problem = "", ""
        some: tuple[_Table_co, ...] = ()
        try:
            source = _source(file, copies, copy)
            sha256 = source.sha256
            some = read(source)
        except UnreadableFile as error:
            problem = str(error)
        shipments.extend(some)
        sources.extend([len(told)] * len(some))
        told.append(
            {
                "path": _readable(path),
                "sha256": sha256,
                "profile": ", ".join(dict.fromkeys(one.profile.name for one in some)),
                "rows": sum(len(one.table.rows) for one in some),
                "problem": problem,
            }
        )
    return Inputs(tuple(shipments), tuple(told), tuple(sources))


def _source(file: Path | Source | Unread, copies: Path | None, copy: Callable[[Path, Path], Source]) -> Source:
    if isinstance(file, Unread):
        raise UnreadableFile(file.problem)
    if isinstance(file, Source):
        return file
    return copy(file, copies) if copies else in_place(file)


def _readable(path: Path) -> str:
    """Return the file's name as text. On a disk it may be any bytes."""
    return str(path).encode(errors="replace").decode()


def read_source(
    source: Source, profiles: Sequence[Profile], settings: Settings, profile: str | None, now_ms: int
) -> tuple[Shipments, ...]:
    """Return the shipments of a file, as the settings want them read. Raises `UnreadableFile`."""
    return read_shipments(source, profiles, profile_name=profile, zone=settings.zone, undated_at=now_ms)


def _opened(path: Path) -> BufferedReader:
    """Open a file to be read. Raises `OSError`.

    Raises `UnreadableFile` for a name that neither report nor journal can hold, and for a pipe or a device, which may
    never end.
    """
    if (name := _readable(path)) != str(path):
        raise UnreadableFile(f"{name}: this name has bytes that are no text; rename the file and try again.")
    if not stat.S_ISREG(path.stat().st_mode):
        raise UnreadableFile(f"{path}: this is no ordinary file; save what it gives as a file, and name that.")
    return path.open("rb")


def in_place(path: Path) -> Source:
    """Return the file as it lies there. Raises `UnreadableFile`."""
    try:
        with _opened(path) as stream:
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
        with _opened(path) as original:
            while chunk := original.read(_CHUNK):
                yield chunk
    except OSError as error:
        raise UnreadableFile(f"{path}: the file cannot be read: {error.strerror}.") from error


def _not_kept(folder: Path, error: OSError) -> Fatal:
    return Fatal(f"{folder}: the copies of input files cannot be kept: {error.strerror}.")


def kept(file: Path | Source | Unread, folder: Path, *, whole: bool) -> Source | Unread:
    """Copy a file as `read_inputs` does, and return the copy, or why there is none."""
    if not isinstance(file, Path):
        return file
    try:
        return copied_whole(file, folder) if whole else copied(file, folder)
    except UnreadableFile as error:
        return Unread(file, str(error))


def copied_whole(path: Path, folder: Path) -> Source:
    """Copy the file as `copied` does, and see that it is what was copied. Raises `FileChanged` where it is not."""
    source = copied(path, folder)
    if in_place(path).sha256 != source.sha256:
        raise FileChanged(f"{path}: the file changed while it was read; it is read when it is whole.")
    return source
