"""Whole commands, measured from their start to their end as the system counts: wall, CPU, peak memory."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.bench.goals import NotBelievable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

Cores = frozenset[int]
_SAID = "said.txt"  # by a command that is started and not waited for


@dataclass(frozen=True, slots=True)
class Ran:
    """A command that ended."""

    wall: float  # s
    cpu: float  # s, all threads, in the program and in the system
    peak: float  # MiB, resident
    began: float  # s, UTC epoch
    code: int
    out: str
    err: str


def measured(
    command: Sequence[object],
    *,
    folder: Path,
    cores: Cores,
    env: Mapping[str, str] | None = None,
    codes: Sequence[int] = (0,),
) -> Ran:
    """Run a command to its end on these cores; what it prints goes to files. Raises `NotBelievable` for other codes."""
    out, err = folder / "stdout.txt", folder / "stderr.txt"
    with out.open("wb") as to_out, err.open("wb") as to_err, on_cores(cores):
        began, start = time.time(), time.perf_counter()
        process = subprocess.Popen(
            [*map(str, command)], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=to_out, stderr=to_err
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    ran = Ran(
        wall=wall,
        cpu=usage.ru_utime + usage.ru_stime,
        peak=usage.ru_maxrss / 1024,
        began=began,
        code=process.returncode,
        out=out.read_text(encoding="utf-8", errors="replace"),
        err=err.read_text(encoding="utf-8", errors="replace"),
    )
    if ran.code not in codes:
        said = "\n".join((ran.err or ran.out).splitlines()[-15:])
        raise NotBelievable(f"`{' '.join(map(str, command))}` ended with {ran.code}:\n{said}")
    return ran


@contextmanager
def on_cores(cores: Cores) -> Iterator[None]:
    """Let what is started within the block run on these cores only, where the system can do so."""
    if not hasattr(os, "sched_setaffinity") or not cores:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def said_by(folder: Path) -> str:
    """Return the last that a command said that was started in the folder."""
    return "\n".join((folder / _SAID).read_text(encoding="utf-8", errors="replace").splitlines()[-15:])


@contextmanager
def started(
    command: Sequence[object], *, folder: Path, cores: Cores, env: Mapping[str, str]
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command while the block lasts, then kill it as a power cut would."""
    with (folder / _SAID).open("wb") as said, on_cores(cores):
        process = subprocess.Popen(
            [*map(str, command)], cwd=folder, env=env, stdin=subprocess.DEVNULL, stdout=said, stderr=said
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
