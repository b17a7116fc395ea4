"""Where measuring takes place: a folder on a real disk, cores for client and server, input files that are made once."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tests.bench.processes import Cores, Ran, measured

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).resolve().parents[2]
SHIPBATCH = Path(sys.executable).with_name("shipbatch")


def all_cores() -> Cores:
    """Return the cores that we may use."""
    if hasattr(os, "sched_getaffinity"):
        return frozenset(os.sched_getaffinity(0))
    return frozenset(range(os.cpu_count() or 1))


@dataclass(slots=True)
class Place:
    """Where and how large. `share` of the full sizes is measured: 1 for figures that count, less while building."""

    folder: Path
    share: float = 1.0
    cores: Cores = field(default_factory=all_cores)
    _taken: int = 0

    @property
    def client(self) -> Cores:
        """The core of whoever sends."""
        return frozenset({min(self.cores)})

    @property
    def server(self) -> Cores:
        """The core of whoever answers: another one, where there is one."""
        return frozenset({max(self.cores)})

    def sized(self, full: int, least: int = 1) -> int:
        """Return how many of something to measure with."""
        return max(least, round(full * self.share))

    def fresh_folder(self) -> Path:
        """Return a new, empty folder."""
        self._taken += 1
        folder = self.folder / f"{self._taken:04}"
        folder.mkdir()
        return folder

    def free_port(self) -> int:
        """Return a port of loopback on which nobody listens."""
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            return int(taken.getsockname()[1])

    def environment(self) -> dict[str, str]:
        """Return the environment of all commands: locks of their own, no terminal, the project found by Python.

        Python keeps what it compiled, as it does wherever a project is installed.
        """
        left_out = ("SHIPBATCH_", "PYTHONDONTWRITEBYTECODE")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
        state = str(self.folder / "xdg")
        return {**kept, "XDG_STATE_HOME": state, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONPATH": str(ROOT)}

    def python(self, *arguments: object, cores: Cores | None = None) -> Ran:
        """Run Python as a process of its own, and measure it."""
        return self.run([sys.executable, *arguments], cores=cores)

    def run(
        self,
        command: Sequence[object],
        *,
        cores: Cores | None = None,
        cwd: Path | None = None,
        codes: Sequence[int] = (0,),
    ) -> Ran:
        """Run a command and measure it; on all cores where none are named."""
        return measured(
            command,
            folder=cwd or self.fresh_folder(),
            cores=self.cores if cores is None else cores,
            env=self.environment(),
            codes=codes,
        )

    def made(self, name: str, *arguments: object) -> Path:
        """Return an input file, made by `workload` in a process of its own if it is not there yet."""
        file = self.folder / name
        if not file.exists():
            aside = file.with_name(f"new-{name}")
            command = [sys.executable, "-m", "tests.bench.workload", aside, *arguments]
            subprocess.run([*map(str, command)], check=True, env=self.environment(), cwd=ROOT)
            aside.rename(file)
        return file
