"""Connections to a server that are kept between requests.

They are made by aiohttp and read by its parser. Kept by its connector they would cost some 4 us more a request, and
whatever arrived on an idle one, unasked, would be taken for the answer to the next.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp

from batch.marketplace.slots import Slots

if TYPE_CHECKING:
    from collections.abc import Callable

    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection

IDLE_AT_MOST = 15.0  # s; servers give idle connections up, and an update that meets one of these may be lost


class NeverStood(aiohttp.ClientError):
    """The connection broke before anything was written to it."""


@dataclass(slots=True, eq=False)
class KeptConnection:
    """A connection that stands, and is kept for the next request."""

    connection: Connection
    answers: ResponseHandler
    pipe: asyncio.Transport  # what requests are written to
    idle_since: float = 0.0

    @property
    def is_clear(self) -> bool:
        """Whether it can be written to, and nothing is on it that nobody asked for."""
        return self.answers.is_connected() and not self.answers.should_close


class Connections:
    """At most so many connections to one server; the one that was used last is used first. Times are in seconds."""

    def __init__(
        self, connector: aiohttp.BaseConnector, *, most: int, connecting: float, clock: Callable[[], float]
    ) -> None:
        self._connector, self._connecting, self._clock = connector, connecting, clock
        self._places = Slots(most)
        self._idle: deque[KeptConnection] = deque()

    async def take(self, asking: aiohttp.ClientRequest) -> KeptConnection:
        """Return a connection of one's own within the time for `connecting`.

        Raises NeverStood, ConnectionTimeoutError, or what else aiohttp raises where none can be made.
        """
        since = self._clock()
        try:
            if self._places.taken:
                async with asyncio.timeout(self._connecting):
                    await self._places.enter()
            else:
                await self._places.enter()
        except TimeoutError as late:
            raise aiohttp.ConnectionTimeoutError from late
        try:
            return self._idle_one() or await self._made(asking, since)
        except BaseException:
            self._places.leave()
            raise

    def give_back(self, kept: KeptConnection) -> None:
        """Keep the connection for others, or close it if it is not clear."""
        if kept.is_clear:
            kept.idle_since = self._clock()
            self._idle.append(kept)
        else:
            kept.connection.close()
        self._places.leave()

    def close(self) -> None:
        """Close all connections that nobody uses."""
        while self._idle:
            self._idle.pop().connection.close()

    def _idle_one(self) -> KeptConnection | None:
        oldest = self._clock() - IDLE_AT_MOST
        while self._idle and self._idle[0].idle_since < oldest:
            self._idle.popleft().connection.close()
        while self._idle:
            kept = self._idle.pop()
            if kept.is_clear:
                return kept
            kept.connection.close()
        return None

    async def _made(self, asking: aiohttp.ClientRequest, since: float) -> KeptConnection:
        left = since + self._connecting - self._clock()
        if left <= 0:  # which aiohttp takes for no limit
            raise aiohttp.ConnectionTimeoutError
        try:
            connection = await self._connector.connect(asking, [], aiohttp.ClientTimeout(connect=left))
        except TimeoutError as late:
            raise aiohttp.ConnectionTimeoutError from late
        answers, pipe = connection.protocol, connection.transport
        if answers is None or pipe is None:
            connection.close()
            raise NeverStood
        answers.set_response_params(read_until_eof=True)
        return KeptConnection(connection, answers, pipe)
