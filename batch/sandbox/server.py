"""The sandbox on the wire: aiohttp's low-level server, so that the marketplace is never slower than who talks to it."""

from __future__ import annotations

import asyncio
import gc
import secrets
import signal
import socket
import struct
import sys
import time
from collections import deque
from contextlib import asynccontextmanager, contextmanager, suppress
from email.utils import formatdate
from typing import TYPE_CHECKING

from aiohttp import web

from batch.errors import UsageError
from batch.sandbox.access import Access
from batch.sandbox.control import PREFIX, control
from batch.sandbox.counters import Counters, Logged
from batch.sandbox.desk import Asked, Desk, Reply
from batch.sandbox.faults import Action, FaultScript, Rule
from batch.sandbox.options import Options
from batch.sandbox.refusals import Refusal
from batch.sandbox.routes import Route, find_route
from batch.sandbox.state import Marketplace
from batch.sandbox.throttle import Throttle
from batch.sandbox.trouble import Sleep, Trouble

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from aiohttp import StreamReader
    from aiohttp.abc import AbstractStreamWriter
    from aiohttp.http_parser import RawRequestMessage

NOWHERE = "other"  # how requests to no known path are counted
LARGEST_BODY = 64 * 2**20  # bytes
_PIECES = 8  # of an answer that trickles
_LOST = "lost"
_STOPPING = () if sys.platform == "win32" else (signal.SIGINT, signal.SIGTERM)  # there Python itself ends the loop
_YOUNG_OBJECTS = 100_000  # new objects between two looks of the garbage collector


class Server:
    """Takes requests from the wire to the desk, and lets faults befall them on the way."""

    def __init__(
        self,
        options: Options,
        marketplace: Marketplace,
        *,
        clock: Callable[[], float] = time.time,
        tick: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.options = options
        self.marketplace = marketplace
        self.access = Access(options.sellers, options.access, lambda: secrets.token_hex(16))
        self.faults = FaultScript(options.faults, options.seed)
        self.counters = self._new_counters()
        throttle = Throttle(options.limits, options.throttle_headers)
        self._clock, self._tick, self._sleep = clock, tick, sleep
        self._desk = Desk(marketplace, self.access, throttle, options.order_envelope)
        self._trouble = Trouble(self._desk, throttle, sleep=sleep, now=self.now)

    def now(self) -> int:
        """Return this server's time, in UTC epoch milliseconds."""
        return int((self._clock() + self.options.clock_offset) * 1000)

    def reset(self) -> None:
        """Forget all orders, charges, faults and counts."""
        self.marketplace.clear()
        self.faults = FaultScript((), self.options.seed)
        self.counters = self._new_counters()

    async def end(self) -> None:
        """Give up what was still to happen."""
        await self._trouble.end()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request of a client's."""
        body = await request.read()
        path, _, query = request.raw_path.partition("?")
        if path.startswith(PREFIX):
            return _response(control(self, request.method, path, body))
        route = _route(request.method, path, body)
        asked = Asked(
            method=request.method,
            path=path,
            query=query,
            url=self._signed_url(request) if route and route.legacy else "",
            headers=request.headers,
            body=body,
            now=self.now(),
            tick=self._tick(),
            route=route,
        )
        return await self._answer(request, asked)

    def _signed_url(self, request: web.BaseRequest) -> str:
        """Return the URL as it went over the wire, byte for byte."""
        return f"{self.options.origin or f'{request.scheme}://{request.host}'}{request.raw_path}"

    async def _answer(self, request: web.BaseRequest, asked: Asked) -> web.StreamResponse:
        route = asked.route
        kind = route.kind.value if route else NOWHERE
        correlation_id = asked.headers.get("WM_QOS.CORRELATION_ID", "")
        self.counters.begin(kind, correlation_id)
        rule = self.faults.choose(route.kind, route.purchase_order_id) if route else None
        answer = _LOST
        try:
            reply = await self._trouble.reply(rule, route, asked) if rule and route else self._desk.answer(asked)
            if reply is None:
                return _break(request)
            answer = str(reply.status)
            return await self._write(request, reply, rule)
        finally:
            self.counters.end(
                Logged(
                    at=asked.now,
                    kind=kind,
                    purchase_order_id=route.purchase_order_id if route else "",
                    correlation_id=correlation_id,
                    answer=answer,
                    fault=rule.action if rule else "",
                )
            )

    async def _write(self, request: web.BaseRequest, reply: Reply, rule: Rule | None) -> web.StreamResponse:
        if not rule or rule.action is not Action.TRICKLE:
            response = _response(reply)
            if self.options.clock_offset:
                response.headers["Date"] = formatdate(self.now() / 1000, usegmt=True)
            return response
        return await self._trickle(request, reply, rule)

    async def _trickle(self, request: web.BaseRequest, reply: Reply, rule: Rule) -> web.StreamResponse:
        response = web.StreamResponse(
            status=reply.status, headers={**reply.headers, "Content-Type": reply.content_type}
        )
        response.content_length = len(reply.body)
        await response.prepare(request)
        size = -(-len(reply.body) // _PIECES)
        for start in range(0, len(reply.body), size):
            await self._sleep(rule.seconds / _PIECES)
            await response.write(reply.body[start : start + size])
        await response.write_eof()
        return response

    def _new_counters(self) -> Counters:
        return Counters(log=deque(maxlen=self.options.log_length))


class Sandbox:
    """A local marketplace with real state.

    async with Sandbox().serve() as url: ...
    """

    def __init__(
        self,
        options: Options | None = None,
        marketplace: Marketplace | None = None,
        *,
        clock: Callable[[], float] = time.time,
        tick: Callable[[], float] = time.monotonic,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.options = options or Options()
        self.state = marketplace or Marketplace()
        self.state.rules = self.options.rules
        self.server = Server(self.options, self.state, clock=clock, tick=tick, sleep=sleep)

    @property
    def counters(self) -> Counters:
        """What came and what was answered."""
        return self.server.counters

    @property
    def faults(self) -> FaultScript:
        """What goes wrong, and what did."""
        return self.server.faults

    @asynccontextmanager
    async def serve(self, host: str | None = None, port: int | None = None) -> AsyncIterator[str]:
        """Serve while the context lasts; yields the URL. Raises `UsageError` where the address cannot be had."""
        wanted = (self.options.host if host is None else host, self.options.port if port is None else port)
        server = web.Server(self.server.handle, request_factory=_request, handler_cancellation=True, access_log=None)
        runner = web.ServerRunner(server, shutdown_timeout=0)
        await runner.setup()
        site = web.TCPSite(runner, *wanted, backlog=1024)
        try:
            await _start(site, *wanted)
            yield _address(runner)
        finally:
            await self.server.end()
            await runner.cleanup()


async def serve(
    options: Options,
    ready: Callable[[str], None],
    marketplace: Marketplace | None = None,
    stop: asyncio.Event | None = None,
) -> None:
    """Serve until SIGINT or SIGTERM, or until `stop` is set; `ready` is told the URL once requests are welcome."""
    stop = stop or asyncio.Event()
    with _stopped_by_signals(stop):
        async with Sandbox(options, marketplace).serve() as url:
            ready(url)
            await stop.wait()


def run_sandbox(
    options: Options, marketplace: Marketplace | None = None, ready: Callable[[str], None] | None = None
) -> None:
    """Serve in this process until SIGINT or SIGTERM; print one line with the URL once it is ready."""
    runner = asyncio.Runner(loop_factory=_loop_factory())
    with _rare_garbage_collection(), runner, suppress(KeyboardInterrupt):
        runner.run(serve(options, ready or _say, marketplace))


@contextmanager
def _stopped_by_signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    before = {name: signal.getsignal(name) for name in _STOPPING}
    for name in _STOPPING:
        loop.add_signal_handler(name, stop.set)
    try:
        yield
    finally:
        for name, handler in before.items():
            loop.remove_signal_handler(name)
            signal.signal(name, handler)


@contextmanager
def _rare_garbage_collection() -> Iterator[None]:
    """Keep the collector from walking through all orders again and again; it costs a quarter of the time."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_YOUNG_OBJECTS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


def _say(url: str) -> None:
    sys.stdout.write(f"The sandbox is ready at {url} (Ctrl-C ends it)\n")
    sys.stdout.flush()


def _loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    if sys.platform == "win32":
        return None
    import uvloop  # noqa: PLC0415 - it is not there on Windows

    return uvloop.new_event_loop


async def _start(site: web.TCPSite, host: str, port: int) -> None:
    try:
        await site.start()
    except OSError as error:
        raise UsageError(f"The sandbox cannot serve at {host}:{port}: {error.strerror or error}.") from error


def _address(runner: web.ServerRunner) -> str:
    host, port = runner.addresses[0][:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _request(
    message: RawRequestMessage,
    payload: StreamReader,
    protocol: web.RequestHandler,
    writer: AbstractStreamWriter,
    task: asyncio.Task[None],
) -> web.BaseRequest:
    """Build a request that may have a large body: orders are put in by the thousand."""
    loop = asyncio.get_running_loop()
    return web.BaseRequest(message, payload, protocol, writer, task, loop, client_max_size=LARGEST_BODY)


def _route(method: str, path: str, body: bytes) -> Route | None:
    try:
        return find_route(method, path, body)
    except Refusal:
        return None


def _response(reply: Reply) -> web.Response:
    return web.Response(
        body=reply.body, status=reply.status, headers={**reply.headers, "Content-Type": reply.content_type}
    )


def _break(request: web.BaseRequest) -> web.Response:
    """Break the connection with a reset, as a dying server or a firewall does."""
    transport = request.transport
    if transport is not None:
        raw = transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    return web.Response(status=500)
