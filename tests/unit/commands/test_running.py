from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import click
import pytest

from batch.commands.options import Common
from batch.commands.running import accounts_meant, files_meant, sending, tell
from batch.end_of_run import Ended
from batch.errors import Exit, UsageError
from batch.report.account import RunAccount
from batch.settings import Account, Settings

if TYPE_CHECKING:
    from pathlib import Path

COMMON = Common(
    config=None,
    account=None,
    report=None,
    profile=None,
    as_json=False,
    quiet=True,
    wait=False,
    until=None,
    for_=None,
    cluster=None,
)
SETTINGS = Settings(
    timezone="UTC",
    accounts={
        "default": Account(client_id="one", client_secret="s"),
        "outlet": Account(client_id="two", client_secret="s"),
    },
)


def ends_in(common: Common) -> float:
    ends_at = sending(SETTINGS, common).ends_at
    assert ends_at is not None
    return ends_at - time.monotonic()


def test_without_a_limit_a_run_goes_on_until_all_is_sent() -> None:
    assert sending(SETTINGS, COMMON).ends_at is None


def test_the_earlier_of_two_limits_counts() -> None:
    later = datetime.now(UTC) + timedelta(hours=3)
    until = (later.hour, later.minute)
    assert ends_in(replace(COMMON, for_=60.0, until=until)) == pytest.approx(60, abs=5)
    assert ends_in(replace(COMMON, for_=86_000.0, until=until)) == pytest.approx(3 * 3600, abs=65)


def test_a_time_of_day_that_has_passed_is_meant_for_tomorrow() -> None:
    before = datetime.now(UTC) - timedelta(minutes=2)
    assert ends_in(replace(COMMON, until=(before.hour, before.minute))) == pytest.approx(86_400 - 150, abs=95)


def test_resume_is_for_all_accounts_unless_one_is_named() -> None:
    assert accounts_meant(SETTINGS, None) == ["default", "outlet"]
    assert accounts_meant(SETTINGS, "outlet") == ["outlet"]


def test_without_any_account_the_way_to_one_is_told() -> None:
    with pytest.raises(UsageError, match="`shipbatch init` asks for what it needs"):
        accounts_meant(Settings(), None)


def test_an_empty_folder_is_the_named_accounts(tmp_path: Path) -> None:
    assert files_meant([str(tmp_path)], SETTINGS, "outlet") == {"outlet": []}


def ended(code: Exit, message: str = "") -> Ended:
    return Ended(RunAccount(run="r", account="default", command="run", exit_code=code), None, code, message)


def test_the_gravest_exit_code_ends_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(click.exceptions.Exit) as end:
        tell([ended(Exit.NEEDS_PERSON), Ended(None, None, Exit.BUSY, "held by another")], COMMON, several=True)
    assert end.value.exit_code == Exit.BUSY
    assert capsys.readouterr() == ("", "held by another\n")


def test_what_is_to_be_said_of_several_accounts_is_said_once(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(click.exceptions.Exit):
        tell([ended(Exit.TEMPORARY, "The time was over."), ended(Exit.TEMPORARY, "The time was over.")], COMMON)
    assert capsys.readouterr().err == "The time was over.\n"


def test_a_command_that_went_well_just_ends(capsys: pytest.CaptureFixture[str]) -> None:
    tell([ended(Exit.OK)], replace(COMMON, quiet=False))
    assert "Nothing to do" in capsys.readouterr().out
