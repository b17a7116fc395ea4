"""A run in one sentence, and its outcomes as people say them: on a terminal, in the report and in messages alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batch.outcomes import WELL, Outcome
from batch.report import moments
from batch.report.account import READY
from batch.report.summary import outcome_totals
from batch.report.todo import WHO

if TYPE_CHECKING:
    from batch.report.account import RunAccount


def headline(account: RunAccount) -> str:
    """Return the run in one sentence."""
    orders = outcome_totals(account.orders["outcome"], ready=account.ready)
    total = orders["total"]
    if not total:
        unread = sum(bool(file.problem) for file in account.files)
        files = f"{unread:,} file{'s' * (unread != 1)}"
        return f"{files} could not be read; nothing was sent." if unread else "Nothing to do: no order was found."
    if account.ready:
        return _what_would_be_sent(orders[READY], total, account.seconds_to_send)
    done = sum(orders[outcome] for outcome in (Outcome.SHIPPED, Outcome.ALREADY_SHIPPED))
    well = sum(orders[outcome] for outcome in WELL)
    if well == total:
        return f"{_all(total)} shipped." if done == total else f"{_all(total)} shipped or skipped."
    return f"{done:,} of {_orders(total)} {'is' if total == 1 else 'are'} shipped{_what_is_left(orders)}."


def said(outcome: str) -> str:
    """Return an outcome as people say it."""
    return outcome.replace("_", " ")


def _what_would_be_sent(ready: int, total: int, seconds: float) -> str:
    sending = f", which takes about {moments.span(seconds)}" if seconds and ready else ""
    return f"{ready:,} of {_orders(total)} would be sent{sending}. Nothing was sent."


def _what_is_left(orders: dict[str, int]) -> str:
    waiting = orders[Outcome.NOT_ATTEMPTED]
    needing = sum(orders[outcome] for outcome in WHO)
    left = []
    if needing:
        left.append(f"{needing:,} need{'s' * (needing == 1)} a person")
    if waiting:
        left.append(f"{waiting:,} {'is' if waiting == 1 else 'are'} still to be sent")
    return "; " + ", ".join(left) if left else ""


def _all(total: int) -> str:
    return "The one order is" if total == 1 else f"All {total:,} orders are"


def _orders(count: int) -> str:
    return f"{count:,} order{'s' * (count != 1)}"
