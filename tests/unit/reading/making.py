"""Files for tests of reading: made in a folder of the test, read with the headers that our profiles know."""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol
from zoneinfo import ZoneInfo

from openpyxl import Workbook  # type: ignore[import-untyped] # it ships no types

from batch.reading import Source, load_profiles, read_shipments, read_tables, vocabulary
from batch.reading.grid import Place
from batch.reading.table import Limits, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from batch.reading import Shipments

TORONTO = ZoneInfo("America/Toronto")
PROFILES = load_profiles(None)
KNOWN = vocabulary(PROFILES)
BOOKS = Path(__file__).parent / "books"
DATA = Path(__file__).resolve().parents[3] / "data"
HEADER = "purchaseOrderId,carrier,trackingNumber,shipDateTime"
GOOD = "309121065891123,Canada Post,7035114477138472,2026-11-23 10:00"


def source(folder: Path, data: bytes | str, name: str = "file.csv") -> Source:
    path = folder / name
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return Source(path, "0" * 64, path)


def place(limits: Limits | None = None) -> Place:
    return Place(Source(Path("file.csv"), "0" * 64, Path("file.csv")), "", limits or Limits(), KNOWN)


def tables(folder: Path, data: bytes | str, limits: Limits | None = None, name: str = "file.csv") -> tuple[Table, ...]:
    return read_tables(source(folder, data, name), limits, KNOWN)


def table(folder: Path, data: bytes | str, limits: Limits | None = None) -> Table:
    (one,) = tables(folder, data, limits)
    return one


def shipments(folder: Path, data: bytes | str, name: str = "file.csv", profile: str | None = None) -> Shipments:
    read = read_shipments(source(folder, data, name), PROFILES, profile_name=profile, zone=TORONTO)
    return read[0]


def cells(one: Table) -> list[list[str]]:
    return [list(row) for row in zip(*(one.cells[position].tolist() for position in one.cells), strict=True)]


def workbook(*sheets: Sequence[Sequence[Any]]) -> bytes:
    """Return an XLSX with these sheets, called Sheet1, Sheet2, ..."""
    book = Workbook()
    book.remove(book.active)
    for number, rows in enumerate(sheets, start=1):
        page = book.create_sheet(f"Sheet{number}")
        for row in rows:
            page.append(list(row))
    return saved(book)


class Saves(Protocol):
    """A workbook of openpyxl."""

    def save(self, filename: BinaryIO) -> None: ...


def saved(book: Saves) -> bytes:
    raw = io.BytesIO()
    book.save(raw)
    return raw.getvalue()
