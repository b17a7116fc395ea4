from __future__ import annotations

import csv
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from batch.report import cells
from batch.report.cells import FORMULA_BEGINNINGS
from batch.report.orders import write_orders
from batch.report.rows import ADDED, write_rows
from tests.unit.report.accounts import make_account, make_table, ordinary

if TYPE_CHECKING:
    import pytest

    from batch.report.account import RunAccount


def parsed(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def written_rows(account: RunAccount) -> list[list[str]]:
    with tempfile.TemporaryDirectory() as folder:
        write_rows(Path(folder) / "rows.csv", account)
        return parsed(Path(folder) / "rows.csv")


def as_reading_takes_it(cell: str) -> str:
    """Take away the one apostrophe that reports put before a formula."""
    return cell[1:] if cell[:1] == "'" and cell[1:].startswith(FORMULA_BEGINNINGS) else cell


def test_a_row_is_told_with_its_own_columns_first_and_then_what_became_of_it() -> None:
    header, *rows = written_rows(ordinary())
    assert header == ["Order #", "Tracking Number", "Note", *ADDED]
    assert rows[0] == [
        *["100", "730", "é", "in/march.csv", "", "2", "shipped", "", "100", "c-100", "2026-11-24T00:26:41.500Z"]
    ]
    assert rows[3][5:9] == ["5", "rejected", "This is why it is rejected.", "103"]
    assert rows[3][-1] == ""


def test_rows_of_several_files_stand_under_the_union_of_their_columns() -> None:
    tables = [
        make_table(["1", "x"], path="a.csv", columns=("Order", "Note")),
        make_table(["y", "2"], path="b.xlsx", columns=("SKU", "Order"), sheet="Sheet1"),
    ]
    header, first, second = written_rows(make_account(tables, [("shipped", "", "1"), ("shipped", "", "2")]))
    assert header[:6] == ["Order", "Note", "SKU", "_file", "_sheet", "_row"]
    assert first[:6] == ["1", "x", "", "a.csv", "", "2"]
    assert second[:6] == ["2", "", "y", "b.xlsx", "Sheet1", "2"]


def test_a_report_that_was_dropped_again_does_not_carry_its_old_verdicts() -> None:
    table = make_table(["1", "rejected", "Why."], columns=("Order", "_outcome", "_reason"))
    header, row = written_rows(make_account([table], [("shipped", "", "1")]))
    assert header == ["Order", *ADDED]
    assert row[4:6] == ["shipped", ""]


def test_a_hostile_header_file_or_reason_is_no_formula() -> None:
    table = make_table(["1"], path="=cmd.csv", columns=("=HYPERLINK()",), sheet="-x")
    header, row = written_rows(make_account([table], [("rejected", "@why", "+1")]))
    assert header[0] == "'=HYPERLINK()"
    assert row[1:6] == ["'=cmd.csv", "'-x", "2", "rejected", "'@why"]
    assert row[6] == "'+1"


def test_blocks_follow_each_other_without_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "BLOCK", 3)
    _, *rows = written_rows(ordinary())
    assert [row[0] for row in rows] == [f"10{index}" for index in range(8)]
    assert [row[5] for row in rows] == [str(row) for row in range(2, 10)]


def test_an_order_is_told_on_one_line(tmp_path: Path) -> None:
    write_orders(tmp_path / "orders.csv", ordinary())
    header, first, *others = parsed(tmp_path / "orders.csv")
    assert dict(zip(header, first, strict=True)) == {
        "purchaseOrderId": "100",
        "outcome": "shipped",
        "reason": "",
        "rows": "1",
        "parcels": "1",
        "attempts": "1",
        "correlationId": "c-100",
        "shipBy": "2026-11-24T01:26:40.000Z",
        "startedAt": "2026-11-24T00:26:41.000Z",
        "finishedAt": "2026-11-24T00:26:41.500Z",
        "note": "",
    }
    assert [row[0] for row in others] == [f"10{index}" for index in range(1, 8)]


# All text that a file can hold after reading: no lone surrogates, no NUL, which reading refuses.
CELL = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=8) | st.sampled_from(
    ["=1", "-", "'", "''=1", "+\n", '"', '",\r\n"', "\t", "\r", "0073", "1E5"]
)
HEADER = CELL.filter(lambda header: not header.startswith("_"))
OUTCOME = st.sampled_from(["shipped", "already_shipped", "skipped", "rejected", "held", "refused", "unknown"])


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_reading_a_report_gives_back_every_cell_and_every_outcome(data: st.DataObject) -> None:
    headers = data.draw(st.lists(HEADER, min_size=1, max_size=4))
    # Reading has taken the apostrophe away already, so no cell begins with one before a formula.
    lines = data.draw(st.lists(st.lists(CELL, min_size=len(headers), max_size=len(headers)), max_size=5))
    lines = [[as_reading_takes_it(cell) for cell in line] for line in lines]
    told = [(data.draw(OUTCOME), data.draw(CELL), data.draw(CELL)) for _ in lines]
    header, *rows = written_rows(make_account([make_table(*lines, columns=headers)], told))
    assert len(header) == len(headers) + len(ADDED)
    assert [[as_reading_takes_it(cell) for cell in row[: len(headers)]] for row in rows] == lines
    places = [header.index(name, len(headers)) for name in ("_outcome", "_reason", "_purchase_order_id")]
    assert [row[places[0]] for row in rows] == [outcome for outcome, _, _ in told]
    assert [row[places[1]] for row in rows] == [cells.neutralised(reason) for _, reason, _ in told]
    assert [row[places[2]] for row in rows] == [cells.neutralised(order) for _, _, order in told]
