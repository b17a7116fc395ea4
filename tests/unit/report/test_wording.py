from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from batch.report.wording import headline
from tests.unit.report.accounts import an_account

if TYPE_CHECKING:
    from batch.report.account import RunAccount


@pytest.mark.parametrize(
    ("account", "said"),
    [
        (an_account(), "Nothing to do: no order was found."),
        (an_account("shipped"), "The one order is shipped."),
        (an_account("shipped", "already_shipped"), "All 2 orders are shipped."),
        (an_account("shipped", "skipped"), "All 2 orders are shipped or skipped."),
        (an_account("held"), "0 of 1 order is shipped; 1 needs a person."),
        (an_account("shipped", "held", "refused"), "1 of 3 orders are shipped; 2 need a person."),
        (an_account("shipped", "not_attempted"), "1 of 2 orders are shipped; 1 is still to be sent."),
        (
            an_account("unknown", "not_attempted", "not_attempted"),
            "0 of 3 orders are shipped; 1 needs a person, 2 are still to be sent.",
        ),
        (an_account("ready", "held", ready=True), "1 of 2 orders would be sent. Nothing was sent."),
        (
            an_account("ready", ready=True, seconds_to_send=10_020.0),
            "1 of 1 order would be sent, which takes about 2 h 47 min. Nothing was sent.",
        ),
    ],
)
def test_the_run_is_said_in_one_sentence(account: RunAccount, said: str) -> None:
    assert headline(account) == said
