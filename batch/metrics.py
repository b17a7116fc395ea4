"""Figures for Prometheus: how each account's last run ended, and what is left; in a file, or on a port in `watch`.

All are taken from the journal, so that a file written by a nightly run tells of every account, and nothing is forgotten
when a process ends.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    disable_created_metrics,
    start_http_server,
    write_to_textfile,
)

from batch.errors import Exit
from batch.journal import history
from batch.journal.journal import Journal
from batch.report.account import REQUESTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from batch.journal.history import Run
    from batch.settings import Settings

_LOOKED_AT = 20  # runs, for one that came to its end


class Figures:
    """The figures of all accounts."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._ended_at = self._gauge("last_run_timestamp_seconds", "When the last run ended, Unix time")
        self._took = self._gauge("last_run_duration_seconds", "How long the last run took")
        self._exit_code = self._gauge("last_run_exit_code", "The last run's exit code")
        self._rows = self._gauge("last_run_rows", "Rows of the last run by how they ended", "outcome")
        self._orders = self._gauge("last_run_orders", "Orders of the last run by how they ended", "outcome")
        self._requests = self._gauge(
            "last_run_requests", "Requests of the last run by kind; throttled ones and retries too", "kind"
        )
        self._unfinished = self._gauge("unfinished_orders", "Orders that are planned, being sent or unknown")

    def _gauge(self, name: str, told: str, *labels: str) -> Gauge:
        return Gauge(name, told, ("account", *labels), namespace="shipbatch", registry=self.registry)

    def show(self, account: str, run: Run, unfinished: int) -> None:
        """Show an account's last run that came to its end."""
        told = run.summary or {}
        ended_at = (run.finished_at or run.started_at) / 1000
        self._ended_at.labels(account).set(ended_at)
        self._took.labels(account).set(ended_at - run.started_at / 1000)
        self._exit_code.labels(account).set(told.get("exit_code", int(Exit.OK)))
        for gauge, counts in ((self._rows, told.get("rows", {})), (self._orders, told.get("orders", {}))):
            for outcome, count in counts.items():
                if outcome != "total":
                    gauge.labels(account, outcome).set(count)
        for kind in REQUESTS:
            self._requests.labels(account, kind).set(told.get("requests", {}).get(kind, 0))
        self._unfinished.labels(account).set(unfinished)

    def read(self, settings: Settings) -> None:
        """Show what the journal has of every account. Raises `JournalFailed`."""
        journal = Journal.open_existing(settings.journal)
        if journal is None:
            return
        with closing(journal):
            for name, account in settings.accounts.items():
                latest = history.runs(journal.database, account=name, most=_LOOKED_AT)
                if run := next((run for run in latest if run.summary), None):
                    self.show(name, run, history.unfinished(journal.database, account.seller))


class Totals:
    """What one process has done since it began: counters, for a process that lives long."""

    def __init__(self, registry: CollectorRegistry) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # when a counter began says nothing here
        labels = ("account",)
        self._runs = Counter("runs", "Runs by exit code", (*labels, "exit_code"), "shipbatch", registry=registry)
        self._rows = Counter("rows", "Rows by how they ended", (*labels, "outcome"), "shipbatch", registry=registry)
        self._orders = Counter(
            "orders", "Orders by how they ended", (*labels, "outcome"), "shipbatch", registry=registry
        )
        self._requests = Counter("requests", "Requests by kind", (*labels, "kind"), "shipbatch", registry=registry)

    def count(self, summary: Mapping[str, Any]) -> None:
        """Count a run."""
        account = summary["account"]
        self._runs.labels(account, str(summary["exit_code"])).inc()
        for counter, name in ((self._rows, "rows"), (self._orders, "orders")):
            for outcome, count in summary[name].items():
                if outcome != "total":
                    counter.labels(account, outcome).inc(count)
        for kind, count in summary["requests"].items():
            self._requests.labels(account, kind).inc(count)


def write(path: Path, figures: Figures) -> None:
    """Write the figures for the node exporter, whole or not at all. Raises `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_to_textfile(str(path), figures.registry)


@contextmanager
def served(figures: Figures, port: int, address: str) -> Iterator[int]:
    """Serve the figures while the block lasts; give the port. Raises `OSError` where it is taken."""
    server, thread = start_http_server(port, address, figures.registry)
    try:
        yield int(server.server_port)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
