"""The parts of a zipped workbook, whichever kind it is."""

from __future__ import annotations

import io
import posixpath
import struct
import zipfile
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING
from xml.etree import ElementTree as ET
from xml.parsers import expat

from batch.reading.archive import check_members

if TYPE_CHECKING:
    from collections.abc import Iterator

    from batch.reading.grid import Place

_PIECE = 1 << 22  # bytes looked at together
_OVERLAP = 1 << 14  # bytes kept, so that no formula is cut in two
BROKEN = (
    zipfile.BadZipFile,
    EOFError,
    zlib.error,
    OSError,
    NotImplementedError,
    ValueError,
    RuntimeError,
    LookupError,
    struct.error,
    ET.ParseError,
    expat.ExpatError,
)
"""What reading a damaged part may raise."""
CUT_OFF = "the workbook is damaged or was cut off; copy or save it again."


def check_parts(place: Place, data: bytes, parts: frozenset[str]) -> None:
    """Refuse a zipped workbook that unpacks to too much, or that is a document of another kind."""
    if any(name.startswith(("word/", "ppt/")) for name in parts):
        raise place.refused("it is a text document or a presentation, no spreadsheet.")
    with opened(place, data) as archive:
        check_members(place, archive.infolist(), len(data))


@contextmanager
def opened(place: Place, data: bytes) -> Iterator[zipfile.ZipFile]:
    """Open a zipped workbook; what its damaged parts raise becomes one sentence."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield archive
    except BROKEN:
        raise place.refused(CUT_OFF) from None


def pieces(stream: IO[bytes]) -> Iterator[bytes]:
    """Yield a stream's bytes piece by piece; each piece begins with the end of the one before."""
    rest = b""
    while piece := stream.read(_PIECE):
        whole = rest + piece
        yield whole
        rest = whole[-_OVERLAP:]


def related(archive: zipfile.ZipFile, part: str, sheets: dict[str, str]) -> dict[str, str]:
    """Return each sheet's part by the sheet's name; `sheets` has the names by relation, which `part` explains."""
    relations = ET.fromstring(archive.read(part))  # noqa: S314 - expat bounds entities
    targets = {relation.get("Id", ""): relation.get("Target", "") for relation in relations}
    return {name: _path(targets.get(relation, "")) for relation, name in sheets.items()}


def _path(target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(posixpath.join("xl", target))
