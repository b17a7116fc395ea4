"""The command as a process against a sandbox: what a user has, in a temporary folder."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from batch.sandbox import Marketplace, Options, Sandbox, Status, demo_key, demo_seller
from batch.sandbox.demo import example_settings
from batch.sandbox.trial import beside_us, fill_from
from tests.forked import start

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from tests.ran import Ran

ROOT = Path(__file__).resolve().parent.parent
APIS = ("walmart-global", "walmart-canada")
HEADER = ("purchaseOrderId", "lineNumber", "quantity", "carrier", "trackingNumber", "shipDateTime")


@dataclass(frozen=True, slots=True)
class Trial:
    """A user's folder, with settings for a sandbox that runs beside the test."""

    folder: Path
    sandbox: Sandbox
    url: str
    api: str
    accounts: tuple[str, ...] = ("default",)

    @property
    def settings(self) -> Path:
        """The settings file."""
        return self.folder / "shipbatch.toml"

    def write_settings(self, **overrides: object) -> None:
        """Write the settings anew, with further keys of the account."""
        chosen = {"settle_time": 1, "rate": {"ship": 0, "acknowledge": 0, "read": 0}, **overrides}
        sellers = dict(zip(self.accounts, self.sandbox.options.sellers, strict=True))
        self.settings.write_text(example_settings(self.api, self.url, self.folder, sellers=sellers, overrides=chosen))

    def add_settings(self, text: str) -> None:
        """Add whole sections to the settings."""
        with self.settings.open("a") as stream:
            stream.write(f"\n{text}\n")

    def write(self, name: str, *rows: Sequence[object], header: Sequence[str] = HEADER) -> Path:
        """Write a CSV file into the folder."""
        file = self.folder / name
        with file.open("w", newline="", encoding="utf-8") as stream:
            csv.writer(stream).writerows([header, *rows])
        return file

    def fill(self, *files: Path, status: Status = Status.ACKNOWLEDGED) -> None:
        """Put the orders that files are about into the sandbox."""
        fill_from(self.sandbox.state, files, status)

    def write_known(self, name: str, *rows: Sequence[object]) -> Path:
        """Write a CSV file whose orders the sandbox knows."""
        file = self.write(name, *rows)
        self.fill(file)
        return file

    def environment(self, **more: str) -> dict[str, str]:
        """Return the environment in which the commands run: locks of their own, no terminal."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SHIPBATCH_")}
        return {**kept, "XDG_STATE_HOME": str(self.folder / "xdg"), "COLUMNS": "100", "NO_COLOR": "1", **more}

    def start(
        self, *arguments: object, env: Mapping[str, str] | None = None, group: bool = False
    ) -> subprocess.Popen[str]:
        """Start the command in the folder, in a fresh interpreter, and do not wait for it.

        `group`: with whatever it starts it is a group of its own, to which a terminal's Ctrl-C would go.
        """
        return subprocess.Popen(
            [sys.executable, "-m", "batch", *map(str, arguments)],
            cwd=self.folder,
            env={**self.environment(PYTHONPATH=str(ROOT)), **(env or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=group,
        )

    def shipbatch(self, *arguments: object, env: Mapping[str, str] | None = None) -> Ran:
        """Run the command in the folder to its end, in a process that has its modules in memory already."""
        words = [str(argument) for argument in arguments]
        with tempfile.TemporaryDirectory() as output:
            environment = self.environment(**(env or {}))
            return start(words, folder=self.folder, environment=environment, output=Path(output) / "command").ended()

    def report(self, run: Ran) -> Path:
        """Return the report's folder of a run that was made with --json."""
        return self.folder / "reports" / str(run.summary["run"])

    def rows(self, run: Ran) -> list[dict[str, str]]:
        """Return rows.csv of a run that was made with --json."""
        with (self.report(run) / "rows.csv").open(newline="", encoding="utf-8") as stream:
            return list(csv.DictReader(stream))

    @property
    def units_charged(self) -> dict[tuple[str, str, str], int]:
        """How many units the marketplace charged, by purchase order, line and tracking number."""
        charged: dict[tuple[str, str, str], int] = {}
        for charge in self.sandbox.state.charge_log:
            key = (charge.purchase_order_id, charge.line_number, charge.tracking_number)
            charged[key] = charged.get(key, 0) + charge.units
        return charged


def wait_until(condition: Callable[[], bool], *, seconds: float = 60, told: Callable[[], str] = str) -> None:
    """Wait until something is so. Fails when it takes longer, with what is then `told`."""
    never, end = threading.Event(), time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"what was waited for did not come; {told()}"
        never.wait(0.02)


@contextmanager
def begun_trial(
    folder: Path, api: str = APIS[0], options: Options | None = None, accounts: Sequence[str] = ("default",)
) -> Iterator[Trial]:
    """Serve a sandbox and give a folder with settings for it, each of the accounts a seller of its own."""
    demo_key(folder)
    sellers = tuple(demo_seller(folder, number) for number in range(len(accounts)))
    sandbox = Sandbox(replace(options or Options(), sellers=sellers), Marketplace())
    with beside_us(sandbox) as url:
        trial = Trial(folder, sandbox, url, api, tuple(accounts))
        trial.write_settings()
        yield trial
