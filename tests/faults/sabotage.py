"""What can be made to go wrong inside a command's own process, before it begins."""

from __future__ import annotations

import resource
import signal
import sqlite3
import sys
import time
from itertools import count
from typing import TYPE_CHECKING
from unittest import mock

from sqlalchemy.exc import OperationalError

from batch.crashpoints import Step
from batch.marketplace.call import Kind

if TYPE_CHECKING:
    from collections.abc import Callable

    from batch.marketplace.call import Call

_PLACES = ("batch.inputs", "batch.journal.database", "batch.submit.conversation", "batch.report.folder")


def no_file_larger_than(size: int) -> None:
    """Let the disk be full for files of so many bytes."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def clock_jumps(seconds: float, after: int) -> None:
    """Let the wall clock jump, at its so many-th look."""
    real, looks = time.time_ns, count()

    def now() -> int:
        return real() + (int(seconds * 1e9) if next(looks) >= after else 0)

    mock.patch("time.time_ns", now).start()


def clock_is(moment: float) -> None:
    """Let the wall clock go on from this moment, seconds since the epoch."""
    clock_jumps(moment - time.time(), after=0)


def told_at(step: Step, number: signal.Signals) -> None:
    """Let the process be told a signal at a step."""
    _at(step, lambda: signal.raise_signal(number))


def disk_full_from(transaction: int) -> None:
    """Let the disk be full for the journal when it commits the transaction of that number, and from then on."""
    committed = count(1)

    def fill_up() -> None:
        if next(committed) >= transaction:
            raise OperationalError("COMMIT", None, sqlite3.OperationalError("database or disk is full"))

    _at(Step.TRANSACTION_WRITTEN, fill_up)


def slow_disk(seconds: float) -> None:
    """Let every commit of the journal take so long."""
    _at(Step.TRANSACTION_WRITTEN, lambda: time.sleep(seconds))


def without_driver() -> None:
    """Let the driver for PostgreSQL be missing."""
    mock.patch.dict(sys.modules, psycopg=None).start()


def no_patience(seconds: float) -> None:
    """Let nobody wait longer for a server that is away."""
    from batch.journal.database import Database  # noqa: PLC0415 - in the command's process

    mock.patch.object(Database, "patience", seconds).start()


def bug_at(purchase_order_id: str) -> None:
    """Plant a bug of ours that one order meets when its update was answered."""
    from batch.marketplace import exchange  # noqa: PLC0415 - in the command's process

    name = "read_verdict"
    read = getattr(exchange, name)

    def stumbling(call: Call, answer: object) -> object:
        if call.kind is Kind.SHIP and call.purchase_order_id == purchase_order_id:
            raise ZeroDivisionError
        return read(call, answer)

    mock.patch.object(exchange, name, stumbling).start()


def _at(step: Step, do: Callable[[], object]) -> None:
    def reached(at: Step) -> None:
        if at is step:
            do()

    for place in _PLACES:
        mock.patch(f"{place}.reached", reached).start()
