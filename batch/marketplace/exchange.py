"""One exchange with the marketplace: prove who speaks, send once, say what it meant.

Nothing here sends twice. Every attempt of an update is one call of an `Exchange`, made after its caller has written
down that it will be made; where the token was dead, the caller says so with `renew` and writes down its next attempt.
"""

from __future__ import annotations

import time
import uuid
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from msgspec import Struct

from batch.clock import now_ms
from batch.errors import CredentialsRefused
from batch.marketplace.call import Answer, Call, NoAnswer
from batch.marketplace.credentials import open_dialect
from batch.marketplace.token import Token, TokenSource, TokenUnavailable
from batch.marketplace.transport import open_transport
from batch.marketplace.verdict import Meaning, Verdict, read_verdict

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

    from batch.marketplace.dialect import Dialect
    from batch.marketplace.signatures import Signatures
    from batch.settings import Account

    Send = Callable[[Call, Mapping[str, str]], Awaitable[Answer | NoAnswer]]

_FRESH_MS = 3_000  # a signature older than this is made anew: servers refuse those that are minutes old


class Reply(Struct, frozen=True):
    """What came back from one attempt, and what it meant."""

    answer: Answer | NoAnswer  # its headers are for the limiter
    verdict: Verdict
    token: Token | None = None  # that the attempt bore


class Signed(Struct, frozen=True):
    """The signature of one call, and when it was made."""

    text: str
    at_ms: int

    def __repr__(self) -> str:
        return f"Signed(at_ms={self.at_ms})"


def fresh_correlation_id() -> str:
    """Return a new correlation id, one for each attempt."""
    return str(uuid.uuid4())


class Exchange:
    """Makes single attempts in one dialect for one account; any number at the same time.

    `now_ms`: wall clock for signatures; `clock`: monotonic seconds for the token; `new_id`: correlation ids of token
    calls; `signatures`: where they are made off the event loop, on all cores.
    """

    def __init__(
        self,
        dialect: Dialect,
        send: Send,
        *,
        now_ms: Callable[[], int] = now_ms,
        clock: Callable[[], float] = time.monotonic,
        new_id: Callable[[], str] = fresh_correlation_id,
        signatures: Signatures | None = None,
    ) -> None:
        self.dialect = dialect
        self._new_id = new_id
        self._send = send
        self._now_ms = now_ms
        self._signatures = signatures
        self._tokens = None if dialect.signer else TokenSource(self._fetch_token, clock)

    async def __call__(self, call: Call, correlation_id: str, signed: Signed | None = None) -> Reply:
        """Make one attempt. Raises nothing but cancellation: what keeps it from being made is in the verdict too.

        `signed`: what `sign` gave ahead of its turn; an old one is made anew.
        """
        token: Token | None = None
        try:
            if self._tokens:
                token = await self._tokens.get()
        except CredentialsRefused as refused:
            verdict = Verdict(meaning=Meaning.UNAUTHORISED, reason=str(refused), fatal=True)
            return Reply(NoAnswer(sent=False, reason="the credentials were refused"), verdict)
        except TokenUnavailable as unavailable:
            verdict = Verdict(meaning=Meaning.UNAVAILABLE, reason=f"Nothing was sent: {unavailable}")
            return Reply(NoAnswer(sent=False, reason="no access token could be fetched"), verdict)
        headers = await self._headers(call, correlation_id, token, signed)
        answer = await self._send(call, headers)
        return Reply(answer, read_verdict(call, answer), token)

    async def ready(self) -> None:
        """Fetch the token, if there is one, ahead of the first call.

        Raises CredentialsRefused, or TokenUnavailable where the endpoint cannot be reached.
        """
        if self._tokens:
            await self._tokens.get()

    def renew(self, reply: Reply) -> bool:
        """Say whether the same call is worth one more attempt after UNAUTHORISED; if so it bears a fresh proof.

        The token of the failed attempt is dropped; the next attempt, whoever makes it, fetches another, once for all.
        """
        if not reply.verdict.renewable:
            return False
        if reply.token and self._tokens:
            self._tokens.invalidate(reply.token)
        return True

    async def sign(self, call: Call) -> Signed | None:
        """Sign a call ahead of its turn, so that it leaves as soon as that comes; None where calls bear a token."""
        signer = self.dialect.signer
        if signer is None:
            return None
        now = self._now_ms()
        text = signer.text(url=call.url, method=call.method, timestamp_ms=now)
        return Signed(await self._signatures.make(signer, text) if self._signatures else signer.sign(text), now)

    async def _headers(
        self, call: Call, correlation_id: str, token: Token | None, signed: Signed | None = None
    ) -> dict[str, str]:
        if self.dialect.signer and (signed is None or self._now_ms() - signed.at_ms > _FRESH_MS):
            signed = await self.sign(call)
        if signed:
            return self.dialect.headers(call, correlation_id=correlation_id, now_ms=signed.at_ms, proof=signed.text)
        proof = token.text if token else ""
        return self.dialect.headers(call, correlation_id=correlation_id, now_ms=0, proof=proof)

    async def _fetch_token(self) -> Answer | NoAnswer:
        call = self.dialect.token()
        return await self._send(call, await self._headers(call, self._new_id(), None))


@asynccontextmanager
async def open_exchange(
    account: Account,
    dialect: Dialect | None = None,
    *,
    now_ms: Callable[[], int] = now_ms,
    clock: Callable[[], float] = time.monotonic,
    signatures: Signatures | None = None,
) -> AsyncIterator[Exchange]:
    """Open the account's connections, and its credentials where no `dialect` brings them.

    Raises SettingsError for secrets that cannot be used.
    """
    dialect = dialect or open_dialect(account)
    async with open_transport(timeout=account.timeout, connections=account.workers) as transport:
        yield Exchange(dialect, transport.send, now_ms=now_ms, clock=clock, signatures=signatures)
