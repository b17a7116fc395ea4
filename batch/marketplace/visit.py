"""One harmless visit: can the marketplace be reached, does it know us, and do our clocks agree.

It asks for the orders of a customer order that does not exist, which changes nothing, costs nothing of the scarce limit
of shipping updates, and is signed or bears a token as every other call.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from batch.clock import now_ms
from batch.marketplace.call import Answer
from batch.marketplace.exchange import Exchange, fresh_correlation_id
from batch.marketplace.transport import open_transport

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from batch.marketplace.call import Call, NoAnswer
    from batch.marketplace.dialect import Dialect
    from batch.marketplace.exchange import Send
    from batch.marketplace.verdict import Verdict
    from batch.settings import Account

NOBODYS_ORDER = "000000000000000"  # customer order ids begin with 2


@dataclass(frozen=True, slots=True)
class Visit:
    """What the marketplace said, and by how many seconds this machine's clock is ahead of its; None: it did not say."""

    verdict: Verdict
    ahead: float | None


async def visit(account: Account, dialect: Dialect, *, wall_ms: Callable[[], int] = now_ms) -> Visit:
    """Visit the marketplace once, and once more where a fresh token or signature may help. Raises nothing."""
    async with open_transport(timeout=account.timeout, connections=1) as transport:
        listening = _Listening(transport.send, wall_ms)
        exchange = Exchange(dialect, listening, now_ms=wall_ms)
        call = dialect.find(NOBODYS_ORDER)
        reply = await exchange(call, fresh_correlation_id())
        if exchange.renew(reply):
            reply = await exchange(call, fresh_correlation_id())
    return Visit(reply.verdict, listening.ahead)


class _Listening:
    """Sends, and compares the clocks with every answer: that of a token call may be the only one."""

    def __init__(self, send: Send, wall_ms: Callable[[], int]) -> None:
        self._send = send
        self._wall_ms = wall_ms
        self.ahead: float | None = None

    async def __call__(self, call: Call, headers: Mapping[str, str]) -> Answer | NoAnswer:
        asked_at, started = self._wall_ms() / 1000, time.monotonic()
        answer = await self._send(call, headers)
        if isinstance(answer, Answer):
            halfway = asked_at + (time.monotonic() - started) / 2
            ahead = seconds_ahead(answer.headers.get("Date", ""), halfway)
            self.ahead = self.ahead if ahead is None else ahead
        return answer


def seconds_ahead(date: str, now: float) -> float | None:
    """Return by how many seconds `now`, epoch seconds, is ahead of an answer's Date header; None where that is none.

    A Date is a whole second, so that it is half a second old on average, and up to a second off is no difference.
    """
    try:
        said = parsedate_to_datetime(date)
    except ValueError:
        return None
    return now - (said.timestamp() + 0.5)
