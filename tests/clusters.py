"""A Dask scheduler and workers as processes of their own, as an operator starts them: they may be killed."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING

from tests.trial import ROOT, wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_PATIENCE = 2.0  # s, for a process to end
_DIES_WITH_US = ("setpriv", "--pdeathsig", "KILL")
_QUIET = {
    "DASK_DISTRIBUTED__ADMIN__SYSTEM_MONITOR__INTERVAL": "5s",
    "DASK_DISTRIBUTED__DEPLOY__LOST_WORKER_TIMEOUT": "1s",
}


@dataclass(slots=True)
class Cluster:
    """A scheduler, and workers that were added to it."""

    folder: Path
    environment: Mapping[str, str]
    address: str = ""
    scheduler: subprocess.Popen[bytes] | None = None
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=count)

    @property
    def port(self) -> int:
        """Where the scheduler listens."""
        return int(self.address.rpartition(":")[2])

    def add_worker(self, env: Mapping[str, str] | None = None, *, port: int = 0) -> subprocess.Popen[bytes]:
        """Start a worker, and wait until it has told the scheduler. `port`: of what leads there, if that is cut."""
        name = f"worker-{next(self.numbers)}"
        address = f"tcp://127.0.0.1:{port or self.port}"
        words = ["worker", address, "--no-nanny", "--no-dashboard", "--nthreads", "1", "--name", name]
        worker = self._start(name, *words, "--host", "127.0.0.1", "--local-directory", str(self.folder), env=env)
        self.workers.append(worker)
        log = self.folder / f"{name}.log"
        wait_until(lambda: "Registered to" in log.read_text(), told=log.read_text)
        return worker

    def logs(self) -> str:
        """Return all that scheduler and workers have logged."""
        return "\n".join(log.read_text() for log in sorted(self.folder.glob("*.log")))

    def kill_scheduler(self) -> None:
        """Kill the scheduler as `kill -9` does, and wait for the end of its workers, which lose it."""
        assert self.scheduler is not None
        self.scheduler.kill()
        self.scheduler.wait()
        for worker in self.workers:
            worker.wait(60)
        self.workers.clear()

    def begin(self) -> None:
        """Start a scheduler, where an earlier one listened if there was one."""
        told = self.folder / "scheduler.json"
        told.unlink(missing_ok=True)
        port = str(self.port) if self.address else "0"
        words = ["scheduler", "--host", "127.0.0.1", "--port", port, "--no-dashboard", "--scheduler-file", str(told)]
        self.scheduler = self._start("scheduler", *words)
        wait_until(told.exists, told=self.logs)
        wait_until(lambda: told.read_text().endswith("}"), told=self.logs)
        self.address = json.loads(told.read_text())["address"]

    def _start(self, name: str, *words: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        with (self.folder / f"{name}.log").open("wb") as log:
            return subprocess.Popen(
                [*_DIES_WITH_US, sys.executable, "-m", "dask", *words],
                cwd=self.folder,
                env={**self.environment, **_QUIET, "PYTHONPATH": str(ROOT), **(env or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )


@contextmanager
def begun_cluster(folder: Path, environment: Mapping[str, str], *, workers: int) -> Iterator[Cluster]:
    """Start a scheduler and workers, and end what is left of them."""
    folder.mkdir(parents=True, exist_ok=True)
    cluster = Cluster(folder, environment)
    with ExitStack() as held:
        held.callback(_end, cluster)
        cluster.begin()
        for _ in range(workers):
            cluster.add_worker()
        yield cluster


def _end(cluster: Cluster) -> None:
    """End what is left, in good order where that goes quickly."""
    left = [process for process in (*cluster.workers, cluster.scheduler) if process is not None]
    for process in left:
        process.terminate()
    for process in left:
        try:
            process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
