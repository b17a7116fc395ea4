"""Every sample export and the plan that it must give: `data/NAME` and `data/plans/NAME.txt`.

`make golden` writes the plans anew; what it changed is then read line by line: the plans are the specification.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from batch.describe import describe
from batch.draft import Policy
from batch.plan import make_plan
from batch.reading import Source, load_profiles, read_shipments
from tests import make_samples

TORONTO = ZoneInfo("America/Toronto")
NOW = datetime(2026, 11, 24, 15, 0, tzinfo=TORONTO)
POLICY = Policy(zone=TORONTO, now_ms=int(NOW.timestamp() * 1000))
SAMPLES = sorted(make_samples.SAMPLES)
PLANS = make_samples.DATA / "plans"


def plan_of(name: str, policy: Policy = POLICY) -> str:
    """Return the plan of a sample as text, at the fixed time, in the fixed zone, under the usual policy."""
    source = Source(Path(name), "", make_samples.DATA / name)
    shipments = read_shipments(source, load_profiles(None), zone=policy.zone, undated_at=policy.now_ms)
    return describe(make_plan(shipments, policy))


@pytest.mark.parametrize("name", SAMPLES)
def test_a_sample_gives_its_plan(name: str, request: pytest.FixtureRequest) -> None:
    golden = PLANS / f"{name}.txt"
    plan = plan_of(name)
    if request.config.getoption("--golden"):
        golden.write_text(plan, encoding="utf-8")
    assert plan == golden.read_text(encoding="utf-8"), f"read what changed, then: make golden ({golden})"


def test_every_plan_is_a_samples() -> None:
    plans = {str(path.relative_to(PLANS)) for path in PLANS.rglob("*") if path.is_file()}
    assert plans == {f"{name}.txt" for name in SAMPLES}


@pytest.mark.parametrize("folder", sorted({str(Path(name).parent) for name in SAMPLES}))
def test_a_folder_of_samples_holds_nothing_but_samples(folder: str) -> None:
    there = {f"{folder}/{path.name}" for path in (make_samples.DATA / folder).iterdir()}
    assert there == {name for name in SAMPLES if name.startswith(f"{folder}/")}


def test_a_plan_depends_on_the_time_and_the_policy() -> None:
    later = replace(POLICY, now_ms=int(datetime(2026, 11, 29, tzinfo=UTC).timestamp() * 1000), on_bad_row="send-rest")
    assert plan_of("shipbatch/november.csv", later) != plan_of("shipbatch/november.csv")
