"""Opens a workbook in a process of its own, to see whether that ends well.

A damaged XLS, XLSB or ODS can make calamine ask for more memory than there is, which ends the process at once. So these
are opened here first: run as a script, with the workbook on standard input. It imports nothing of ours, to start fast.
"""

from __future__ import annotations

import io
import sys
from contextlib import suppress

from python_calamine import CalamineError, CalamineWorkbook

MOST_MEMORY = 6 << 30  # bytes, addresses included


def main() -> int:
    """Open every sheet; return 0 where calamine survives, be it with an error of its own."""
    with suppress(ImportError, OSError, ValueError):  # no such limits on this system, or lower ones already
        import resource  # noqa: PLC0415 - not on every system

        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY, MOST_MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    with suppress(CalamineError, OSError, ValueError):
        workbook = CalamineWorkbook.from_filelike(io.BytesIO(sys.stdin.buffer.read()))
        for name in workbook.sheet_names:
            with suppress(CalamineError, OSError, ValueError):
                workbook.get_sheet_by_name(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
