"""The report's page as people have it: in a browser, wide and narrow, light and dark, on paper."""

from __future__ import annotations

import dataclasses
import struct
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from batch.report import entries
from batch.report.page import write_page
from batch.report.todo import tasks
from tests.browser import CHROMIUM, browser
from tests.unit.report.accounts import a_night, make_account, make_table, ordinary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from batch.report.account import RunAccount
    from tests.browser import Browser

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")

HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">'\"&"
SHOWN = "[...document.querySelectorAll('.orders tbody tr')].map((row) => row.cells[0].textContent)"


@pytest.fixture(scope="module", name="chromium")
def _chromium(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with browser(tmp_path_factory.mktemp("browser") / "profile") as begun:
        yield begun


def opened(chromium: Browser, folder: Path, account: RunAccount, **screen: int | bool) -> Browser:
    """Open the account's page."""
    chromium.requested.clear()
    chromium.said.clear()
    file = folder / "report.html"
    write_page(file, account, tasks(account))
    chromium.open(file, width=int(screen.get("width", 1280)), dark=bool(screen.get("dark", False)))
    return chromium


def hostile() -> RunAccount:
    """Make an account in which whatever people or the marketplace wrote is an attack."""
    table = make_table([HOSTILE] * 3, path=f"in/{HOSTILE.replace('/', '')}.csv", sheet=HOSTILE)
    told = [("rejected", HOSTILE, HOSTILE), ("shipped", HOSTILE, "2")]
    carriers = pd.Series([HOSTILE] * 2, dtype="str")
    account = make_account([table], [told[0]], carriers=carriers[:1], account=HOSTILE)
    account.orders["note"] = account.orders["correlation_id"] = pd.Series([HOSTILE], dtype="str")
    files = tuple(dataclasses.replace(file, profile=HOSTILE, problem=HOSTILE) for file in account.files)
    return dataclasses.replace(account, files=files)


def test_the_page_needs_nothing_but_itself_and_complains_of_nothing(chromium: Browser, tmp_path: Path) -> None:
    page = opened(chromium, tmp_path, a_night(3_000, needing=20))
    assert page.requested == [(tmp_path / "report.html").as_uri()]
    assert page.said == []


@pytest.mark.parametrize("packed", [False, True])
def test_hostile_cells_are_text_and_run_nothing(
    chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, packed: bool
) -> None:
    if packed:
        account = make_account(
            [make_table(*[[HOSTILE] * 3] * 3)], [("held", HOSTILE, f"{HOSTILE}{at}") for at in "abc"]
        )
        monkeypatch.setattr(entries, "MOST_BYTES", 1_000)
    else:
        account = hostile()
    page = opened(chromium, tmp_path, account)
    page.wait_until("!document.querySelector('#packed')")
    assert "owned" not in page.run("document.title.replace(/.*:/, '')")
    assert page.run("document.images.length") == 0
    assert page.run("document.scripts.length") == 1
    assert page.run("document.querySelector('.orders td').textContent").startswith(HOSTILE)
    assert page.run("document.querySelectorAll('.orders tbody tr').length") == (3 if packed else 1)
    assert page.said == []


@pytest.mark.parametrize("width", [320, 390, 800, 1280, 2560])
@pytest.mark.parametrize("make", [ordinary, lambda: a_night(200, needing=3), hostile])
def test_nothing_hangs_over_the_edge_of_a_screen(chromium: Browser, tmp_path: Path, width: int, make: object) -> None:
    assert callable(make)
    page = opened(chromium, tmp_path, make(), width=width)
    assert page.run("document.documentElement.scrollWidth") <= width


def contrast(page: Browser, selector: str) -> float:
    """Return the contrast between an element's text and the ground below it, as the W3C counts it."""
    found = page.run(
        f"""(() => {{
          const light = (colour) => colour.match(/[\\d.]+/g).slice(0, 3).map((part) => part / 255)
            .map((part) => part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
            .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
          let ground = document.querySelector({selector!r});
          const ink = light(getComputedStyle(ground).color);
          const clear = () => getComputedStyle(ground).backgroundColor === 'rgba(0, 0, 0, 0)';
          while (clear()) ground = ground.parentElement;
          const paper = light(getComputedStyle(ground).backgroundColor);
          return (Math.max(ink, paper) + 0.05) / (Math.min(ink, paper) + 0.05);
        }})()"""
    )
    assert isinstance(found, float)
    return found


@pytest.mark.parametrize("dark", [False, True])
def test_it_is_readable_in_light_and_dark(chromium: Browser, tmp_path: Path, *, dark: bool) -> None:
    page = opened(chromium, tmp_path, ordinary(), dark=dark)
    paper = page.run("getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(246, 247, 249)") is not dark
    for selector in ("h1", ".about", ".totals .meaning", ".task p", ".where", ".orders td", ".orders th", "footer p"):
        assert contrast(page, selector) >= 4.5, selector


def test_a_picture_of_the_page_is_as_wide_as_the_screen(chromium: Browser, tmp_path: Path) -> None:
    opened(chromium, tmp_path, a_night(500, needing=5)).picture(tmp_path / "page.png")
    width, height = struct.unpack(">II", (tmp_path / "page.png").read_bytes()[16:24])
    assert width == 1280
    assert height > 900


def test_orders_are_searched_chosen_and_sorted(chromium: Browser, tmp_path: Path) -> None:
    page = opened(chromium, tmp_path, ordinary())
    page.run("document.querySelector('select').value = 'refused'")
    page.run("document.querySelector('select').dispatchEvent(new Event('change'))")
    assert page.run(SHOWN) == ["105"]
    page.run("document.querySelector('select').value = ''")
    page.run("document.querySelector('input').value = 'why it is REFUSED'")
    page.run("document.querySelector('select').dispatchEvent(new Event('change'))")
    assert page.run(SHOWN) == ["105"]
    assert page.run("document.querySelector('output').textContent") == "1 shown"
    page.run("document.querySelector('input').value = ''")
    page.run("document.querySelector('select').dispatchEvent(new Event('change'))")
    page.run("document.querySelector('.orders th').click()")
    assert page.run(SHOWN) == [f"10{at}" for at in range(8)]
    page.run("document.querySelector('.orders th').click()")
    assert page.run(SHOWN) == [f"10{at}" for at in range(7, -1, -1)]
    assert page.run("document.querySelector('.orders th').getAttribute('aria-sort')") == "descending"


def test_a_search_waits_for_the_typing_to_end(chromium: Browser, tmp_path: Path) -> None:
    page = opened(chromium, tmp_path, ordinary())
    page.run("document.querySelector('input').value = 'unknown'")
    found = page.run(
        f"""new Promise((done) => {{
          const table = document.querySelector('.orders tbody');
          new MutationObserver(() => done({SHOWN})).observe(table, {{childList: true}});
          document.querySelector('input').dispatchEvent(new Event('input'));
        }})"""
    )
    assert found == ["106"]


def test_a_heading_sorts_by_the_keyboard_too(chromium: Browser, tmp_path: Path) -> None:
    page = opened(chromium, tmp_path, ordinary())
    page.run("document.querySelector('.orders th').dispatchEvent(new KeyboardEvent('keydown', {key: 'Enter'}))")
    assert page.run(SHOWN) == [f"10{at}" for at in range(8)]


def test_a_long_table_is_shown_bit_by_bit(chromium: Browser, tmp_path: Path) -> None:
    page = opened(chromium, tmp_path, a_night(900, needing=10))
    count = f"{SHOWN}.length"
    assert page.run(count) == 100
    assert page.run("document.querySelector('output').textContent") == "100 of 900 shown"
    page.run("document.querySelector('button').click()")
    assert page.run(count) == 600
    page.run("document.querySelector('button').click()")
    assert page.run(count) == 900
    assert page.run("document.querySelector('.onward').hidden") is True


def test_what_was_packed_is_unpacked(chromium: Browser, tmp_path: Path) -> None:
    page = opened(chromium, tmp_path, a_night(9_000, needing=9_000))
    page.wait_until("!document.querySelector('#packed')")
    assert page.run("document.querySelector('output').textContent") == "100 of 9,000 shown"
    page.run("document.querySelector('input').value = '309121060008999'")
    page.run("document.querySelector('select').dispatchEvent(new Event('change'))")
    assert page.run(SHOWN) == ["309121060008999"]
    assert page.run("document.querySelector('.orders tbody tr').className") == "rejected"
    assert page.said == []


def test_on_paper_stand_all_orders_that_need_a_person_in_ink_on_white(chromium: Browser, tmp_path: Path) -> None:
    page = opened(chromium, tmp_path, a_night(600, needing=150), dark=True)
    page.look(width=1280, printed=True, dark=True)
    page.run("dispatchEvent(new Event('beforeprint'))")
    assert page.run(f"{SHOWN}.length") == 150
    assert page.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.run("getComputedStyle(document.querySelector('.controls')).display") == "none"
    page.paper(tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
