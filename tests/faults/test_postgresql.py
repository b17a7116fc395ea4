"""The journal on a server: it crashes, lets go of us, is held by another machine; a run is cut off and comes back."""

from __future__ import annotations

import os
import signal
from contextlib import closing
from functools import partial
from typing import TYPE_CHECKING

import pytest

from batch.crashpoints import Step
from batch.journal.journal import Journal
from tests.faults.checker import check, check_meanwhile, in_journal
from tests.faults.ordeal import begun_ordeal
from tests.faults.parcels import orders
from tests.faults.sabotage import no_patience, without_driver
from tests.postgres import PLACES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.faults.ordeal import Ordeal
    from tests.postgres import Server

ORDERS = 24
SELLER = "sandbox-client-0"
SLOWLY = {"match": {"kind": "ship", "every": 1}, "do": "slow", "seconds": 0.15}
LOCKS, ALL = "shipbatch locks", "shipbatch%"


@pytest.fixture
def database(postgres: Server) -> str:
    """Return the name of a database of the test's own."""
    return postgres.database()


@pytest.fixture
def ordeal(tmp_path: Path, key: Path, postgres: Server, database: str) -> Iterator[Ordeal]:
    """Give a folder with settings for a slow sandbox, and a journal on a server."""
    with begun_ordeal(tmp_path, key=key, journal=postgres.url(database), workers=3) as ordeal:
        ordeal.goes_wrong(SLOWLY)
        yield ordeal


@pytest.fixture
def file(ordeal: Ordeal) -> Path:
    return ordeal.write_known("orders.csv", *orders(ORDERS))


@pytest.fixture
def elsewhere(tmp_path: Path) -> dict[str, str]:
    """Return the environment of another machine: it shares no lock of the operating system with this one."""
    return {"XDG_STATE_HOME": str(tmp_path / "elsewhere")}


def _shipped(ordeal: Ordeal) -> int:
    return ordeal.requests.get("ship", 0)


def _has_shipped(ordeal: Ordeal, count: int) -> bool:
    return _shipped(ordeal) >= count


def _comes_to_its_end(ordeal: Ordeal, file: Path) -> None:
    ordeal.goes_wrong()
    ordeal.resume_until_ended()
    ordeal.does("run", file, "--json")
    check(ordeal, file, orders=ORDERS, faults=0)


def test_a_run_goes_as_on_a_file(ordeal: Ordeal, file: Path) -> None:
    ordeal.goes_wrong()
    ran = ordeal.does("run", file, "--json")

    assert ran.code == 0, ran
    assert not (ordeal.folder / "state" / "journal.db").exists()
    assert "All is well" in ordeal.does("doctor").out or ordeal.does("doctor").code == 0
    assert "shipped" in ordeal.does("order", orders(1)[0].purchase_order_id).out
    check(ordeal, file, orders=ORDERS, faults=0)


# The server goes away


def test_a_server_that_crashes_in_mid_run_costs_nothing(ordeal: Ordeal, file: Path, postgres: Server) -> None:
    running = ordeal.begin("run", file, "--json")
    for crashes_at in (4, 12):
        ordeal.until(partial(_has_shipped, ordeal, crashes_at))
        postgres.crash()
    ran = ordeal.ended(running)

    assert ran.code == 0, ran
    assert "Traceback" not in ran.err
    check_meanwhile(ordeal, file)
    _comes_to_its_end(ordeal, file)


def test_a_run_waits_for_a_server_that_is_started_anew(ordeal: Ordeal, file: Path, postgres: Server) -> None:
    running = ordeal.begin("run", file, "--json")
    ordeal.until(lambda: _shipped(ordeal) >= 4)
    postgres.stop()
    postgres.start()
    ran = ordeal.ended(running)

    assert ran.code == 0, ran
    assert set(ordeal.outcomes(ran).values()) == {"shipped"}
    check(ordeal, file, orders=ORDERS, faults=0)


def test_where_the_server_stays_away_the_run_ends_and_the_next_goes_on(
    ordeal: Ordeal, file: Path, postgres: Server
) -> None:
    running = ordeal.begin("run", file, "--json", first=partial(no_patience, 0.5))
    ordeal.until(lambda: _shipped(ordeal) >= 4)
    postgres.stop(signal.SIGQUIT)
    ran = ordeal.ended(running)
    postgres.start()

    assert ran.code == 4, ran
    assert "look whether the server runs" in ran.err
    assert "Traceback" not in ran.err
    assert _shipped(ordeal) < ORDERS
    _comes_to_its_end(ordeal, file)


@pytest.mark.parametrize("step", [Step.TRANSACTION_WRITTEN, Step.CALL_LEAVES])
def test_a_run_that_dies_leaves_no_lock_and_loses_nothing(ordeal: Ordeal, file: Path, step: Step) -> None:
    ordeal.goes_wrong()
    ordeal.does("run", file, crash_at=f"{step} 7")

    _comes_to_its_end(ordeal, file)


# The lock


def test_the_second_machine_is_told_who_holds_the_account(
    ordeal: Ordeal, file: Path, elsewhere: dict[str, str]
) -> None:
    running = ordeal.begin("run", file, "--json")
    ordeal.until(lambda: _shipped(ordeal) >= 1)
    second = ordeal.does("run", file, env=elsewhere)
    waiting = ordeal.begin("run", file, "--wait", "--json", env=elsewhere)
    ran = ordeal.ended(running)
    waited = ordeal.ended(waiting)

    assert second.code == 7, second
    assert "`shipbatch run`" in second.err
    assert f"on {os.uname().nodename}" in second.err
    assert (ran.code, waited.code) == (0, 0)
    assert set(ordeal.outcomes(waited).values()) == {"already_shipped"}
    check(ordeal, file, orders=ORDERS, faults=0)


def test_a_lock_that_the_server_let_go_is_taken_again(
    ordeal: Ordeal, file: Path, postgres: Server, database: str
) -> None:
    running = ordeal.begin("run", file, "--json")
    ordeal.until(lambda: _shipped(ordeal) >= 2)
    assert postgres.cut_off(database, application=LOCKS) == 1
    ran = ordeal.ended(running)

    assert ran.code == 0, ran
    check(ordeal, file, orders=ORDERS, faults=0)


def test_a_lock_that_another_took_meanwhile_ends_the_run(
    ordeal: Ordeal, file: Path, postgres: Server, database: str
) -> None:
    ordeal.write_settings(settle_time=60, workers=3)  # so that it looks at its lock once a second, and we are faster
    running = ordeal.begin("run", file, "--json")
    ordeal.until(lambda: _shipped(ordeal) >= 2)
    with closing(Journal.open(ordeal.journal)) as another:
        assert not another.locks.take(SELLER, "another")
        assert postgres.cut_off(database, application=LOCKS) == 1
        ordeal.until(lambda: another.locks.take(SELLER, "another"))
        begun = len(in_journal(ordeal, "SELECT id FROM attempts"))
        ran = ordeal.ended(running)
        assert ran.code in (4, 5), ran  # 5: what was in the air is the other's to settle
        assert "Another run has taken the account since" in ran.err
        assert len(in_journal(ordeal, "SELECT id FROM attempts")) == begun
    ordeal.write_settings(settle_time=0.3)
    _comes_to_its_end(ordeal, file)


def test_a_run_that_is_cut_off_and_comes_back_sends_nothing_more(
    ordeal: Ordeal, file: Path, postgres: Server, database: str, elsewhere: dict[str, str]
) -> None:
    """As a machine that is suspended, or behind a broken cable: by then another has gone on."""
    running = ordeal.begin("run", file, "--json")
    ordeal.until(lambda: _shipped(ordeal) >= 4)
    running.tell(signal.SIGSTOP)
    assert postgres.cut_off(database, application=ALL) >= 2
    ordeal.goes_wrong()
    taken_over = ordeal.does("resume", "--json", env=elsewhere)
    assert taken_over.code == 0, taken_over
    sent = _shipped(ordeal)
    running.tell(signal.SIGCONT)
    ran = ordeal.ended(running)

    assert ran.code == 4, ran
    assert "Traceback" not in ran.err
    assert _shipped(ordeal) == sent
    check(ordeal, file, orders=ORDERS, faults=0)


# What can be wrong with the address


@pytest.mark.parametrize("command", ["run", "check", "resume", "doctor", "history", "order 309121065000001", "prune"])
def test_a_wrong_password_is_one_sentence_without_the_password(
    ordeal: Ordeal, file: Path, postgres: Server, command: str
) -> None:
    words = [*command.split(), *([file] if command in ("run", "check") else [])]
    wrong = postgres.url(PLACES, user="asked_for_password", password="Passw0rd")
    ran = ordeal.does(*words, env={"SHIPBATCH_JOURNAL": wrong})

    assert ran.code == 6, ran
    assert "password authentication failed" in " ".join((ran.out + ran.err).split())
    assert "Passw0rd" not in ran.out + ran.err
    assert "Traceback" not in ran.err
    assert _shipped(ordeal) == 0


def test_a_missing_driver_is_told_with_what_to_install(ordeal: Ordeal, file: Path) -> None:
    ran = ordeal.does("run", file, first=without_driver)

    assert ran.code == 2, ran
    assert "pip install 'shipbatch[cluster]'" in ran.err
