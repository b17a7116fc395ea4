"""The command `shipbatch`, also `python -m batch`."""

from __future__ import annotations

import gc
from typing import NoReturn

_OBJECTS_OF_MODULES = 500_000  # more than all of ours and our libraries' modules make


def main() -> NoReturn:
    """Be a process with one command: nobody looks for garbage among modules while it begins, nor when it ends."""
    gc.set_threshold(_OBJECTS_OF_MODULES)
    from batch.cli import main as command_line  # noqa: PLC0415 - only now

    try:
        command_line()
    finally:
        gc.freeze()


if __name__ == "__main__":
    main()
