"""What a forked command finds in memory: all modules, and what they make at their first use."""

from __future__ import annotations

import gc
import os
import sys
import tempfile
from contextlib import closing
from importlib import import_module
from pathlib import Path
from unittest import mock

from batch.cli import COMMANDS
from batch.job import Job
from batch.journal.journal import Journal
from batch.sending import Sent
from batch.settings import load

_SETTINGS = '[accounts.default]\nclient_id = "nobody"\nclient_secret = "none"\n'
_HEADER = "purchaseOrderId,lineNumber,quantity,carrier,trackingNumber,shipDateTime\n"
_ROW = "309121065891123,1,1,UPS,1Z12345E0205271688,2026-11-20\n"


def _warm_up() -> None:
    """Do all that a run does but sending."""
    for name in COMMANDS:
        import_module(f"batch.commands.{name}")
    import_module("batch.cluster.sending_far")
    with tempfile.TemporaryDirectory() as name, mock.patch.dict(os.environ, XDG_STATE_HOME=name):
        folder = Path(name)
        (folder / "warm.csv").write_text(_HEADER + _ROW)
        (folder / "shipbatch.toml").write_text(_SETTINGS)
        settings = load(folder / "shipbatch.toml")
        job = Job(settings=settings, name="default", account=settings.accounts["default"])
        with closing(Journal.open(settings.journal)) as journal, job.planned(journal, [folder / "warm.csv"]) as work:
            assert job.finished(work, Sent()).report is not None


def _measure_nothing() -> None:
    """End what measures coverage here: a process that is killed cannot tell of it, and each would pay for it."""
    coverage = sys.modules.get("coverage")
    if coverage is not None and (measuring := coverage.Coverage.current()) is not None:
        measuring.stop()


_warm_up()
_measure_nothing()
gc.collect()
gc.freeze()  # else the collector would touch, and so copy, every page in each fork
