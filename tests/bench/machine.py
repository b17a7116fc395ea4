"""What kind of machine and of software the figures come from. No names of hosts or people."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.bench.place import Place

_LIBRARIES = ("aiohttp", "uvloop", "orjson", "cryptography", "sqlalchemy", "pandas", "pyarrow", "httpx", "requests")
_BUSY = 0.5  # processes that want to run beside ours


def facts(place: Place) -> dict[str, str]:
    """Return name ▶ value, for people."""
    return {
        "processor": f"{_processor()}, {len(place.cores)} cores",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 2**30:.0f} GiB",
        "disk": _file_system(place.folder),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
        "python": platform.python_version(),
        "libraries": ", ".join(f"{name} {_version(name)}" for name in _LIBRARIES),
        "server": _said("nginx", "-v") or "our sandbox",
    }


def busy() -> str:
    """Return a warning where others use this machine at the same time, blank where it is ours."""
    load = os.getloadavg()[0]
    if load < _BUSY:
        return ""
    return f"Others are at work on this machine (load {load:.1f}): figures will be worse than it can do."


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "-"


def _processor() -> str:
    try:
        found = re.search(r"model name\s*:\s*(.+)", Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    except OSError:
        found = None
    return found[1].strip() if found else platform.processor() or platform.machine()


def _file_system(folder: Path) -> str:
    """Return the type of the folder's file system: on one in memory, a full sync would cost nothing."""
    at, kind = "", "?"
    with Path("/proc/mounts").open(encoding="utf-8") as mounts:
        for line in mounts:
            _, where, what, *_ = line.split()
            if len(where) > len(at) and folder.is_relative_to(where):
                at, kind = where, what
    return kind


def _said(*command: str) -> str:
    """Return what a program says of its version, blank where it is not there."""
    if shutil.which(command[0]) is None:
        return ""
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    return (ran.stdout or ran.stderr).strip().rpartition(": ")[2]
