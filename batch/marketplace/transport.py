"""The only file of the client that speaks HTTP. No logic: it sends a call and says what came back."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

import aiohttp
from aiohttp.http import HttpProcessingError, StreamWriter
from multidict import CIMultiDict
from yarl import URL

from batch.marketplace.call import Answer, Call, NoAnswer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from aiohttp.client_proto import ResponseHandler
    from aiohttp.connector import Connection

LARGEST_ANSWER = 4 * 1024 * 1024  # bytes, unpacked
_CONNECTING = 0.5  # share of the timeout within which a connection must stand
_SCHEMES = ("https", "http")
_INTERIM = range(100, 200)  # status of what is said before the answer
_OURS = MappingProxyType({"User-Agent": "shipbatch", "Accept-Encoding": "gzip, deflate"})


class AnswerTooLarge(aiohttp.ClientError):
    """The answer is larger than any real one."""


# What aiohttp raises before a single byte of the request has left: no address, no connection, no trusted certificate.
# All else may come after the server has read the request, a kept connection that breaks while we write included.
_NOTHING_SENT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.InvalidURL,
    aiohttp.NonHttpUrlClientError,
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
    ((aiohttp.InvalidURL, aiohttp.NonHttpUrlClientError), "base_url is no web address"),
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

    The connections and the reading of answers are aiohttp's; a request is written at once, head and body together,
    without aiohttp's session: that costs 40 us of 80, and takes whatever arrived on an idle connection, unasked, for
    the answer to the next request.
    """

    def __init__(self, connector: aiohttp.BaseConnector, timeout: aiohttp.ClientTimeout) -> None:
        self._connector = connector
        self._timeout = timeout
        self._server = lru_cache(_server)

    async def send(self, call: Call, headers: Mapping[str, str]) -> Answer | NoAnswer:
        """Send one request, once, and return the whole answer. Never raises but for cancellation.

        A GET is sent again where a kept connection turns out to be closed.
        """
        try:
            async with asyncio.timeout(self._timeout.total):
                try:
                    return await self._exchanged(call, headers)
                except (aiohttp.ServerDisconnectedError, aiohttp.ClientOSError) as error:
                    if call.method != "GET" or isinstance(error, _NOTHING_SENT):
                        raise
                return await self._exchanged(call, headers)
        except (aiohttp.ClientError, HttpProcessingError, TimeoutError, OSError) as error:
            return NoAnswer(sent=not isinstance(error, _NOTHING_SENT), reason=_reason(error, call))

    async def _exchanged(self, call: Call, headers: Mapping[str, str]) -> Answer:
        scheme, _, rest = call.url.partition("://")
        authority, _, target = rest.partition("/")
        server = self._server(f"{scheme}://{authority}/")
        connection, protocol = await self._connected(server.asking)
        try:
            protocol.set_response_params(read_until_eof=True)
            await _write(protocol, f"{call.method} /{target} HTTP/1.1", {"Host": server.host, **_OURS, **headers}, call)
            while (answered := await protocol.read())[0].code in _INTERIM:
                pass
            message, content = answered
            body = await _bounded(content)
        except BaseException:
            connection.close()
            raise
        connection.release()
        return Answer(message.code, message.headers, body)

    async def _connected(self, asking: aiohttp.ClientRequest) -> tuple[Connection, ResponseHandler]:
        """Return a connection on which nothing arrived unasked."""
        while True:
            try:
                connection = await self._connector.connect(asking, [], self._timeout)
            except TimeoutError as late:
                raise aiohttp.ConnectionTimeoutError from late
            protocol = connection.protocol
            if protocol is not None and not protocol.should_close:
                return connection, protocol
            connection.close()


@asynccontextmanager
async def open_transport(*, timeout: float, connections: int) -> AsyncIterator[Transport]:  # noqa: ASYNC109 - of each request to come, not of this call
    """Open a transport: `timeout` in seconds for one request, at most so many `connections` at once.

    Connecting may take half of the timeout. So a timeout while connecting is always told apart from one while waiting
    for the answer: only the first proves that nothing was sent.
    """
    async with aiohttp.TCPConnector(limit=connections) as connector:
        yield Transport(connector, aiohttp.ClientTimeout(total=timeout, connect=timeout * _CONNECTING))


def _server(url: str) -> _Server:
    try:
        exact = URL(url, encoded=True)
        if exact.scheme in _SCHEMES and exact.host and exact.explicit_port != 0:
            return _Server(aiohttp.ClientRequest("POST", exact), exact.host_port_subcomponent or "")
    except ValueError:
        pass
    raise aiohttp.InvalidURL(url)


async def _write(protocol: ResponseHandler, line: str, headers: Mapping[str, str], call: Call) -> None:
    """Write a request. What was signed is sent: neither its address nor its body is changed on the way."""
    writer = StreamWriter(protocol, asyncio.get_running_loop())
    body = call.body or b""
    if body or call.method != "GET":
        headers = {**headers, "Content-Length": str(len(body))}
    await writer.write_headers(line, CIMultiDict(headers))
    await writer.write_eof(body)


async def _bounded(content: aiohttp.StreamReader) -> bytes:
    """Return the whole content, unpacked. Raises AnswerTooLarge."""
    parts: list[bytes] = []
    size = 0
    async for part in content.iter_any():
        parts.append(part)
        size += len(part)
        if size > LARGEST_ANSWER:
            raise AnswerTooLarge
    return parts[0] if len(parts) == 1 else b"".join(parts)


def _reason(error: Exception, call: Call) -> str:
    """Return a sentence's part for people. Quotes nothing but the host: messages of libraries may hold headers."""
    host = call.url.split("/")[2]
    return next(template for kind, template in _REASONS if isinstance(error, kind)).format(host=host)
