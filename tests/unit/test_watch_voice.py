from __future__ import annotations

import io
import logging
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from batch.end_of_run import Ended
from batch.errors import Exit
from batch.handling import Handled
from batch.moving import Left, Moved, Stays, Target
from batch.report.account import FileAccount
from batch.report.wording import headline
from batch.watch_voice import Voice
from tests.unit.report.accounts import make_account, make_table

UTC = ZoneInfo("UTC")
FILE = Path("drop/march.csv")
TABLE = make_table(*([str(row), "", ""] for row in range(6)), path="drop/march.csv")
GOOD = make_account([TABLE], [("shipped", "", str(row)) for row in range(6)])
BAD = make_account([TABLE], [("rejected", f"{'x' * (row + 1)}.", str(row)) for row in range(6)])


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records]


@pytest.fixture
def voice(caplog: pytest.LogCaptureFixture) -> Voice:
    caplog.set_level(logging.INFO, "shipbatch")
    return Voice(UTC)


def test_people_read_a_time_and_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    written = io.StringIO()
    voice = Voice(UTC, console=Console(file=written, width=40))
    voice.say("a" * 60 + "\x1b[31mhidden\x07", "green")
    time, _, text = written.getvalue().partition("  ")
    assert len(time) == len("12:34:56")
    assert text == "a" * 60 + "\N{REPLACEMENT CHARACTER}[31mhidden\N{REPLACEMENT CHARACTER}\n"  # no command, not cut


def test_programs_read_fields(voice: Voice, caplog: pytest.LogCaptureFixture) -> None:
    voice.taken("outlet", [FILE])
    (record,) = caplog.records
    assert record.getMessage() == "march.csv: taken"
    assert vars(record)["told"] == {"file": "drop/march.csv", "account": "outlet", "state": "taken"}


def test_a_trouble_is_said_once_until_it_is_another_or_over(voice: Voice, caplog: pytest.LogCaptureFixture) -> None:
    for text in ("It is gone.", "It is gone.", "It is read-only."):
        voice.trouble("drop", text)
    voice.well("drop", "It is back.")
    voice.well("drop", "It is back.")
    voice.trouble("drop", "It is gone.")
    assert lines(caplog) == ["It is gone.", "It is read-only.", "It is back.", "It is gone."]
    assert [record.levelno for record in caplog.records][:3] == [logging.WARNING, logging.WARNING, logging.INFO]


def test_a_files_coming_is_said_once_and_again_when_it_comes_again(
    voice: Voice, caplog: pytest.LogCaptureFixture
) -> None:
    voice.arriving(FILE, 5)
    voice.arriving(FILE, 5)
    voice.cut_short(FILE, 55)
    voice.cut_short(FILE, 54)
    voice.arriving(FILE, 5)
    voice.taken("default", [FILE])
    voice.arriving(FILE, 5)
    assert [line.partition(": ")[2].partition(";")[0] for line in lines(caplog)] == [
        "arriving",
        "its last line has no line end, so the copy may have stalled",
        "taken",
        "arriving",
    ]


def test_nothing_is_remembered_of_what_is_gone(voice: Voice) -> None:
    voice.arriving(FILE, 5)
    voice.trouble(FILE, "It cannot be read.")
    voice.trouble("account default", "It cannot go on.")
    voice.forget_all_but({FILE})
    assert (len(voice._states), len(voice._said)) == (1, 2)
    voice.forget_all_but(set())
    assert (voice._states, voice._said) == ({}, {"account default": "It cannot go on."})


def moved(target: Target, account: Any, *to_fix: str) -> Moved:  # noqa: ANN401 - of one file
    folder = Path("drop") / target
    return Moved(
        FILE, folder / "march.csv", target, account, folder / "march.report.html", tuple(folder / n for n in to_fix)
    )


def test_a_good_file_is_one_line(voice: Voice, caplog: pytest.LogCaptureFixture) -> None:
    voice.handled("default", Handled(moved=[moved(Target.DONE, GOOD)]))
    assert lines(caplog) == [f"march.csv: {headline(GOOD)} It is in done/march.csv"]


def test_a_file_to_mend_says_what_is_wrong_and_what_to_do(voice: Voice, caplog: pytest.LogCaptureFixture) -> None:
    voice.handled("default", Handled(moved=[moved(Target.TO_FIX, BAD, "march.to_fix.csv")]))
    first, *reasons, last = lines(caplog)
    assert first == f"march.csv: {headline(BAD)} It is in to_fix/march.csv"
    assert reasons[:3] == [f"  rejected, 1 row (march.csv row {row + 2}): X{'x' * row}." for row in range(3)]
    assert reasons[3] == "  and 3 reasons more, all in the report"
    assert last == "  Mend march.to_fix.csv in drop/to_fix and drop it again. More: drop/to_fix/march.report.html"


def test_a_file_that_cannot_be_read_says_why(voice: Voice, caplog: pytest.LogCaptureFixture) -> None:
    broken = FileAccount(path=FILE, problem="drop/march.csv: it is a PDF.")
    voice.handled("default", Handled(moved=[moved(Target.UNREADABLE, make_account([], [], files=(broken,)))]))
    assert lines(caplog) == [
        "drop/march.csv: it is a PDF.",
        "  It is in unreadable/march.csv; put it right and drop it again. More: drop/unreadable/march.report.html",
    ]


def test_a_problem_that_names_no_file_is_said_with_its_name(voice: Voice, caplog: pytest.LogCaptureFixture) -> None:
    broken = FileAccount(path=FILE, problem="It is a PDF.")
    voice.handled("default", Handled(moved=[moved(Target.UNREADABLE, make_account([], [], files=(broken,)))]))
    assert lines(caplog)[0] == "march.csv: It is a PDF."


def test_a_file_that_stays_says_how_far_it_is_and_what_is_wrong_already(
    voice: Voice, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [("rejected", "No date.", "0"), *(("not_attempted", "", str(row)) for row in range(1, 6))]
    account = make_account([TABLE], rows)
    voice.handled("default", Handled(stay=[Stays(FILE, account)]))
    assert lines(caplog) == [
        f"march.csv: {headline(account)} It stays until the rest of its rows have ended",
        "  rejected, 1 row (march.csv row 2): No date.",
    ]


def test_a_run_is_told_with_its_report_and_its_summary_as_json(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "shipbatch")
    printed: list[dict[str, Any]] = []
    voice = Voice(UTC, print_json=printed.append)
    voice.handled("default", Handled(ends=[Ended(GOOD, Path("reports/1"), Exit.OK), Ended(GOOD, None, Exit.OK)]))
    assert lines(caplog) == [
        f"Account default: {headline(GOOD)} Report: reports/1",
        f"Account default: {headline(GOOD)}",
    ]
    assert [one["rows"]["shipped"] for one in printed] == [6, 6]


def test_what_keeps_an_account_from_going_on_is_said_once_until_it_goes_on(
    voice: Voice, caplog: pytest.LogCaptureFixture
) -> None:
    refused = Handled(ends=[Ended(None, None, Exit.FATAL, "The credentials are refused.")])
    voice.handled("default", refused)
    voice.handled("default", refused)
    voice.handled("default", Handled(ends=[Ended(GOOD, None, Exit.OK)]))
    voice.handled("default", refused)
    assert lines(caplog).count("The credentials are refused.") == 2


def test_what_could_not_be_done_to_a_file_is_said_once(voice: Voice, caplog: pytest.LogCaptureFixture) -> None:
    handled = Handled(left=[Left(FILE, "Read-only.")], problems={Path("drop/a.csv"): "Unreadable.", FILE: ""})
    voice.handled("default", handled)
    voice.handled("default", handled)
    assert lines(caplog) == ["Read-only. Trying again.", "Unreadable. Trying again."]


def test_a_fault_of_ours_is_told_with_all_that_helps_to_mend_it(voice: Voice, caplog: pytest.LogCaptureFixture) -> None:
    voice.fault("default", ZeroDivisionError("division by zero"))
    assert lines(caplog) == ["A fault of shipbatch itself in account default"]
    assert "ZeroDivisionError" in caplog.text


def test_a_pause_is_said_and_its_end(voice: Voice, caplog: pytest.LogCaptureFixture) -> None:
    voice.paused([], everything=False)
    voice.paused(["outlet"], everything=False)
    voice.paused(["default", "outlet"], everything=True)
    voice.paused([], everything=False)
    assert lines(caplog) == [
        "There is a file STOP: account outlet is paused until it is gone.",
        "There is a file STOP: everything is paused until it is gone.",
        "The file STOP is gone: going on.",
    ]
