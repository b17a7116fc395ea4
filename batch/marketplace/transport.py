"""The only file of the client that speaks HTTP. No logic: it sends a call and says what came back."""

from __future__ import annotations

from contextlib import asynccontextmanager
from functools import lru_cache
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from batch.marketplace.call import Answer, Call, NoAnswer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

LARGEST_ANSWER = 4 * 1024 * 1024  # bytes, unpacked
_CONNECTING = 0.5  # share of the timeout within which a connection must stand


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


class Transport:
    """Sends calls over kept connections. Follows no redirect, keeps no cookie, checks every certificate."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def send(self, call: Call, headers: Mapping[str, str]) -> Answer | NoAnswer:
        """Send one request, once, and return the whole answer. Never raises but for cancellation.

        The library itself sends a GET again where a kept connection turns out to be closed; it never does so with POST.
        """
        try:
            async with self._session.request(
                call.method, _exactly(call.url), data=call.body, headers=headers, allow_redirects=False
            ) as response:
                body = await _bounded(response.content)
                return Answer(response.status, response.headers, body)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            return NoAnswer(sent=not isinstance(error, _NOTHING_SENT), reason=_reason(error, call))


@asynccontextmanager
async def open_transport(*, timeout: float, connections: int) -> AsyncIterator[Transport]:  # noqa: ASYNC109 - of each request to come, not of this call
    """Open a transport: `timeout` in seconds for one request, at most so many `connections` at once.

    Connecting may take half of the timeout. So a timeout while connecting is always told apart from one while waiting
    for the answer: only the first proves that nothing was sent.
    """
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=connections),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers={"User-Agent": "shipbatch"},
        skip_auto_headers=("Content-Type",),
        timeout=aiohttp.ClientTimeout(total=timeout, connect=timeout * _CONNECTING),
    )
    async with session:
        yield Transport(session)


def _exactly(url: str) -> URL:
    """Return the URL as it is: what is sent is what was signed."""
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    if slash and "?" not in path and "#" not in path:  # taking another path costs a quarter of reading a whole URL
        return _read(f"{scheme}://{host}/").with_path(slash + path, encoded=True)
    return _read(url)


@lru_cache
def _read(url: str) -> URL:
    try:
        exact = URL(url, encoded=True)
        if exact.host and exact.explicit_port != 0:
            return exact
    except ValueError:
        pass
    raise aiohttp.InvalidURL(url)


async def _bounded(content: aiohttp.StreamReader) -> bytes:
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
