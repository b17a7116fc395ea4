"""The same table gives the same plan, whichever kind of file it comes in."""

from __future__ import annotations

import gzip
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from batch.describe import describe
from batch.plan import make_plan
from batch.reading import read_shipments
from tests import make_samples
from tests.unit.reading.binary import binary_workbook
from tests.unit.reading.making import PROFILES, TORONTO, source, workbook
from tests.unit.reading.test_archive import zipped
from tests.unit.tables import policy

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

HEADER = ["purchaseOrderId", "lineNumber", "quantity", "carrier", "trackingNumber", "shipDateTime", "Note"]

CELLS = {
    "purchaseOrderId": ["309121065891123", "309121065891124", "309 121 065 891 125", "3.09E+14", "", "Total"],
    "lineNumber": ["1", "2", "", "1.0", "x"],
    "quantity": ["1", "2", "", "0", "2.0", "#N/A", "45000"],
    "carrier": ["Canada Post", "Postes Canada", "UPS", "Lettermail", "", "Nationex", "SociÃ©tÃ©"],
    "trackingNumber": [
        "7035114477138472", "0073938000549297", "73938000549297", "7.03511E+15", "1Z5R89390357567127",
        '="0073938000549297"', "7035 1144 7713 8472", "'7035114477138472", "1Z5R89390357567127 / 1Z12345E6605272234",
        "",
    ],
    "shipDateTime": ["2026-11-23", "2026-11-23 10:00", "23/11/2026", "03/11/2026", "46349.5", "soon", "", "2026-12-24"],
    "Note": ["", 'é, "quoted"', "two\nlines", "-1"],
}  # fmt: skip
ROWS = st.lists(st.tuples(*(st.sampled_from(CELLS[name]) for name in HEADER)), max_size=8)


def as_text(rows: list[list[str]]) -> bytes:
    return make_samples._csv([HEADER, *rows]).encode()


def as_html(rows: list[list[str]]) -> bytes:
    lines = ["".join(f"<td>{cell.replace('&', '&amp;')}" for cell in row) for row in (HEADER, *rows)]
    return f"<html><table>{''.join(f'<tr>{line}' for line in lines)}</table></html>".encode()


FORMS: dict[str, Callable[[list[list[str]]], bytes]] = {
    "semicolons": lambda rows: make_samples._csv([HEADER, *rows], ";").encode("utf-8-sig"),
    "tabs, UTF-16": lambda rows: make_samples._csv([HEADER, *rows], "\t").encode("utf-16"),
    "Windows-1252": lambda rows: make_samples._csv([HEADER, *rows]).encode("cp1252", errors="replace"),
    "gzip": lambda rows: gzip.compress(as_text(rows), mtime=0),
    "XLSX": lambda rows: workbook([HEADER, *rows]),
    "XLSB": lambda rows: binary_workbook([HEADER, *rows]),
}


def plan_of(folder: Path, data: bytes) -> str:
    """Return the plan as text, without what it says of the kind of file."""
    try:
        read = read_shipments(source(folder, data, "file"), PROFILES, zone=TORONTO)
    except Exception as error:  # noqa: BLE001 - a refusal must be the same, too
        return str(error).replace(", 'Sheet1'", "").replace(", sheet 'Sheet1'", "")
    read = tuple(replace(one, table=replace(one.table, notes=())) for one in read)
    return describe(make_plan(read, policy())).replace(" 'Sheet1'", "")


@pytest.mark.parametrize("form", FORMS)
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_every_kind_of_file_gives_the_plan_of_the_csv(tmp_path: Path, form: str, rows: list[tuple[str, ...]]) -> None:
    table = [list(row) for row in rows]
    if form == "Windows-1252":
        table = [["Purolator" if "Ã" in cell else cell for cell in row] for row in table]
    assert plan_of(tmp_path, FORMS[form](table)) == plan_of(tmp_path, as_text(table))


def test_a_table_of_a_web_page_gives_the_plan_of_the_csv(tmp_path: Path) -> None:
    rows = [[CELLS[name][place % len(CELLS[name])].replace("\n", " ") for name in HEADER] for place in range(10)]
    assert plan_of(tmp_path, as_html(rows)) == plan_of(tmp_path, as_text(rows))


def test_one_order_in_two_members_of_an_archive_is_one_order(tmp_path: Path) -> None:
    one = ["309121065891123", "1", "1", "Canada Post", "7035114477138472", "2026-11-23", ""]
    other = ["309121065891123", "2", "1", "Canada Post", "0073938000549297", "2026-11-23", ""]
    packed = zipped({"a.csv": as_text([one]), "b.csv": as_text([other, one])})
    plan = make_plan(read_shipments(source(tmp_path, packed, "file.zip"), PROFILES, zone=TORONTO), policy())
    assert len(plan) == 1
    assert len(plan.order(0).parcels) == 2
    assert plan.rows["outcome"].tolist() == ["", "", "skipped"]
