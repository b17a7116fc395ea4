"""The fault scenarios of files: half copied, broken, damaged by Excel, dropped twice."""

from __future__ import annotations

import csv
import os
import signal
import threading
import zipfile
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import openpyxl  # type: ignore[import-untyped]  # ships no types
import pytest

from tests.faults.checker import check
from tests.faults.parcels import Row, orders, purchase_order, tracking
from tests.trial import HEADER

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from tests.faults.ordeal import Ordeal
    from tests.forked import Running

QUICKLY = {"SHIPBATCH_WATCH__QUIET": "0.3", "SHIPBATCH_WATCH__SCAN": "0.1", "SHIPBATCH_WATCH__CUT_SHORT": "0.6"}


@pytest.fixture
def drop(ordeal: Ordeal) -> Path:
    folder = ordeal.folder / "drop"
    folder.mkdir()
    return folder


@pytest.fixture
def watching(ordeal: Ordeal, drop: Path) -> Iterator[Running]:
    running = ordeal.begin("watch", drop, env=QUICKLY)
    ordeal.until(lambda: "Watching" in running.said)
    yield running
    running.tell(signal.SIGTERM)
    ran = ordeal.ended(running)
    assert (ran.code, "Traceback" in ran.err) == (143, False), ran


def known_to_the_marketplace(ordeal: Ordeal, rows: Sequence[Row]) -> bytes:
    """Put the orders of some rows into the sandbox, and return a file of them."""
    file = ordeal.write("known.csv", *rows)
    ordeal.fill(file)
    return file.read_bytes()


@pytest.mark.usefixtures("watching")
def test_10_half_written_drop_is_left_alone_until_it_is_whole(ordeal: Ordeal, drop: Path) -> None:
    """It grows for as long as six looks take, and each time a look comes it is longer than before."""
    content = known_to_the_marketplace(ordeal, orders(6))
    pause = threading.Event()
    with (drop / "slow.csv").open("wb") as copy:
        for start in range(0, len(content), 60):
            copy.write(content[start : start + 60])
            copy.flush()
            pause.wait(0.1)  # three times in the quiet period
        assert ordeal.requests == {}
    ordeal.until((drop / "done" / "slow.csv").exists)
    known = ordeal.folder / "known.csv"
    assert (ordeal.requests["ship"], ordeal.does("run", known, "--wait").code) == (6, 0)
    check(ordeal, known, orders=6, faults=0)


@pytest.mark.usefixtures("watching")
def test_10_half_written_drop_that_stalls_in_mid_number_sends_nothing_of_that_row(ordeal: Ordeal, drop: Path) -> None:
    rows = orders(2)
    content = known_to_the_marketplace(ordeal, rows)
    cut = content.index(rows[-1].tracking_number.encode()) + 12
    (drop / "stalled.csv").write_bytes(content[:cut])
    ordeal.until(lambda: (drop / "to_fix").exists() and any((drop / "to_fix").glob("stalled*")))
    assert set(ordeal.units_charged) == {(purchase_order(0), "1", rows[0].tracking_number)}


@pytest.mark.parametrize("name", ["~$book.csv", ".hidden.csv", "orders.csv.part", "orders.tmp"])
def test_10_half_written_drop_under_a_temporary_name_is_none(ordeal: Ordeal, drop: Path, name: str) -> None:
    content = known_to_the_marketplace(ordeal, orders(2))
    (drop / name).write_bytes(content)
    assert (ordeal.does("run", drop, "--move").code, ordeal.changes_asked) == (0, 0)
    (drop / name).rename(drop / "orders.csv")
    assert (ordeal.does("run", drop, "--move").code, ordeal.requests["ship"]) == (0, 2)


@pytest.mark.usefixtures("watching")
def test_10_half_written_drop_of_nothing_at_all_and_one_that_vanishes(ordeal: Ordeal, drop: Path) -> None:
    content = known_to_the_marketplace(ordeal, orders(2))
    (drop / "empty.csv").touch()
    (drop / "gone.csv").write_bytes(content)
    (drop / "gone.csv").unlink()
    (drop / "good.csv").write_bytes(content)
    ordeal.until((drop / "done" / "good.csv").exists)
    assert ordeal.requests["ship"] == 2


def workbook(file: Path, rows: Sequence[Sequence[object]], *, header: Sequence[str] = HEADER) -> Path:
    """Write a workbook, all cells text but numbers."""
    book = openpyxl.Workbook()
    for row in (header, *rows):
        book.active.append(list(row))
    book.save(file)
    return file


def broken_files(folder: Path, rows: Sequence[Row]) -> dict[str, bytes]:
    whole = workbook(folder / "whole.xlsx", rows).read_bytes()
    text = ",".join(HEADER) + "\n" + "\n".join(",".join(map(str, row)) for row in rows)
    return {
        "truncated.xlsx": whole[: len(whole) // 2],
        "encrypted.xlsx": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600),
        "picture.xlsx": b"\x89PNG\r\n\x1a\n" + os.urandom(500),
        "nul.csv": text.encode() + b"\x00" * 200,
        "letter.csv": b"Dear Sir or Madam,\n\nplease find attached our invoice.\n",
    }


def test_11_broken_files_are_refused_whole_and_the_others_go_on(ordeal: Ordeal) -> None:
    good, never = orders(3), orders(2, first=10)
    drop = ordeal.folder / "drop"
    drop.mkdir()
    (drop / "good.csv").write_bytes(known_to_the_marketplace(ordeal, good + never))
    with (drop / "good.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([HEADER, *good])
    for name, content in broken_files(ordeal.folder, never).items():
        (drop / name).write_bytes(content)
    ran = ordeal.does("run", drop, "--move", "--json")
    assert ran.code == 3
    assert {order for order, _, _ in ordeal.units_charged} == {row.purchase_order_id for row in good}
    assert "Traceback" not in ran.err
    assert {file.name for file in (drop / "unreadable").iterdir() if file.suffix != ".html"} == {
        "truncated.xlsx",
        "encrypted.xlsx",
        "picture.xlsx",
        "nul.csv",
        "letter.csv",
    }
    assert (drop / "done" / "good.csv").exists()


def test_11_broken_archive_member_sends_nothing(ordeal: Ordeal) -> None:
    content = known_to_the_marketplace(ordeal, orders(3))
    file = ordeal.folder / "orders.zip"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("orders.csv", content)
    file.write_bytes(file.read_bytes()[:-30])
    ran = ordeal.does("run", file, "--json")
    assert (ran.code, ordeal.requests) == (3, {})


DAMAGED = {
    "E-notation": ("trackingNumber", "7.39388E+15"),
    "digits lost": ("trackingNumber", "7393887180606000"),
    "a leading zero lost": ("trackingNumber", "73938871806062"),
    "an error": ("trackingNumber", "#N/A"),
    "two in one": ("trackingNumber", f"{tracking(1)} / {tracking(2)}"),
    "an order in E-notation": ("purchaseOrderId", "3.09121E+14"),
    "half a unit": ("quantity", "1.5"),
}


def test_12_excel_damage_sends_nothing_of_the_order(ordeal: Ordeal) -> None:
    rows = orders(len(DAMAGED) + 1, first=0)
    known_to_the_marketplace(ordeal, rows)
    of_order = {row.purchase_order_id: row for row in rows if row.line_number == "1"}
    good, *bad = ([*row] for row in of_order.values())
    for cells, (column, value) in zip(bad, DAMAGED.values(), strict=True):
        cells[HEADER.index(column)] = value
        if value.isdigit():
            cells[HEADER.index("carrier")] = "Canada Post"
    ran = ordeal.does("run", ordeal.write("damaged.csv", good, *bad), "--json")
    assert ran.code == 1
    assert [row["_outcome"] for row in ordeal.rows(ran)] == ["shipped"] + ["rejected"] * len(DAMAGED)
    assert all(row["_row"] in row["_reason"] for row in ordeal.rows(ran)[1:])
    assert ordeal.requests["ship"] == 1


def test_12_excel_damage_of_a_workbook_number_is_seen_and_harmless_forms_are_read(ordeal: Ordeal) -> None:
    rows = orders(3)
    known_to_the_marketplace(ordeal, rows)
    cells: list[list[object]] = [list(row) for row in rows]
    cells[0][0] = int(rows[0].purchase_order_id)  # a number of fifteen digits has lost nothing
    cells[1][4] = 7393887180606200  # one of sixteen may have
    cells[1][3] = "Canada Post"
    ran = ordeal.does("run", workbook(ordeal.folder / "orders.xlsx", cells), "--json")
    assert ran.code == 1
    assert [row["_outcome"] for row in ordeal.rows(ran)] == ["shipped", "rejected", "shipped", "shipped", "shipped"]


@pytest.mark.parametrize(
    ("encoding", "separator"), [("utf-8-sig", ","), ("utf-16", "\t"), ("cp1252", ";")], ids=["BOM", "UTF-16", "cp1252"]
)
def test_12_excel_damage_none_in_encodings_and_separators(ordeal: Ordeal, encoding: str, separator: str) -> None:
    rows = orders(3)
    known_to_the_marketplace(ordeal, rows)
    file = ordeal.folder / "orders.txt"
    with file.open("w", newline="", encoding=encoding) as stream:
        csv.writer(stream, delimiter=separator).writerows([(*HEADER, "Ville"), *((*row, "Montréal") for row in rows)])
    assert ordeal.does("run", file, "--json").code == 0
    assert ordeal.requests["ship"] == 3


@pytest.mark.parametrize("header", ["trackingNumbr", "trackingNumber,trackingNumber"])
def test_12_excel_damage_to_the_header_refuses_the_file(ordeal: Ordeal, header: str) -> None:
    rows = orders(2)
    content = known_to_the_marketplace(ordeal, rows).decode().replace("trackingNumber", header)
    file = ordeal.folder / "orders.csv"
    file.write_text(content)
    ran = ordeal.does("run", file)
    assert (ran.code, ordeal.requests) == (3, {})


def test_13_same_file_twice_sends_nothing_and_says_when_it_was_sent(ordeal: Ordeal) -> None:
    file = ordeal.write("orders.csv", *orders(4))
    ordeal.fill(file)
    ordeal.does("run", file, "--json")
    again = ordeal.does("run", file, "--json")
    assert (again.code, ordeal.requests["ship"], set(ordeal.outcomes(again).values())) == (0, 4, {"already_shipped"})
    assert all(f"{datetime.now(UTC):%Y-%m-%d}" in reason for reason in ordeal.reasons(again))
    check(ordeal, file, orders=4, faults=0)


def test_13_same_order_with_another_tracking_number_is_held_with_both(ordeal: Ordeal) -> None:
    file = ordeal.write("orders.csv", *orders(2))
    ordeal.fill(file)
    ordeal.does("run", file, "--json")
    changed = [
        row._replace(tracking_number=tracking(999)) if row.line_number == "1" and not place else row
        for place, row in enumerate(orders(2))
    ]
    other = ordeal.write("corrected.csv", *changed)
    ran = ordeal.does("run", other, "--json")
    assert ran.code == 1
    assert ordeal.outcomes(ran) == {purchase_order(0): "held", purchase_order(1): "already_shipped"}
    assert any(tracking(999) in reason and tracking(0) in reason for reason in ordeal.reasons(ran))
    assert ordeal.requests["ship"] == 2


def test_13_same_order_in_two_files_of_one_run_is_one_update(ordeal: Ordeal) -> None:
    rows = orders(3)
    whole = ordeal.write("whole.csv", *rows)
    ordeal.fill(whole)
    one, two = ordeal.write("one.csv", *rows[:4]), ordeal.write("two.csv", *rows[4:])
    ran = ordeal.does("run", one, two, "--json")
    assert (ran.code, ordeal.requests["ship"]) == (0, 3)
    check(ordeal, one, two, orders=3, faults=0)


def test_13_same_order_with_good_and_bad_rows_is_held_whole(ordeal: Ordeal) -> None:
    rows = orders(3)
    ordeal.fill(ordeal.write("whole.csv", *rows))
    bad = ordeal.write("bad.csv", *rows[:-1], rows[-1]._replace(tracking_number="7.39E+15"))
    ran = ordeal.does("run", bad, "--json")
    assert ran.code == 1
    assert [row["_outcome"] for row in ordeal.rows(ran)] == ["shipped", "shipped", "held", "held", "rejected"]
    assert any("row 6" in row["_reason"] or "6" in row["_reason"] for row in ordeal.rows(ran)[2:4])
    assert ordeal.requests["ship"] == 2
    mended = ordeal.write("mended.csv", *rows)
    ran = ordeal.does("run", mended, "--json")
    assert (ran.code, ordeal.requests["ship"]) == (0, 3)
    check(ordeal, mended, orders=3, faults=0)


def test_14_clock_a_ship_time_ahead_waits_or_is_rejected(ordeal: Ordeal) -> None:
    today = datetime.now(UTC)
    dates = [f"{today + timedelta(days=days):%Y-%m-%d}" for days in (-2, 2, 9)]
    rows = [row._replace(ship_date=date) for row, date in zip(orders(2) + orders(1, first=3), dates, strict=True)]
    ordeal.fill(ordeal.write("known.csv", *(row._replace(ship_date=dates[0]) for row in rows)))
    ran = ordeal.does("run", ordeal.write("ahead.csv", *rows), "--json")
    assert [row["_outcome"] for row in ordeal.rows(ran)] == ["shipped", "not_attempted", "rejected"]
    assert ran.code == 4


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-03-08 02:30", "2026-03-08T07:30"),
        ("2025-11-02 01:30", "2025-11-02T05:30"),
        ("2025-11-02T01:30-05:00", "2025-11-02T06:30"),
    ],
    ids=["in the gap by the offset before it", "in the overlap the first of the two", "with a zone by that"],
)
def test_14_clock_changes_in_spring_and_autumn_follow_the_documented_rule(
    ordeal: Ordeal, written: str, meant: str
) -> None:
    row = orders(1)[0]._replace(ship_date=written)
    ordeal.fill(ordeal.write("known.csv", row._replace(ship_date="2025-10-30")))
    assert ordeal.does("run", ordeal.write("orders.csv", row), "--json").code == 0
    units = ordeal.sandbox.state.orders[row.purchase_order_id].lines["1"].units[0]
    assert f"{datetime.fromtimestamp(units.packages[0].shipped_at / 1000, UTC):%Y-%m-%dT%H:%M}" == meant
