from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, cast

import pytest

from batch import telling
from batch.end_of_run import Ended
from batch.errors import Exit
from batch.job import Job
from batch.journal import history
from batch.journal.journal import Journal
from batch.matters import Memory
from batch.metrics import Figures, Totals
from batch.notify import recall, remember
from batch.settings import Account, Metrics, Notify, Settings
from batch.telling import Telling
from tests.trial import wait_until
from tests.unit.report.accounts import make_account, make_table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydantic import SecretStr

    from batch.journal.history import Run
    from batch.messages import Message

ROW = ("1", "7035", "")
GOOD = Ended(make_account([make_table(ROW)], [("shipped", "", "101")]), None, Exit.OK)
BAD = Ended(make_account([make_table(ROW)], [("rejected", "Why.", "101")]), None, Exit.NEEDS_PERSON)
BUSY = Ended(None, None, Exit.BUSY, "Another run holds it.")


class Bench:
    """A telling whose messages and beats are kept."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch, **notify: object) -> None:
        self.sent: list[Message] = []
        self.beats: list[Exit] = []
        self.complaints: list[str] = []
        self.problems: list[str] = []
        account = Account.model_construct(client_id="seller", api="walmart-global")
        self.settings = Settings(
            journal=f"sqlite:///{folder / 'none.db'}",
            notify=Notify.model_validate({"urls": ["json://x"], **notify}),
            metrics=Metrics(textfile=folder / "figures.prom"),
        )
        self.settings._home = folder
        self.job = Job(settings=self.settings, name="default", account=account)
        self.telling = Telling(settings=self.settings, complain=self.complaints.append, figures=Figures())
        monkeypatch.setattr(telling, "deliver", self._deliver)
        monkeypatch.setattr(telling, "beat", self._beat)

    def _deliver(self, _urls: Sequence[SecretStr], message: Message) -> list[str]:
        self.sent.append(message)
        return self.problems

    def _beat(self, _url: SecretStr, code: Exit) -> str:
        self.beats.append(code)
        return "The switch is down." if code is Exit.UNREADABLE else ""

    def after(self, *ends: Ended) -> list[str]:
        """Tell of runs, and return the titles of what was sent."""
        self.sent.clear()
        self.telling.after([self.job] * len(ends), ends)
        return [message.title for message in self.sent]


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    return Bench(tmp_path, monkeypatch)


def test_people_are_told_once_and_the_figures_and_the_switch_every_time(bench: Bench) -> None:
    assert bench.after(GOOD) == []
    assert bench.after(BAD) == ["shipbatch: account default needs a person: 1 row"]
    assert bench.after(BAD) == []
    assert bench.beats == [Exit.OK, Exit.NEEDS_PERSON, Exit.NEEDS_PERSON]
    assert bench.complaints == []
    assert (bench.settings.state.parent / "figures.prom").exists()


def test_what_nobody_took_is_told_again(bench: Bench) -> None:
    bench.problems = ["address 1: not taken."]
    assert len(bench.after(BAD)) == 1
    assert bench.complaints == ["address 1: not taken."]
    bench.problems = []
    assert len(bench.after(BAD)) == 1
    assert bench.after(BAD) == []


def test_an_order_that_was_shipped_since_makes_the_account_well_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    Journal.open(bench.settings.journal).close()
    monkeypatch.setattr(telling, "orders_that_are_well", lambda _database, _seller, orders: set(orders))
    bench.after(BAD)
    assert bench.after(GOOD) == ["shipbatch: account default is well again"]


def test_a_run_that_another_kept_from_beginning_changes_nothing(bench: Bench) -> None:
    bench.after(BAD)
    before = recall(bench.settings.state, "seller")
    assert bench.after(BUSY) == []
    assert recall(bench.settings.state, "seller") == before


def test_where_nobody_is_named_nobody_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path, monkeypatch, urls=[])
    assert bench.after(BAD) == []
    assert not (bench.settings.state / "told").exists()
    bench.telling.tell_of_the_day([bench.job])


def test_nothing_that_goes_wrong_here_breaks_a_run(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> None:
        raise OSError(28, "No space left on device")

    for name in ("recall", "beat", "write"):
        monkeypatch.setattr(telling, name, broken)
    bench.after(BAD)
    assert bench.complaints == [
        "Account default: nobody could be told: No space left on device.",
        "The metrics could not be written: No space left on device.",
        "The dead-man's switch could not be told: No space left on device.",
    ]


def test_a_switch_that_is_down_is_one_sentence(bench: Bench) -> None:
    bench.after(replace(GOOD, exit_code=Exit.UNREADABLE))
    assert bench.complaints == ["The switch is down."]


def test_the_switch_hears_the_gravest_of_all_accounts_last_runs(bench: Bench) -> None:
    other = replace(bench.job, name="outlet")
    bench.telling.after([bench.job, other], [GOOD, replace(BUSY, exit_code=Exit.FATAL)])
    bench.telling.after([bench.job], [GOOD])
    assert bench.beats == [Exit.FATAL, Exit.FATAL]
    bench.telling.after([other], [GOOD])
    assert bench.beats[-1] is Exit.OK


def test_a_process_that_lives_long_counts(bench: Bench) -> None:
    figures = Figures()
    long_lived = replace(bench.telling, figures=figures, totals=Totals(figures.registry))
    long_lived.after([bench.job, bench.job], [GOOD, BUSY])
    assert (
        figures.registry.get_sample_value("shipbatch_orders_total", {"account": "default", "outcome": "shipped"}) == 1
    )


# Digests


def at(day: int, hour: int = 12) -> int:
    return int(datetime(2026, 11, day, hour, tzinfo=telling_zone()).timestamp() * 1000)


def telling_zone() -> Any:  # noqa: ANN401 - a zone of whichever kind
    return Settings().zone


def runs_at(monkeypatch: pytest.MonkeyPatch, *moments: int) -> None:
    summary = {"files": [{"path": "a.csv"}], "orders": {"total": 1, "shipped": 1}}
    found = [type("Run", (), {"started_at": moment, "summary": summary})() for moment in moments]
    monkeypatch.setattr(history, "runs", lambda *_arguments, **_named: cast("list[Run]", found))


def today_is(monkeypatch: pytest.MonkeyPatch, day: int) -> None:
    class Clock(datetime):
        @classmethod
        def now(cls, tz: Any = None) -> Clock:  # noqa: ANN401 - the library's
            return cls(2026, 11, day, 8, tzinfo=tz)

    monkeypatch.setattr(telling, "datetime", Clock)


def test_a_daily_digest_sums_up_the_days_that_are_over_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path, monkeypatch, digest="day")
    Journal.open(bench.settings.journal).close()
    runs_at(monkeypatch, at(24, 7), at(23), at(22), at(21))
    remember(bench.settings.state, "seller", Memory(digested_at=at(22, 0)))
    today_is(monkeypatch, 24)
    bench.telling.tell_of_the_day([bench.job])
    bench.telling.tell_of_the_day([bench.job])
    (message,) = bench.sent
    assert message.body.splitlines()[:2] == ["2 runs, 1 file since 2026-11-22.", "- 2 orders shipped"]
    today_is(monkeypatch, 25)
    assert bench.after(GOOD) == ["shipbatch: account default: what was done"]


def test_a_digest_that_nobody_took_is_sent_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path, monkeypatch, digest="day")
    Journal.open(bench.settings.journal).close()
    runs_at(monkeypatch, at(23))
    today_is(monkeypatch, 24)
    bench.problems = ["not taken."]
    bench.telling.tell_of_the_day([bench.job])
    bench.problems = []
    bench.telling.tell_of_the_day([bench.job])
    assert len(bench.sent) == 2


def test_a_day_without_runs_is_over_in_silence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path, monkeypatch, digest="day")
    today_is(monkeypatch, 24)
    bench.telling.tell_of_the_day([bench.job])
    assert bench.sent == []
    assert recall(bench.settings.state, "seller").digested_at == at(24, 0)


def test_what_goes_wrong_with_a_digest_is_one_sentence(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object) -> None:
        raise ValueError("that makes no sense")

    monkeypatch.setattr(telling, "recall", broken)
    settings = bench.settings.model_copy(
        update={"notify": Notify.model_validate({"urls": ["json://x"], "digest": "day"})}
    )
    replace(bench.telling, settings=settings).tell_of_the_day([bench.job])
    assert bench.complaints == ["Account default: nobody could be told: that makes no sense."]


@pytest.mark.parametrize("well", [True, False])
def test_between_runs_the_switch_is_told_while_all_is_well(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, *, well: bool
) -> None:
    asked: list[bool] = []

    def is_well() -> bool:
        asked.append(True)
        return well

    monkeypatch.setattr(telling, "_NOW_AND_THEN", 0.001)
    with bench.telling.meanwhile([bench.job], is_well):
        wait_until(lambda: len(asked) > 2)
    assert bool(bench.beats) == well


def test_figures_are_only_made_where_somebody_wants_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path, monkeypatch)
    settings = bench.settings.model_copy(update={"metrics": Metrics()})
    monkeypatch.setattr(Figures, "read", lambda *_arguments: pytest.fail("nobody wants them"))
    replace(bench.telling, settings=settings).show_figures()
    assert bench.complaints == []
