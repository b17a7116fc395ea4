"""The command `shipbatch`, also `python -m batch`."""

from __future__ import annotations

from batch.cli import main

if __name__ == "__main__":
    main()
