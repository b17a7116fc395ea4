from __future__ import annotations

import hashlib
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from batch.accounting import planned_account
from batch.plan import Policy, make_plan
from batch.reading.files import read_shipments
from batch.reading.profiles import load_profiles
from batch.reading.table import Source
from batch.report.account import FileAccount, RunAccount
from batch.report.folder import write_report
from tests.unit.report.accounts import STARTED

DATA = Path(__file__).parents[3] / "data"
ZONE = ZoneInfo("America/Toronto")


def checked(path: Path) -> RunAccount:
    """Return the account of a check of one file, as a person would make it."""
    source = Source(path, hashlib.sha256(path.read_bytes()).hexdigest(), path)
    shipments = read_shipments(source, load_profiles(None), zone=ZONE, undated_at=STARTED)
    plan = make_plan(shipments, Policy(zone=ZONE, now_ms=STARTED))
    files = (FileAccount(path=path, profile=shipments[0].profile.name, rows=len(plan.rows)),)
    return planned_account(plan, run="r", account="a", command="check", files=files)


@pytest.mark.parametrize(
    "sample",
    ["shipbatch/november.csv", "shipbatch/november.xlsx", "shipstation/shipments.csv", "chit-chats/shipments.csv"],
)
@pytest.mark.parametrize("page", ["to_fix/*.csv", "report.xlsx"])
def test_what_is_to_be_mended_can_be_dropped_again_and_ends_as_before_until_it_is(
    sample: str, page: str, tmp_path: Path
) -> None:
    before = checked(DATA / sample)
    (dropped,) = write_report(tmp_path, before).glob(page)
    again = checked(dropped)
    assert again.files[0].profile == before.files[0].profile
    concerned = before.orders[before.orders["outcome"].isin(["rejected", "held"])]
    found = again.orders.set_index("purchase_order_id")["outcome"].to_dict()
    assert {order: found[order] for order in concerned["purchase_order_id"]} == dict(
        zip(concerned["purchase_order_id"], concerned["outcome"], strict=True)
    )
    assert not (again.rows["outcome"] == "ready").any()
    own = [header for header in again.tables[0].columns if not header.startswith("_")]
    assert own == list(before.tables[0].columns)
