from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from batch.clock import now_ms
from batch.marketplace.credentials import open_dialect
from batch.marketplace.verdict import Meaning
from batch.marketplace.visit import Visit, seconds_ahead, visit
from batch.sandbox import Action, Kind, Options, Rule, Sandbox, demo_key, demo_seller
from batch.settings import Account

if TYPE_CHECKING:
    from pathlib import Path

APIS = ("walmart-global", "walmart-canada")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("key")
    demo_key(made)
    return made


def account(api: str, url: str, folder: Path, **members: object) -> Account:
    seller = demo_seller(folder)
    given = {
        "api": api,
        "base_url": url,
        "client_id": seller.client_id,
        "client_secret": seller.client_secret,
        "consumer_id": seller.consumer_id,
        "channel_type": seller.channel_type,
        "private_key_file": seller.key_file,
        "timeout": 5,
        **members,
    }
    return Account.model_validate(given)


async def visited(sandbox: Sandbox, api: str, folder: Path, **members: object) -> Visit:
    async with sandbox.serve() as url:
        one = account(api, url, folder, **members)
        return await visit(one, open_dialect(one))


def sandbox_at(folder: Path, *rules: Rule, clock_offset: float = 0.0) -> Sandbox:
    return Sandbox(Options(sellers=(demo_seller(folder),), faults=rules, clock_offset=clock_offset))


@pytest.mark.parametrize("api", APIS)
async def test_a_visit_finds_out_that_the_marketplace_knows_us_and_changes_nothing(api: str, folder: Path) -> None:
    sandbox = sandbox_at(folder)
    found = await visited(sandbox, api, folder)
    assert found.verdict.done
    assert found.ahead is not None
    assert abs(found.ahead) < 5
    asked = {logged.kind for logged in sandbox.counters.log}
    assert asked == ({"find"} if api == "walmart-canada" else {"find", "token"})


@pytest.mark.parametrize("api", APIS)
async def test_a_proof_that_was_dead_is_made_afresh_once(api: str, folder: Path) -> None:
    once = Rule(action=Action.UNAUTHORISED, kind=Kind.FIND, times=1)
    assert (await visited(sandbox_at(folder, once), api, folder)).verdict.done
    always = Rule(action=Action.UNAUTHORISED, kind=Kind.FIND)
    sandbox = sandbox_at(folder, always)
    assert (await visited(sandbox, api, folder)).verdict.meaning is Meaning.UNAUTHORISED
    assert sum(logged.kind == "find" for logged in sandbox.counters.log) == 2


async def test_wrong_credentials_are_said_and_the_clocks_compared_all_the_same(folder: Path) -> None:
    found = await visited(sandbox_at(folder), APIS[0], folder, client_secret="wrong")
    assert (found.verdict.meaning, found.verdict.fatal) == (Meaning.UNAUTHORISED, True)
    assert found.ahead is not None


async def test_a_clock_that_is_behind_spoils_a_signature_and_is_seen(folder: Path) -> None:
    found = await visited(sandbox_at(folder, clock_offset=1000.0), APIS[1], folder)
    assert found.verdict.meaning is Meaning.UNAUTHORISED
    assert found.ahead is not None
    assert -1005 < found.ahead < -995


@pytest.mark.parametrize("api", APIS)
async def test_a_marketplace_that_cannot_be_reached_is_said(api: str, folder: Path) -> None:
    async with sandbox_at(folder).serve() as url:
        gone = account(api, url, folder)
    found = await visit(gone, open_dialect(gone))
    assert (found.verdict.meaning, found.ahead) == (Meaning.UNAVAILABLE, None)
    assert "cannot be reached" in found.verdict.reason


async def test_a_clock_that_is_ahead_is_seen(folder: Path) -> None:
    async with sandbox_at(folder).serve() as url:
        one = account(APIS[1], url, folder)
        far_ahead = await visit(one, open_dialect(one), wall_ms=lambda: now_ms() + 500_000)
    assert far_ahead.ahead is not None
    assert 495 < far_ahead.ahead < 505


@pytest.mark.parametrize(
    ("date", "now", "ahead"),
    [
        ("Wed, 25 Nov 2026 18:00:00 GMT", 1_795_629_600.5, 0.0),
        ("Wed, 25 Nov 2026 18:00:00 GMT", 1_795_629_660.5, 60.0),
        ("Wed, 25 Nov 2026 13:00:00 -0500", 1_795_629_590.5, -10.0),
        ("", 0.0, None),
        ("yesterday", 0.0, None),
        ("Wed, 99 Nov 2026 18:00:00 GMT", 0.0, None),
    ],
)
def test_a_clock_is_compared_with_the_middle_of_the_second_that_was_said(
    date: str, now: float, ahead: float | None
) -> None:
    assert seconds_ahead(date, now) == ahead
