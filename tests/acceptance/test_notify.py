from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from batch.sandbox import Status
from tests.listener import Listener, listening
from tests.watching import QUICK, watching

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.trial import Trial

FIRST = ("309121065891123", "1", "2", "Canada Post", "7035114477138472", "2026-11-20 15:00")
SECOND = ("309121065891124", "1", "1", "Purolator", "320595463938", "2026-11-20 15:00")
BROKEN = ("309121065891126", "1", "1", "Canada Post", "7.03511E+15", "2026-11-20 15:00")
WORSE = ("309121065891127", "1", "0", "Canada Post", "7035114477138472", "2026-11-20 15:00")
MENDED = (*BROKEN[:4], "7035114477138472", BROKEN[5])


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as one:
        yield one


@pytest.fixture
def told(trial: Trial, listener: Listener) -> Trial:
    """Give a trial whose settings name somebody to tell."""
    trial.add_settings(f'[notify]\nurls = ["{listener.apprise}"]\nheartbeat_url = "{listener.url}alive"')
    trial.fill(trial.write("filling.csv", FIRST, SECOND, MENDED), status=Status.ACKNOWLEDGED)
    return trial


def test_people_are_told_when_they_are_needed_once_and_when_all_is_well_again(told: Trial, listener: Listener) -> None:
    assert told.shipbatch("run", told.write("a.csv", FIRST)).code == 0
    assert listener.messages == []  # all is well, as it was

    ran = told.shipbatch("run", told.write("b.csv", FIRST, BROKEN), "--json")
    assert ran.code == 1
    ((title, body),) = listener.messages
    assert title == "shipbatch: account default needs a person: 1 row"
    assert "- 1 row rejected (b.csv row 3): " in body
    assert "E-notation" in body
    assert f"Report: {told.report(ran)}/report.html" in body

    assert told.shipbatch("run", told.write("c.csv", SECOND, FIRST, BROKEN)).code == 1
    assert len(listener.messages) == 1  # last month's row, in an export that grows

    assert told.shipbatch("run", told.write("d.csv", BROKEN, WORSE)).code == 1
    assert len(listener.messages) == 2
    assert "- 1 row rejected (d.csv row 3): A quantity is a whole number" in listener.messages[1][1]

    assert told.shipbatch("run", told.write("b.csv", MENDED)).code == 0
    assert len(listener.messages) == 2  # one is still open
    assert told.shipbatch("run", told.write("d.csv", (*WORSE[:2], "1", *WORSE[3:]))).code == 1  # not known to Walmart
    assert "refused" in listener.messages[2][1]


def test_all_is_well_again_when_the_mended_row_is_shipped(told: Trial, listener: Listener) -> None:
    told.shipbatch("run", told.write("b.csv", BROKEN))
    told.shipbatch("run", told.write("c.csv", FIRST))
    told.shipbatch("run", told.write("b.csv", MENDED))
    told.shipbatch("run", told.write("c.csv", SECOND))
    assert [title for title, _ in listener.messages] == [
        "shipbatch: account default needs a person: 1 row",
        "shipbatch: account default is well again",
    ]


def test_a_target_that_is_down_stops_no_run_and_is_told_next_time(told: Trial, listener: Listener) -> None:
    listener.status = 500
    ran = told.shipbatch("run", told.write("b.csv", FIRST, BROKEN))
    assert ran.code == 1
    assert "notify.urls, address 1: the message was not taken; it is tried again next time." in ran.err
    assert len(told.units_charged) == 1
    listener.heard.clear()
    listener.status = 200
    assert told.shipbatch("run", told.write("b.csv", FIRST, BROKEN)).code == 1
    assert [title for title, _ in listener.messages] == ["shipbatch: account default needs a person: 1 row"]


def test_the_dead_mans_switch_hears_of_runs_that_ended_as_they_should(told: Trial, listener: Listener) -> None:
    told.shipbatch("run", told.write("a.csv", FIRST))
    told.shipbatch("run", told.write("b.csv", BROKEN))
    assert [path for method, path, _ in listener.heard if method == "GET"] == ["/alive", "/alive"]
    (told.folder / "sandbox-client-0.secret.txt").write_text("wrong")
    assert told.shipbatch("run", told.write("c.csv", SECOND)).code == 6
    assert [path for method, path, _ in listener.heard if method == "GET"] == ["/alive", "/alive"]
    title, body = listener.messages[-1]
    assert title.startswith("shipbatch: account default needs a person: ")
    assert "credentials" in body


def test_a_watch_tells_of_a_damaged_file(told: Trial, listener: Listener) -> None:
    with watching(told, settings=QUICK) as drop:
        drop.drop("damaged.csv", b"%PDF-1.7")
        drop.wait_for("unreadable/damaged.csv")
        drop.wait_for_word("It is in unreadable/damaged.csv")
    ((title, body),) = listener.messages
    assert title == "shipbatch: account default needs a person: 1 file that cannot be read"
    assert "damaged.csv: it is a PDF" in body


def test_a_digest_of_every_run_comes_when_it_is_asked_for(told: Trial, listener: Listener) -> None:
    told.settings.write_text(told.settings.read_text().replace("[notify]", '[notify]\ndigest = "run"'))
    told.shipbatch("run", told.write("a.csv", FIRST))
    ((title, body),) = listener.messages
    assert title == "shipbatch: account default: The one order is shipped."
    assert "a.csv" in body


def test_no_secret_is_in_anything_that_is_said_or_kept(told: Trial, listener: Listener) -> None:
    listener.status = 500
    ran = told.shipbatch("run", told.write("b.csv", BROKEN))
    kept = b"".join(path.read_bytes() for path in told.folder.rglob("*") if path.is_file() and path != told.settings)
    assert "hunter2" not in ran.out + ran.err
    assert b"hunter2" not in kept
    assert b"alive" not in kept


def test_figures_are_left_for_the_node_exporter(trial: Trial) -> None:
    trial.add_settings('[metrics]\ntextfile = "figures/shipbatch.prom"')
    file = trial.write("a.csv", FIRST, BROKEN)
    trial.fill(trial.write("filling.csv", FIRST))
    assert trial.shipbatch("run", file).code == 1
    figures = (trial.folder / "figures/shipbatch.prom").read_text()
    assert 'shipbatch_last_run_exit_code{account="default"} 1.0' in figures
    assert 'shipbatch_last_run_rows{account="default",outcome="rejected"} 1.0' in figures
    assert 'shipbatch_last_run_requests{account="default",kind="ship"} 1.0' in figures
    assert [path.name for path in (trial.folder / "figures").iterdir()] == ["shipbatch.prom"]


def test_figures_that_cannot_be_written_stop_no_run(trial: Trial) -> None:
    trial.add_settings('[metrics]\ntextfile = "a.csv/shipbatch.prom"')
    file = trial.write("a.csv", FIRST)
    trial.fill(file)
    ran = trial.shipbatch("run", file)
    assert ran.code == 0
    assert "The metrics could not be written: File exists." in ran.err
