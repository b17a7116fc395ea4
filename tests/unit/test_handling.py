from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from batch import handling
from batch.end_of_run import Ended
from batch.errors import Exit, FileChanged, JournalFailed, ShipbatchError
from batch.halts import Halts
from batch.handling import Handler
from batch.inputs import copied_whole
from batch.job import Job
from batch.journal.journal import Journal
from batch.journal.states import State
from batch.moving import Left, Moved, Stays, Target
from batch.settings import Account, Settings
from tests.unit.journal.making import begin_run, force, plan, planned, record_input
from tests.unit.report.accounts import make_account

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from batch.reading.table import Source

EMPTY = make_account([], [])
WENT = Ended(EMPTY, None, Exit.OK)
FAULT = Ended(None, None, Exit.FATAL, "A fault of shipbatch itself; the log has it.")


class Bench:
    """A handler on a real journal, whose runs are made up."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        account = Account.model_construct(client_id="seller-1", api="walmart-global")
        self.settings = Settings(journal=f"sqlite:///{folder / 'state/journal.db'}")
        self.settings._home = folder
        self.folder = folder
        self.job = Job(settings=self.settings, name="default", account=account)
        self.told: list[Ended] = []
        self.runs: list[list[str] | None] = []  # file names; None: what was left over
        self.breaks: set[str] = set()  # runs with these files break
        self.broken: ShipbatchError | None = None  # then no run can be begun at all
        self.end = WENT
        self.handler = Handler(
            settings=self.settings,
            halts=Halts(),
            turns=self,
            tell=lambda _jobs, ends: self.told.extend(ends),
        )
        monkeypatch.setattr(handling, "move_files_of", lambda _account: self.moves)
        self.moves: list[Moved | Stays | Left] = []

    ends_at = None
    is_well = True

    def carry_out(self, job: Job, files: Sequence[Source] | None) -> Ended:
        assert job is self.job
        if self.broken is not None:
            raise self.broken
        names = None if files is None else [file.path.name for file in files]
        self.runs.append(names)
        return FAULT if self.breaks & set(names or ()) else self.end

    def drop(self, *names: str) -> list[Path]:
        files = [self.folder / name for name in names]
        for file in files:
            file.write_text(f"{file.name}\n")
        return files

    def leave(self, state: State, *, due_at: int = 0) -> None:
        """Leave an order over, in that state."""
        journal = Journal.open(self.settings.journal)
        (order,) = plan(journal, planned(due_at=due_at))
        force(journal, order, state)
        journal.close()


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_files_are_copied_run_together_moved_and_told_of(bench: Bench) -> None:
    files = bench.drop("a.csv", "b.csv")
    moved = Moved(files[0], files[0], Target.DONE, EMPTY, files[0])
    left = Left(files[1], "Read-only.")
    stays = Stays(files[1], EMPTY)
    bench.moves = [moved, left, stays]
    handled = bench.handler.handle(bench.job, files, {}, resume=False)
    assert bench.runs == [["a.csv", "b.csv"]]
    assert [source.path for source in handled.run] == files
    assert handled.run[0].content.read_text() == "a.csv\n"
    assert (handled.moved, handled.left, handled.stay) == ([moved], [left], [stays])
    assert handled.exit_code is Exit.OK
    assert bench.told == [WENT]


def test_a_file_that_changes_while_it_is_read_is_not_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    files = bench.drop("a.csv", "b.csv")

    def changing(path: Path, folder: Path) -> object:
        if path.name == "a.csv":
            raise FileChanged
        return copied_whole(path, folder)

    monkeypatch.setattr(handling, "copied_whole", changing)
    handled = bench.handler.handle(bench.job, files, {}, resume=False)
    assert (handled.changed, bench.runs) == ([files[0]], [["b.csv"]])


def test_a_file_that_cannot_be_read_keeps_no_other_from_being_run(bench: Bench) -> None:
    gone = bench.folder / "gone.csv"
    handled = bench.handler.handle(bench.job, [gone, *bench.drop("b.csv")], {}, resume=False)
    assert handled.problems == {gone: f"{gone}: the file cannot be read: No such file or directory."}
    assert bench.runs == [["b.csv"]]


def test_where_no_file_could_be_taken_nothing_is_run(bench: Bench) -> None:
    handled = bench.handler.handle(bench.job, [bench.folder / "gone.csv"], {}, resume=False)
    assert (handled.ends, bench.runs, bench.told) == ([], [], [])


def test_the_file_that_breaks_a_run_stops_no_other(bench: Bench) -> None:
    files = bench.drop("a.csv", "bad.csv", "c.csv")
    bench.breaks = {"bad.csv"}
    handled = bench.handler.handle(bench.job, files, {}, resume=False)
    assert bench.runs == [["a.csv", "bad.csv", "c.csv"], ["a.csv"], ["bad.csv"], ["c.csv"]]
    assert [source.path.name for source in handled.run] == ["a.csv", "c.csv"]
    assert handled.problems == {files[1]: ""}
    assert bench.told == [WENT, FAULT, WENT]
    assert handled.exit_code is Exit.FATAL


@pytest.mark.parametrize("code", [Exit.BUSY, Exit.USAGE, Exit.TERMINATED])
def test_a_run_that_did_not_begin_leaves_its_files_for_another_time(bench: Bench, code: Exit) -> None:
    files = bench.drop("a.csv", "b.csv")
    bench.end = Ended(None, None, code, "Not now.")
    handled = bench.handler.handle(bench.job, files, {}, resume=False)
    assert (handled.run, handled.problems) == ([], dict.fromkeys(files, ""))
    assert len(bench.runs) == 1


def test_a_journal_that_cannot_be_opened_leaves_them_too(bench: Bench) -> None:
    files = bench.drop("a.csv")
    bench.broken = JournalFailed("state/journal.db: disk I/O error.")
    handled = bench.handler.handle(bench.job, files, {}, resume=False)
    assert (handled.run, handled.problems, handled.exit_code) == ([], {files[0]: ""}, Exit.FATAL)
    assert [end.message for end in bench.told] == ["state/journal.db: disk I/O error."]


# What is left over


def test_nothing_is_run_where_nothing_is_left_over(bench: Bench) -> None:
    bench.leave(State.SHIPPED)
    handled = bench.handler.handle(bench.job, [], {}, resume=True)
    assert (bench.runs, handled.ends, bench.told) == ([], [], [])


@pytest.mark.parametrize("state", [State.PLANNED, State.SENDING, State.UNKNOWN])
def test_what_is_left_over_is_gone_on_with(bench: Bench, state: State) -> None:
    bench.leave(state)
    bench.handler.handle(bench.job, [], {}, resume=True)
    assert bench.runs == [None]
    assert bench.told == [WENT]


def test_files_and_what_is_left_over_may_share_a_turn(bench: Bench) -> None:
    bench.leave(State.PLANNED)
    bench.handler.handle(bench.job, bench.drop("a.csv"), {}, resume=True)
    assert bench.runs == [["a.csv"], None]


def test_what_is_due_later_is_left_until_then(bench: Bench) -> None:
    bench.leave(State.PLANNED, due_at=1 << 50)
    bench.handler.handle(bench.job, [], {}, resume=True)
    assert bench.runs == []


def test_what_another_run_is_about_to_go_on_with_is_left_to_it_in_silence(bench: Bench) -> None:
    bench.leave(State.PLANNED)
    bench.end = Ended(None, None, Exit.BUSY, "Another run holds it.")
    handled = bench.handler.handle(bench.job, [], {}, resume=True)
    assert (handled.ends, bench.told) == ([], [])


def test_files_that_still_lie_there_are_moved_when_their_rows_have_ended(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    (file,) = bench.drop("a.csv")
    journal = Journal.open(bench.settings.journal)
    (order,) = plan(journal, planned())
    record_input(journal, begin_run(journal), [(order, 0)], path=str(file), sha256="ab")
    monkeypatch.setattr("batch.moving.account_of", lambda *_arguments: EMPTY)
    monkeypatch.setattr("batch.moving._as_it_stands", lambda account, *_more: account)
    monkeypatch.setattr("batch.moving.of_one_file", lambda account, _place: account)
    monkeypatch.setattr("batch.moving._move", lambda _account: Left(file, "Read-only."))
    assert bench.handler.handle(bench.job, [], {file: "ab"}, resume=False).left == []
    force(journal, order, State.REFUSED)
    assert bench.handler.handle(bench.job, [], {file: "ab"}, resume=False).left == [Left(file, "Read-only.")]
    assert bench.handler.handle(bench.job, [], {file: "cd"}, resume=False).left == []
    journal.close()
