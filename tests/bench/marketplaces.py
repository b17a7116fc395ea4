"""Who answers: nginx where it is installed, else our own sandbox; either in its own process, on its own core."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from batch.sandbox.demo import KEY_FILE
from tests.bench.goals import CannotMeasure, NotBelievable
from tests.bench.processes import on_cores

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.bench.place import Place

_HERE = Path(__file__).with_name("nginx")
_MODULES = Path("/usr/lib/nginx/modules")
_MODULE = "ngx_http_lua_module.so"
_PATIENCE = 120.0  # s for a server to get ready
INSTALL = "apt-get install nginx libnginx-mod-http-lua lua-cjson"


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the server counted."""

    ship: int  # updates answered with their order
    charged: int  # purchase orders charged
    charged_twice: int
    repeated_ids: int  # calls that bore an id that was there before
    refused: int
    throttled: int
    first: float  # s, UTC epoch: when the first update came
    last: float  # and the last one


class Server(Protocol):
    """A marketplace that is running."""

    @property
    def url(self) -> str:
        """Where it answers."""
        ...

    def seen(self) -> Seen:
        """Return what the server counted since it was started."""
        ...


@dataclass(frozen=True, slots=True)
class Nginx:
    """nginx that confirms every update with the order that it makes."""

    url: str

    def seen(self) -> Seen:
        """Return what the server counted since it was started."""
        told = fetched(f"{self.url}/_bench/counters")
        if told.get("faults"):
            raise NotBelievable("nginx ran out of memory for its counters.")
        ship, twice = int(told.get("ship", 0)), int(told.get("charged_twice", 0))
        return Seen(
            ship=ship,
            charged=ship - twice,
            charged_twice=twice,
            repeated_ids=int(told.get("repeated_ids", 0)),
            refused=int(told.get("refused", 0)),
            throttled=0,
            first=told.get("first", 0.0),
            last=told.get("last", 0.0),
        )


@dataclass(frozen=True, slots=True)
class OwnSandbox:
    """Our sandbox, with all that it checks."""

    url: str

    def seen(self) -> Seen:
        """Return what the server counted since it was started."""
        told = fetched(f"{self.url}/_sandbox/counters")
        answers = told["answers"].get("ship", {})
        accepted, throttled = answers.get("200", 0), answers.get("429", 0)
        moments = [call["at"] / 1000 for call in self.calls()]
        charged = {charge["purchase_order_id"] for charge in fetched(f"{self.url}/_sandbox/charge_log")}
        return Seen(
            ship=accepted,
            charged=len(charged),
            charged_twice=accepted - len(charged),
            repeated_ids=told["repeated_correlation_ids"],
            refused=told["requests"].get("ship", 0) - accepted - throttled,
            throttled=throttled,
            first=min(moments, default=0.0),
            last=max(moments, default=0.0),
        )

    def calls(self) -> list[dict[str, Any]]:
        """Return all updates that came, in order: `at` in epoch ms, `purchase_order_id`, `answer`."""
        return [call for call in fetched(f"{self.url}/_sandbox/log") if call["kind"] == "ship"]


def fetched(url: str) -> Any:  # noqa: ANN401 - whatever the server tells
    """Return the JSON at a URL of a server of ours."""
    with urllib.request.urlopen(url, timeout=_PATIENCE) as response:  # noqa: S310 - loopback
        return orjson.loads(response.read())


def has_nginx() -> bool:
    """Say whether nginx is here with all that it needs."""
    return shutil.which("nginx") is not None and (_MODULES / _MODULE).exists()


@contextmanager
def marketplace(place: Place, *files: Path) -> Iterator[Server]:
    """Serve the fastest marketplace there is while the block lasts; `files` are what the sandbox is filled from."""
    key = place.folder if (place.folder / KEY_FILE).exists() else None
    with nginx(place) if has_nginx() else sandbox(place, *files, key=key) as server:
        yield server


@contextmanager
def nginx(place: Place) -> Iterator[Nginx]:
    """Serve nginx while the block lasts. Raises `CannotMeasure` where it is missing."""
    if not has_nginx():
        raise CannotMeasure(f"nginx is not here ({INSTALL})")
    folder, port = place.fresh_folder(), place.free_port()
    given = {"folder": folder, "here": _HERE, "modules": _MODULES, "port": port}
    file = folder / "nginx.conf"
    file.write_text(Template((_HERE / "marketplace.conf").read_text(encoding="utf-8")).safe_substitute(given))
    server = Nginx(f"http://127.0.0.1:{port}")
    command = ["nginx", "-p", folder, "-c", file, "-e", folder / "error.log"]
    with _running(place, command, folder, f"{server.url}/_bench/counters"):
        yield server


@contextmanager
def sandbox(
    place: Place, *files: Path, per_minute: float = 0, burst: int = 0, sellers: int = 1, key: Path | None = None
) -> Iterator[OwnSandbox]:
    """Serve our sandbox while the block lasts, with the orders of these files and, for each seller, these limits.

    `key`: the folder with the key that the legacy dialect is signed with.
    """
    folder, port = place.fresh_folder(), place.free_port()
    told = {
        "port": port,
        "files": [str(file) for file in files],
        "per_minute": per_minute,
        "burst": burst,
        "sellers": sellers,
        "key": str(key) if key else "",
    }
    command = [sys.executable, "-m", "tests.bench.sandbox_process", orjson.dumps(told).decode()]
    server = OwnSandbox(f"http://127.0.0.1:{port}")
    with _running(place, command, folder, f"{server.url}/_sandbox/counters"):
        yield server


@contextmanager
def _running(place: Place, command: Sequence[object], folder: Path, ready: str) -> Iterator[None]:
    """Run a server on its core while the block lasts, once it answers at `ready`."""
    with (folder / "server.txt").open("wb") as said, on_cores(place.server):
        process = subprocess.Popen(
            [*map(str, command)],
            cwd=folder,
            env=place.environment(),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    try:
        _wait_for(process, ready, folder)
        yield
    finally:
        process.terminate()
        process.wait()


def _wait_for(process: subprocess.Popen[bytes], url: str, folder: Path) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            fetched(url)
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.05)
        else:
            return
    said = (folder / "server.txt").read_text(errors="replace")
    raise NotBelievable(f"The server did not start:\n{said[-2000:]}")
