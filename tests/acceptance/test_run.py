from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from openpyxl import Workbook  # type: ignore[import-untyped] # it ships no types

from batch.sandbox import Action, Kind, Rule, Status
from batch.sandbox.faults import FaultScript
from tests.trial import HEADER

if TYPE_CHECKING:
    from pathlib import Path

    from tests.trial import Trial

FIRST = ("309121065891123", "1", "2", "Canada Post", "7035114477138472", "2026-11-20 15:00")
SECOND = ("309121065891124", "1", "1", "Purolator", "320595463938", "2026-11-20 15:00")
THIRD = ("309121065891125", "1", "1", "UPS", "1Z5R89390357567127", "2026-11-20 15:00")
BROKEN = ("309121065891126", "1", "1", "Canada Post", "7.03511E+15", "2026-11-20 15:00")


def charged(trial: Trial) -> dict[str, int]:
    return {order: units for (order, _, _), units in trial.units_charged.items()}


def test_a_file_is_shipped_and_every_row_accounted_for(either: Trial) -> None:
    file = either.write("orders.csv", FIRST, SECOND, BROKEN)
    either.fill(file)
    ran = either.shipbatch("run", file, "--json")
    assert ran.code == 1, ran.err
    assert ran.summary["rows"] == {
        "total": 3,
        "shipped": 2,
        "already_shipped": 0,
        "skipped": 0,
        "rejected": 1,
        "held": 0,
        "refused": 0,
        "unknown": 0,
        "not_attempted": 0,
    }
    assert charged(either) == {FIRST[0]: 2, SECOND[0]: 1}
    outcomes = [(row["purchaseOrderId"], row["_row"], row["_outcome"]) for row in either.rows(ran)]
    assert outcomes == [(FIRST[0], "2", "shipped"), (SECOND[0], "3", "shipped"), (BROKEN[0], "4", "rejected")]
    assert "E-notation" in either.rows(ran)[2]["_reason"]
    assert "orders.csv E4 trackingNumber" in either.rows(ran)[2]["_reason"]


def test_the_report_folder_has_what_the_contract_says(trial: Trial) -> None:
    file = trial.write("orders.csv", FIRST, BROKEN)
    trial.fill(file)
    folder = trial.report(trial.shipbatch("run", file, "--json"))
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    assert there == {"summary.json", "rows.csv", "orders.csv", "to_fix/orders.csv", "report.html", "report.xlsx"}
    summary = json.loads((folder / "summary.json").read_text())
    assert list(summary) == [
        "run",
        "account",
        "files",
        "started_at",
        "finished_at",
        "rows",
        "orders",
        "requests",
        "exit_code",
    ]
    assert summary["requests"] == {"ship": 1, "read": 1, "acknowledge": 0, "throttled": 0, "retries": 0}


def test_a_workbook_ships_as_its_csv_does(either: Trial) -> None:
    book = Workbook()
    for row in (HEADER, FIRST, SECOND):
        book.active.append(row)
    file = either.folder / "orders.xlsx"
    book.save(file)
    either.fill(file)
    assert either.shipbatch("run", file).code == 0
    assert charged(either) == {FIRST[0]: 2, SECOND[0]: 1}


def test_the_same_file_again_sends_nothing_and_says_when_it_was_sent(either: Trial) -> None:
    file = either.write("orders.csv", FIRST, SECOND)
    either.fill(file)
    assert either.shipbatch("run", file).code == 0
    again = either.shipbatch("run", file, "--json")
    assert again.code == 0
    assert again.summary["rows"]["already_shipped"] == 2
    assert again.summary["requests"]["ship"] == 0
    assert "shipped before, confirmed on" in either.rows(again)[0]["_reason"]


def test_orders_that_wait_for_acknowledgement_are_acknowledged_and_shipped(either: Trial) -> None:
    file = either.write("orders.csv", FIRST, SECOND)
    either.fill(file, status=Status.CREATED)
    ran = either.shipbatch("run", file, "--json")
    assert (ran.code, ran.summary["requests"]["acknowledge"]) == (0, 2)
    assert charged(either) == {FIRST[0]: 2, SECOND[0]: 1}


def test_without_preflight_nothing_is_read(either: Trial) -> None:
    file = either.write("orders.csv", FIRST, SECOND)
    either.fill(file)
    either.write_settings(preflight=False)
    ran = either.shipbatch("run", file, "--json")
    assert (ran.code, ran.summary["requests"]["read"]) == (0, 0)
    assert charged(either) == {FIRST[0]: 2, SECOND[0]: 1}


@pytest.mark.parametrize("action", [Action.RESET_AFTER, Action.ERROR_504_AFTER, Action.HTML, Action.TRUNCATED])
def test_a_lost_answer_is_settled_by_reading_and_never_by_sending_again(either: Trial, action: Action) -> None:
    file = either.write("orders.csv", FIRST)
    either.fill(file)
    rule = Rule(action=action)
    rule.kind = Kind.SHIP
    either.sandbox.server.faults = FaultScript((rule,), 0)
    ran = either.shipbatch("run", file, "--json")
    assert ran.code == 0, ran.err
    assert ran.summary["requests"]["ship"] == 1
    assert charged(either) == {FIRST[0]: 2}


def test_what_cannot_be_known_in_time_is_unknown_and_resume_finds_out(trial: Trial) -> None:
    file = trial.write("orders.csv", FIRST)
    trial.fill(file)
    trial.write_settings(settle_time=60, outages=1)
    rule = Rule(action=Action.RESET_BEFORE, times=1)
    rule.kind = Kind.SHIP
    trial.sandbox.server.faults = FaultScript((rule,), 0)
    ran = trial.shipbatch("run", file, "--json")
    assert (ran.code, ran.summary["rows"]["unknown"]) == (5, 1)
    trial.write_settings(settle_time=0)
    resumed = trial.shipbatch("resume", "--json")
    assert (resumed.code, resumed.summary["rows"]["shipped"]) == (0, 1)
    assert charged(trial) == {FIRST[0]: 2}


def test_wrong_credentials_stop_the_run_and_no_order_is_marked_refused(either: Trial) -> None:
    file = either.write("orders.csv", FIRST, SECOND)
    either.fill(file)
    settings = either.settings.read_text()
    for key in ("client_id", "consumer_id"):
        settings = settings.replace(f'{key} = "', f'{key} = "wrong-')
    either.settings.write_text(settings)
    ran = either.shipbatch("run", file, "--json")
    assert ran.code == 6
    assert ran.summary["rows"]["not_attempted"] == 2
    assert charged(either) == {}
    assert "credentials" in ran.err


def test_an_unreachable_marketplace_is_temporary(trial: Trial) -> None:
    file = trial.write("orders.csv", FIRST)
    trial.settings.write_text(trial.settings.read_text().replace(trial.url, "http://127.0.0.1:9"))
    trial.settings.write_text(trial.settings.read_text().replace("settle_time = 1", "settle_time = 1\nattempts = 1"))
    ran = trial.shipbatch("run", file, "--json")
    assert (ran.code, ran.summary["rows"]["not_attempted"]) == (4, 1)


def test_orders_of_nobody_point_to_the_wrong_account(trial: Trial) -> None:
    rows = [(f"30912106589{1000 + n}", *FIRST[1:4], "", FIRST[5]) for n in range(25)]
    file = trial.write("orders.csv", *[(*row[:3], "Lettermail", "", row[5]) for row in rows])
    ran = trial.shipbatch("run", file, "--json")
    assert (ran.code, ran.summary["rows"]["not_attempted"]) == (6, 25)
    assert "wrong account or market" in ran.err


def test_one_file_that_cannot_be_read_stops_no_other(trial: Trial) -> None:
    good = trial.write("good.csv", FIRST)
    bad = trial.folder / "bad.csv"
    bad.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(200))
    trial.fill(good)
    ran = trial.shipbatch("run", bad, good, "--json")
    assert ran.code == 3
    assert ran.summary["rows"]["shipped"] == 1
    assert [file["rows"] for file in ran.summary["files"]] == [0, 1]


def test_a_time_limit_ends_the_run_and_resume_goes_on(trial: Trial) -> None:
    orders = [(f"30912106589{1000 + n}", "1", "1", "Lettermail", "", FIRST[5]) for n in range(40)]
    file = trial.write("orders.csv", *orders)
    trial.fill(file)
    trial.write_settings(rate={"ship": 600})
    ran = trial.shipbatch("run", file, "--json", "--for", "1s")
    assert ran.code == 4
    assert ran.summary["rows"]["not_attempted"] > 0
    trial.write_settings()
    resumed = trial.shipbatch("resume", "--json")
    assert resumed.code == 0
    assert resumed.summary["rows"]["total"] == ran.summary["rows"]["not_attempted"]
    assert sum(charged(trial).values()) == 40


@pytest.mark.parametrize(
    ("make", "code", "said"),
    [
        (lambda folder: folder / "nowhere.csv", 2, "there is no such file or folder"),
        (lambda folder: written(folder / "empty.csv", ""), 3, "empty"),
        (lambda folder: written(folder / "header.csv", "purchaseOrderId,quantity\n1,2\n"), 3, "missing column"),
        (lambda folder: written(folder / "book.xlsx", "PK\x03\x04 broken"), 3, "book.xlsx"),
    ],
)
def test_bad_files_get_one_sentence_and_nothing_is_sent(trial: Trial, make: object, code: int, said: str) -> None:
    assert callable(make)
    ran = trial.shipbatch("run", make(trial.folder))
    assert ran.code == code, ran.err
    assert said in " ".join((ran.out + ran.err).split())
    assert charged(trial) == {}


def written(file: Path, text: str) -> Path:
    file.write_text(text)
    return file


def test_a_header_alone_is_nothing_to_do(trial: Trial) -> None:
    ran = trial.shipbatch("run", trial.write("orders.csv"), "--json")
    assert (ran.code, ran.summary["rows"]["total"]) == (0, 0)


def test_an_empty_folder_is_nothing_to_do(trial: Trial) -> None:
    (trial.folder / "drop").mkdir()
    ran = trial.shipbatch("run", "drop", "--json")
    assert (ran.code, ran.summary["files"]) == (0, [])


def test_an_unknown_account_is_named_with_those_there_are(trial: Trial) -> None:
    ran = trial.shipbatch("run", trial.write("orders.csv", FIRST), "--account", "outlet")
    assert ran.code == 2
    assert ran.err == "There is no account 'outlet' in the settings; there are: default.\n"


def test_bad_settings_are_told_all_at_once(trial: Trial) -> None:
    trial.settings.write_text('timezone = "Mars"\n[accounts.default]\nworkers = 0\ncolour = "red"\n')
    ran = trial.shipbatch("run", trial.write("orders.csv", FIRST))
    assert ran.code == 2
    for key in ("timezone", "accounts.default.workers", "accounts.default.colour"):
        assert key in ran.err


def test_several_accounts_are_summed_up_together(trial: Trial) -> None:
    section = trial.settings.read_text().split("[accounts.default]")[1].split("[accounts")[0]
    other = section.replace('"sandbox-client-0"', '"a-stranger"')
    trial.settings.write_text(f"{trial.settings.read_text()}\n[accounts.outlet]\n{other}")
    (trial.folder / "drop" / "outlet").mkdir(parents=True)
    file = trial.write("drop/orders.csv", FIRST)
    trial.write("drop/outlet/more.csv", SECOND)
    trial.fill(file)
    ran = trial.shipbatch("run", "drop", "--json")
    told = ran.summary
    assert ran.code == told["exit_code"] == 6
    assert [(one["account"], one["exit_code"]) for one in told["runs"]] == [("default", 0), ("outlet", 6)]
    assert charged(trial) == {FIRST[0]: 2}


def test_rows_whose_turn_did_not_come_say_why_the_run_stopped(trial: Trial) -> None:
    trial.write_settings(rate={"ship": 1, "acknowledge": 0, "read": 0})
    file = trial.write("orders.csv", FIRST, SECOND, THIRD)
    trial.fill(file)
    ran = trial.shipbatch("run", file, "--json", "--for", "1s")
    assert (ran.code, ran.summary["rows"]["not_attempted"]) == (4, 2), ran.err
    left = [row for row in trial.rows(ran) if row["_outcome"] == "not_attempted"]
    stopped = "The time for this run was over; `shipbatch resume` goes on."
    assert [row["_reason"] for row in left] == [stopped, stopped]
    assert "The time for this run was over" in (trial.report(ran) / "report.html").read_text()
    trial.shipbatch("resume", "--for", "1s")
    trial.shipbatch("report", ran.summary["run"])
    assert [row["_reason"] for row in trial.rows(ran) if row["_outcome"] == "not_attempted"] == [stopped, stopped]
