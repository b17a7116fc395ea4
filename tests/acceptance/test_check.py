from __future__ import annotations

from typing import TYPE_CHECKING

from tests.acceptance.test_run import BROKEN, FIRST, SECOND

if TYPE_CHECKING:
    from tests.trial import Trial


def test_check_sends_nothing_and_leaves_nothing(trial: Trial) -> None:
    file = trial.write("orders.csv", FIRST, BROKEN)
    before = sorted(trial.folder.iterdir())
    ran = trial.shipbatch("check", file, "--json")
    assert (ran.code, ran.summary["rows"]["ready"], ran.summary["rows"]["rejected"]) == (1, 1, 1)
    assert sorted(trial.folder.iterdir()) == before
    assert not trial.sandbox.counters.log


def test_check_knows_what_was_sent(trial: Trial) -> None:
    file = trial.write("orders.csv", FIRST)
    trial.fill(file)
    trial.shipbatch("run", file)
    more = trial.write("more.csv", FIRST, SECOND)
    ran = trial.shipbatch("check", more, "--json")
    assert (ran.code, ran.summary["rows"]["ready"], ran.summary["rows"]["already_shipped"]) == (0, 1, 1)


def test_check_writes_a_report_where_it_is_told_to(trial: Trial) -> None:
    ran = trial.shipbatch("check", trial.write("orders.csv", FIRST), "--json", "--report", "checked")
    assert (trial.folder / "checked" / ran.summary["run"] / "report.html").is_file()


def test_check_says_how_long_sending_will_take(trial: Trial) -> None:
    trial.write_settings(rate={"ship": 60})
    orders = [(f"30912106589{1000 + n}", "1", "1", "Lettermail", "", FIRST[5]) for n in range(150)]
    ran = trial.shipbatch("check", trial.write("orders.csv", *orders))
    assert ran.code == 0
    assert "2 min 30 s" in ran.out


def test_check_remote_says_what_would_become_of_each_order_and_sends_nothing(either: Trial) -> None:
    orders = [(f"30912106589{1000 + n}", "1", "1", "Lettermail", "", FIRST[5]) for n in range(5)]
    file = either.write("orders.csv", *orders)
    either.fill(file)
    either.sandbox.state.cancel_all(orders[1][0])
    del either.sandbox.state.orders[orders[2][0]]
    ran = either.shipbatch("check", file, "--remote", "--json", "--report", "checked")
    assert ran.code == 1, ran.err
    assert {word: count for word, count in ran.summary["rows"].items() if count} == {
        "total": 5,
        "ready": 3,
        "held": 1,
        "refused": 1,
    }
    assert ran.summary["requests"]["read"] == 5
    assert not either.units_charged
    assert not (either.folder / "state").exists()
