"""`shipbatch order`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from batch.commands.options import config_option

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sqlalchemy import Row

    from batch.journal.history import Story

_EPILOG = """\b
Examples:
  shipbatch order 309121065891123
"""


@click.command(epilog=_EPILOG)
@click.argument("order_id", metavar="PO")
@config_option
def order(*, order_id: str, config: Path | None) -> None:
    """Tell everything that happened to one order: where it came from, every call made for it, what people decided.

    PO is the purchase order id or the customer order id.
    """
    from batch.errors import UsageError
    from batch.journal.history import rows_aside_of, stories_of
    from batch.journal.journal import Journal
    from batch.settings import load

    settings = load(config)
    journal = Journal.open_existing(settings.journal)
    stories: Sequence[Story] = ()
    aside: Sequence[Row[Any]] = ()
    if journal is not None:
        with closing(journal):
            stories = stories_of(journal.database, order_id)
            aside = rows_aside_of(journal.database, order_id)
    if not stories and not aside:
        raise UsageError(f"The journal knows no order {order_id}.")
    for story in stories:
        for line in _story(story, settings.timezone):
            click.echo(line)
    if aside:
        for line in _aside(order_id, aside, settings.timezone, known=bool(stories)):
            click.echo(line)


def _story(story: Story, timezone: str) -> Iterator[str]:
    """Yield how the order stands, and then what happened to it, in the order in which it happened."""
    from batch.journal.entries import parcels_from
    from batch.report.moments import clock

    told = story.order
    customer = f", customer order {told.customer_order_id}" if told.customer_order_id else ""
    account = f" ({story.origins[-1].account})" if story.origins else ""
    yield click.style(f"Order {told.purchase_order_id or '?'}{customer}{account}: {told.state}", bold=True)
    for text in (told.reason, told.note):
        if text:
            yield f"  {text}"
    if told.ship_by:
        yield f"  ship by {clock(told.ship_by, timezone)}"
    for parcel in parcels_from(told.content):
        what = f"{parcel.quantity or '?'} x line {parcel.line_number or parcel.sku or '?'}"
        yield f"  parcel {what}: {parcel.carrier or parcel.other_carrier} {parcel.tracking_number}"
    for at, lines in sorted(_happened(story), key=lambda happened: happened[0]):
        yield f"  {clock(at, timezone)}  {lines[0]}"
        yield from (f"{'':23}{line}" for line in lines[1:])


def _happened(story: Story) -> Iterator[tuple[int, list[str]]]:
    """Yield what happened, each with its time (UTC epoch milliseconds)."""
    for origin in story.origins:
        yield origin.started_at, [f"run {origin.run_name}: {_place(origin)}"]
    for attempt in story.attempts:
        status = f" HTTP {attempt.status}" if attempt.status else ""
        ended = f"{attempt.verdict}{status}" if attempt.verdict else "no answer on record"
        reason = [attempt.reason] if attempt.reason else []
        yield attempt.started_at, [f"{attempt.kind}: {ended}  ({attempt.correlation_id})", *reason]
    for decision in story.decisions:
        yield decision.decided_at, [f"{decision.user} decided: {decision.decision}  ({decision.note})"]


def _aside(order_id: str, aside: Sequence[Row[Any]], timezone: str, *, known: bool) -> Iterator[str]:
    """Yield the rows that name the order and were never sent for it."""
    from batch.report.moments import clock

    head = "Rows that were left aside:" if known else f"Order {order_id} was never sent; these rows name it:"
    yield click.style(head, bold=True)
    for row in aside:
        yield f"  {clock(row.started_at, timezone)}  run {row.run_name} ({row.account}): {_place(row)}"
        outcome = (row.outcome or "not ended").replace("_", " ")
        yield f"{'':23}{outcome}" + (f": {row.reason}" if row.reason else "")


def _place(row: Row[Any]) -> str:
    sheet = f" '{row.sheet}'" if row.sheet else ""
    return f"{row.path}{sheet} row {row.row}"
