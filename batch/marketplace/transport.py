"""The only file of the client that speaks HTTP. No logic: it sends a call and says what came back."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.http import HttpProcessingError
from yarl import URL

from batch.marketplace.call import Answer, Call, NoAnswer
from batch.marketplace.connections import Connections, NeverStood
from batch.marketplace.deadlines import Deadlines

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

LARGEST_ANSWER = 4 * 1024 * 1024  # bytes, unpacked
_CONNECTING = 0.5  # share of the timeout within which a connection must stand
_SCHEMES = ("https", "http")
_INTERIM = range(100, 200)  # status of what is said before the answer
_OURS = ("User-Agent: shipbatch", "Accept-Encoding: gzip, deflate")


class AnswerTooLarge(aiohttp.ClientError):
    """The answer is larger than any real one."""


class Unsayable(aiohttp.ClientError):
    """An address or a header holds characters that no request can hold."""


# What aiohttp raises before a single byte of the request has left: no address, no connection, no trusted certificate.
# All else may come after the server has read the request, a kept connection that breaks while we write included.
_NOTHING_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    NeverStood,
    Unsayable,
)

# The first that fits is said.
_REASONS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (
        aiohttp.ClientConnectorCertificateError,
        "the certificate of {host} is not trusted; check base_url and the clock of this machine",
    ),
    (aiohttp.ClientConnectorSSLError, "no secure connection to {host} could be made; check base_url"),
    (aiohttp.ClientConnectorDNSError, "the name {host} cannot be looked up; check the network and base_url"),
    (aiohttp.ClientConnectorError, "{host} cannot be reached; check the network and base_url"),
    (aiohttp.ConnectionTimeoutError, "{host} did not take up the connection in time; check the network"),
    (NeverStood, "the connection to {host} broke before anything was sent"),
    (aiohttp.InvalidURL, "base_url is no web address"),
    (Unsayable, "the request to {host} would hold characters that none can hold; check the settings"),
    (TimeoutError, "{host} did not answer in time"),
    (AnswerTooLarge, "the answer of {host} was larger than 4 MiB"),
    (Exception, "the connection to {host} broke before the answer was complete"),
)


@dataclass(frozen=True, slots=True)
class _Server:
    """Whom a connection leads to."""

    asking: aiohttp.ClientRequest  # as aiohttp's connections are asked for
    host: str  # with its port, as in the Host header


class Transport:
    """Sends calls over kept connections. Follows no redirect, keeps no cookie, checks every certificate.

    A request is written at once, head and body together, without aiohttp's session, which makes a task and some 25
    objects for each. (Measured: 26 us a request instead of 82.)
    """

    def __init__(self, connections: Connections, deadlines: Deadlines, *, timeout: float) -> None:
        self._connections, self._deadlines, self._timeout = connections, deadlines, timeout
        self._clock = asyncio.get_running_loop().time
        self._server = lru_cache(_server)

    async def send(self, call: Call, headers: Mapping[str, str]) -> Answer | NoAnswer:
        """Send one request, once, and return the whole answer. Never raises but for cancellation.

        A GET is sent again where a kept connection turns out to be closed.
        """
        ends_at = self._clock() + self._timeout
        try:
            try:
                return await self._exchanged(call, headers, ends_at)
            except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
                if call.method != "GET" or isinstance(error, _NOTHING_SENT):
                    raise
            return await self._exchanged(call, headers, ends_at)
        except (aiohttp.ClientError, HttpProcessingError, TimeoutError, OSError) as error:
            return NoAnswer(sent=not isinstance(error, _NOTHING_SENT), reason=_reason(error, call))

    async def _exchanged(self, call: Call, headers: Mapping[str, str], ends_at: float) -> Answer:
        scheme, _, rest = call.url.partition("://")
        authority, _, target = rest.partition("/")
        server = self._server(f"{scheme}://{authority}/")
        request = _request(call, f"/{target}", server.host, headers)
        kept = await self._connections.take(server.asking)
        self._deadlines.begin(kept.pipe, ends_at)
        try:
            kept.pipe.write(request)
            message, content = await kept.answers.read()
            while message.code in _INTERIM:
                message, content = await kept.answers.read()
            body = await _whole(content)
        except BaseException as error:
            kept.answers.force_close()
            if not self._deadlines.over(kept.pipe) and isinstance(error, Exception):
                raise TimeoutError from error
            raise
        finally:
            self._deadlines.over(kept.pipe)
            self._connections.give_back(kept)
        return Answer(message.code, message.headers, body)


@asynccontextmanager
async def open_transport(*, timeout: float, connections: int) -> AsyncIterator[Transport]:  # noqa: ASYNC109 - of each request to come, not of this call
    """Open a transport: `timeout` in seconds for one request, at most so many `connections` at once.

    Connecting may take half of the timeout. So a timeout while connecting is always told apart from one while waiting
    for the answer: only the first proves that nothing was sent.
    """
    async with aiohttp.TCPConnector(limit=0) as connector:
        loop, connecting = asyncio.get_running_loop(), timeout * _CONNECTING
        with (
            closing(Connections(connector, most=connections, connecting=connecting, clock=loop.time)) as kept,
            closing(Deadlines(loop)) as deadlines,
        ):
            yield Transport(kept, deadlines, timeout=timeout)


def _server(url: str) -> _Server:
    try:
        exact = URL(url, encoded=True)
        if exact.scheme in _SCHEMES and exact.host and exact.explicit_port != 0:
            return _Server(aiohttp.ClientRequest("POST", exact), exact.host_port_subcomponent or "")
    except ValueError:
        pass
    raise aiohttp.InvalidURL(url)


def _request(call: Call, target: str, host: str, headers: Mapping[str, str]) -> bytes:
    """Return a request as it is sent: what was signed, neither its address nor its body changed on the way.

    Raises Unsayable where a line would hold what ends it.
    """
    body = call.body or b""
    lines = [f"{call.method} {target} HTTP/1.1", f"Host: {host}", *_OURS]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    if body or call.method != "GET":
        lines.append(f"Content-Length: {len(body)}")
    head = "\r\n".join((*lines, "", ""))
    if not head.isascii() or head.count("\n") != len(lines) + 1 or head.count("\r") != len(lines) + 1:
        raise Unsayable
    return head.encode("ascii") + body


async def _whole(content: aiohttp.StreamReader) -> bytes:
    """Return the content, unpacked. Raises AnswerTooLarge."""
    body = content.read_nowait() if content.is_eof() else b""  # all of it, nearly always
    while not content.at_eof() and len(body) <= LARGEST_ANSWER:
        body += await content.readany()
    if len(body) > LARGEST_ANSWER:
        raise AnswerTooLarge
    return body


def _reason(error: Exception, call: Call) -> str:
    """Return a sentence's part for people. Quotes nothing but the host: messages of libraries may hold headers."""
    host = call.url.split("/")[2]
    return next(template for kind, template in _REASONS if isinstance(error, kind)).format(host=host)
