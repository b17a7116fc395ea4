"""A sandbox for people: filled from their own files, with settings to talk to it, in either dialect."""

from __future__ import annotations

import asyncio
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

from batch.clock import now_ms
from batch.draft import Policy
from batch.errors import UsageError
from batch.inputs import read_inputs
from batch.plan import make_plan
from batch.private import write_private
from batch.sandbox.demo import demo_seller, example_settings
from batch.sandbox.faults import FaultScriptError, read_rules
from batch.sandbox.filling import fill
from batch.sandbox.orders import Status
from batch.settings import Settings

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from batch.sandbox.faults import Rule
    from batch.sandbox.server import Sandbox
    from batch.sandbox.state import Marketplace

SETTINGS = "shipbatch.toml"
_ACCOUNTS = {"default": "walmart-global", "canada": "walmart-canada"}


def write_settings(folder: Path, url: str) -> Path:
    """Write settings for the sandbox at `url`, and the demo secrets they name, into the folder; return their path.

    Account `default` speaks the Global API, account `canada` the legacy one. A file that is there is written anew, for
    the sandbox's address may be another one.
    """
    sections = [
        example_settings(api, url, folder, sellers={name: demo_seller(folder)}, overrides={"settle_time": 5})
        for name, api in _ACCOUNTS.items()
    ]
    sections[1] = sections[1].partition("\n")[2]  # the head stands there once
    file = folder / SETTINGS
    write_private(file, "\n".join(sections).encode())
    return file


def fill_from(marketplace: Marketplace, files: Sequence[Path], status: Status = Status.ACKNOWLEDGED) -> int:
    """Put in the orders that the files are about; return how many. Raises UsageError for a file that cannot be read."""
    settings, now = Settings(), now_ms()
    inputs = read_inputs(files, settings, now_ms=now)
    if problems := [str(file["problem"]) for file in inputs.files if file["problem"]]:
        raise UsageError("\n".join(problems))
    return fill(
        marketplace, make_plan(inputs.shipments, Policy(zone=settings.zone, now_ms=now)), now=now, status=status
    )


def read_faults(file: Path) -> tuple[tuple[Rule, ...], int]:
    """Return the rules of a fault script and its seed. Raises UsageError that names what is wrong."""
    try:
        rules, seed = read_rules(file.read_text(encoding="utf-8-sig"))
    except FaultScriptError as error:
        raise UsageError(f"{file}: {error}.") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{file}: the fault script cannot be read: {error}.") from None
    return tuple(rules), seed or 0


@contextmanager
def beside_us(sandbox: Sandbox) -> Iterator[str]:
    """Serve a sandbox in a thread of this process while the block lasts; give its URL."""
    loop = asyncio.new_event_loop()
    stop, told, ready = asyncio.Event(), [""], threading.Event()

    async def serve() -> None:
        async with sandbox.serve() as url:
            told[0] = url
            ready.set()
            await stop.wait()

    def run() -> None:
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            try:
                runner.run(serve())
            finally:
                ready.set()

    thread = threading.Thread(target=run, name="sandbox", daemon=True)
    thread.start()
    ready.wait()
    try:
        yield told[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
