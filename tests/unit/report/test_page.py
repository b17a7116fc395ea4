from __future__ import annotations

import base64
import dataclasses
import gzip
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from batch.report import entries
from batch.report import page as module
from batch.report.account import ATTEMPT_COLUMNS, FINDING_COLUMNS, FileAccount, RunAccount
from batch.report.page import write_page
from batch.report.todo import tasks
from tests.unit.report.accounts import a_night, make_account, make_table, ordinary

if TYPE_CHECKING:
    import pytest

HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">'\"&"


def page(account: RunAccount) -> str:
    return module.page(account, tasks(account))


class _Reader(HTMLParser):
    """Collects tags, the text of cells, and everything that a browser would load."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.cells: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.text += " "
        self.loads += [str(value) for name, value in attrs if name in ("src", "href", "action", "data")]
        self.loads += [name for name, _ in attrs if name.startswith("on")]
        if tag in ("td", "tr"):
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.cells:
            self.cells[-1] += data


def read(text: str) -> _Reader:
    reader = _Reader()
    reader.feed(text)
    return reader


def test_the_page_says_how_it_ended_and_what_to_do() -> None:
    told = " ".join(read(page(ordinary())).text.split())
    assert "2 of 8 orders are shipped; 4 need a person, 1 is still to be sent." in told
    assert "Rejected: who made the file Mend the rows in the to_fix file" in told
    assert "1 row, 1 order This is why it is rejected. march.csv row 5" in told
    assert "shipbatch settle PO --as shipped|send --note TEXT" in told
    assert "to_fix/march.csv" in told
    assert "Not attempted: nobody This goes on by itself with the next shipbatch resume. 1 row, 1 order" in told
    assert told.index("Unknown: a person looks") < told.index("Rejected: who made the file")


def test_the_page_loads_nothing() -> None:
    text = page(ordinary())
    assert read(text).loads == []
    assert not re.search(r"url\(|@import|https?://(?!www\.w3\.org/2000/svg)", text)


def test_a_run_without_trouble_asks_for_nothing() -> None:
    account = make_account([make_table(["1", "x", ""])], [("shipped", "", "1")])
    assert "Nothing. Every row is accounted for and nobody is needed." in page(account)


def test_an_interrupted_run_and_an_unreadable_file_are_named() -> None:
    problem = FileAccount(path=Path("x/scan.pdf"), problem="scan.pdf is no spreadsheet.")
    text = page(RunAccount(run="r", account="a", command="run", files=(problem,), interrupted=True))
    assert "INTERRUPTED" in text
    assert "scan.pdf could not be read" in text
    assert "nobody is needed" not in text


def test_a_check_says_what_would_be_sent() -> None:
    account = make_account([make_table(["1", "x", ""])], [("ready", "", "1")], ready=True, seconds_to_send=90.0)
    told = " ".join(read(page(account)).text.split())
    assert "1 of 1 order would be sent, which takes about 1 min 30 s. Nothing was sent." in told
    assert "ready 1 1 it would be sent nobody" in told


def hostile() -> RunAccount:
    table = make_table([HOSTILE, HOSTILE, HOSTILE], path=f"in/{HOSTILE.replace('/', '')}.csv", sheet=HOSTILE)
    account = make_account([table, table], [("rejected", HOSTILE, HOSTILE)] * 2, carriers=pd.Series([HOSTILE] * 2))
    account.orders["note"] = account.orders["correlation_id"] = pd.Series([HOSTILE] * len(account.orders), dtype="str")
    files = tuple(dataclasses.replace(file, profile=HOSTILE, sha256=HOSTILE, problem=HOSTILE) for file in account.files)
    return dataclasses.replace(account, files=files, account=HOSTILE)


def test_hostile_cells_are_shown_as_text() -> None:
    told = read(page(hostile()))
    assert told.tags.count("script") == 1
    assert "img" not in told.tags
    assert told.loads == []
    assert HOSTILE in told.cells


def big(needing: int, others: int) -> RunAccount:
    outcomes = ["rejected"] * needing + ["shipped"] * others
    table = make_table(*([f"10{at}", "x", ""] for at in range(len(outcomes))))
    reason = 'B17 trackingNumber "7.03511E+15": Excel shows this number in E-notation; <export> the column as text.'
    told = [(outcome, reason if outcome == "rejected" else "", f"10{at}") for at, outcome in enumerate(outcomes)]
    return make_account([table], told)


def test_every_order_that_needs_a_person_and_two_thousand_others_are_listed() -> None:
    text = page(big(500, 2_500))
    assert text.count('<tr class="rejected">') == 500
    assert text.count('<tr class="shipped">') == 2_000
    assert "500 others are left out: orders.csv and rows.csv have all." in " ".join(text.split())
    assert len(text.encode()) < 1_500_000


def unpacked(text: str) -> list[list[str]]:
    """Return what the page's script would unpack."""
    found = re.search(r'<template id="more">(.*?)</template>', text)
    told: list[list[str]] = json.loads(gzip.decompress(base64.b64decode(found[1]))) if found else []
    return told


def test_what_would_make_the_page_too_large_is_packed_into_it() -> None:
    account = big(9_000, 3_000)
    text = page(account)
    standing = re.findall(r"^<tr class=.*?><td>(.*?)<td>", text, re.MULTILINE)
    packed = unpacked(text)
    assert len(text.encode()) < 1_500_000
    assert [*standing, *(cells[0] for cells in packed)] == [f"10{at}" for at in range(11_000)]
    assert packed[-1][1] == "shipped"
    assert f"{len(packed):,} orders more can be shown only where this page may run its script" in text
    assert "have no room here" not in text
    assert "1,000 others are left out" in text


def test_a_page_stays_small_whatever_happened_and_says_what_has_no_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(entries, "MOST_BYTES", 20_000)
    monkeypatch.setattr(entries, "MOST_PACKED", 3_000)
    text = page(big(2_000, 10))
    packed = unpacked(text)
    listed = text.count('<tr class="rejected">') + len(packed)
    assert len(packed) > 50
    assert f"{2_000 - listed:,} more that need a person have no room here" in text
    assert "10 others are left out" in text
    monkeypatch.setattr(entries, "MOST_PACKED", 10)
    assert unpacked(page(big(200, 10))) == []


def test_a_night_of_ten_thousand_orders_fits_into_one_page() -> None:
    text = page(a_night(10_000, needing=40))
    assert len(text.encode()) < 1_500_000
    for said in ("60 allowed", "told to wait", "was not available for", "Half of the shipping updates"):
        assert said in text
    assert re.search(r"<b>10,000</b> deadlines: [0-9,]+ met, [0-9,]+ missed, ", text)


def test_sizes_are_guessed_well_enough_to_keep_the_promise() -> None:
    account = hostile()
    told = entries.list_orders(account)
    assert told.left_out == 0
    without = dataclasses.replace(account, orders=account.orders.iloc[:0], rows=account.rows.iloc[:0], tables=())
    table = page(account).split("<tbody>")[2].split("</tbody>")[0]
    assert len(table.encode()) <= sum(entry.size for entry in told.entries)
    assert '<table class="orders">' not in page(without)


def test_an_orders_answers_are_told_where_not_all_went_well() -> None:
    account = make_account([make_table(*[["1", "x", ""]] * 3)], [("shipped", "", name) for name in "abc"])
    account.orders["attempts"] = [3, 1, 8]
    calls = [(0, 503, "unavailable"), (0, 0, "unknown"), (1, 200, "accepted"), (0, 200, "accepted")]
    calls += [(2, 429, "throttled")] * 8
    attempts = pd.DataFrame(
        [("ship", 1, 2, status, verdict, order) for order, status, verdict in calls], columns=list(ATTEMPT_COLUMNS)
    )
    told = entries.list_orders(dataclasses.replace(account, attempts=attempts)).entries
    assert [entry.attempts for entry in told] == [
        "3 (503, no answer, 200)",
        "1",
        "8 (429, 429, 429, 429, 429, 429, …)",
    ]


def test_warnings_and_notes_are_told_with_their_places() -> None:
    found = pd.DataFrame(
        [
            (0, 0, 1, "warning", 'march.csv B2 Tracking Number "73<i>": the digit is wrong'),
            (0, 1, 1, "warning", 'march.csv B3 Tracking Number "74": the digit is wrong'),
            (0, 1, -1, "note", "march.csv row 3: the method is no method"),
        ],
        columns=list(FINDING_COLUMNS),
    )
    account = make_account([make_table(*[["1", "x", ""]] * 2)], [("shipped", "", "a")] * 2, findings=found)
    told = " ".join(read(page(account)).text.split())
    assert "Nothing. Every row is accounted for and nobody is needed." in told
    assert "2 rows, 1 order The digit is wrong. march.csv rows 2-3 for example: march.csv B2" in told
    assert '"73<i>"' in told
    assert "1 note: what was read otherwise than it is written, and does no harm" in told


def test_a_page_that_lies_beside_its_file_names_the_files_beside_it() -> None:
    text = module.page(ordinary(), tasks(ordinary()), beside=["march.to_fix.csv"])
    assert "To mend, beside this page: <code>march.to_fix.csv</code>" in text
    assert "In the report folder of this run: <code>rows.csv</code>" in text


def test_a_reason_in_a_great_many_files_names_some_of_them() -> None:
    tables = [make_table(["1", "x", ""], path=f"{at}.csv") for at in range(40)]
    assert "24.csv row 2; and in 15 sheets more" in page(make_account(tables, [("rejected", "A2: Bad.", "")] * 40))


def test_long_texts_are_cut_in_the_table() -> None:
    account = make_account([make_table(["1", "x", ""])], [("held", "x" * 40_000, "1")])
    told = entries.list_orders(account).entries
    assert len(told[0].reason) == 400
    assert told[0].reason.endswith("…")


def test_a_row_without_an_order_is_listed_when_it_needs_a_person() -> None:
    tables = [make_table(["", "x", ""], ["", "y", ""]), make_table(["", "z", ""], path="b.csv", sheet="S")]
    told = [("rejected", "No order is named.", ""), ("skipped", "Void.", ""), ("rejected", "No order.", "")]
    found = entries.list_orders(make_account(tables, told))
    assert [(entry.order, entry.where, entry.reason) for entry in found.entries] == [
        ("", "march.csv row 2", "No order is named."),
        ("", "b.csv 'S' row 2", "No order."),
    ]
    assert found.left_out == 0


def test_many_reasons_and_files_are_cut_with_a_word() -> None:
    letters = [f"{one}{other}" for one in "abcdefghij" for other in "abcdefghij"]
    table = make_table(*[["1", "x", ""]] * 100)
    account = make_account([table], [("rejected", f"Reason {letter}.", "1") for letter in letters])
    many = tuple(FileAccount(path=Path(f"{at}.csv")) for at in range(250))
    text = page(dataclasses.replace(account, files=(*account.files, *many)))
    assert "40 rarer reasons more" in text
    assert "51 files more" in text


def test_the_file_is_utf_8_and_takes_what_is_no_character(tmp_path: Path) -> None:
    account = make_account([make_table(["1", "x", ""])], [("held", "é", "1")], account="\udcff")
    write_page(tmp_path / "report.html", account, [])
    assert "é" in (tmp_path / "report.html").read_text(encoding="utf-8")
