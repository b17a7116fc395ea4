from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from batch.doctor import compare_clocks, examine_accounts, examine_settings, judge, mistaken_settings
from batch.errors import Exit, SettingsError
from batch.finding import Standing
from batch.marketplace.verdict import Meaning, Verdict
from batch.marketplace.visit import Visit
from batch.settings import Account

if TYPE_CHECKING:
    from pathlib import Path

MODERN = Account.model_validate({"client_id": "client-1", "client_secret": "hush-hush"})
LEGACY = Account.model_validate(
    {"api": "walmart-canada", "consumer_id": "consumer-1", "channel_type": "channel-1", "private_key": "hush-hush"}
)
BOTH = {"modern": MODERN, "legacy": LEGACY}
WELL = Verdict(meaning=Meaning.ACCEPTED)


def test_every_mistake_of_the_settings_is_a_finding() -> None:
    found = list(mistaken_settings(SettingsError(["a: is wrong.", "b: is missing."])))
    assert [(one.said, one.exit_code) for one in found] == [
        ("a: is wrong.", Exit.USAGE),
        ("b: is missing.", Exit.USAGE),
    ]


def test_settings_without_an_account_are_not_enough(tmp_path: Path) -> None:
    (found,) = examine_settings({}, tmp_path / "shipbatch.toml")
    assert (found.standing, found.exit_code) == (Standing.WRONG, Exit.USAGE)
    assert "shipbatch init" in found.mend


def test_settings_may_come_from_the_environment_alone(tmp_path: Path) -> None:
    (found,) = examine_settings(BOTH, tmp_path / "shipbatch.toml")
    assert (found.standing, found.said) == (Standing.WELL, "The environment: 2 accounts, no mistake.")


@pytest.mark.parametrize(
    ("text", "mode", "warned"),
    [
        ('[accounts.default]\nclient_secret = "hush-hush"', 0o644, True),
        ('[accounts.a]\nclient_id = "c"\n[accounts.b]\nprivate_key = "hush-hush"', 0o640, True),
        ('[accounts.default]\nclient_secret = "hush-hush"', 0o600, False),
        ('[accounts.default]\nclient_secret_file = "secret.txt"', 0o644, False),
        ('[notify]\nurls = ["slack://hush-hush"]', 0o644, True),
        ("retention = 3", 0o644, False),
    ],
)
def test_a_settings_file_that_gives_a_secret_away_is_warned_of(
    tmp_path: Path,
    text: str,
    mode: int,
    warned: bool,  # noqa: FBT001 - a table
) -> None:
    file = tmp_path / "shipbatch.toml"
    file.write_text(text)
    file.chmod(mode)
    well, *more = examine_settings({"default": MODERN}, file)
    assert (well.standing, well.said) == (Standing.WELL, f"{file}: 1 account, no mistake.")
    assert [one.standing for one in more] == ([Standing.WARNING] if warned else [])
    assert all(f"chmod 600 {file}" in one.mend and "hush" not in one.said for one in more)


def test_secrets_that_cannot_be_used_are_told_of_each_and_nobody_is_visited(tmp_path: Path) -> None:
    accounts = {
        "modern": MODERN.model_copy(update={"service_name": "line\nbreak"}),
        "legacy": LEGACY,
        "missing": Account.model_validate({"client_id": "c", "client_secret_file": tmp_path / "missing.txt"}),
    }
    found = list(examine_accounts(accounts))
    assert [(one.about, one.account, one.standing, one.exit_code) for one in found] == [
        ("credentials", name, Standing.WRONG, Exit.USAGE) for name in accounts
    ]
    assert "service_name: has characters" in found[0].said
    assert "private key" in found[1].mend
    assert f"{tmp_path}/missing.txt cannot be read (No such file or directory)." in found[2].said
    assert "client secret" in found[2].mend


@pytest.mark.parametrize(
    ("verdict", "standing", "code"),
    [
        (WELL, Standing.WELL, Exit.OK),
        (Verdict(meaning=Meaning.ACCEPTED, missing=True), Standing.WELL, Exit.OK),
        (Verdict(meaning=Meaning.THROTTLED, reason="The limit."), Standing.WARNING, Exit.OK),
        (Verdict(meaning=Meaning.UNAVAILABLE, reason="Down."), Standing.WRONG, Exit.TEMPORARY),
        (Verdict(meaning=Meaning.UNAVAILABLE, reason="No such address.", fatal=True), Standing.WRONG, Exit.FATAL),
        (Verdict(meaning=Meaning.UNAUTHORISED, reason="No."), Standing.WRONG, Exit.FATAL),
        (Verdict(meaning=Meaning.UNAUTHORISED, reason="No.", fatal=True), Standing.WRONG, Exit.FATAL),
        (Verdict(meaning=Meaning.REFUSED, reason="No."), Standing.WRONG, Exit.FATAL),
    ],
)
def test_what_the_marketplace_said_decides_how_grave_it_is(verdict: Verdict, standing: Standing, code: Exit) -> None:
    found = judge("outlet", MODERN, verdict)
    assert (found.standing, found.exit_code, found.account) == (standing, code, "outlet")
    assert verdict.reason in found.said
    assert bool(found.mend) is (standing is not Standing.WELL)


def test_that_nothing_was_sent_goes_without_saying() -> None:
    reason = "Nothing was sent: No token. Nothing was sent: the host cannot be reached."
    found = judge("outlet", MODERN, Verdict(meaning=Meaning.UNAVAILABLE, reason=reason))
    assert found.said.endswith(": No token. the host cannot be reached.")


@pytest.mark.parametrize(
    ("account", "said"),
    [
        (MODERN, ["client_id client-1", "client_secret", "market"]),
        (MODERN.model_copy(update={"client_secret_file": "secret.txt"}), ["the secret in secret.txt"]),
        (LEGACY, ["consumer_id consumer-1", "channel_type", "private_key", 'api = "walmart-global"']),
        (LEGACY.model_copy(update={"private_key_file": "key.pem"}), ["the key in key.pem"]),
    ],
)
def test_refused_credentials_name_what_to_compare_and_no_secret(account: Account, said: list[str]) -> None:
    found = judge("outlet", account, Verdict(meaning=Meaning.UNAUTHORISED, reason="No."))
    assert all(part in found.mend for part in said)
    assert "hush" not in found.mend


@pytest.mark.parametrize(
    ("account", "ahead", "standing", "said"),
    [
        ("modern", 0.0, Standing.WELL, "agree"),
        ("modern", -5.0, Standing.WELL, "agree"),
        ("modern", 6.0, Standing.WELL, "6 s ahead of"),
        ("legacy", -59.0, Standing.WELL, "59 s behind"),
        ("modern", 61.0, Standing.WARNING, "1 min 1 s ahead of"),
        ("legacy", -240.0, Standing.WARNING, "4 min behind"),
        ("modern", 7200.0, Standing.WARNING, "2 h ahead of"),
        ("legacy", 241.0, Standing.WRONG, "Signatures are refused"),
        ("legacy", -7200.0, Standing.WRONG, "2 h behind"),
    ],
)
def test_a_clock_that_differs_is_the_graver_where_requests_are_signed(
    account: str, ahead: float, standing: Standing, said: str
) -> None:
    other = {"modern": "legacy", "legacy": "modern"}[account]
    (found,) = compare_clocks(BOTH, {other: Visit(WELL, 0.0), account: Visit(WELL, ahead)})
    assert found.standing is standing
    assert said in found.said
    assert ("set-ntp" in found.mend) is (standing is not Standing.WELL)
    assert found.exit_code is (Exit.FATAL if standing is Standing.WRONG else Exit.OK)


def test_without_an_answer_no_clock_is_compared() -> None:
    assert list(compare_clocks(BOTH, {"modern": Visit(WELL, None)})) == []
    assert list(compare_clocks(BOTH, {})) == []
