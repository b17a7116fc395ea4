from __future__ import annotations

import urllib.request
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from prometheus_client import generate_latest

from batch.journal.journal import Journal
from batch.metrics import Figures, Totals, served, write
from batch.settings import Account, Settings

if TYPE_CHECKING:
    from pathlib import Path

SUMMARY = {
    "account": "default",
    "rows": {"total": 3, "shipped": 2, "held": 1},
    "orders": {"total": 2, "shipped": 1, "held": 1},
    "requests": {"ship": 1, "read": 2, "acknowledge": 0, "throttled": 4, "retries": 0},
    "exit_code": 1,
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    account = Account.model_construct(client_id="seller", api="walmart-global")
    return Settings.model_construct(journal=f"sqlite:///{tmp_path / 'journal.db'}", accounts={"default": account})


def told(figures: Figures) -> list[str]:
    return [line for line in generate_latest(figures.registry).decode().splitlines() if not line.startswith("#")]


def record(settings: Settings, *, at: int, ended: bool = True) -> None:
    with closing(Journal.open(settings.journal)) as journal:
        run = journal.begin_run(run=f"run-{at}", seller="seller", account="default", command="run", at=at)
        if ended:
            journal.finish_run(run, at=at + 1_500, summary=SUMMARY)


def test_without_a_journal_there_are_no_figures(settings: Settings) -> None:
    figures = Figures()
    figures.read(settings)
    assert told(figures) == []


def test_the_last_run_that_came_to_its_end_is_shown(settings: Settings) -> None:
    record(settings, at=1_000_000)
    record(settings, at=2_000_000)
    record(settings, at=3_000_000, ended=False)
    figures = Figures()
    figures.read(settings)
    lines = told(figures)
    for line in (
        'shipbatch_last_run_timestamp_seconds{account="default"} 2001.5',
        'shipbatch_last_run_duration_seconds{account="default"} 1.5',
        'shipbatch_last_run_exit_code{account="default"} 1.0',
        'shipbatch_last_run_rows{account="default",outcome="shipped"} 2.0',
        'shipbatch_last_run_orders{account="default",outcome="held"} 1.0',
        'shipbatch_last_run_requests{account="default",kind="throttled"} 4.0',
        'shipbatch_unfinished_orders{account="default"} 0.0',
    ):
        assert line in lines
    assert not any("total" in line for line in lines)


def test_an_account_that_never_ran_is_not_shown(settings: Settings) -> None:
    with closing(Journal.open(settings.journal)):
        pass
    figures = Figures()
    figures.read(settings)
    assert told(figures) == []


def test_a_process_that_lives_long_counts_what_it_did() -> None:
    figures = Figures()
    totals = Totals(figures.registry)
    totals.count(SUMMARY)
    totals.count(SUMMARY)
    lines = told(figures)
    assert 'shipbatch_runs_total{account="default",exit_code="1"} 2.0' in lines
    assert 'shipbatch_rows_total{account="default",outcome="shipped"} 4.0' in lines
    assert 'shipbatch_orders_total{account="default",outcome="held"} 2.0' in lines
    assert 'shipbatch_requests_total{account="default",kind="read"} 4.0' in lines
    assert not any("_created" in line for line in lines)


def test_the_file_is_there_whole(tmp_path: Path, settings: Settings) -> None:
    record(settings, at=1_000_000)
    figures = Figures()
    figures.read(settings)
    write(tmp_path / "node/shipbatch.prom", figures)
    assert "shipbatch_last_run_exit_code" in (tmp_path / "node/shipbatch.prom").read_text()
    assert len(list((tmp_path / "node").iterdir())) == 1


def test_the_figures_are_served_for_as_long_as_the_block_lasts() -> None:
    figures = Figures()
    Totals(figures.registry).count(SUMMARY)
    with served(figures, 0, "127.0.0.1") as port:
        address = f"http://127.0.0.1:{port}/metrics"
        with urllib.request.urlopen(address) as answer:
            assert b"shipbatch_runs_total" in answer.read()
        with pytest.raises(OSError, match="in use"), served(figures, port, "127.0.0.1"):
            pass
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(address)
