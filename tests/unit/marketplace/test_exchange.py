from __future__ import annotations

import asyncio
import base64
import json
from typing import TYPE_CHECKING
from uuid import RFC_4122, UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from batch.clock import now_ms
from batch.errors import CredentialsRefused, SettingsError
from batch.marketplace.call import Answer, Call, Kind, NoAnswer
from batch.marketplace.exchange import Exchange, fresh_correlation_id, open_exchange
from batch.marketplace.signatures import Signatures
from batch.marketplace.token import TokenUnavailable
from batch.marketplace.verdict import Meaning
from batch.settings import Account

if TYPE_CHECKING:
    from collections.abc import Mapping

    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from batch.marketplace.dialect import Dialect
    from batch.marketplace.global_api import GlobalApi
    from batch.marketplace.legacy_canada import LegacyCanada

ORDER = {
    "order": {
        "purchaseOrderId": "7",
        "orderLines": {
            "orderLine": [
                {
                    "lineNumber": "1",
                    "orderLineStatuses": {
                        "orderLineStatus": [{"status": "Acknowledged", "statusQuantity": {"amount": "1"}}]
                    },
                }
            ]
        },
    }
}
SHOWN = Answer(200, {}, json.dumps(ORDER).encode())
UNAUTHORISED = Answer(401, {}, b'{"error":[{"code":"UNAUTHORIZED.GMP_GATEWAY_API"}]}')


def token(text: str) -> Answer:
    return Answer(200, {}, json.dumps({"access_token": text, "expires_in": 900}).encode())


class Line:
    """What is sent and, in order, what is answered; tokens apart."""

    def __init__(self, *answers: Answer | NoAnswer, tokens: list[Answer | NoAnswer] | None = None) -> None:
        self.answers = [*answers]
        self.tokens = [token("token-1"), token("token-2")] if tokens is None else tokens
        self.sent: list[tuple[Kind, Mapping[str, str]]] = []

    async def send(self, call: Call, headers: Mapping[str, str]) -> Answer | NoAnswer:
        self.sent.append((call.kind, headers))
        return (self.tokens if call.kind is Kind.TOKEN else self.answers).pop(0)

    def open(self, dialect: Dialect) -> Exchange:
        return Exchange(dialect, self.send, now_ms=lambda: 1_700_000_000_000, clock=lambda: 0.0, new_id=lambda: "id-t")


async def test_one_attempt_is_one_request_with_the_callers_correlation_id(dialect: Dialect) -> None:
    line = Line(SHOWN)
    exchange = line.open(dialect)
    await exchange.ready()
    reply = await exchange(dialect.read("7"), "id-1")
    assert reply.verdict.meaning is Meaning.ACCEPTED
    assert reply.answer is SHOWN
    assert [headers["WM_QOS.CORRELATION_ID"] for kind, headers in line.sent if kind is Kind.READ] == ["id-1"]


async def test_a_lost_answer_is_not_answered_by_sending_again(dialect: Dialect) -> None:
    line = Line(NoAnswer(sent=True, reason="it broke"))
    reply = await line.open(dialect)(dialect.acknowledge("7"), "id-1")
    assert reply.verdict.meaning is Meaning.UNKNOWN
    assert [kind for kind, _ in line.sent if kind is not Kind.TOKEN] == [Kind.ACKNOWLEDGE]


async def test_the_first_call_fetches_the_token_for_all(modern: GlobalApi) -> None:
    line = Line(SHOWN, SHOWN)
    exchange = line.open(modern)
    await exchange(modern.read("7"), "id-1")
    await exchange(modern.read("7"), "id-2")
    assert [kind for kind, _ in line.sent] == [Kind.TOKEN, Kind.READ, Kind.READ]
    assert [headers.get("WM_SEC.ACCESS_TOKEN") for _, headers in line.sent] == [None, "token-1", "token-1"]


async def test_a_dead_token_is_replaced_when_the_caller_says_so(modern: GlobalApi) -> None:
    line = Line(UNAUTHORISED, SHOWN)
    exchange = line.open(modern)
    reply = await exchange(modern.read("7"), "id-1")
    assert reply.verdict.meaning is Meaning.UNAUTHORISED
    assert len(line.sent) == 2  # nothing was sent again behind the caller's back
    assert exchange.renew(reply)
    assert (await exchange(modern.read("7"), "id-2")).verdict.meaning is Meaning.ACCEPTED
    assert line.sent[-1][1]["WM_SEC.ACCESS_TOKEN"] == "token-2"


async def test_thirty_two_workers_with_a_token_that_died_renew_it_once(modern: GlobalApi) -> None:
    dead, tokens, answered = {"token-1"}, iter(["token-1", "token-2", "token-3"]), []

    async def send(call: Call, headers: Mapping[str, str]) -> Answer:
        await asyncio.sleep(0)
        if call.kind is Kind.TOKEN:
            return token(next(tokens))
        answered.append(headers["WM_SEC.ACCESS_TOKEN"])
        return UNAUTHORISED if headers["WM_SEC.ACCESS_TOKEN"] in dead else SHOWN

    exchange = Exchange(modern, send, clock=lambda: 0.0)

    async def work(worker: int) -> Meaning:
        reply = await exchange(modern.read("7"), f"id-{worker}")
        if exchange.renew(reply):
            reply = await exchange(modern.read("7"), f"id-{worker}-again")
        return reply.verdict.meaning

    assert set(await asyncio.gather(*map(work, range(32)))) == {Meaning.ACCEPTED}
    assert answered.count("token-1") == 32
    assert answered.count("token-2") == 32
    assert next(tokens) == "token-3"


async def test_a_signed_call_is_worth_another_signature_once_refused(legacy: LegacyCanada) -> None:
    line = Line(UNAUTHORISED)
    exchange = line.open(legacy)
    reply = await exchange(legacy.read("7"), "id-1")
    assert exchange.renew(reply)


async def test_what_succeeded_is_not_worth_another_attempt_and_keeps_its_token(dialect: Dialect) -> None:
    line = Line(SHOWN, SHOWN)
    exchange = line.open(dialect)
    for _ in range(2):
        assert not exchange.renew(await exchange(dialect.read("7"), "id-1"))
    assert [kind for kind, _ in line.sent].count(Kind.TOKEN) == (dialect.signer is None)


async def test_refused_credentials_end_everything_before_the_call_is_sent(modern: GlobalApi) -> None:
    line = Line(tokens=[UNAUTHORISED])
    exchange = line.open(modern)
    reply = await exchange(modern.acknowledge("7"), "id-1")
    assert reply.verdict.meaning is Meaning.UNAUTHORISED
    assert reply.verdict.fatal
    assert reply.answer == NoAnswer(sent=False, reason="the credentials were refused")
    assert not exchange.renew(reply)
    assert [kind for kind, _ in line.sent] == [Kind.TOKEN]
    with pytest.raises(CredentialsRefused):
        await exchange.ready()


async def test_a_token_endpoint_that_is_down_leaves_the_call_unsent(modern: GlobalApi) -> None:
    down = NoAnswer(sent=True, reason="too slow")
    line = Line(tokens=[down, down])
    exchange = line.open(modern)
    reply = await exchange(modern.acknowledge("7"), "id-1")
    assert reply.verdict.meaning is Meaning.UNAVAILABLE
    assert reply.verdict.reason == "Nothing was sent: No access token could be fetched. No answer: too slow."
    assert reply.answer == NoAnswer(sent=False, reason="no access token could be fetched")
    with pytest.raises(TokenUnavailable):
        await exchange.ready()


def signed_headers(legacy: LegacyCanada, at_ms: int) -> Mapping[str, str]:
    call = legacy.read("7")
    proof = legacy.signer.sign(legacy.signer.text(url=call.url, method=call.method, timestamp_ms=at_ms))
    return legacy.headers(call, correlation_id="id-1", now_ms=at_ms, proof=proof)


async def test_exactly_the_url_that_is_sent_is_signed(legacy: LegacyCanada, key: RSAPrivateKey) -> None:
    line, call = Line(SHOWN), legacy.find("Bestellung 7/ü")
    await line.open(legacy)(call, "id-1")
    text = f"consumer-1\n{call.url}\nGET\n1700000000000\n".encode()
    signature = base64.b64decode(line.sent[0][1]["WM_SEC.AUTH_SIGNATURE"])
    key.public_key().verify(signature, text, PKCS1v15(), SHA256())


async def test_signatures_can_be_made_off_the_event_loop(legacy: LegacyCanada) -> None:
    line = Line(SHOWN)
    async with Signatures(cores=1) as signatures:
        exchange = Exchange(legacy, line.send, now_ms=lambda: 7, signatures=signatures)
        await exchange(legacy.read("7"), "id-1")
    assert line.sent[0][1] == signed_headers(legacy, 7)


@pytest.mark.parametrize(("age", "signed_at"), [(0, 1000), (3000, 1000), (3001, 4001)])
async def test_a_call_that_was_signed_ahead_leaves_as_it_is_unless_it_waited_for_long(
    legacy: LegacyCanada, age: int, signed_at: int
) -> None:
    line, now = Line(SHOWN), 1000
    exchange = Exchange(legacy, line.send, now_ms=lambda: now)
    signed = await exchange.sign(legacy.read("7"))
    now += age
    await exchange(legacy.read("7"), "id-1", signed)
    assert line.sent[0][1] == signed_headers(legacy, signed_at)


async def test_a_call_that_bears_a_token_is_not_signed_ahead(modern: GlobalApi) -> None:
    assert await Line().open(modern).sign(modern.read("7")) is None


async def test_a_signature_shows_in_no_repr(legacy: LegacyCanada) -> None:
    signed = await Line().open(legacy).sign(legacy.read("7"))
    assert signed
    assert signed.text not in repr(signed)


async def test_nothing_secret_shows_in_a_reply(modern: GlobalApi) -> None:
    line = Line(SHOWN)
    assert "token-1" not in repr(await line.open(modern)(modern.read("7"), "id-1"))


async def test_an_account_is_opened_with_its_own_dialect(key_text: str) -> None:
    accounts = [
        Account.model_validate({"client_id": "c", "client_secret": "s"}),
        Account.model_validate(
            {"api": "walmart-canada", "consumer_id": "c", "channel_type": "t", "private_key": key_text}
        ),
    ]
    for account in accounts:
        async with open_exchange(account) as exchange:
            assert (exchange.dialect.signer is None) is (account.api == "walmart-global")


async def test_an_account_whose_secret_is_missing_is_not_opened() -> None:
    account = Account.model_validate({"client_id": "c", "client_secret": " "})
    with pytest.raises(SettingsError):
        async with open_exchange(account):
            raise AssertionError


def test_correlation_ids_are_fresh_and_the_clock_is_in_milliseconds() -> None:
    ids = [fresh_correlation_id() for _ in range(100)]
    assert len(set(ids)) == len(ids)
    assert all((str(uuid), uuid.version, uuid.variant) == (text, 4, RFC_4122) for text in ids for uuid in [UUID(text)])
    assert len(str(now_ms())) == 13
