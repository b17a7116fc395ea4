"""A connection that may be cut: a relay on loopback between somebody and a server."""

from __future__ import annotations

import socket
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Relay:
    """Passes bytes on in both directions, until it is cut."""

    def __init__(self, port: int) -> None:
        """Lead to a server at this port."""
        self._port = port
        self._is_cut = threading.Event()
        self._servers: list[socket.socket] = []
        self._callers: list[socket.socket] = []  # kept, so that they stay open
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._listening.getsockname()[1])

    def cut(self) -> None:
        """Pass nothing on any more. Whoever called hears nothing; the server sees the connection end, as it would."""
        self._is_cut.set()
        for server in self._servers:
            with suppress(OSError):
                server.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Listen no more."""
        self.cut()
        ends = [self._listening, *self._callers, *self._servers]
        for end in ends:
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for end in ends:
            end.close()

    def _accept(self) -> None:
        while True:
            try:
                caller, _ = self._listening.accept()
            except OSError:
                return
            self._callers.append(caller)
            if self._is_cut.is_set():
                continue  # nobody answers
            server = socket.create_connection(("127.0.0.1", self._port))
            self._servers.append(server)
            for origin, target in ((caller, server), (server, caller)):
                self._start(self._pass_on, origin, target)

    def _start(self, function: Callable[..., None], *given: socket.socket) -> None:
        self._threads.append(threading.Thread(target=function, args=given, daemon=True))
        self._threads[-1].start()

    def _pass_on(self, origin: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while (data := origin.recv(1 << 16)) and not self._is_cut.is_set():
                target.sendall(data)
            if not self._is_cut.is_set():
                target.shutdown(socket.SHUT_WR)


@contextmanager
def begun_relay(port: int) -> Iterator[Relay]:
    """Lead to a server at this port while the block lasts."""
    relay = Relay(port)
    try:
        yield relay
    finally:
        relay.close()
