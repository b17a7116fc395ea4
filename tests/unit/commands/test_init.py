from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from batch.settings import load
from tests.in_process import begun_in_process
from tests.trial import APIS

if TYPE_CHECKING:
    from pathlib import Path

    from tests.in_process import InProcess

MODERN = ("--client-id", "sandbox-client-0")
HIDDEN = "Client secret (is not shown): "


@pytest.fixture
def fresh(trial: InProcess) -> InProcess:
    """Give a folder in which nobody has settings yet."""
    (trial.folder / "secret.txt").write_text("sandbox-secret-0\n")
    (trial.folder / "secret.txt").chmod(0o600)
    trial.settings.unlink()
    return trial


def test_the_legacy_api_needs_its_own_three(tmp_path: Path) -> None:
    with begun_in_process(tmp_path, APIS[1]) as trial:
        account = load(trial.settings).accounts["default"]
        trial.settings.unlink()
        given = ("--consumer-id", account.consumer_id, "--channel-type", account.channel_type)
        legacy = ("init", "--api", APIS[1], *given, "--base-url", trial.url)
        refused = trial.shipbatch(*legacy, "--key-file", "missing.pem")
        assert (refused.code, trial.settings.exists()) == (2, False)
        assert "missing.pem cannot be read" in refused.err
        ran = trial.shipbatch(*legacy, "--key-file", "sandbox-key.pem", "--account", "canada", "--ship-from", "us")
        assert ran.code == 0, ran.out + ran.err
        written = load(trial.settings).accounts["canada"]
    assert (written.api, written.ship_from_country) == (APIS[1], "US")
    assert written.private_key_file == tmp_path / "sandbox-key.pem"


def test_settings_that_are_there_stay_unless_it_is_asked_for(trial: InProcess) -> None:
    before = trial.settings.read_text()
    ran = trial.shipbatch("init", *MODERN, "--secret-file", "sandbox-client-0.secret.txt")
    assert (ran.code, trial.settings.read_text()) == (2, before)
    assert "it is there already" in ran.err
    assert "--force" in ran.err
    given = (*MODERN, "--secret-file", "sandbox-client-0.secret.txt", "--base-url", trial.url)
    assert trial.shipbatch("init", *given, "--force").code == 0
    assert (trial.folder / "shipbatch.toml.before").read_text() == before


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ((), "--client-id is missing, and there is no terminal to ask at."),
        (MODERN, "--secret-file or --secret-stdin is missing, and there is no terminal to ask at."),
        ((*MODERN, "--secret-stdin"), "client_secret: is blank."),
        ((*MODERN, "--secret-file", "secret.txt", "--secret-stdin"), "Give --secret-file or --secret-stdin, not both."),
        ((*MODERN, "--secret-file", "missing.txt"), "client_secret_file: missing.txt cannot be read"),
        ((*MODERN, "--secret-file", "secret.txt", "--account", "done"), "account: no account may have this name"),
        ((*MODERN, "--secret-file", "secret.txt", "--timezone", "Mars"), "timezone: 'Mars' is no time zone"),
        (("--api", "walmart"), "api: input should be 'walmart-global' or 'walmart-canada'."),
        (("--api", APIS[1], "--consumer-id", "c", "--channel-type", "t"), "--key-file is missing"),
        (("--api", APIS[1], "--consumer-id", "c"), "--channel-type is missing"),
    ],
)
def test_what_is_missing_or_wrong_is_said_and_nothing_is_written(
    fresh: InProcess, arguments: tuple[str, ...], said: str
) -> None:
    ran = fresh.shipbatch("init", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith(said)
    assert not fresh.settings.exists()


def test_wrong_credentials_are_written_and_explained(fresh: InProcess) -> None:
    (fresh.folder / "secret.txt").write_text("hush-hush")
    ran = fresh.shipbatch("init", *MODERN, "--secret-file", "secret.txt", "--base-url", fresh.url)
    assert ran.code == 6
    assert "wrong    marketplace (default)" in ran.out
    assert "-> Compare client_id sandbox-client-0 and the secret in" in ran.out
    assert "shipbatch doctor" in ran.out.splitlines()[-1]
    assert "hush" not in ran.out + ran.err
    assert fresh.settings.exists()


def test_a_marketplace_that_cannot_be_reached_is_explained(fresh: InProcess) -> None:
    ran = fresh.shipbatch("init", *MODERN, "--secret-file", "secret.txt", "--base-url", "http://127.0.0.1:1")
    assert ran.code == 4
    assert "127.0.0.1:1 cannot be reached" in ran.out


def test_the_marketplace_is_left_alone_where_that_is_asked_for(fresh: InProcess) -> None:
    ran = fresh.shipbatch("init", *MODERN, "--secret-file", "secret.txt", "--base-url", fresh.url, "--no-visit")
    assert ran.code == 0
    assert not fresh.sandbox.counters.log


def test_a_mistake_in_the_environment_is_told_after_writing(fresh: InProcess) -> None:
    given = (*MODERN, "--secret-file", "secret.txt", "--base-url", fresh.url)
    ran = fresh.shipbatch("init", *given, env={"SHIPBATCH_RETENTION": "0"})
    assert ran.code == 2
    assert "SHIPBATCH_RETENTION (in the environment)" in ran.out


def test_the_settings_are_written_where_they_are_to_lie(fresh: InProcess) -> None:
    elsewhere = fresh.folder / "etc" / "ours.toml"
    ran = fresh.shipbatch(
        *("init", "--config", elsewhere, *MODERN, "--secret-file", "secret.txt", "--base-url", fresh.url)
    )
    assert ran.code == 0, ran.err
    assert load(elsewhere).accounts["default"].client_secret_file == fresh.folder / "secret.txt"
