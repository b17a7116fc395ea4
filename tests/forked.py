"""The command in a process of its own, forked from one that has all it needs in memory: a tenth of the time to start.

Processes start, and die, by the hundred in these tests. What a fresh interpreter does is seen by `Trial.start`.
"""

from __future__ import annotations

import multiprocessing
import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from batch import crashpoints
from tests.ran import Ran

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Mapping, Sequence
    from multiprocessing.context import ForkServerProcess
    from pathlib import Path

_PATIENCE = 60.0  # s; no command of these tests takes so long
_forking = multiprocessing.get_context("forkserver")
_forking.set_forkserver_preload(["tests.forked_from"])


@dataclass(frozen=True, slots=True)
class Running:
    """A command that was started."""

    process: ForkServerProcess
    out: Path
    err: Path

    @property
    def number(self) -> int:
        """The process's number."""
        assert self.process.pid is not None
        return self.process.pid

    @property
    def said(self) -> str:
        """All that it has printed so far."""
        return _text(self.out) + _text(self.err)

    def kill(self) -> Ran:
        """Kill it as `kill -9` does."""
        self.process.kill()
        return self.ended()

    def tell(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.number, number)

    def ended(self) -> Ran:
        """Wait for its end."""
        self.process.join(_PATIENCE)
        if (code := self.process.exitcode) is None:
            self.process.kill()
            raise AssertionError(f"It does not end; it said: {self.said}")
        self.process.close()
        return Ran(code, _text(self.out), _text(self.err))


def _text(file: Path) -> str:
    return file.read_text() if file.exists() else ""  # a process may die before it opens its output


def start(
    arguments: Sequence[str],
    *,
    folder: Path,
    environment: Mapping[str, str],
    output: Path,
    first: Callable[[], None] | None = None,
) -> Running:
    """Start the command in a folder; what it prints goes to `output`.out and .err; its process calls `first`."""
    out, err = output.with_suffix(".out"), output.with_suffix(".err")
    process = _forking.Process(target=_be_the_command, args=(arguments, folder, dict(environment), out, err, first))
    process.start()
    return Running(process, out, err)


def _be_the_command(
    arguments: Sequence[str],
    folder: Path,
    environment: dict[str, str],
    out: Path,
    err: Path,
    first: Callable[[], None] | None,
) -> None:
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for path, stream in ((out, sys.stdout), (err, sys.stderr)):
        file = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600)
        os.dup2(file, stream.fileno())
        os.close(file)
    crashpoints.arm(environment.get(crashpoints.VARIABLE, ""))
    sys.argv = ["shipbatch", *arguments]
    if first is not None:
        first()
    from batch.cli import main  # noqa: PLC0415 - by now it is in memory

    main()
