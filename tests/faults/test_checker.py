"""The checker itself: it must find what it is there to find."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from batch.sandbox.state import Charge
from tests.faults.checker import check
from tests.faults.parcels import orders

if TYPE_CHECKING:
    from pathlib import Path

    from tests.faults.ordeal import Ordeal


@pytest.fixture
def shipped(ordeal: Ordeal) -> Path:
    file = ordeal.write("orders.csv", *orders(3))
    ordeal.fill(file)
    ordeal.does("run", file, "--json")
    return file


def test_what_went_well_passes(ordeal: Ordeal, shipped: Path) -> None:
    figures = check(ordeal, shipped, orders=3, faults=0)
    assert (figures.orders, figures.units, figures.requests) == (3, 7, 3)


def test_it_is_not_content_with_nothing(ordeal: Ordeal, shipped: Path) -> None:
    with pytest.raises(AssertionError, match="only 3 orders"):
        check(ordeal, shipped, orders=4, faults=0)
    with pytest.raises(AssertionError, match="nothing went wrong"):
        check(ordeal, shipped, orders=3, faults=1)


def test_it_finds_a_second_charge(ordeal: Ordeal, shipped: Path) -> None:
    log = ordeal.sandbox.state.charge_log
    log.append(log[0])
    with pytest.raises(AssertionError, match="charged too often"):
        check(ordeal, shipped, orders=3, faults=0)


def test_it_finds_a_charge_that_no_file_asked_for(ordeal: Ordeal, shipped: Path) -> None:
    ordeal.sandbox.state.charge_log.append(Charge(0, "309121065999999", "1", "1Z", 1, ""))
    with pytest.raises(AssertionError, match="charged, but in no file"):
        check(ordeal, shipped, orders=3, faults=0)


def test_it_finds_an_order_that_was_lost(ordeal: Ordeal, shipped: Path) -> None:
    ordeal.sandbox.state.orders["309121065000000"].lines["1"].units.clear()
    with pytest.raises(AssertionError, match="lies"):
        check(ordeal, shipped, orders=3, faults=0)


def test_it_finds_a_charge_of_which_no_report_tells(ordeal: Ordeal, shipped: Path) -> None:
    _change_outcome(ordeal, "shipped", "held")
    with pytest.raises(AssertionError, match="no report says shipped"):
        check(ordeal, shipped, orders=3, faults=0)


def test_it_finds_a_row_without_an_end(ordeal: Ordeal, shipped: Path) -> None:
    ordeal.sandbox.state.charge_log.clear()
    _change_outcome(ordeal, "shipped", "unknown")
    with pytest.raises(AssertionError, match="have not ended"):
        check(ordeal, shipped, orders=3, faults=0)


def test_it_finds_a_row_that_is_told_of_twice_or_not_at_all(ordeal: Ordeal, shipped: Path) -> None:
    rows = next((ordeal.folder / "reports").glob("*/rows.csv"))
    lines = rows.read_text().splitlines(keepends=True)
    rows.write_text("".join([*lines, lines[-1]]))
    with pytest.raises(AssertionError, match="tells of a row twice"):
        check(ordeal, shipped, orders=3, faults=0)
    rows.write_text("".join(lines[:-1]))
    with pytest.raises(AssertionError, match="counts 5 rows and tells of 4"):
        check(ordeal, shipped, orders=3, faults=0)


def test_it_finds_a_call_that_is_not_on_record(ordeal: Ordeal, shipped: Path) -> None:
    log = ordeal.sandbox.counters.log
    log.append(log[-1]._replace(kind="ship", correlation_id="nobody-knows-it"))
    with pytest.raises(AssertionError, match="of which the journal knows nothing"):
        check(ordeal, shipped, orders=3, faults=0)


def test_it_finds_what_is_sent_again(ordeal: Ordeal, shipped: Path) -> None:
    (ordeal.folder / "state" / "journal.db").unlink()
    ordeal.write_settings(preflight=False)
    ordeal.does("resume")  # makes an empty journal
    with pytest.raises(AssertionError, match="a further run sent something"):
        check(ordeal, shipped, orders=3, faults=0, journal_lost=True)


@pytest.mark.parametrize("secret", ["sandbox-secret-0", "a token", "the key"])
def test_it_finds_a_secret_in_whatever_file(ordeal: Ordeal, shipped: Path, secret: str) -> None:
    said = {
        "a token": next(text for text in ordeal.overheard if text.startswith("sandbox-token-")),
        "the key": (ordeal.folder / "sandbox-key.pem").read_text().splitlines()[3],
    }
    (ordeal.folder / "state" / "copy.log").write_text(f"... {said.get(secret, secret)} ...")
    with pytest.raises(AssertionError, match=r"copy\.log has a secret"):
        check(ordeal, shipped, orders=3, faults=0)


def _change_outcome(ordeal: Ordeal, was: str, is_: str) -> None:
    for rows in (ordeal.folder / "reports").glob("*/rows.csv"):
        rows.write_text(rows.read_text().replace(f'"{was}"', f'"{is_}"'))
