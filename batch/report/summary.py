"""summary.json: the run in figures, for programs. The keys and their order are part of the outside contract."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import orjson

from batch.outcomes import Outcome
from batch.report.account import READY, REQUESTS

if TYPE_CHECKING:
    import pandas as pd

    from batch.report.account import FileAccount, RunAccount

# As the outcomes are explained to people: what is done first, what needs somebody after it.
OUTCOMES_AS_TOLD = (
    Outcome.SHIPPED,
    Outcome.ALREADY_SHIPPED,
    Outcome.SKIPPED,
    Outcome.REJECTED,
    Outcome.HELD,
    Outcome.REFUSED,
    Outcome.UNKNOWN,
    Outcome.NOT_ATTEMPTED,
)


def summary(account: RunAccount) -> dict[str, Any]:
    """Return the run as summary.json has it."""
    return {
        "run": account.run,
        "account": account.account,
        "files": [_file(file) for file in account.files],
        "started_at": rfc3339(account.started_at),
        "finished_at": rfc3339(account.finished_at),
        "rows": outcome_totals(account.rows["outcome"], ready=account.ready),
        "orders": outcome_totals(account.orders["outcome"], ready=account.ready),
        "requests": {name: int(account.requests.get(name, 0)) for name in REQUESTS},
        "exit_code": int(account.exit_code),
    }


def encoded(told: dict[str, Any]) -> bytes:
    """Return the summary as JSON that a person can read too."""
    return orjson.dumps(told, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def outcome_totals(outcomes: pd.Series, *, ready: bool) -> dict[str, int]:
    """Return the total and a count for each outcome, those that did not occur included; in `check` of `ready` too."""
    counts = outcomes.value_counts()
    words = [str(outcome) for outcome in OUTCOMES_AS_TOLD] + [READY] * ready
    return {"total": len(outcomes)} | {word: int(counts.get(word, 0)) for word in words}


def rfc3339(moment: int) -> str | None:
    """Return UTC epoch milliseconds as RFC 3339 in UTC, nothing for 0."""
    if not moment:
        return None
    return datetime.fromtimestamp(moment / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _file(file: FileAccount) -> dict[str, Any]:
    return {"path": str(file.path), "sha256": file.sha256, "profile": file.profile, "rows": int(file.rows)}
