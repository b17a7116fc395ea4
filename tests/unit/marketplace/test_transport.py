from __future__ import annotations

import asyncio
import gzip
import socket
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from batch.marketplace.call import Answer, Call, Kind, NoAnswer
from batch.marketplace.transport import LARGEST_ANSWER, open_transport

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Current-Token-Count: 7\r\nSet-Cookie: a=b\r\n\r\n{}"


class Server:
    """A server of bare bytes: answers each request with the next of `answers`, None hangs up, "" says nothing."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = [*answers]
        self.requests: list[bytes] = []
        self.connections = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._talk(reader, writer)
        finally:
            writer.close()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while self.answers and (head := await _head(reader)):
            self.requests.append(head)
            answer = self.answers.pop(0)
            if answer is None:
                break
            writer.write(answer)
            await writer.drain()
            if answer == b"":
                await reader.read()
            if b"Content-Length: 900\r\n" in answer:  # more was promised than is sent
                break


async def _head(reader: asyncio.StreamReader) -> bytes:
    """Return a request, its body included; blank at the end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    for line in head.lower().split(b"\r\n"):
        if line.startswith(b"content-length:"):
            head += await reader.readexactly(int(line.partition(b":")[2]))
    return head


@asynccontextmanager
async def listening(
    talk: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]],
) -> AsyncIterator[int]:
    """Serve on the port that is given; when it ends, so have all connections."""
    talks: dict[asyncio.StreamWriter, asyncio.Task[None]] = {}

    def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks[writer] = asyncio.create_task(_talked(talk(reader, writer)))

    async with await asyncio.start_server(greet, "127.0.0.1", 0) as server:
        yield server.sockets[0].getsockname()[1]
        for writer, task in talks.items():
            task.cancel()
            await asyncio.wait([task])
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()


async def _talked(talk: Awaitable[None]) -> None:
    with suppress(asyncio.CancelledError, ConnectionError):
        await talk


@asynccontextmanager
async def serving(*answers: bytes | None) -> AsyncIterator[Server]:
    server = Server(*answers)
    async with listening(server.serve) as server.port:
        yield server


def call_to(port: int, *, path: str = "/v3/orders/1", body: bytes | None = b"{}", method: str = "POST") -> Call:
    return Call(kind=Kind.SHIP, method=method, url=f"http://127.0.0.1:{port}{path}", body=body)


async def send(call: Call, timeout: float = 5) -> Answer | NoAnswer:  # noqa: ASYNC109 - the transport's setting
    async with open_transport(timeout=timeout, connections=2) as transport:
        return await transport.send(call, {"Content-Type": "application/json", "X-Name": "value"})


async def test_the_exact_url_headers_and_body_are_sent() -> None:
    path = "/v3/orders/a%2Fb%20c?createdStartDate=2017-01-01T00:00:00Z&q=%3A"
    async with serving(OK) as server:
        answer = await send(call_to(server.port, path=path))
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body) == (200, b"{}")
    assert answer.headers["x-current-token-COUNT"] == "7"
    head, _, body = server.requests[0].partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == f"POST {path} HTTP/1.1".encode()
    assert b"Content-Type: application/json" in lines
    assert b"X-Name: value" in lines
    assert body == b"{}"


async def test_a_call_without_body_says_that_it_has_none() -> None:
    async with serving(OK) as server:
        call = call_to(server.port, body=None)
        async with open_transport(timeout=5, connections=1) as transport:
            await transport.send(call, {})
    head = server.requests[0].lower()
    assert b"content-length: 0" in head
    assert b"content-type" not in head


async def test_a_connection_is_kept_and_cookies_are_not() -> None:
    async with serving(OK, OK) as server, open_transport(timeout=5, connections=1) as transport:
        for _ in range(2):
            await transport.send(call_to(server.port), {})
    assert server.connections == 1
    assert len(server.requests) == 2
    assert b"cookie" not in server.requests[1].lower()


async def test_a_redirect_is_an_answer_and_never_followed() -> None:
    async with serving(b"HTTP/1.1 307 Moved\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n") as server:
        answer = await send(call_to(server.port))
    assert isinstance(answer, Answer)
    assert answer.status == 307
    assert len(server.requests) == 1


async def test_packed_answers_are_unpacked() -> None:
    packed = gzip.compress(b'{"order":1}')
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    async with serving(head + packed) as server:
        answer = await send(call_to(server.port))
    assert isinstance(answer, Answer)
    assert answer.body == b'{"order":1}'


async def test_an_answer_too_large_to_be_real_is_no_answer_even_when_packed() -> None:
    packed = gzip.compress(b" " * (LARGEST_ANSWER + 1))
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {len(packed)}\r\n\r\n".encode()
    async with serving(head + packed) as server:
        answer = await send(call_to(server.port))
    assert answer == NoAnswer(sent=True, reason=f"the answer of 127.0.0.1:{server.port} was larger than 4 MiB")


@pytest.mark.parametrize(
    "answer",
    [
        None,
        b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\nhalf of it",
        b"this is not HTTP\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
    ],
)
async def test_what_breaks_after_the_request_may_have_been_done(answer: bytes | None) -> None:
    async with serving(answer) as server:
        assert await send(call_to(server.port)) == NoAnswer(
            sent=True, reason=f"the connection to 127.0.0.1:{server.port} broke before the answer was complete"
        )
    assert len(server.requests) == 1


async def test_an_update_is_not_sent_again_over_a_kept_connection_that_broke() -> None:
    async with serving(OK, None, OK) as server, open_transport(timeout=5, connections=1) as transport:
        await transport.send(call_to(server.port), {})
        answer = await transport.send(call_to(server.port), {})
        assert isinstance(answer, NoAnswer)
        assert answer.sent
    assert len(server.requests) == 2


async def test_a_reading_is_sent_again_where_a_kept_connection_broke() -> None:
    async with serving(OK, None, OK) as server, open_transport(timeout=5, connections=1) as transport:
        await transport.send(call_to(server.port), {})
        answer = await transport.send(call_to(server.port, method="GET", body=None), {})
    assert isinstance(answer, Answer)
    assert len(server.requests) == 3


async def test_what_a_server_says_unasked_is_no_answer_to_the_next_request() -> None:
    """A load balancer that gives an idle connection up says so with an answer of its own."""
    idle, said = asyncio.Event(), asyncio.Event()
    requests: list[bytes] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            requests.append(head)
            writer.write(OK)
            if len(requests) == 1:
                await idle.wait()
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother")
                said.set()

    async with listening(talk) as port, open_transport(timeout=5, connections=1) as transport:
        await transport.send(call_to(port), {})
        idle.set()
        await said.wait()
        for _ in range(5):  # the loop takes note of what has arrived
            await asyncio.sleep(0)
        answer = await transport.send(call_to(port), {})
    assert isinstance(answer, Answer)
    assert answer.body == b"{}"
    assert len(requests) == 2


async def test_what_comes_before_the_answer_is_passed_over() -> None:
    async with serving(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK) as server:
        answer = await send(call_to(server.port))
    assert isinstance(answer, Answer)
    assert (answer.status, answer.body) == (200, b"{}")


async def test_an_answer_without_length_ends_with_its_connection() -> None:
    async with serving(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{}") as server:
        answer = await send(call_to(server.port))
    assert isinstance(answer, Answer)
    assert answer.body == b"{}"


async def test_silence_is_no_answer_that_may_have_been_done() -> None:
    async with serving(b"") as server:
        answer = await send(call_to(server.port), timeout=0.05)
    assert answer == NoAnswer(sent=True, reason=f"127.0.0.1:{server.port} did not answer in time")


async def test_an_answer_that_comes_in_drops_is_waited_for_no_longer() -> None:
    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{")
        await reader.read()

    async with listening(drip) as port:
        answer = await send(call_to(port), timeout=0.05)
    assert answer == NoAnswer(sent=True, reason=f"127.0.0.1:{port} did not answer in time")


async def test_nothing_is_sent_where_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    answer = await send(call_to(port))
    assert answer == NoAnswer(sent=False, reason=f"127.0.0.1:{port} cannot be reached; check the network and base_url")


async def test_nothing_is_sent_while_all_connections_are_taken() -> None:
    async with serving(b"", b"") as server, open_transport(timeout=0.3, connections=1) as transport:
        waiting = asyncio.create_task(transport.send(call_to(server.port), {}))
        await asyncio.sleep(0)
        answers = await asyncio.gather(waiting, transport.send(call_to(server.port), {}))
    assert [answer.sent for answer in answers if isinstance(answer, NoAnswer)] == [True, False]
    assert len(server.requests) == 1


async def test_nothing_is_sent_over_a_connection_that_is_not_secure() -> None:
    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with listening(greet) as port:
        host = f"127.0.0.1:{port}"
        answer = await send(Call(kind=Kind.SHIP, method="POST", url=f"https://{host}/", body=b"{}"))
    assert answer == NoAnswer(sent=False, reason=f"no secure connection to {host} could be made; check base_url")


@pytest.mark.parametrize(
    "url", ["https://:::bad/x", "https://host:0/x", "https:///x", "nonsense:///x", "nonsense://host/x"]
)
async def test_nothing_is_sent_to_what_is_no_address(url: str) -> None:
    answer = await send(Call(kind=Kind.SHIP, method="POST", url=url))
    assert isinstance(answer, NoAnswer)
    assert not answer.sent


@pytest.mark.parametrize("value", ["one\r\nX-Other: two", "one\nX-Other: two", "caf\u00e9"])
async def test_nothing_is_sent_that_a_request_cannot_hold(value: str) -> None:
    async with serving(OK) as server, open_transport(timeout=5, connections=1) as transport:
        answer = await transport.send(call_to(server.port), {"X-Name": value})
    assert isinstance(answer, NoAnswer)
    assert not answer.sent
    assert "hold characters" in answer.reason
    assert server.requests == []


async def test_a_name_that_cannot_be_looked_up_sends_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_options: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    answer = await send(Call(kind=Kind.SHIP, method="POST", url="https://marketplace.invalid/x"))
    assert answer == NoAnswer(
        sent=False, reason="the name marketplace.invalid cannot be looked up; check the network and base_url"
    )
