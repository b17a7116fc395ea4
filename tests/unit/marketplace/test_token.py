from __future__ import annotations

import asyncio
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batch.errors import CredentialsRefused, Exit
from batch.marketplace.call import Answer, NoAnswer
from batch.marketplace.token import LIFE, REFUSAL_STANDS, TokenSource, TokenUnavailable, read_token


def granted(text: str = "token-1", life: object = 900) -> Answer:
    body = {"access_token": text, "token_type": "Bearer", "expires_in": life}
    return Answer(200, {}, json.dumps(body).encode())


def refused(status: int = 401, code: str = "UNAUTHORIZED.GMP_GATEWAY_API") -> Answer:
    return Answer(status, {}, json.dumps({"error": [{"code": code, "description": "Unauthorized"}]}).encode())


DOWN = NoAnswer(sent=False, reason="nobody there")


class Endpoint:
    """A token endpoint that gives its answers one by one, and a clock that stands still until it is moved."""

    def __init__(self, *answers: Answer | NoAnswer) -> None:
        self.answers = [*answers]
        self.asked = 0
        self.now = 1000.0
        self.open = asyncio.Event()
        self.open.set()
        self.tokens = TokenSource(self.fetch, lambda: self.now)

    async def fetch(self) -> Answer | NoAnswer:
        self.asked += 1
        await self.open.wait()
        return self.answers.pop(0)


async def test_a_token_is_fetched_once_and_kept() -> None:
    endpoint = Endpoint(granted())
    assert (await endpoint.tokens.get()).text == "token-1"
    assert (await endpoint.tokens.get()).text == "token-1"
    assert endpoint.asked == 1


async def test_thirty_two_waiters_share_one_renewal() -> None:
    endpoint = Endpoint(granted("token-1"), granted("token-2"))
    first = await endpoint.tokens.get()
    endpoint.tokens.invalidate(first)
    endpoint.open.clear()
    waiters = [asyncio.create_task(endpoint.tokens.get()) for _ in range(32)]
    await asyncio.sleep(0)
    endpoint.open.set()
    tokens = await asyncio.gather(*waiters)
    assert {token.text for token in tokens} == {"token-2"}
    assert endpoint.asked == 2


async def test_a_late_401_does_not_drop_the_token_that_took_its_place() -> None:
    endpoint = Endpoint(granted("token-1"), granted("token-2"))
    first = await endpoint.tokens.get()
    endpoint.tokens.invalidate(first)
    await endpoint.tokens.get()
    endpoint.tokens.invalidate(first)
    assert (await endpoint.tokens.get()).text == "token-2"
    assert endpoint.asked == 2


async def test_a_token_is_renewed_a_minute_before_it_ends() -> None:
    endpoint = Endpoint(granted("token-1"), granted("token-2"))
    await endpoint.tokens.get()
    endpoint.now += 839
    assert (await endpoint.tokens.get()).text == "token-1"
    endpoint.now += 1
    assert (await endpoint.tokens.get()).text == "token-2"


async def test_a_short_lived_token_is_used_for_most_of_its_life() -> None:
    endpoint = Endpoint(granted("token-1", life=10), granted("token-2"))
    await endpoint.tokens.get()
    endpoint.now += 7.9
    assert (await endpoint.tokens.get()).text == "token-1"
    endpoint.now += 0.2
    assert (await endpoint.tokens.get()).text == "token-2"


async def test_an_endpoint_that_is_down_is_bridged_while_the_token_lives() -> None:
    endpoint = Endpoint(granted("token-1"), DOWN, DOWN, granted("token-2"))
    await endpoint.tokens.get()
    endpoint.now += 850
    assert (await endpoint.tokens.get()).text == "token-1"
    endpoint.now += 51
    with pytest.raises(TokenUnavailable):
        await endpoint.tokens.get()
    assert (await endpoint.tokens.get()).text == "token-2"


async def test_refused_credentials_are_not_tried_again_by_every_worker() -> None:
    endpoint = Endpoint(refused(), granted())
    for _ in range(32):
        with pytest.raises(CredentialsRefused):
            await endpoint.tokens.get()
    assert endpoint.asked == 1
    endpoint.now += REFUSAL_STANDS
    assert (await endpoint.tokens.get()).text == "token-1"


async def test_a_waiter_that_is_cancelled_leaves_the_renewal_to_the_others() -> None:
    endpoint = Endpoint(granted())
    endpoint.open.clear()
    leaves, stays = asyncio.create_task(endpoint.tokens.get()), asyncio.create_task(endpoint.tokens.get())
    await asyncio.sleep(0)
    leaves.cancel()
    await asyncio.sleep(0)
    endpoint.open.set()
    assert (await stays).text == "token-1"
    assert leaves.cancelled()


async def test_a_renewal_that_fails_after_its_last_waiter_has_gone_is_no_noise() -> None:
    endpoint = Endpoint(DOWN, granted())
    endpoint.open.clear()
    waiter = asyncio.create_task(endpoint.tokens.get())
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiter.cancel()
    endpoint.open.set()
    await asyncio.gather(waiter, return_exceptions=True)
    await asyncio.sleep(0)
    assert (await endpoint.tokens.get()).text == "token-1"


async def test_a_renewal_that_is_cancelled_with_the_loop_can_be_made_again() -> None:
    endpoint = Endpoint(granted(), granted())
    endpoint.open.clear()
    waiter = asyncio.create_task(endpoint.tokens.get())
    await asyncio.sleep(0)
    renewal = endpoint.tokens._renewal
    assert renewal
    renewal.cancel()
    await asyncio.gather(waiter, return_exceptions=True)
    endpoint.open.set()
    assert (await endpoint.tokens.get()).text == "token-1"


async def test_a_token_never_shows() -> None:
    assert "token-1" not in repr(await Endpoint(granted()).tokens.get())


@pytest.mark.parametrize(
    "answer",
    [
        refused(401),
        refused(400, "UNAUTHORIZED.GMP_GATEWAY_API"),
        refused(400, "INVALID_TOKEN.GMP_GATEWAY_API"),
        refused(400, "INVALID_REQUEST_PARAM"),
        refused(403, "FORBIDDEN.GMP_GATEWAY_API"),
        Answer(401, {}, b'{"error":"invalid_client"}'),
        Answer(400, {}, b'{"error":"invalid_client","error_description":"who?"}'),
        Answer(401, {}, b"<html></html>"),
    ],
)
def test_wrong_credentials_are_told_by_code_or_status(answer: Answer) -> None:
    with pytest.raises(CredentialsRefused, match="check client_id, client_secret and market") as error:
        read_token(answer, 0)
    assert error.value.exit_code is Exit.FATAL


@pytest.mark.parametrize(
    ("answer", "sentence"),
    [
        (DOWN, "Nothing was sent: nobody there."),
        (NoAnswer(sent=True, reason="too slow"), "No answer: too slow."),
        (Answer(503, {}, b"<html>"), "down or overloaded"),
        (Answer(500, {}, b'{"errors":{"error":[{"code":"SYSTEM_ERROR"}]}}'), "fault of its own"),
        (refused(429, "REQUEST_THRESHOLD_VIOLATED.GMP_GATEWAY_API"), "limit is reached"),
        (Answer(404, {}, b"<html>"), "check base_url"),
        (refused(404, "URI_NOT_FOUND"), "check base_url"),
        (Answer(400, {}, b""), "without a reason"),
        (Answer(403, {}, b"<html>Access Denied"), "denies access"),
        (Answer(302, {}, b""), "check base_url"),
        (Answer(200, {}, b"<html>"), "answered 200"),
        (Answer(200, {}, b'{"access_token":""}'), "answered 200"),
        (Answer(200, {}, b'{"access_token":"a\\nb"}'), "answered 200"),
        (Answer(200, {}, b'{"access_token":7}'), "answered 200"),
        (Answer(200, {}, b'{"OAuthTokenDTO":"x"}'), "answered 200"),
    ],
)
def test_all_else_may_be_tried_again_later(answer: Answer | NoAnswer, sentence: str) -> None:
    with pytest.raises(TokenUnavailable, match="No access token could be fetched") as error:
        read_token(answer, 0)
    assert sentence in str(error.value)
    assert error.value.exit_code is Exit.TEMPORARY


@pytest.mark.parametrize(
    "body",
    [
        b'{"access_token":"token-1","expires_in":900}',
        b'{"accessToken":"token-1","expiresIn":"900"}',
        b"<OAuthTokenDTO><accessToken>token-1</accessToken><expiresIn>900</expiresIn></OAuthTokenDTO>",
    ],
)
def test_a_token_is_read_in_every_form(body: bytes) -> None:
    token = read_token(Answer(200, {}, body), 100.0)
    assert (token.text, token.ends_at, token.renew_at) == ("token-1", 1000.0, 940.0)


@pytest.mark.parametrize("life", [None, "soon", -1, 0, [], 10**12, "nan"])
def test_a_life_that_makes_no_sense_is_taken_for_the_usual_one(life: object) -> None:
    assert read_token(granted(life=life), 0).ends_at == LIFE


@given(st.integers(0, 999), st.binary(max_size=100))
def test_whatever_is_answered_there_is_a_token_or_one_of_two_errors(status: int, body: bytes) -> None:
    with pytest.raises((CredentialsRefused, TokenUnavailable)):
        read_token(Answer(status, {}, body), 0)
