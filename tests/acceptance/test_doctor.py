from __future__ import annotations

from typing import TYPE_CHECKING, Any

from batch.sandbox import Action, Kind, Rule
from batch.sandbox.faults import FaultScript

if TYPE_CHECKING:
    from tests.ran import Ran
    from tests.trial import Trial

ROW = ("309121065891001", "1", 1, "Canada Post", "7035114477138472", "2026-11-20 10:00")
SECRET = "sandbox-client-0.secret.txt"
KEY = "sandbox-key.pem"


def findings(ran: Ran) -> dict[str, list[dict[str, Any]]]:
    """Return what was found, by what it is about."""
    by_matter: dict[str, list[dict[str, Any]]] = {}
    for one in ran.summary["findings"]:
        by_matter.setdefault(one["about"], []).append(one)
    assert ran.summary["exit_code"] == ran.code
    return by_matter


def not_well(ran: Ran) -> list[dict[str, Any]]:
    return [one for some in findings(ran).values() for one in some if one["standing"] != "well"]


def test_where_all_is_well_that_is_said_and_nothing_is_made(either: Trial) -> None:
    before = sorted(either.folder.rglob("*"))
    ran = either.shipbatch("doctor")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[-1] == "All is well."
    for matter in ("settings", "credentials", "marketplace", "clock", "profiles", "journal", "folders", "disk"):
        assert f"well     {matter}" in ran.out
    assert sorted(either.folder.rglob("*")) == before
    assert {logged.kind for logged in either.sandbox.counters.log} <= {"find", "token"}


def test_wrong_credentials_are_fatal_and_say_what_to_compare(trial: Trial) -> None:
    (trial.folder / SECRET).write_text("hush-hush")
    ran = trial.shipbatch("doctor", "--json")
    (one,) = not_well(ran)
    assert (ran.code, one["about"], one["account"]) == (6, "marketplace", "default")
    assert "UNAUTHORIZED" in one["said"]
    assert SECRET in one["mend"]
    assert "hush" not in ran.out + ran.err


def test_orders_that_are_left_over_are_told_of(trial: Trial) -> None:
    file = trial.write("orders.csv", ROW)
    trial.fill(file)
    trial.sandbox.server.faults = FaultScript((Rule(action=Action.UNAVAILABLE, kind=Kind.READ),), 0)
    assert trial.shipbatch("run", file, "--for", "1s").code == 4
    ran = trial.shipbatch("doctor")
    assert ran.code == 4
    assert "orders (default): 1 order is left over from an earlier run." in ran.out
    assert "-> `shipbatch resume` sends them." in ran.out
