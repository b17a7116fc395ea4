"""A web server on the loopback that keeps what it is told: for notifications and dead-man's switches."""

from __future__ import annotations

import json
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass
class Listener:
    """What was heard so far, and how to answer."""

    port: int = 0
    status: int = 200
    heard: list[tuple[str, str, bytes]] = field(default_factory=list)  # method, path, body

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}/"

    @property
    def apprise(self) -> str:
        """The same as Apprise writes it, with a password in it."""
        return f"json://somebody:hunter2@127.0.0.1:{self.port}/"

    @property
    def messages(self) -> list[tuple[str, str]]:
        """Titles and texts of the messages that came by Apprise."""
        told: list[dict[str, Any]] = [json.loads(body) for method, _, body in self.heard if method == "POST"]
        return [(one["title"], one["message"]) for one in told]


@contextmanager
def listening() -> Iterator[Listener]:
    """Listen while the block lasts."""
    listener = Listener()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            listener.heard.append((self.command, self.path, body))
            self.send_response(listener.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET  # noqa: N815 - the library's name

        def log_message(self, *_arguments: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        listener.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield listener
        finally:
            server.shutdown()
            thread.join()
