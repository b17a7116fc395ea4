"""Our sandbox in its own process: `python -m tests.bench.sandbox_process JSON`, started by `marketplaces.sandbox`."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from batch.sandbox import Kind, Limit, Marketplace, Options, demo_seller, run_sandbox
from batch.sandbox.trial import fill_from

_LOG = 1_000_000  # requests remembered


def main(told: dict[str, Any]) -> None:
    """Serve until we are told to end."""
    key = Path(told["key"]) if told["key"] else None
    limits = {Kind.SHIP: Limit(per_minute=told["per_minute"], burst=told["burst"])} if told["per_minute"] else {}
    options = Options(
        port=told["port"],
        sellers=tuple(demo_seller(key, number) for number in range(told["sellers"])),
        limits=limits,
        log_length=_LOG,
    )
    marketplace = Marketplace()
    fill_from(marketplace, [Path(file) for file in told["files"]])
    run_sandbox(options, marketplace)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
