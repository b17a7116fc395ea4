from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from batch.errors import UnreadableFile
from batch.plan import make_plan
from batch.reading import Source, Table, read_shipments, read_tables
from tests import make_samples
from tests.unit.reading.binary import binary_workbook
from tests.unit.reading.making import (
    BOOKS,
    DATA,
    GOOD,
    HEADER,
    KNOWN,
    PROFILES,
    TORONTO,
    cells,
    source,
    tables,
    workbook,
)
from tests.unit.reading.test_archive import zipped
from tests.unit.tables import policy

if TYPE_CHECKING:
    from pathlib import Path

EXPECTED = {  # profile, rows, rows that are no shipment
    "shipbatch/november.csv": ("shipbatch", 223, 1),
    "shipbatch/november.xlsx": ("shipbatch", 203, 0),
    "shipbatch/novembre.csv": ("shipbatch", 40, 0),
    "seller-center/bulk.csv": ("seller-center", 182, 2),
    "shipstation/shipments.csv": ("shipstation", 193, 3),
    "ups-worldship/daily.csv": ("ups-worldship", 211, 2),
    "chit-chats/shipments.csv": ("chit-chats", 212, 2),
    "amazon-fulfillment/confirmation.txt": ("amazon-fulfillment", 208, 0),
    "matrixify/orders.xlsx": ("matrixify", 183, 73),
    "eshipper/report.csv": ("eshipper", 208, 2),
    "shippingeasy/report.csv": ("shippingeasy", 202, 0),
    "fedex-ship-manager/history.xlsx": ("fedex-ship-manager", 207, 3),
    "generic/expeditions.csv": ("generic", 226, 2),
}
UNREADABLE_TIMES = {"32/13/2026", "soon", "le 5 novembre", "2.02611E+13"}


@pytest.mark.parametrize("name", make_samples.SAMPLES)
def test_each_sample_is_read_by_its_profile(name: str) -> None:
    profile, rows, skipped = EXPECTED[name]
    one = read_shipments(Source(DATA / name, "", DATA / name), PROFILES, zone=TORONTO, undated_at=1)[0]
    assert (one.profile.name, len(one.columns)) == (profile, rows)
    assert (one.findings["effect"] == "skipped").sum() == skipped
    rejected = one.findings[one.findings["effect"] == "rejected"]
    assert set(rejected["value"]) <= UNREADABLE_TIMES
    unread = set(one.findings["row"])
    assert all(instant or row in unread for row, instant in enumerate(one.shipped_at))


def test_the_samples_are_what_the_script_writes(tmp_path: Path) -> None:
    for path in make_samples.write_all(tmp_path):
        assert path.read_bytes() == (DATA / path.relative_to(tmp_path)).read_bytes(), path


@pytest.mark.parametrize(
    ("digits", "check", "right"),
    [
        ("007393800054929", make_samples._weighted([int(digit) for digit in "007393800054929"], 3, 1), 7),
        ("703511447713847", make_samples._weighted([int(digit) for digit in "703511447713847"], 3, 1), 2),
        ("5R8939035756712", make_samples._weighted([5, 9, 8, 9, 3, 9, 0, 3, 5, 7, 5, 6, 7, 1, 2], 1, 2), 7),
    ],
)
def test_check_digits_are_those_of_the_carriers_test_numbers(digits: str, check: int, right: int) -> None:
    assert check == right, digits


WHOLE = {name: (DATA / name).read_bytes() for name in EXPECTED}
WHOLE |= {f"books/{path.name}": path.read_bytes() for path in BOOKS.iterdir()}
WHOLE["binary.xlsb"] = binary_workbook([HEADER.split(","), GOOD.split(","), ["1", "UPS", "#N/A", 46349.5]])
WHOLE["packed.csv.gz"] = gzip.compress(WHOLE["shipbatch/november.csv"], mtime=0)
WHOLE["packed.zip"] = zipped({"a.csv": WHOLE["shipstation/shipments.csv"]})
WHOLE["page.xls"] = (
    b"<html><table><tr><td>purchaseOrderId<td>trackingNumber<td>shipDateTime<tr><td>1<td>2<td>2026-11-23</table></html>"
)


def read_or_refused(folder: Path, data: bytes) -> tuple[Table, ...]:
    """Return the tables, or none where the file is refused; anything else that is thrown fails the test."""
    try:
        read_shipments(source(folder, data, "bad"), PROFILES, zone=TORONTO)
        return tables(folder, data)
    except UnreadableFile as error:
        return () if "\n" not in str(error) else pytest.fail("more than one sentence")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(sorted(WHOLE)), share=st.floats(0, 1))
@example(name="shipbatch/november.xlsx", share=0.999)
def test_a_file_cut_anywhere_is_refused_or_read_never_worse(tmp_path: Path, name: str, share: float) -> None:
    whole = WHOLE[name]
    for one in read_or_refused(tmp_path, whole[: int(len(whole) * share)]):
        original = {table.sheet: table for table in tables(tmp_path, whole)}[one.sheet]
        faulty = {row for row, _ in one.faults}
        good = [row for place, row in enumerate(cells(one)) if place not in faulty]
        if one.unterminated and good:
            good.pop()  # a last row without a line end may be cut within its last cell
        assert good == cells(original)[: len(good)]


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from(sorted(WHOLE)),
    share=st.floats(0, 1, exclude_max=True),
    rubbish=st.binary(min_size=1, max_size=8),
)
def test_a_file_with_other_bytes_anywhere_is_refused_or_read_never_worse(
    tmp_path: Path, name: str, share: float, rubbish: bytes
) -> None:
    whole = WHOLE[name]
    place = int(len(whole) * share)
    read_or_refused(tmp_path, whole[:place] + rubbish + whole[place + len(rubbish) :])


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.sampled_from([name for name in sorted(WHOLE) if name.endswith((".csv", ".txt"))]),
    share=st.floats(0, 1, exclude_max=True),
    rubbish=st.text(max_size=4),
)
def test_what_is_read_of_a_damaged_file_can_be_planned_row_by_row(
    tmp_path: Path, name: str, share: float, rubbish: str
) -> None:
    whole = WHOLE[name]
    place = int(len(whole) * share)
    file = source(tmp_path, whole[:place] + rubbish.encode("utf-8", "replace") + whole[place + 3 :], "bad")
    try:
        read = read_shipments(file, PROFILES, zone=TORONTO)
    except UnreadableFile:
        return
    plan = make_plan(read, policy())
    assert len(plan.rows) == sum(len(one.table.rows) for one in read)
    assert ((plan.rows["outcome"] != "") == (plan.rows["reason"] != "")).all()


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=60))
def test_any_bytes_are_refused_or_read(tmp_path: Path, data: bytes) -> None:
    read_or_refused(tmp_path, data)


CELL = st.text(alphabet=st.sampled_from(list("ab09 ,;'\"|é\u00a0€=+-@#\u0153語")), max_size=8)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.lists(CELL, min_size=4, max_size=4), max_size=5))
def test_the_same_table_as_csv_and_as_a_workbook_is_the_same(tmp_path: Path, rows: list[list[str]]) -> None:
    header = ["purchaseOrderId", "carrier", "trackingNumber", "shipDateTime"]
    # The writer would make a formula of "=", and loses cells of nothing but spaces.
    plain = [[cell.lstrip("=") for cell in row] for row in rows]
    safe = [[cell if cell.strip() else "" for cell in row] for row in plain]
    csv_file = make_samples._csv([header, *safe]).encode()
    (text,) = read_tables(source(tmp_path, csv_file), None, KNOWN)
    (book,) = read_tables(source(tmp_path, workbook([header, *safe])), None, KNOWN)
    assert cells(text) == cells(book)
    assert text.rows.tolist() == book.rows.tolist()
