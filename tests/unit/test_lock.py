from __future__ import annotations

import multiprocessing
import os
import socket
import stat
import threading
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from batch.errors import AccountBusy, Exit, Fatal
from batch.journal.database import Database
from batch.journal.journal import Journal
from batch.lock import account_lock, holder_of, locks_folder

if TYPE_CHECKING:
    from multiprocessing.connection import Connection
    from pathlib import Path

    from tests.postgres import Server

PROCESSES = multiprocessing.get_context("spawn")


@pytest.fixture(autouse=True)
def state_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state"


def hold(seller: str, told: Connection, *, wait: bool = False) -> None:
    """Hold the lock in a process of its own until told to let go."""
    with account_lock(seller, account="theirs", command="run", wait=wait):
        told.send("held")
        told.recv()


def test_a_lock_that_is_held_refuses_a_second_run_and_says_who_holds_it() -> None:
    with account_lock("seller", account="outlet", command="run"):
        with (
            pytest.raises(AccountBusy, match=rf"Account mine: .*process {os.getpid()}, `shipbatch run`") as refused,
            account_lock("seller", account="mine", command="resume"),
        ):
            pass
        assert refused.value.exit_code is Exit.BUSY
        assert "--wait" in str(refused.value)


def test_two_sellers_do_not_wait_for_each_other() -> None:
    with account_lock("one", account="a", command="run"), account_lock("another", account="b", command="run"):
        pass


def test_a_lock_is_let_go_at_the_end_whatever_happened() -> None:
    with pytest.raises(ValueError, match="fault"), account_lock("seller", account="a", command="run"):
        raise ValueError("fault")
    with account_lock("seller", account="a", command="run"):
        pass


def test_a_lock_holds_against_another_process_and_ends_with_its_holders_death() -> None:
    ours, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(target=hold, args=("seller", theirs))
    process.start()
    try:
        assert ours.recv() == "held"
        with (
            pytest.raises(AccountBusy, match=f"process {process.pid}"),
            account_lock("seller", account="a", command="run"),
        ):
            pass
    finally:
        process.kill()
        process.join()
    with account_lock("seller", account="a", command="run"):
        pass


def test_a_run_that_waits_goes_on_when_the_holder_has_ended() -> None:
    ours, theirs = PROCESSES.Pipe()
    process = PROCESSES.Process(target=hold, args=("seller", theirs), kwargs={"wait": True})
    with account_lock("seller", account="a", command="run"):
        process.start()
        assert not ours.poll(0.2)
    assert ours.recv() == "held"
    ours.send("let go")
    process.join()
    assert process.exitcode == 0


def test_the_locks_are_the_owners_alone_and_do_not_name_the_seller(state_folder: Path) -> None:
    with account_lock("seller-1", account="a", command="run"):
        lock, *_ = locks_folder().glob("*.lock")
    assert locks_folder() == state_folder / "shipbatch" / "locks"
    assert stat.S_IMODE(locks_folder().stat().st_mode) == 0o700
    assert stat.S_IMODE(lock.stat().st_mode) == 0o600
    assert "seller-1" not in lock.name


def test_a_holder_that_could_not_write_its_name_is_still_a_holder() -> None:
    with account_lock("seller", account="a", command="run"):
        (holder,) = locks_folder().glob("*.holder")
        holder.unlink()
        with (
            pytest.raises(AccountBusy, match="it does not say who it is"),
            account_lock("seller", account="a", command="run"),
        ):
            pass


def test_a_folder_that_cannot_be_made_is_said(state_folder: Path) -> None:
    state_folder.write_text("in the way")
    with pytest.raises(Fatal, match="the folder for locks cannot be made"), account_lock("s", account="a", command="r"):
        pass


def test_a_lock_that_cannot_be_taken_is_said(state_folder: Path) -> None:
    with account_lock("seller", account="a", command="run"):
        (file,) = locks_folder().glob("*.lock")
    file.unlink(missing_ok=True)
    file.mkdir()
    with (
        pytest.raises(Fatal, match="the lock cannot be taken: Is a directory"),
        account_lock("seller", account="a", command="run"),
    ):
        pass
    assert state_folder.exists()


def test_who_holds_a_lock_can_be_asked_without_taking_or_making_it(state_folder: Path, tmp_path: Path) -> None:
    journal = Journal(Database(f"sqlite:///{tmp_path / 'none.db'}"))
    assert holder_of("seller", journal) == ""
    assert not state_folder.exists()
    with account_lock("seller", account="a", command="run"):
        assert f"process {os.getpid()}" in holder_of("seller", journal)
    assert holder_of("seller", journal) == ""
    with account_lock("seller", account="a", command="run"):
        pass


# The lock on the journal's server


@pytest.fixture
def place(postgres: Server) -> str:
    """Return the address of an empty place for a journal on a server."""
    return postgres.place()


def test_two_machines_that_share_a_journal_do_not_both_hold_an_account(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Journal.open(place)) as ours, closing(Journal.open(place)) as theirs:
        with account_lock("seller", account="outlet", command="run", journal=ours):
            monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another machine"))
            with (
                pytest.raises(AccountBusy, match=rf"mine: .*{os.getpid()}, `shipbatch run`, since .* on .*--wait"),
                account_lock("seller", account="mine", command="resume", journal=theirs),
            ):
                pass
            assert f"on {socket.gethostname()}" in holder_of("seller", theirs)
        with account_lock("seller", account="mine", command="resume", journal=theirs):
            pass
        assert holder_of("seller", theirs) == ""


def test_a_run_that_waits_on_another_machine_goes_on_when_the_holder_has_ended(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("batch.lock._LOOK_AGAIN", 0.01)
    held = threading.Event()

    def hold(journal: Journal) -> None:
        with account_lock("seller", account="theirs", command="run", journal=journal, wait=True):
            held.set()

    with closing(Journal.open(place)) as ours, closing(Journal.open(place)) as theirs:
        waiting = threading.Thread(target=hold, args=(theirs,))
        with account_lock("seller", account="ours", command="run", journal=ours):
            monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another machine"))
            waiting.start()
            assert not held.wait(0.2)
        assert held.wait(60)
        waiting.join()


def test_a_lock_that_is_let_go_just_when_it_is_asked_for_is_busy_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with closing(Journal.open(f"sqlite:///{tmp_path / 'journal.db'}")) as journal:
        monkeypatch.setattr(journal.locks, "take", lambda *_: False)
        with (
            pytest.raises(AccountBusy, match="it was let go just now"),
            account_lock("seller", account="a", command="run", journal=journal),
        ):
            pass
