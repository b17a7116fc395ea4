"""Packed files: .gz holds one file, .zip holds many. Each is unpacked in memory, within limits."""

from __future__ import annotations

import gzip
import io
import zipfile
import zlib
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batch.reading.grid import Place

_PIECE = 1 << 20  # bytes unpacked at a time
_SMALL = 1 << 20  # up to here the ratio does not matter: nothing can hurt
_PASSED_OVER = (".", "~$", "__MACOSX")
_BROKEN = (zipfile.BadZipFile, EOFError, zlib.error, OSError, NotImplementedError, ValueError, RuntimeError)


def unpacked_gzip(place: Place, data: bytes) -> bytes:
    """Return what a .gz file holds."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as packed:
            return _unpacked(place, packed, len(data))
    except _BROKEN:
        raise place.refused("the packed file is damaged or was cut off; copy it again.") from None


def zip_members(place: Place, data: bytes) -> Iterator[tuple[str, bytes]]:
    """Yield each file in a .zip, by name and bytes, but hidden and temporary ones."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [info for info in archive.infolist() if _wanted(info.filename)]
            check_members(place, members, len(data))
            for info in members:
                with archive.open(info) as packed:
                    yield info.filename, _unpacked(place.within(info.filename), packed, info.compress_size)
    except _BROKEN as error:
        if "encrypted" in str(error) or "password" in str(error):
            raise place.refused("the archive is protected by a password; unpack it first.") from None
        raise place.refused("the archive is damaged or was cut off; copy it again.") from None


def check_members(place: Place, members: list[zipfile.ZipInfo], packed: int) -> None:
    """Refuse an archive or a workbook that says itself that it unpacks to too much."""
    limits = place.limits
    if len(members) > limits.members:
        raise place.refused(f"the archive holds {len(members):,} files; at most {limits.members:,} are read.")
    unpacked = sum(info.file_size for info in members)
    if unpacked > limits.unpacked_bytes or (unpacked > _SMALL and unpacked > limits.ratio * packed):
        raise place.refused("it unpacks to far more than a real export does; it is refused as a danger.")


def _wanted(name: str) -> bool:
    path = PurePosixPath(name.replace("\\", "/"))
    hidden = any(part.startswith(_PASSED_OVER) for part in path.parts)
    return bool(path.name) and not name.endswith("/") and not hidden and path.suffix not in (".tmp", ".part")


def _unpacked(place: Place, packed: IO[bytes] | gzip.GzipFile, packed_size: int) -> bytes:
    """Return all bytes, or stop as soon as there are too many, whatever the archive says of itself."""
    pieces = io.BytesIO()
    while piece := packed.read(_PIECE):
        pieces.write(piece)
        size = pieces.tell()
        if size > place.limits.unpacked_bytes or (size > _SMALL and size > place.limits.ratio * packed_size):
            raise place.refused("it unpacks to far more than a real export does; it is refused as a danger.")
    return pieces.getvalue()
