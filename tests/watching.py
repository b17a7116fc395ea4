"""`shipbatch watch` as a process on a folder of a trial, ended in good order."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests import forked
from tests.trial import ROOT, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.trial import Trial

QUICK = """
[watch]
quiet = 0.2
cut_short = 1
scan = 0.2
retry = 0.3
"""


@dataclass(slots=True)
class Watching:
    """A watch that runs, and the folder that it watches."""

    folder: Path
    output: Path  # where what it says goes, without the endings
    process: subprocess.Popen[bytes] | forked.Running
    code: int | None = field(default=None)  # once it has ended

    @property
    def number(self) -> int:
        """The process's number."""
        return self.process.pid if isinstance(self.process, subprocess.Popen) else self.process.number

    @property
    def err(self) -> str:
        """What it said so far."""
        return self.output.with_suffix(".err").read_text()

    @property
    def out(self) -> str:
        """What it printed so far."""
        return self.output.with_suffix(".out").read_text()

    def drop(self, name: str, content: str | bytes) -> Path:
        """Drop a file as people do who know how: under a temporary name, then renamed."""
        file = self.folder / name
        file.parent.mkdir(exist_ok=True)
        aside = file.with_name(f".{file.name}")
        aside.write_bytes(content if isinstance(content, bytes) else content.encode())
        return aside.rename(file)

    def names(self) -> set[str]:
        """Return every file in the folder."""
        walked = os.walk(self.folder)  # unlike `rglob` it bears with folders that vanish meanwhile
        return {os.path.relpath(Path(folder) / name, self.folder) for folder, _, names in walked for name in names}

    def wait_for(self, *names: str) -> None:
        """Wait until files are there."""
        wait_until(lambda: set(names) <= self.names(), told=lambda: f"{self.names()}\n{self.err}")

    def wait_for_word(self, *words: str) -> None:
        """Wait until it says something."""
        wait_until(lambda: all(word in self.err for word in words), told=lambda: self.err)

    def kill(self) -> None:
        """Kill it as `kill -9` does."""
        if isinstance(self.process, subprocess.Popen):
            self.process.kill()
            self.code = self.process.wait(timeout=60)
        else:
            self.code = self.process.kill().code

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Tell it to end, and return its exit code."""
        if self.code is None:
            if isinstance(self.process, subprocess.Popen):
                self.process.send_signal(number)
                self.code = self.process.wait(timeout=60)
            else:
                self.process.tell(number)
                self.code = self.process.ended().code
        return self.code


@contextmanager
def watching(trial: Trial, *arguments: object, settings: str = QUICK, fresh: bool = False) -> Iterator[Watching]:
    """Watch a folder while the block lasts; `fresh`: in an interpreter of its own, as users have it."""
    drop, output = trial.folder / "drop", trial.folder / "watch"
    drop.mkdir(exist_ok=True)
    trial.add_settings(settings)
    words = ["watch", str(drop), *map(str, arguments)]
    environment = trial.environment(PYTHONPATH=str(ROOT))
    process: subprocess.Popen[bytes] | forked.Running
    if fresh:
        with output.with_suffix(".err").open("wb") as err, output.with_suffix(".out").open("wb") as out:
            command = [sys.executable, "-m", "batch", *words]
            process = subprocess.Popen(
                command, cwd=trial.folder, env=environment, stdin=subprocess.DEVNULL, stdout=out, stderr=err
            )
    else:
        process = forked.start(words, folder=trial.folder, environment=environment, output=output)
    begun = Watching(drop, output, process)
    try:
        wait_until(lambda: output.with_suffix(".err").exists())
        begun.wait_for_word("Watching ")
        yield begun
    finally:
        begun.end()
