from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from batch.errors import UnreadableFile
from batch.reading import load_profiles, match, to_shipment_columns
from batch.reading.dates import NO_DATE
from batch.reading.grid import TOO_MANY_CELLS
from batch.reading.shipments import TOTAL_LINE, UNDATED
from schemas.shipment import SHIPMENT_COLUMNS
from tests.unit.reading.making import GOOD, HEADER, PROFILES, TORONTO, shipments, table, workbook

if TYPE_CHECKING:
    from pathlib import Path

    from batch.reading import Shipments

NOW = 1_795_442_706_000


def found(one: Shipments) -> list[tuple[int, str, str, str, str]]:
    columns = (one.findings[name].tolist() for name in ("row", "column", "value", "effect", "reason"))
    return list(zip(*columns, strict=True))


def own(folder: Path, text: str, data: str) -> Shipments:
    (folder / "own.toml").write_text(text, encoding="utf-8")
    read = table(folder, data)
    return to_shipment_columns(read, match(read, load_profiles(folder), "own"), TORONTO, undated_at=NOW)


def test_every_shipment_column_is_there_in_order_and_blank_where_absent(tmp_path: Path) -> None:
    one = shipments(tmp_path, f"Note,{HEADER}\nx, 309 ,\tUPS\u00a0 ,\u00a01Z ,2026-11-23\n")
    assert tuple(one.columns.columns) == SHIPMENT_COLUMNS
    assert all(kind == "str" for kind in one.columns.dtypes)
    row = one.columns.iloc[0].to_dict()
    assert {name: text for name, text in row.items() if text} == {
        "purchase_order_id": "309",
        "carrier": "UPS\u00a0",
        "tracking_number": "\u00a01Z",
        "ship_date_time": "2026-11-23",
    }
    assert one.origins == {"purchase_order_id": 1, "carrier": 2, "tracking_number": 3, "ship_date_time": 4}
    assert one.shipped_at.tolist() == [1795453200000]
    assert one.date_only.tolist() == [True]


@pytest.mark.parametrize(
    "line",
    ["Total,,,", "TOTAL:,12,,", "Grand total,,,99.50", "Totaux,,,", "Sous-total,,,", ",Total orders 12,,",
     "Total général,,3,", "Total des commandes: 12,,,"],
)  # fmt: skip
def test_total_lines_are_skipped_with_the_reason(tmp_path: Path, line: str) -> None:
    one = shipments(tmp_path, f"{HEADER}\n{GOOD}\n{line}\n")
    assert [(row, effect, reason) for row, _, _, effect, reason in found(one)] == [(1, "skipped", TOTAL_LINE)]


def test_a_total_line_at_the_end_is_not_taken_for_a_row_that_was_cut_off(tmp_path: Path) -> None:
    assert [effect for _, _, _, effect, _ in found(shipments(tmp_path, f"{HEADER}\n{GOOD}\nTotal,1"))] == ["skipped"]
    assert [effect for _, _, _, effect, _ in found(shipments(tmp_path, f"{HEADER}\n{GOOD}\n3091,U"))] == ["rejected"]


@pytest.mark.parametrize("line", [",Total Wine,1Z,", "Totally,,,", "WM-77,Total,,", "309121065891123,Total,,"])
def test_other_rows_are_no_total_lines(tmp_path: Path, line: str) -> None:
    assert found(shipments(tmp_path, f"{HEADER}\n{GOOD}\n{line}\n")) == []


def test_voided_labels_and_what_is_no_shipment_are_skipped(tmp_path: Path) -> None:
    header = "Order - Number,Shipment - Tracking Number,Date - Shipped Date,Voided"
    one = shipments(tmp_path, f"{header}\n1,2,11/23/2026,No\n3,4,rubbish, YES \n5,6,11/23/2026,\n")
    assert found(one) == [(1, "", " YES ", "skipped", "the export says that this label was voided")]


def test_faults_and_unreadable_times_are_rejected(tmp_path: Path) -> None:
    one = shipments(tmp_path, f"{HEADER}\n{GOOD},extra\n{GOOD[:-16]}soon\n{GOOD}\n")
    assert found(one) == [
        (0, "", "", "rejected", TOO_MANY_CELLS),
        (1, "ship_date_time", "soon", "rejected", NO_DATE),
    ]
    assert (one.shipped_at == 0).tolist() == [True, True, False]


def test_a_row_that_is_set_aside_does_not_decide_how_dates_are_read(tmp_path: Path) -> None:
    header = "purchaseOrderId,trackingNumber,shipDateTime"
    data = f"{header}\n1,2,25/11/2026\n3,4,11/25/2026,too many\n"
    assert shipments(tmp_path, data).shipped_at.tolist() == [1795626000000, 0]


def test_two_readings_refuse_the_file_and_name_the_cell(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match=r"file\.csv: column D 'shipDateTime', D3: \"03/04/2026\" is 3 April 2026"):
        shipments(tmp_path, f"{HEADER}\n1,UPS,3,05/05/2026\n1,UPS,3,03/04/2026\n")


def test_kinds_of_a_workbook_are_seen(tmp_path: Path) -> None:
    import datetime as dt  # noqa: PLC0415 - beside its only use

    book = workbook([HEADER.split(","), ["1", "UPS", "3", dt.date(2026, 11, 3)], ["1", "UPS", "3", "25/11/2026"]])
    with pytest.raises(UnreadableFile, match=r"sheet 'Sheet1': column D 'shipDateTime', D3: .* Excel left as text"):
        shipments(tmp_path, book)


PROFILE = """
name = "own"
needs = ["purchase_order_id"]
[columns]
purchase_order_id = ["PO"]
carrier = ["Par"]
[instead.carrier]
values = ["Autre", ""]
headers = ["Nom", "Name"]
[constants]
ship_from_country = "CA"
[values.carrier]
"postes canada" = "Canada Post"
[dates]
absent = "now"
"""


def test_constants_value_maps_and_other_columns_are_obeyed(tmp_path: Path) -> None:
    one = own(tmp_path, PROFILE, "PO,Par,Nom\n1, Postes  Canada,x\n2,autre,Canpar\n3,,UPS\n4,,\n5,DHL,x\n")
    assert one.columns["carrier"].tolist() == ["Canada Post", "Canpar", "UPS", "", "DHL"]
    assert one.columns["ship_from_country"].tolist() == ["CA"] * 5
    assert one.shipped_at.tolist() == [NOW] * 5
    assert one.table.notes == (UNDATED,)


def test_without_the_other_column_the_value_stays(tmp_path: Path) -> None:
    assert own(tmp_path, PROFILE, "PO,Par\n1,Autre\n").columns["carrier"].tolist() == ["Autre"]


def test_a_constant_ship_time_that_can_be_read_in_two_ways_is_refused(tmp_path: Path) -> None:
    text = PROFILE.replace('ship_from_country = "CA"', 'ship_date_time = "03/04/2026"')
    with pytest.raises(UnreadableFile, match=r'file\.csv: "03/04/2026"'):
        own(tmp_path, text, "PO,Par\n1,UPS\n")


def test_a_profiles_zone_goes_before_the_one_in_the_settings(tmp_path: Path) -> None:
    text = PROFILE.replace('absent = "now"', 'zone = "America/Vancouver"').replace(
        "[constants]", '[constants]\nship_date_time = "2026-11-23 10:00"'
    )
    assert own(tmp_path, text, "PO,Par\n1,UPS\n").shipped_at.tolist() == [1795456800000]


def test_an_empty_table_gives_empty_shipments(tmp_path: Path) -> None:
    one = shipments(tmp_path, HEADER + "\n")
    assert len(one.columns) == 0
    assert len(one.shipped_at) == len(one.date_only) == len(one.findings) == 0


def test_the_seller_centers_file_is_shipped_when_it_is_read(tmp_path: Path) -> None:
    read = table(
        tmp_path, "PO#,Line#,Update Status,Update Qty,Carrier,Tracking Number,Tracking Url\n1,1,Shipped,1,UPS,2,\n"
    )
    one = to_shipment_columns(read, match(read, PROFILES), TORONTO, undated_at=NOW)
    assert one.shipped_at.tolist() == [NOW]
    assert not one.date_only.any()
