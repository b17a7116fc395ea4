from __future__ import annotations

import dataclasses
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from batch.report import entries
from batch.report import page as module
from batch.report.account import FileAccount, RunAccount
from batch.report.page import write_page
from batch.report.todo import tasks
from tests.unit.report.accounts import make_account, make_table, ordinary

HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">'\"&"
CHROMIUM = shutil.which("chromium")


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
    assert "Rejected: who made the file Mend the rows in the file under to_fix" in told
    assert "1 row, 1 order This is why it is rejected. march.csv row 5" in told
    assert "shipbatch settle PO --as shipped|send --note TEXT" in told
    assert "to_fix/march.csv" in told
    assert "What is left goes on with shipbatch resume" in told
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


def test_a_page_stays_small_whatever_happened_and_says_what_has_no_room() -> None:
    text = page(big(6_000, 10))
    assert len(text.encode()) < 1_500_000
    listed = text.count('<tr class="rejected">')
    assert f"{6_000 - listed:,} more that need a person have no room here" in text
    assert "10 others are left out" in text


def test_sizes_are_guessed_well_enough_to_keep_the_promise() -> None:
    account = hostile()
    told, left_out = entries.table_of_orders(account)
    assert left_out == 0
    without = dataclasses.replace(account, orders=account.orders.iloc[:0], rows=account.rows.iloc[:0], tables=())
    table = page(account).split("<tbody>")[2].split("</tbody>")[0]
    assert len(table.encode()) <= sum(entry.size for entry in told)
    assert '<table class="orders">' not in page(without)


def test_long_texts_are_cut_in_the_table() -> None:
    account = make_account([make_table(["1", "x", ""])], [("held", "x" * 40_000, "1")])
    told, _ = entries.table_of_orders(account)
    assert len(told[0].reason) == 400
    assert told[0].reason.endswith("…")


def test_a_row_without_an_order_is_listed_when_it_needs_a_person() -> None:
    tables = [make_table(["", "x", ""], ["", "y", ""]), make_table(["", "z", ""], path="b.csv", sheet="S")]
    told = [("rejected", "No order is named.", ""), ("skipped", "Void.", ""), ("rejected", "No order.", "")]
    found, left_out = entries.table_of_orders(make_account(tables, told))
    assert [(entry.order, entry.where, entry.reason) for entry in found] == [
        ("", "march.csv row 2", "No order is named."),
        ("", "b.csv 'S' row 2", "No order."),
    ]
    assert left_out == 0


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


@pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")
def test_a_browser_runs_our_script_and_nobody_elses(tmp_path: Path) -> None:
    account = hostile()
    told = browsed(tmp_path, page(account))
    assert "of 1 shown" in told  # our own script ran: the page's policy knows it
    assert "<title>owned" not in told
    acting = """<script>
      document.querySelector("input[type=search]").value = "why it is REFUSED";
      document.querySelector("select").value = "refused";
      document.querySelector("select").dispatchEvent(new Event("change"));
      document.querySelectorAll(".orders th")[0].click();
      document.querySelectorAll(".orders th")[0].click();
    </script></body>"""
    text = re.sub(r"<meta http-equiv=.*?>", "", page(ordinary())).replace("</body>", acting)
    told = browsed(tmp_path, text)
    rows = re.findall(r'<tr class="(\w+)"( hidden="")?>\s*<td>(\w+)', told)
    assert [outcome for outcome, hidden, _ in rows if not hidden] == ["refused"]
    assert [order for _, _, order in rows] == [f"10{at}" for at in range(7, -1, -1)]


def browsed(folder: Path, text: str) -> str:
    """Return the page as headless Chromium has it after its scripts have run."""
    (folder / "page.html").write_text(text, encoding="utf-8")
    command = [str(CHROMIUM), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    command += ["--disable-background-networking", "--disable-component-update", "--disable-sync", "--dump-dom"]
    command += [f"--user-data-dir={folder / 'profile'}", f"file://{folder / 'page.html'}"]
    return subprocess.run(command, capture_output=True, check=True, timeout=60, text=True).stdout
