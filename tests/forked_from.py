"""What a forked command finds in memory: all modules, and what they make at their first use."""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path

import batch.commands.resume
import batch.commands.run
import batch.report_again
import batch.sending  # noqa: F401 - to have it in memory, as those above
from batch.job import Job
from batch.report.folder import write_report
from batch.settings import Account, Settings

_HEADER = "purchaseOrderId,lineNumber,quantity,carrier,trackingNumber,shipDateTime\n"
_ROW = "309121065891123,1,1,UPS,1Z12345E0205271688,2026-11-20\n"


def _warm_up() -> None:
    """Check a file and write its report, for what is built at first use."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        file = folder / "warm.csv"
        file.write_text(_HEADER + _ROW)
        account = Account(client_id="nobody", client_secret_file=folder / "none")
        settings = Settings(journal=f"sqlite:///{folder / 'none.db'}", reports=folder, profiles=folder)
        checked = Job(settings=settings, name="default", account=account).check([file])
        assert checked.account is not None
        write_report(folder / "reports", checked.account)


_warm_up()
logging.getLogger().handlers.clear()
