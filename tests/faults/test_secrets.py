"""No secret comes out, whatever fails: it goes through every failing path, and all that was written is searched."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import pytest

from batch.sandbox import Sandbox
from batch.sandbox.demo import KEY_FILE
from batch.sandbox.trial import beside_us
from tests.faults.checker import check, keep_secrets, secrets_of, written_by
from tests.faults.parcels import orders, purchase_order
from tests.faults.sabotage import bug_at, disk_full_from

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.faults.ordeal import Ordeal

MARKED = "marked-9f3c27aa61"
ALWAYS = {"every": 1}


@pytest.fixture
def file(either: Ordeal) -> Path:
    file = either.write("orders.csv", *orders(3))
    either.fill(file)
    return file


def test_the_marked_secrets_are_there_to_be_found(either: Ordeal, file: Path) -> None:
    either.does("run", file)
    bearer = any(name.startswith("sandbox-token-") for name in either.overheard)
    assert bearer == (either.api == "walmart-global")
    assert len(secrets_of(either)) > 20
    assert len([*written_by(either)]) > 10


def test_no_secret_comes_out_when_the_marketplace_says_no(either: Ordeal, file: Path) -> None:
    for fault in ("403", "outage-400", "errors-200", "html", "reset-after", "500", "429", "423", "unauthorised"):
        either.goes_wrong({"match": ALWAYS, "do": fault, "seconds": 0.1})
        either.does("run", file, "--for", "1s", env={"SHIPBATCH_LOG_FORMAT": "json"})
    for command in (["resume"], ["check", file], ["doctor"], ["history"], ["order", purchase_order(0)]):
        either.does(*command)
    keep_secrets(either)


def test_no_secret_comes_out_of_a_fault_of_ours_with_its_traceback(either: Ordeal, file: Path) -> None:
    ran = either.does("run", file, first=partial(bug_at, purchase_order(1)))
    assert "ZeroDivisionError" in ran.err
    either.does("resume")
    either.does("run", file, first=partial(disk_full_from, 4))
    keep_secrets(either)


@pytest.mark.parametrize(
    "lines",
    [
        f'client_secret = "{MARKED}',
        f'client_secrets = "{MARKED}"',
        f'private_keys = "{MARKED}"',
        f'client_secret = ["{MARKED}"]',
        f'client_secret = {{ value = "{MARKED}" }}',
        f'client_secret = "{MARKED}"\nworkers = 0\nbase_url = "http://example.com"',
        f'private_key = "{MARKED}"\nmarket = 7',
    ],
    ids=["no end", "misspelt", "misspelt key", "a list", "a table", "beside mistakes", "key beside mistakes"],
)
def test_no_secret_comes_out_of_settings_with_mistakes(ordeal: Ordeal, lines: str) -> None:
    ordeal.settings.write_text(f"[accounts.default]\n{lines}\n")
    for command in (["resume"], ["doctor"]):
        ran = ordeal.does(*command)
        assert ran.code in (2, 6), ran
        assert MARKED not in ran.out + ran.err


@pytest.mark.parametrize(
    "variables",
    [
        {"SHIPBATCH_ACCOUNTS__DEFAULT__CLIENT_SECRET": MARKED, "SHIPBATCH_GRACE": "soon"},
        {"SHIPBATCH_CLIENT_SECRET": MARKED},
        {"SHIPBATCH_ACCOUNTS__DEFAULT__PRIVATE_KEY": f'{{"pem": "{MARKED}"}}'},
        {"SHIPBATCH_ACCOUNTS": f'{{"default": {{"client_secret": "{MARKED}"'},
    ],
    ids=["beside a mistake", "misspelt", "a table", "no end"],
)
def test_no_secret_comes_out_of_the_environment(ordeal: Ordeal, variables: Mapping[str, str]) -> None:
    ran = ordeal.does("resume", env=variables)
    assert (ran.code == 2) != ("PRIVATE_KEY" in min(variables)), "a key is nothing to an account that has a token"
    assert MARKED not in ran.out + ran.err


@pytest.mark.parametrize("content", [MARKED, f"-----BEGIN PRIVATE KEY-----\n{MARKED}\n-----END PRIVATE KEY-----\n"])
def test_no_secret_comes_out_of_a_key_that_is_none(either: Ordeal, file: Path, content: str) -> None:
    (either.folder / KEY_FILE).write_text(content)
    ran = either.does("run", file)
    assert ran.code == (2 if either.api == "walmart-canada" else 0)
    assert MARKED not in ran.out + ran.err
    assert all(MARKED.encode() not in written for _, written in written_by(either))


def test_a_redirect_is_not_followed(either: Ordeal, file: Path) -> None:
    elsewhere = Sandbox()
    with beside_us(elsewhere) as url:
        for kind in ("token", "read", "ship")[either.api == "walmart-canada" :]:  # signatures need no token
            either.goes_wrong({"match": {"kind": kind, **ALWAYS}, "do": "redirect", "location": f"{url}/v3/token"})
            either.does("run", file, "--for", "1s")
            assert either.sandbox.faults.rules[0].fired
        assert dict(elsewhere.counters.requests) == {}
    either.goes_wrong()
    either.resume_until_ended()
    check(either, file, orders=3)


def test_nobody_is_spoken_to_without_a_certificate_but_on_this_machine(ordeal: Ordeal) -> None:
    for wanted in ('base_url = "http://example.com"', "verify = false", "ssl = false"):
        ordeal.settings.write_text(f'[accounts.default]\nclient_id = "a"\nclient_secret = "b"\n{wanted}\n')
        ran = ordeal.does("resume")
        assert (ran.code, "https://" in ran.err or "no such setting" in ran.err) == (2, True), ran
