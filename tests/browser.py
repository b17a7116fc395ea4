"""Headless Chromium through its debugging pipe: what a page looks like, what it does, and what it tries to load."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from io import BufferedReader, BufferedWriter
    from pathlib import Path

CHROMIUM = shutil.which("chromium")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
# The pipe is what the browser finds open as 3 (it reads) and 4 (it writes).
_WITH_PIPE = 'reads=$1 writes=$2; shift 2; exec "$@" 3<"/dev/fd/$reads" 4>"/dev/fd/$writes"'


class Browser:
    """One browser with one page."""

    def __init__(self, reads: BufferedReader, writes: BufferedWriter) -> None:
        self._reads, self._writes = reads, writes
        self._rest = b""
        self._session, self._number = "", 0
        self.requested: list[str] = []  # every address that the page wanted
        self.said: list[str] = []  # to the console, errors included
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self._ask(f"{domain}.enable")

    def open(self, file: Path, *, width: int = 1280, height: int = 900, dark: bool = False) -> None:
        """Open a file as somebody with such a screen sees it, and wait until it is there."""
        self.look(width=width, height=height, dark=dark)
        self._ask("Page.navigate", url=file.as_uri())
        self.wait_until("document.readyState === 'complete'")

    def look(self, *, width: int, height: int = 900, dark: bool = False, printed: bool = False) -> None:
        """Change the screen."""
        self._ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._ask("Emulation.setEmulatedMedia", media="print" if printed else "", features=[scheme])

    def wait_until(self, condition: str) -> None:
        """Wait until a script's value is true."""
        self.run(f"new Promise((done) => {{ const look = () => {condition} ? done() : setTimeout(look); look(); }})")

    def run(self, script: str) -> Any:  # noqa: ANN401 - whatever the script's last value is
        """Run a script in the page and return its value; a promise's when it is there."""
        told = self._ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in told:
            raise AssertionError(told["exceptionDetails"])
        return told["result"].get("value")

    def picture(self, file: Path, *, whole: bool = True) -> None:
        """Take a picture of the page, `whole` or of what the screen shows."""
        told = self._ask("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        file.write_bytes(base64.b64decode(told["data"]))

    def paper(self, file: Path) -> None:
        """Print the page into a PDF file."""
        told = self._ask("Page.printToPDF", printBackground=True, paperWidth=8.27, paperHeight=11.69)
        file.write_bytes(base64.b64decode(told["data"]))

    def close(self) -> None:
        """End the browser."""
        self._session = ""
        self._ask("Browser.close")
        while self._reads.read1(1 << 20):
            pass

    def _ask(self, method: str, **parameters: object) -> dict[str, Any]:
        self._number += 1
        asked = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            asked["sessionId"] = self._session
        self._writes.write(json.dumps(asked).encode() + b"\0")
        self._writes.flush()
        while True:
            told = self._heard()
            if told.get("id") == self._number:
                assert "error" not in told, told
                result: dict[str, Any] = told["result"]
                return result
            self._note(told)

    def _heard(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            more = self._reads.read1(1 << 20)
            assert more, "the browser went away"
            self._rest += more
        message, _, self._rest = self._rest.partition(b"\0")
        told: dict[str, Any] = json.loads(message)
        return told

    def _note(self, told: dict[str, Any]) -> None:
        parameters = told.get("params", {})
        match told.get("method"):
            case "Network.requestWillBeSent":
                self.requested.append(parameters["request"]["url"])
            case "Runtime.exceptionThrown":
                self.said.append(parameters["exceptionDetails"]["text"])
            case "Runtime.consoleAPICalled":
                self.said.append(str(parameters["args"]))
            case "Log.entryAdded":
                self.said.append(parameters["entry"]["text"])


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """Start a browser with an empty profile folder and end it after the block."""
    reads, there = os.pipe()
    here, writes = os.pipe()
    command = [
        "sh",
        "-c",
        _WITH_PIPE,
        "sh",
        str(here),
        str(there),
        str(CHROMIUM),
        *_FLAGS,
        f"--user-data-dir={profile}",
    ]
    with (
        os.fdopen(reads, "rb") as answers,
        os.fdopen(writes, "wb") as questions,
        subprocess.Popen(command, pass_fds=(here, there), stderr=subprocess.DEVNULL) as process,
    ):
        os.close(here)
        os.close(there)
        try:
            started = Browser(answers, questions)
            yield started
            started.close()
        finally:
            process.terminate()
