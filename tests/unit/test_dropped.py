"""What is done otherwise with a file that was dropped: it is read whole or not at all, and its last line is doubted."""

from __future__ import annotations

import gzip
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from batch.errors import FileChanged, FolderBusy
from batch.inputs import copied, copied_whole, read_inputs
from batch.lock import account_lock, folder_lock
from batch.plan import make_plan
from batch.reading.contents import read_tables
from batch.reading.table import Source
from batch.settings import Settings
from schemas.doubts import is_proven
from tests.unit.tables import GOOD, NOW, policy, shipments

if TYPE_CHECKING:
    from pathlib import Path

    from batch.reading.shipments import Shipments

TEXT = "purchaseOrderId,carrier,trackingNumber,shipDateTime\n1,UPS,1Z5R89390357567127,2026-11-20\n"
ORDER = "309121065891124"


# The last line


def unterminated(*rows: dict[str, str]) -> Shipments:
    one = shipments(list(rows))
    return replace(one, table=replace(one.table, unterminated=True))


def outcomes(one: Shipments, *, dropped: bool = True) -> list[str]:
    found: list[str] = make_plan([one], policy(dropped=dropped)).rows["outcome"].tolist()
    return found


UNPROVEN = GOOD | {"purchase_order_id": ORDER, "carrier": "LOOMIS", "tracking_number": "N1234567"}


def test_the_last_row_of_a_text_that_ends_within_it_is_held_and_no_other() -> None:
    one = unterminated(UNPROVEN, UNPROVEN | {"purchase_order_id": "309121065891125"})
    assert outcomes(one) == ["", "held"]
    reason = make_plan([one], policy(dropped=True)).rows["reason"].iloc[1]
    assert reason.startswith("warehouse.csv E3")
    assert "no check digit shows that the number is whole" in reason


def test_a_check_digit_that_holds_lets_it_go() -> None:
    assert outcomes(unterminated(UNPROVEN, GOOD)) == ["", ""]


def test_its_order_is_held_with_it() -> None:
    assert outcomes(unterminated(GOOD, UNPROVEN | {"purchase_order_id": GOOD["purchase_order_id"]})) == ["held", "held"]


def test_a_file_that_a_person_names_is_not_doubted() -> None:
    assert outcomes(unterminated(UNPROVEN), dropped=False) == [""]


def test_a_text_that_ends_with_its_last_line_is_not_doubted() -> None:
    assert outcomes(shipments([UNPROVEN])) == [""]


def test_a_text_without_rows_has_none_to_hold() -> None:
    assert outcomes(unterminated()) == []


@pytest.mark.parametrize(
    ("number", "carrier", "proven"),
    [
        ("7035114477138472", "CPC", True),
        ("7035114477138473", "CPC", False),
        ("70351144771384", "CPC", False),
        ("320595463938", "PURINTL_SWWGROUND", True),  # Purolator brings it
        ("320595463938", "CPC", False),  # another's check digit proves nothing
        ("1Z5R89390357567127", "Nationex", True),  # whose own numbers we do not know
        ("N1234567", "Nationex", False),
        ("", "LETTERMAIL", False),
    ],
)
def test_a_number_is_proven_by_the_check_digit_of_its_carrier(number: str, carrier: str, *, proven: bool) -> None:
    assert is_proven(number, carrier) == proven


def test_what_comes_out_of_an_archive_has_no_last_line_in_doubt(tmp_path: Path) -> None:
    file = tmp_path / "a.csv.gz"
    file.write_bytes(gzip.compress(TEXT.rstrip("\n").encode()))
    (table,) = read_tables(Source(file, "", file))
    assert not table.unterminated


# Whole or not at all


def test_a_copy_that_is_still_like_its_file_is_whole(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(TEXT)
    assert copied_whole(file, tmp_path / "inputs").content.read_text() == TEXT


@pytest.mark.parametrize("then", [TEXT + "2,", TEXT[:-10], ""])
def test_a_file_that_grows_or_shrinks_while_it_is_read_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, then: str
) -> None:
    file = tmp_path / "a.csv"
    file.write_text(TEXT)

    def copied_and_changed(path: Path, folder: Path) -> Source:
        source = copied(path, folder)
        path.write_text(then)
        return source

    monkeypatch.setattr("batch.inputs.copied", copied_and_changed)
    with pytest.raises(FileChanged, match=r"a\.csv: the file changed while it was read"):
        copied_whole(file, tmp_path / "inputs")
    file.write_text(TEXT)
    inputs = read_inputs([file], Settings(), now_ms=NOW, copies=tmp_path / "inputs", whole=True)
    assert (len(inputs.shipments), inputs.files[0]["sha256"]) == (0, "")
    assert "changed while it was read" in inputs.files[0]["problem"]


def test_what_was_copied_before_is_read_from_there(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(TEXT)
    source = copied(file, tmp_path / "inputs")
    file.write_text("something else")
    inputs = read_inputs([source], Settings(), now_ms=NOW, copies=tmp_path / "nowhere")
    assert (inputs.files[0]["path"], inputs.files[0]["rows"]) == (str(file), 1)
    assert not (tmp_path / "nowhere").exists()


# One watch for each folder


def test_a_folder_has_one_watch_whatever_path_leads_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    drop, link = tmp_path / "drop", tmp_path / "link"
    drop.mkdir()
    link.symlink_to(drop)
    with folder_lock(drop):
        with pytest.raises(FolderBusy, match=r"link: another watch has this folder \(process"), folder_lock(link):
            pass
        with folder_lock(tmp_path), account_lock("seller", account="default", command="run"):
            pass  # other folders and accounts are free
    with folder_lock(link):
        pass
