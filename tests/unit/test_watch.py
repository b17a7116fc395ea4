"""Whose turn it is and when, with a clock that is set by hand and turns that end when the test says so."""

from __future__ import annotations

import os
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast
from zoneinfo import ZoneInfo

import pytest

from batch.end_of_run import Ended
from batch.ending import Ending
from batch.errors import Exit
from batch.halts import Halts
from batch.handling import Handled
from batch.moving import Left, Moved, Target
from batch.reading.table import Source
from batch.settings import Watch as Times
from batch.watch import LONGEST, Again, Machinery, Watch
from batch.watch_voice import Voice
from tests.unit.report.accounts import make_account, make_table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from batch.hints import Hints
    from batch.job import Job

QUIET, CUT_SHORT, SCAN, RETRY = 5.0, 60.0, 10.0, 30.0
SHIPPED = make_account([make_table(("1", "2", "3"))], [("shipped", "", "1")])


@dataclass
class Turn:
    """A turn that was begun."""

    account: str
    files: list[str]
    lying: list[str]
    resume: bool
    future: Future[Handled]

    def end(self, **what: Any) -> None:  # noqa: ANN401 - whatever a turn may come to
        self.future.set_result(Handled(**what))


class Turns(Executor):
    """Begins turns and leaves it to the test how and when they end."""

    def __init__(self) -> None:
        self.all: list[Turn] = []
        self.over = False

    def submit(self, _work: object, /, *given: object, **named: object) -> Future[Any]:
        account, files, lying = cast("tuple[str, list[Path], dict[Path, str]]", given)
        turn = Turn(
            account, [file.name for file in files], [file.name for file in lying], bool(named["resume"]), Future()
        )
        self.all.append(turn)
        return turn.future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - the library's
        self.over = True


@dataclass
class FakeHints:
    """Takes note of waits; `meanwhile` is what happens while one lasts."""

    waits: list[float] = field(default_factory=list)
    woken: int = 0
    meanwhile: Callable[[], None] = lambda: None

    def follow(self) -> None: ...

    def wake(self) -> None:
        self.woken += 1

    def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.meanwhile()


@dataclass
class FakeHandler:
    """Has the one part of a handler that a watch uses itself."""

    halts: Halts = field(default_factory=Halts)
    handle: Any = None


class Said(Voice):
    """Keeps what was said."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        super().__init__(ZoneInfo("UTC"))

    def say(self, text: str, style: str = "", **told: object) -> None:  # noqa: ARG002 - only the text is looked at
        self.lines.append(text)


class Bench:
    """A watch on a folder, with everything around it made up."""

    def __init__(self, folder: Path, accounts: Sequence[str] = ("default",), account: str = "default") -> None:
        self.folder, self.now = folder, 1_000.0
        self.turns, self.hints, self.handler, self.voice, self.ending = (
            Turns(),
            FakeHints(),
            FakeHandler(),
            Said(),
            Ending(),
        )
        self.watch = Watch(
            folder,
            account,
            cast("Mapping[str, Job]", {name: name for name in accounts}),
            handler=cast("Any", self.handler),
            voice=self.voice,
            times=Times(quiet=QUIET, cut_short=CUT_SHORT, scan=SCAN, retry=RETRY),
            machinery=Machinery(
                ending=self.ending,
                hints=cast("Hints", self.hints),
                executor=self.turns,
                clock=lambda: self.now,
            ),
        )
        for name in accounts:
            self.watch._leftovers[name] = Again(self.now + 1e6)  # what is left over has its own tests

    def drop(self, name: str, content: str = "a\n") -> Path:
        file = self.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(content)
        return file

    def after(self, seconds: float) -> float:
        """Let time pass, and look."""
        self.now += seconds
        return self.watch.step()

    def taken(self, *names: str) -> Turn:
        """Drop files and let them be taken."""
        for name in names:
            self.drop(name)
        self.after(0)
        self.after(QUIET)
        return self.turns.all[-1]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


def source(bench: Bench, name: str) -> Source:
    return Source(bench.folder / name, "ab", bench.folder / name)


def moved(bench: Bench, name: str) -> Moved:
    path = bench.folder / name
    return Moved(path, path, Target.DONE, SHIPPED, path)


def went(exit_code: Exit, message: str = "") -> Ended:
    return Ended(None, None, exit_code, message)


def test_a_file_is_taken_when_it_has_been_quiet(bench: Bench) -> None:
    bench.drop("a.csv")
    assert bench.after(0) == QUIET
    assert bench.after(QUIET - 1) == pytest.approx(1)
    assert bench.turns.all == []
    bench.after(1)
    assert [(turn.account, turn.files) for turn in bench.turns.all] == [("default", ["a.csv"])]


def test_files_that_are_whole_together_are_run_together(bench: Bench) -> None:
    assert bench.taken("b.csv", "a.csv").files == ["a.csv", "b.csv"]


def test_a_file_that_still_changes_is_waited_for_and_keeps_no_other_waiting(bench: Bench) -> None:
    bench.drop("slow.csv")
    bench.drop("whole.csv")
    bench.after(0)
    bench.drop("slow.csv", "a\nb\n")
    bench.after(QUIET)
    assert bench.turns.all[0].files == ["whole.csv"]


def test_a_text_that_ends_within_a_line_is_waited_for_longer(bench: Bench) -> None:
    bench.drop("a.csv", "a,b\n1,703")
    bench.after(0)
    assert bench.after(QUIET) == SCAN
    assert any("its last line has no line end" in line for line in bench.voice.lines)
    assert bench.after(CUT_SHORT - QUIET - 1) == pytest.approx(1)
    assert bench.turns.all == []
    bench.after(1)
    assert bench.turns.all[0].files == ["a.csv"]


def test_a_file_that_was_renamed_into_its_name_is_taken_at_once(bench: Bench) -> None:
    part = bench.drop("a.csv.part")
    bench.after(0)
    part.rename(bench.folder / "a.csv")
    bench.after(0.1)
    assert bench.turns.all[0].files == ["a.csv"]


def test_a_file_is_run_once_however_long_it_stays(bench: Bench) -> None:
    turn = bench.taken("a.csv")
    bench.after(1)
    turn.end(run=[source(bench, "a.csv")])
    for _ in range(5):
        bench.after(1)
    assert len(bench.turns.all) == 1


def test_the_same_name_with_another_content_is_another_file(bench: Bench) -> None:
    turn = bench.taken("a.csv")
    bench.drop("a.csv", "a\nb\n")
    turn.end(run=[source(bench, "a.csv")])
    bench.after(1)
    bench.after(QUIET)
    assert [turn.files for turn in bench.turns.all] == [["a.csv"], ["a.csv"]]


def test_an_account_has_one_turn_at_a_time_and_none_waits_for_another(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ["default", "outlet"])
    bench.taken("a.csv")
    bench.drop("b.csv")
    bench.drop("outlet/c.csv")
    bench.after(0)
    bench.after(QUIET)
    assert [(turn.account, turn.files) for turn in bench.turns.all] == [("default", ["a.csv"]), ("outlet", ["c.csv"])]
    bench.turns.all[0].end()
    bench.after(0)
    assert bench.turns.all[2].files == ["b.csv"]


def test_the_end_of_a_turn_ends_the_wait(bench: Bench) -> None:
    turn = bench.taken("a.csv")
    assert bench.hints.woken == 0
    turn.end()
    assert bench.hints.woken == 1


# What is left over


def test_what_is_left_over_is_gone_on_with_from_the_start_and_then_now_and_again(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.watch._leftovers["default"] = Again(bench.now)
    bench.after(0)
    assert [turn.files for turn in bench.turns.all] == [[]]
    bench.turns.all[0].end()
    assert bench.after(1) == SCAN
    bench.after(RETRY)
    assert [turn.resume for turn in bench.turns.all] == [True, True]


def test_what_is_left_over_is_not_kept_waiting_by_files_that_come_all_the_time(bench: Bench) -> None:
    bench.watch._leftovers["default"] = Again(bench.now + RETRY)
    for number in range(int(RETRY / QUIET) + 1):
        bench.taken(f"{number}.csv").end()
    assert [turn.files != [] for turn in bench.turns.all if turn.resume] == [True]


@pytest.mark.parametrize(("code", "at"), [(Exit.OK, RETRY), (Exit.TEMPORARY, 1000.0)])
def test_a_run_that_went_well_lets_what_is_left_over_be_tried_soon(bench: Bench, code: Exit, at: float) -> None:
    bench.watch._leftovers["default"] = Again(bench.now + 1000 + QUIET, 960)
    bench.taken("a.csv").end(ends=[went(code)])
    bench.after(0)
    assert bench.watch._leftovers["default"].at == bench.now + at


def test_files_that_stay_are_handed_to_the_turns_that_may_end_them(bench: Bench) -> None:
    bench.taken("a.csv", "b.csv").end(
        run=[source(bench, "a.csv"), source(bench, "b.csv")],
        moved=[moved(bench, "a.csv")],
        ends=[went(Exit.TEMPORARY)],
    )
    (bench.folder / "a.csv").unlink()
    bench.watch._leftovers["default"] = Again(bench.now)
    bench.after(0)
    assert (bench.turns.all[1].files, bench.turns.all[1].lying) == ([], ["b.csv"])
    bench.turns.all[1].end(moved=[moved(bench, "b.csv")])
    (bench.folder / "b.csv").unlink()
    bench.after(0)
    bench.after(RETRY)
    assert bench.turns.all[2].lying == []


@pytest.mark.parametrize("exit_code", [Exit.TEMPORARY, Exit.UNKNOWN, Exit.FATAL, Exit.USAGE])
def test_what_does_not_go_on_is_tried_later_and_later(bench: Bench, exit_code: Exit) -> None:
    delays = []
    for _ in range(10):
        bench.now = bench.watch._leftovers["default"].at
        bench.watch.step()
        bench.turns.all[-1].end(ends=[went(exit_code)])
        bench.watch.step()
        delays.append(bench.watch._leftovers["default"].at - bench.now)
    assert delays[:4] == [RETRY, RETRY * 2, RETRY * 4, RETRY * 8]
    assert delays[-1] == LONGEST


def test_a_file_that_cannot_be_moved_is_tried_later_and_later(bench: Bench) -> None:
    turn = bench.taken("a.csv")
    left = Left(bench.folder / "a.csv", "a.csv: cannot be moved into done/ (Read-only file system).")
    turn.end(run=[source(bench, "a.csv")], left=[left])
    bench.after(0)
    for _ in range(3):
        bench.now = bench.watch._leftovers["default"].at
        bench.watch.step()
        bench.turns.all[-1].end(left=[left])
        bench.watch.step()
    assert bench.watch._leftovers["default"].delay == RETRY * 4
    assert [line for line in bench.voice.lines if "Read-only" in line] == [f"{left.reason} Trying again."]


def test_success_makes_the_waits_short_again(bench: Bench) -> None:
    bench.watch._leftovers["default"] = Again(bench.now, 960)
    bench.after(0)
    bench.turns.all[-1].end(ends=[went(Exit.OK)])
    bench.after(0)
    assert bench.watch._leftovers["default"] == Again(bench.now + RETRY)


def test_an_account_without_a_folder_here_is_not_gone_on_with(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ["default", "outlet"])
    bench.watch._leftovers = dict.fromkeys(["default", "outlet"], Again(bench.now))
    bench.after(0)
    assert [turn.account for turn in bench.turns.all] == ["default"]
    (tmp_path / "outlet").mkdir()
    bench.after(0)
    assert [turn.account for turn in bench.turns.all] == ["default", "outlet"]


# What goes wrong


def test_a_file_that_changed_while_it_was_read_waits_again(bench: Bench) -> None:
    turn = bench.taken("a.csv")
    turn.end(changed=[bench.folder / "a.csv"])
    assert bench.after(0) == QUIET
    bench.after(QUIET)
    assert [turn.files for turn in bench.turns.all] == [["a.csv"], ["a.csv"]]


def test_a_file_that_cannot_be_taken_is_tried_later_and_later_and_keeps_no_other_waiting(bench: Bench) -> None:
    turn = bench.taken("a.csv")
    turn.end(problems={bench.folder / "a.csv": "a.csv: the file cannot be read: Permission denied."})
    bench.after(0)
    assert bench.taken("b.csv").files == ["b.csv"]
    bench.turns.all[-1].end()
    bench.after(0)
    bench.after(RETRY - QUIET)
    assert bench.turns.all[-1].files == ["a.csv"]
    bench.turns.all[-1].end(problems={bench.folder / "a.csv": "a.csv: the file cannot be read: Permission denied."})
    bench.after(0)
    assert bench.watch._again[bench.folder / "a.csv"].delay == RETRY * 2
    assert [line for line in bench.voice.lines if "Permission denied" in line] == [
        "a.csv: the file cannot be read: Permission denied. Trying again."
    ]


def test_a_fault_of_ours_ends_no_watch(bench: Bench) -> None:
    turn = bench.taken("a.csv")
    turn.future.set_exception(ZeroDivisionError())
    bench.after(0)
    assert bench.after(RETRY) == SCAN
    assert bench.turns.all[1].files == ["a.csv"]


def test_a_folder_that_vanishes_is_said_once_and_looked_for_until_it_is_back(bench: Bench) -> None:
    away = bench.folder.with_name("away")
    bench.folder.rename(away)
    assert bench.after(0) == SCAN
    assert not bench.watch.sees
    bench.after(SCAN)
    away.rename(bench.folder)
    bench.after(SCAN)
    assert bench.watch.sees
    assert bench.voice.lines == [
        f"{bench.folder}: the folder cannot be read (No such file or directory); trying again.",
        f"{bench.folder}: the folder can be read again.",
    ]


def test_a_share_that_disconnects_is_the_same(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.drop("a.csv")
    with monkeypatch.context() as patched:

        def scan(_folder: Path) -> None:
            raise OSError(107, "Transport endpoint is not connected")

        patched.setattr(os, "scandir", scan)
        bench.after(0)
    bench.after(SCAN)
    bench.after(QUIET)
    assert bench.turns.all[0].files == ["a.csv"]
    assert bench.voice.lines[0].endswith("(Transport endpoint is not connected); trying again.")


def test_strange_sub_folders_and_files_of_nobody_are_said_once(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ["outlet"], account="")
    bench.drop("old/a.csv")
    bench.drop("b.csv")
    for _ in range(3):
        bench.after(QUIET)
    assert bench.voice.lines == [
        f"{tmp_path}/old: this sub-folder is no account's and is passed over; accounts are outlet.",
        f"{tmp_path}/b.csv: whose is it? Put it into an account's sub-folder, or give --account.",
    ]
    assert bench.turns.all == []


def test_a_sub_folder_that_cannot_be_read_is_said_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path, ["default", "outlet"])
    (tmp_path / "outlet").mkdir()
    scandir = os.scandir

    def scan(folder: Path) -> object:
        if folder.name == "outlet":
            raise PermissionError(13, "Permission denied")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", scan)
    bench.after(0)
    bench.after(1)
    said = f"{tmp_path}/outlet: the folder cannot be read (Permission denied); trying again."
    assert bench.voice.lines == [said]


# Pausing and ending


def test_a_file_stop_lets_nothing_begin_and_stops_what_is_under_way(bench: Bench) -> None:
    bench.taken("a.csv")
    bench.drop("b.csv")
    bench.drop("STOP")
    bench.after(QUIET)
    assert bench.handler.halts._asked["default"][0] is Exit.TEMPORARY
    bench.turns.all[0].end(ends=[went(Exit.TEMPORARY)])
    bench.after(QUIET)
    assert len(bench.turns.all) == 1
    assert bench.voice.lines[-1] == "There is a file STOP: everything is paused until it is gone."
    (bench.folder / "STOP").unlink()
    bench.after(0)
    assert bench.handler.halts._asked == {}
    assert bench.turns.all[1].files == ["b.csv"]
    bench.turns.all[1].end()
    bench.after(0)
    assert "The file STOP is gone: going on." in bench.voice.lines


def test_when_the_file_stop_is_gone_what_it_stopped_goes_on_at_once(bench: Bench) -> None:
    bench.drop("STOP")
    bench.after(RETRY * 2)
    assert bench.turns.all == []
    (bench.folder / "STOP").unlink()
    bench.after(0)
    assert [turn.files for turn in bench.turns.all] == [[]]


def test_an_accounts_own_stop_pauses_only_that_account(tmp_path: Path) -> None:
    bench = Bench(tmp_path, ["default", "outlet"])
    bench.drop("outlet/STOP")
    bench.drop("outlet/a.csv")
    assert bench.taken("b.csv").account == "default"
    assert len(bench.turns.all) == 1
    assert "There is a file STOP: account outlet is paused until it is gone." in bench.voice.lines


def test_a_signal_ends_the_watch_and_what_is_under_way_in_good_order(bench: Bench) -> None:
    turn = bench.taken("a.csv")
    bench.hints.meanwhile = lambda: bench.ending.request(Exit.TERMINATED)
    assert bench.watch.run() is Exit.TERMINATED
    assert bench.turns.over
    assert bench.handler.halts._asked["default"][0] is Exit.TERMINATED
    assert not turn.future.done()


def test_an_end_that_was_asked_for_during_a_look_is_not_waited_for(bench: Bench) -> None:
    step = bench.watch.step

    def last_step() -> float:
        bench.ending.request(Exit.INTERRUPTED)
        return step()

    bench.watch.step = last_step  # type: ignore[method-assign]
    assert bench.watch.run() is Exit.INTERRUPTED
    assert bench.hints.waits == []


@pytest.mark.parametrize(("files", "exit_code"), [([], Exit.OK), (["a.csv"], Exit.TEMPORARY)])
def test_a_watch_may_have_its_time(bench: Bench, files: list[str], exit_code: Exit) -> None:
    for name in files:
        bench.drop(name)

    def pass_time() -> None:
        bench.now += bench.hints.waits[-1]

    bench.hints.meanwhile = pass_time
    assert bench.watch.run(bench.now + 3) is exit_code
    assert sum(bench.hints.waits) == pytest.approx(3)


def test_at_the_end_of_its_time_it_ends_what_is_under_way(bench: Bench) -> None:
    bench.taken("a.csv")
    assert bench.watch.run(bench.now) is Exit.OK
    assert bench.handler.halts._asked["default"][0] is Exit.TEMPORARY


def test_nothing_is_kept_of_files_that_came_and_went(bench: Bench) -> None:
    for number in range(100):
        file = bench.drop(f"{number}.csv")
        bench.after(0)
        bench.after(QUIET)
        turn = bench.turns.all.pop()
        turn.end(run=[source(bench, file.name)], moved=[moved(bench, file.name)])
        bench.turns.all.clear()
        file.unlink()
    bench.after(0)
    assert (bench.watch._lying, bench.watch._again) == ({}, {})
    assert (bench.voice._said, bench.voice._states) == ({}, {})
    assert bench.watch._arrivals.waiting() == {}


def test_what_breaks_the_watch_itself_ends_the_turns_in_good_order(bench: Bench) -> None:
    turn = bench.taken("a.csv")
    bench.watch.step = lambda: 1 / 0  # type: ignore[method-assign]
    with pytest.raises(ZeroDivisionError):
        bench.watch.run()
    assert bench.turns.over
    assert bench.handler.halts._asked["default"][0] is Exit.TEMPORARY
    assert not turn.future.done()
