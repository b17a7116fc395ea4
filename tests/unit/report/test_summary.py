from __future__ import annotations

from pathlib import Path

import orjson

from batch.report.account import FileAccount, RunAccount
from batch.report.summary import encoded, rfc3339, summary
from tests.unit.report.accounts import make_account, make_table, ordinary


def test_the_summary_is_the_contract_to_the_letter_and_in_its_order() -> None:
    told = summary(ordinary())
    counts = {
        "total": 8,
        "shipped": 1,
        "already_shipped": 1,
        "skipped": 1,
        "rejected": 1,
        "held": 1,
        "refused": 1,
        "unknown": 1,
        "not_attempted": 1,
    }
    expected = {
        "run": "20261124-002640-3f2a",
        "account": "default",
        "files": [{"path": "in/march.csv", "sha256": "ab" * 32, "profile": "shipbatch", "rows": 8}],
        "started_at": "2026-11-24T00:26:40.000Z",
        "finished_at": "2026-11-24T00:27:45.000Z",
        "rows": counts,
        "orders": counts,
        "requests": {"ship": 3, "read": 5, "acknowledge": 1, "throttled": 0, "retries": 2},
        "exit_code": 5,
    }
    assert told == expected
    assert encoded(told) == orjson.dumps(expected, option=orjson.OPT_INDENT_2) + b"\n"


def test_a_check_counts_what_would_be_sent_as_ready() -> None:
    account = make_account([make_table(["1", "2", ""])], [("ready", "", "1")], ready=True)
    assert summary(account)["rows"]["ready"] == 1
    assert summary(account)["orders"]["ready"] == 1


def test_an_unreadable_file_is_listed_without_rows() -> None:
    account = RunAccount(run="r", account="a", command="run", files=(FileAccount(path=Path("x"), problem="Why."),))
    told = summary(account)
    assert told["files"] == [{"path": "x", "sha256": "", "profile": "", "rows": 0}]
    assert told["rows"]["total"] == 0
    assert told["requests"] == {"ship": 0, "read": 0, "acknowledge": 0, "throttled": 0, "retries": 0}


def test_no_time_is_null() -> None:
    assert rfc3339(0) is None
    assert rfc3339(1) == "1970-01-01T00:00:00.001Z"
