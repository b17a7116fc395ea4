"""OLE compound files, the container of an XLS: one stream taken out of it.

Sectors hang together in chains; a table (FAT) names for each sector the next one. Small streams lie in sectors of their
own within another stream. Layout: [MS-CFB] of Microsoft's open specifications.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

_HEADER = 512  # bytes
_NO_SECTOR = 0xFFFFFFFA  # from here on a number names no sector
_POWERS = range(6, 17)  # of two, for the bytes of a sector; 9 or 12, and 6 for the small ones, are usual
_ENTRY = 128  # bytes of a directory entry
_STREAM, _ROOT = 2, 5  # kinds of entries


@dataclass(frozen=True, slots=True)
class _Entry:
    name: str
    kind: int
    start: int  # first sector
    size: int  # bytes


def stream(data: bytes, *names: str) -> bytes | None:
    """Return the first of the named streams that is there, whatever their case; None without any, or where damaged."""
    try:
        return _stream(data, names)
    except (struct.error, IndexError, ValueError):
        return None


def _stream(data: bytes, names: tuple[str, ...]) -> bytes | None:
    powers = struct.unpack_from("<HH", data, 30)
    if not all(power in _POWERS for power in powers):
        return None
    sector, small = (1 << power for power in powers)
    directory, small_below, small_table = struct.unpack_from("<I4xII", data, 48)
    table = _numbers(_chained(data, _table_sectors(data, sector), sector))
    entries = _entries(_chained(data, _chain(table, directory), sector))
    root = next((entry for entry in entries if entry.kind == _ROOT), None)
    found = {entry.name.casefold(): entry for entry in entries if entry.kind == _STREAM}
    for name in names:
        if entry := found.get(name.casefold()):
            if entry.size >= small_below or root is None:
                return _chained(data, _chain(table, entry.start), sector)[: entry.size]
            inner = _chained(data, _chain(table, root.start), sector)
            inner_table = _numbers(_chained(data, _chain(table, small_table), sector))
            return _chained(inner, _chain(inner_table, entry.start), small, header=0)[: entry.size]
    return None


def _table_sectors(data: bytes, sector: int) -> list[int]:
    """Return the sectors of the table itself: 109 stand in the header, the others in a chain of their own."""
    listed = list(struct.unpack_from("<109I", data, 76))
    (more,) = struct.unpack_from("<I", data, 68)
    seen = set()
    while more < _NO_SECTOR and more not in seen:
        seen.add(more)
        *further, more = struct.unpack_from(f"<{sector // 4}I", data, _HEADER + more * sector)
        listed += further
    return [number for number in listed if number < _NO_SECTOR]


def _numbers(table: bytes) -> tuple[int, ...]:
    return struct.unpack(f"<{len(table) // 4}I", table[: len(table) // 4 * 4])


def _chain(table: tuple[int, ...], start: int) -> list[int]:
    """Return the sectors of a chain; one that runs in a circle ends where it began to."""
    sectors: dict[int, None] = {}
    while start < _NO_SECTOR and start not in sectors:
        sectors[start] = None
        start = table[start]
    return list(sectors)


def _chained(data: bytes, sectors: list[int], size: int, header: int = _HEADER) -> bytes:
    return b"".join(data[header + number * size : header + (number + 1) * size] for number in sectors)


def _entries(directory: bytes) -> list[_Entry]:
    entries = []
    for at in range(0, len(directory) - _ENTRY + 1, _ENTRY):
        length, kind = struct.unpack_from("<HB", directory, at + 64)
        start, size = struct.unpack_from("<II", directory, at + 116)
        name = directory[at : at + max(min(length, 64) - 2, 0)].decode("utf-16-le")
        entries.append(_Entry(name, kind, start, size))
    return entries
