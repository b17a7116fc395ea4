"""`shipbatch order`."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import click

from batch.commands.options import config_option

if TYPE_CHECKING:
    from collections.abc import Iterator

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
    from batch.journal.history import stories_of
    from batch.journal.journal import Journal
    from batch.settings import load

    settings = load(config)
    journal = Journal.open_existing(settings.journal)
    stories: list[Story] = []
    if journal is not None:
        with closing(journal):
            stories = stories_of(journal.database, order_id)
    if not stories:
        raise UsageError(f"The journal knows no order {order_id}.")
    for story in stories:
        for line in _lines(story, settings.timezone):
            click.echo(line)


def _lines(story: Story, timezone: str) -> Iterator[str]:
    from batch.journal.entries import parcels_from
    from batch.report.moments import clock

    told = story.order
    customer = f", customer order {told.customer_order_id}" if told.customer_order_id else ""
    yield click.style(f"Order {told.purchase_order_id or '?'}{customer}: {told.state}", bold=True)
    for text in (told.reason, told.note):
        if text:
            yield f"  {text}"
    if told.ship_by:
        yield f"  ship by {clock(told.ship_by, timezone)}"
    for parcel in parcels_from(told.content):
        what = f"{parcel.quantity or '?'} x line {parcel.line_number or parcel.sku or '?'}"
        yield f"  parcel {what}: {parcel.carrier or parcel.other_carrier} {parcel.tracking_number}"
    for origin in story.origins:
        sheet = f" '{origin.sheet}'" if origin.sheet else ""
        yield f"  {clock(origin.started_at, timezone)}  run {origin.run_name}: {origin.path}{sheet} row {origin.row}"
    for attempt in story.attempts:
        status = f" HTTP {attempt.status}" if attempt.status else ""
        ended = f"{attempt.verdict}{status}" if attempt.verdict else "no answer on record"
        yield f"  {clock(attempt.started_at, timezone)}  {attempt.kind}: {ended}  ({attempt.correlation_id})"
        if attempt.reason:
            yield f"      {attempt.reason}"
    for decision in story.decisions:
        when = clock(decision.decided_at, timezone)
        yield f"  {when}  {decision.user} decided: {decision.decision}  ({decision.note})"
