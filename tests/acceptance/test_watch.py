from __future__ import annotations

import csv
import io
import json
import shutil
import signal
import subprocess
import sys
import urllib.request
from typing import TYPE_CHECKING

import pytest

from batch.sandbox import Action, Kind, Rule
from batch.sandbox.faults import FaultScript
from tests.trial import HEADER, ROOT, wait_until
from tests.watching import QUICK, watching

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.trial import Trial

FIRST = ("309121065891123", "1", "2", "Canada Post", "7035114477138472", "2026-11-20 15:00")
SECOND = ("309121065891124", "1", "1", "Purolator", "320595463938", "2026-11-20 15:00")
THIRD = ("309121065891125", "1", "1", "UPS", "1Z5R89390357567127", "2026-11-20 15:00")
NATIONEX = ("309121065891126", "1", "1", "LOOMIS", "N1234567", "2026-11-20 15:00")
BROKEN = ("309121065891127", "1", "1", "Canada Post", "7.03511E+15", "2026-11-20 15:00")

HOLD = """
from batch.lock import account_lock
with account_lock('sandbox-client-0', account='default', command='run'):
    print('held', flush=True)
    input()
"""
OUTAGE = FaultScript([Rule(action=Action.UNAVAILABLE, kind=Kind.READ)])


def text(*rows: Sequence[str]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows([HEADER, *rows])
    return written.getvalue()


def charged(trial: Trial) -> set[str]:
    return {order for order, _, _ in trial.units_charged}


def filled(trial: Trial, *rows: Sequence[str]) -> None:
    """Put orders into the sandbox."""
    file = trial.write("filling.csv", *rows)
    trial.fill(file)
    file.unlink()


def test_three_files_one_good_one_damaged_one_slowly_copied(trial: Trial) -> None:
    filled(trial, FIRST, SECOND)
    with watching(trial, settings=QUICK.replace("cut_short = 1", "cut_short = 60"), fresh=True) as drop:
        slow = text(FIRST, SECOND)
        with (drop.folder / "slow.csv").open("w") as stream:
            stream.write(slow[:150])
            stream.flush()
            drop.wait_for_word("slow.csv: its last line has no line end, so the copy may have stalled; waiting 1 min")
            drop.drop("good.csv", text(FIRST))
            drop.drop("damaged.csv", b"%PDF-1.7")
            drop.wait_for("done/good.csv", "done/good.report.html", "unreadable/damaged.csv")
            assert (drop.folder / "slow.csv").exists()
            stream.write(slow[150:])
        drop.wait_for("done/slow.csv", "done/slow.report.html", "unreadable/damaged.report.html")
        assert drop.end() == 143
    assert charged(trial) == {FIRST[0], SECOND[0]}
    assert "it is a PDF" in drop.err
    assert "It is in unreadable/damaged.csv; put it right and drop it again." in drop.err
    assert drop.err.count("slow.csv: taken") == 1


def test_a_file_with_bad_rows_comes_back_mended_and_all_is_well(trial: Trial) -> None:
    filled(trial, FIRST, BROKEN[:4] + SECOND[4:])
    with watching(trial) as drop:
        drop.drop("march.csv", text(FIRST, BROKEN))
        drop.wait_for("to_fix/march.csv", "to_fix/march.report.html", "to_fix/march.to_fix.csv")
        drop.wait_for_word("rejected, 1 row (march.csv row 3)", "Mend march.to_fix.csv in ")
        mended = (drop.folder / "to_fix/march.to_fix.csv").read_text().replace("7.03511E+15", "7035114477138472")
        drop.drop("march.to_fix.csv", mended)
        drop.wait_for("done/march.to_fix.csv")
    assert charged(trial) == {FIRST[0], BROKEN[0]}


def test_hidden_and_temporary_names_wait_until_they_are_renamed(trial: Trial) -> None:
    filled(trial, FIRST)
    with watching(trial) as drop:
        for name in (".a.csv", "~$b.xlsx", "c.csv.tmp", "d.csv.part"):
            (drop.folder / name).write_text(text(FIRST))
        (drop.folder / "e.csv").write_text(text(FIRST))
        drop.wait_for("done/e.csv")
        (drop.folder / "d.csv.part").rename(drop.folder / "d.csv")
        drop.wait_for("done/d.csv")
    assert {".a.csv", "~$b.xlsx", "c.csv.tmp"} <= drop.names()


def test_a_copy_that_stalled_ships_nothing_on_a_number_that_may_be_cut_in_half(trial: Trial) -> None:
    columns = (*HEADER[:4], "shipDateTime", "trackingNumber")
    stalled = (
        f"{','.join(columns)}\n"
        f"{FIRST[0]},1,2,Canada Post,2026-11-20 15:00,7035114477138472\n"
        f"{NATIONEX[0]},1,1,LOOMIS,2026-11-20 15:00,N1234567\n"
        f"{SECOND[0]},1,1,Purolator,2026-11-20 15:00,32059546"
    )
    filled(trial, FIRST, SECOND, NATIONEX)
    with watching(trial) as drop:
        drop.drop("stalled.csv", stalled)
        drop.wait_for_word("stalled.csv: its last line has no line end, so the copy may have stalled; waiting 1 s")
        drop.wait_for("to_fix/stalled.csv")
        drop.wait_for_word("held, 1 row (stalled.csv row 4)", "no check digit shows that the number is whole")
        assert charged(trial) == {FIRST[0], NATIONEX[0]}
        drop.drop("whole.csv", stalled + "3938")  # without a line end, too, and the check digit holds
        drop.wait_for("done/whole.csv")
    assert charged(trial) == {FIRST[0], SECOND[0], NATIONEX[0]}


def test_each_sub_folder_belongs_to_its_account_and_moves_files_there(trial: Trial) -> None:
    trial.settings.write_text(
        trial.settings.read_text() + trial.settings.read_text().replace("[accounts.default", "[accounts.outlet")
    )
    filled(trial, FIRST, SECOND)
    with watching(trial, "--json", fresh=True) as drop:
        drop.drop("a.csv", text(FIRST))
        drop.drop("outlet/b.csv", text(SECOND))
        drop.wait_for("done/a.csv", "outlet/done/b.csv")
    told = [json.loads(line) for line in drop.out.splitlines()]
    assert {(one["account"], one["orders"]["shipped"]) for one in told} == {("default", 1), ("outlet", 1)}


def test_what_is_left_over_is_gone_on_with_and_then_the_file_is_moved(trial: Trial) -> None:
    filled(trial, FIRST, SECOND, THIRD)
    trial.write_settings(outages=2)
    trial.sandbox.server.faults = OUTAGE
    with watching(trial) as drop:
        drop.drop("march.csv", text(FIRST, SECOND, THIRD))
        drop.wait_for_word("still to be sent")
        assert (drop.folder / "march.csv").exists()
        trial.sandbox.server.faults = FaultScript()
        drop.wait_for("done/march.csv", "done/march.report.html")
    page = (drop.folder / "done/march.report.html").read_text()
    for row in (FIRST, SECOND, THIRD):
        assert row[0] in page
    assert "All 3 orders are shipped." in page
    assert sorted(trial.units_charged.values()) == [1, 1, 2]


def test_a_new_watch_goes_on_with_what_an_earlier_one_left(trial: Trial) -> None:
    filled(trial, FIRST, SECOND)
    trial.write_settings(outages=1)
    trial.sandbox.server.faults = OUTAGE
    with watching(trial) as drop:
        drop.drop("march.csv", text(FIRST, SECOND))
        drop.wait_for_word("still to be sent")
    trial.sandbox.server.faults = FaultScript()
    with watching(trial, settings="") as drop:
        drop.wait_for("done/march.csv")
    assert charged(trial) == {FIRST[0], SECOND[0]}


def test_a_file_stop_pauses_and_its_end_lets_go_on(trial: Trial) -> None:
    filled(trial, FIRST)
    with watching(trial) as drop:
        (drop.folder / "STOP").touch()
        drop.wait_for_word("There is a file STOP: everything is paused until it is gone.")
        drop.drop("march.csv", text(FIRST))
        (drop.folder / "STOP").unlink()
        drop.wait_for("done/march.csv")
        assert drop.err.index("The file STOP is gone: going on.") < drop.err.index("march.csv: taken")
    assert "unreadable" not in drop.err


def test_a_file_stop_stops_what_is_being_sent_in_good_order(trial: Trial) -> None:
    rows = [(str(309121065892000 + number), *FIRST[1:]) for number in range(40)]
    filled(trial, *rows)
    trial.write_settings(rate={"ship": 600, "acknowledge": 0, "read": 0})
    with watching(trial) as drop:
        drop.drop("march.csv", text(*rows))
        wait_until(lambda: len(trial.units_charged) > 2)
        (drop.folder / "STOP").touch()
        drop.wait_for_word("There is a file STOP", "still to be sent")
        sent = len(trial.units_charged)
        assert sent < len(rows)
        (drop.folder / "STOP").unlink()
        drop.wait_for("done/march.csv")
    assert set(trial.units_charged.values()) == {2}
    assert len(trial.units_charged) == len(rows)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_it_in_good_order_while_it_sends(trial: Trial, number: signal.Signals, code: int) -> None:
    rows = [(str(309121065892000 + serial), *FIRST[1:]) for serial in range(40)]
    filled(trial, *rows)
    trial.write_settings(rate={"ship": 300, "acknowledge": 0, "read": 0})
    with watching(trial, fresh=True) as drop:
        drop.drop("march.csv", text(*rows))
        wait_until(lambda: len(trial.units_charged) > 2)
        assert drop.end(number) == code
    assert "Traceback" not in drop.err
    (report,) = (trial.folder / "reports").iterdir()
    summary = json.loads((report / "summary.json").read_text())
    assert summary["orders"]["not_attempted"] > 0
    assert summary["orders"]["shipped"] == len(trial.units_charged)
    assert drop.names() == {"march.csv"}


def test_a_watch_that_was_killed_while_it_sent_is_gone_on_with_by_the_next(trial: Trial) -> None:
    rows = [(str(309121065892000 + serial), *FIRST[1:]) for serial in range(20)]
    filled(trial, *rows)
    trial.write_settings(rate={"ship": 600, "acknowledge": 0, "read": 0})
    with watching(trial) as drop:
        drop.drop("march.csv", text(*rows))
        wait_until(lambda: len(trial.units_charged) > 2)
        drop.kill()
    with watching(trial, settings="") as drop:
        drop.wait_for("done/march.csv", "done/march.report.html")
    assert set(trial.units_charged.values()) == {2}
    assert len(trial.units_charged) == len(rows)


def test_an_empty_file_is_waited_for_and_then_said_to_be_empty(trial: Trial) -> None:
    with watching(trial) as drop:
        drop.drop("empty.csv", "")
        drop.wait_for("unreadable/empty.csv")
    assert "the copy may have stalled; waiting 1 s" in drop.err
    assert "the file is empty (0 bytes)" in drop.err


def test_a_watch_with_nothing_to_do_ends_at_once_when_told_to(trial: Trial) -> None:
    with watching(trial) as drop:
        assert drop.end(signal.SIGINT) == 130
    assert "Traceback" not in drop.err


def test_a_folder_that_vanishes_is_waited_for(trial: Trial) -> None:
    filled(trial, FIRST)
    with watching(trial) as drop:
        away = drop.folder.rename(trial.folder / "away")
        drop.wait_for_word("the folder cannot be read (No such file or directory); trying again.")
        away.rename(drop.folder)
        drop.wait_for_word("the folder can be read again.")
        drop.drop("march.csv", text(FIRST))
        drop.wait_for("done/march.csv")
    assert drop.err.count("trying again") == 1


def test_a_file_that_cannot_be_moved_stays_is_said_once_and_moved_when_it_can(trial: Trial) -> None:
    filled(trial, FIRST, SECOND)
    with watching(trial) as drop:
        (drop.folder / "done").symlink_to("nowhere")
        drop.drop("march.csv", text(FIRST))
        drop.wait_for_word("march.csv: cannot be moved into done/ (File exists). Trying again.")
        drop.drop("bad.csv", text(BROKEN))
        drop.wait_for("to_fix/bad.csv", "march.csv")
        (drop.folder / "done").unlink()
        drop.wait_for("done/march.csv", "done/march.report.html")
    assert drop.err.count("cannot be moved") == 1
    assert list(trial.units_charged.values()) == [2]


def test_a_report_folder_that_is_full_keeps_no_file_from_its_end(trial: Trial) -> None:
    filled(trial, FIRST)
    (trial.folder / "reports").write_text("not a folder")
    with watching(trial) as drop:
        drop.drop("march.csv", text(FIRST))
        drop.wait_for("done/march.csv", "done/march.report.html")
        drop.wait_for_word("the report cannot be written", "`shipbatch report ")


def test_the_same_file_dropped_again_ships_nothing_again_and_overwrites_nothing(trial: Trial) -> None:
    filled(trial, FIRST)
    with watching(trial) as drop:
        drop.drop("march.csv", text(FIRST))
        drop.wait_for("done/march.csv")
        drop.drop("march.csv", text(FIRST))
        drop.wait_for("done/march-2.csv", "done/march-2.report.html")
    assert list(trial.units_charged.values()) == [2]


def test_two_watches_on_one_folder_are_one_too_many(trial: Trial) -> None:
    with watching(trial) as drop:
        (trial.folder / "link").symlink_to(drop.folder)
        second = trial.shipbatch("watch", trial.folder / "link")
        holder = drop.number
    assert second.code == 7
    assert f"link: another watch has this folder (process {holder}, `shipbatch watch`" in second.err
    assert "Traceback" not in second.err


def test_while_another_run_holds_the_account_a_file_waits_its_turn(trial: Trial) -> None:
    filled(trial, FIRST)
    with watching(trial) as drop:
        holder = subprocess.Popen(
            [sys.executable, "-c", HOLD],
            env=trial.environment(PYTHONPATH=str(ROOT)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        drop.drop("march.csv", text(FIRST))
        drop.wait_for_word("another run holds it")
        holder.communicate("\n", timeout=60)
        drop.wait_for("done/march.csv")


@pytest.mark.parametrize("name", ["nowhere", "file.txt"])
def test_what_is_no_folder_cannot_be_watched(trial: Trial, name: str) -> None:
    (trial.folder / "file.txt").write_text("")
    ran = trial.shipbatch("watch", name)
    assert (ran.code, ran.err) == (2, f"{name}: there is no such folder.\n")


def test_a_sub_folder_that_is_no_accounts_is_refused_at_the_start(trial: Trial) -> None:
    (trial.folder / "drop/outlet").mkdir(parents=True)
    ran = trial.shipbatch("watch", "drop")
    assert ran.code == 2
    assert ran.err.startswith("drop/outlet: this sub-folder is no account's")


def test_a_watch_for_some_time_ends_by_itself(trial: Trial) -> None:
    trial.add_settings(QUICK)
    (trial.folder / "drop").mkdir()
    assert trial.shipbatch("watch", "drop", "--for", "0.5s").code == 0


def test_who_reads_its_summaries_no_more_ends_it_in_good_order(trial: Trial) -> None:
    filled(trial, FIRST)
    trial.add_settings(QUICK)
    (trial.folder / "drop").mkdir()
    (trial.folder / "drop/march.csv").write_text(text(FIRST))
    process = trial.start("watch", "drop", "--json")
    assert process.stdout is not None
    process.stdout.close()
    assert process.wait(timeout=60) == 141
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()
    assert (trial.folder / "drop/done/march.csv").exists()
    assert charged(trial) == {FIRST[0]}


def test_the_figures_can_be_read_on_a_port(trial: Trial) -> None:
    filled(trial, FIRST)
    with watching(trial, settings=f"{QUICK}\n[metrics]\nport = 0\n", fresh=True) as drop:
        drop.drop("march.csv", text(FIRST))
        drop.wait_for_word("It is in done/march.csv")
        url = next(line.split()[1] for line in drop.err.splitlines() if line.startswith("Metrics: "))
        with urllib.request.urlopen(url) as answer:  # noqa: S310 - on the loopback
            figures = answer.read().decode()
    assert 'shipbatch_last_run_orders{account="default",outcome="shipped"} 1.0' in figures
    assert 'shipbatch_orders_total{account="default",outcome="shipped"} 1.0' in figures
    assert 'shipbatch_unfinished_orders{account="default"} 0.0' in figures


def test_a_port_that_is_taken_keeps_nobody_from_watching(trial: Trial) -> None:
    port = trial.url.rpartition(":")[2]
    with watching(trial, settings=f"{QUICK}\n[metrics]\nport = {port}\n", fresh=True) as drop:
        drop.wait_for_word(f"metrics.port: the figures cannot be served on 127.0.0.1:{port}: Address already in use.")


def test_a_file_that_grows_after_it_was_taken_is_run_again(trial: Trial) -> None:
    filled(trial, FIRST, SECOND)
    with watching(trial) as drop:
        (drop.folder / "STOP").touch()
        drop.wait_for_word("There is a file STOP")
        drop.drop("march.csv", text(FIRST))
        (drop.folder / "STOP").unlink()
        drop.wait_for("done/march.csv")
        shutil.copy(drop.folder / "done/march.csv", drop.folder / "march.csv")
        with (drop.folder / "march.csv").open("a") as stream:
            stream.write(",".join(SECOND) + "\n")
        drop.wait_for("done/march-2.csv")
    assert charged(trial) == {FIRST[0], SECOND[0]}
