"""The report's folder: written aside, brought to the disk, renamed into its place. It is there whole or not at all."""

from __future__ import annotations

import glob
import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from batch.crashpoints import Step, reached
from batch.report.account import check_conservation
from batch.report.orders import write_orders
from batch.report.page import write_page
from batch.report.rows import write_rows
from batch.report.summary import encoded, summary
from batch.report.to_fix import FOLDER as TO_FIX
from batch.report.to_fix import write_to_fix
from batch.report.todo import tasks
from batch.report.workbook import write_workbook

if TYPE_CHECKING:
    from batch.report.account import RunAccount


def write_report(folder: Path, account: RunAccount) -> Path:
    """Write the run's report into `folder/RUN` and return that path; a report that is there already is replaced.

    Raises `AccountsDoNotAdd` before anything is written, and `OSError` where the folder cannot be written; then what
    was there before stands, and the report can be written again from the journal.
    """
    check_conservation(account)
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / account.run
    aside = f".{account.run}-"
    with tempfile.TemporaryDirectory(prefix=aside, dir=folder) as private:
        written = Path(private) / "report"
        written.mkdir()
        _write_pages(written, account)
        _to_disk(written)
        reached(Step.REPORT_WRITTEN_ASIDE)
        _take_place(written, target)
        reached(Step.REPORT_IN_PLACE)
        _sync(folder)
    for left_by_a_crash in folder.glob(f"{glob.escape(aside)}*"):
        shutil.rmtree(left_by_a_crash, ignore_errors=True)
    return target


def _write_pages(folder: Path, account: RunAccount) -> None:
    write_rows(folder / "rows.csv", account)
    write_orders(folder / "orders.csv", account)
    write_to_fix(folder / TO_FIX, account)
    found = tasks(account)
    write_page(folder / "report.html", account, found)
    write_workbook(folder / "report.xlsx", account, found)
    (folder / "summary.json").write_bytes(encoded(summary(account)))


def _take_place(written: Path, target: Path) -> None:
    """Rename the new report into its place; one that is there steps aside first and comes back if that fails."""
    before = written.with_name("before")
    there = target.exists()
    if there:
        target.rename(before)
        reached(Step.REPORT_STEPPED_ASIDE)
    try:
        written.rename(target)
    except OSError:
        if there:
            before.rename(target)
        raise


def _to_disk(folder: Path) -> None:
    for path in (*folder.rglob("*"), folder):
        _sync(path)


def _sync(path: Path) -> None:
    """Bring a file, or a folder's list of names, to the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        with suppress(PermissionError):  # some network shares do not let a folder be synced
            os.fsync(handle)
    finally:
        os.close(handle)
