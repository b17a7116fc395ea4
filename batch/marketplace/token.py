"""The access token of the Global API: fetched once for all workers, renewed before it ends, dropped after a 401.

The marketplace gives tokens for 900 seconds (reference, "Get access token"). Its endpoint answers wrong credentials
with 401 and, as seen in production, also with 400; error codes tell these from an outage.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from batch.errors import CredentialsRefused, Exit, ShipbatchError
from batch.marketplace.answer import read_document
from batch.marketplace.call import Answer, Call, Kind, NoAnswer
from batch.marketplace.verdict import Meaning, read_verdict

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

MARGIN = 60.0  # seconds before its end in which a token is renewed, at most this share of its life:
MARGIN_SHARE = 0.2
REFUSAL_STANDS = 30.0  # seconds in which refused credentials are not tried again: workers end together, nobody storms
LIFE = 900.0  # seconds, where the answer does not say
_OK = 200
_CREDENTIAL_STATUSES = frozenset({400, 401, 403})


class TokenUnavailable(ShipbatchError):  # noqa: N818 - named by its meaning
    """No access token could be fetched; try again later."""

    exit_code = Exit.TEMPORARY


@dataclass(frozen=True, slots=True, eq=False)
class Token:
    """An access token. Compared by identity: a renewed one is another, and its text is never shown."""

    text: str = field(repr=False)
    ends_at: float  # on the source's clock, seconds
    renew_at: float  # on the source's clock, seconds


class TokenSource:
    """Gives the current token to any number of waiters, with one renewal for all of them.

    `fetch` makes one attempt of a token call; `clock` is monotonic, in seconds.
    """

    def __init__(self, fetch: Callable[[], Awaitable[Answer | NoAnswer]], clock: Callable[[], float]) -> None:
        self._fetch = fetch
        self._clock = clock
        self._token: Token | None = None
        self._renewal: asyncio.Task[Token] | None = None
        self._refused: CredentialsRefused | None = None
        self._refused_until = 0.0

    async def get(self) -> Token:
        """Return a token that lives for a while yet.

        Raises CredentialsRefused, or TokenUnavailable where the endpoint is down, slow or throttled.
        """
        if self._token and self._clock() < self._token.renew_at:
            return self._token
        if self._refused and self._clock() < self._refused_until:
            raise CredentialsRefused(str(self._refused))
        if self._renewal is None:
            self._renewal = asyncio.get_running_loop().create_task(self._renew())
            self._renewal.add_done_callback(self._renewed)
        return await asyncio.shield(self._renewal)  # a waiter that is cancelled leaves the renewal to the others

    def invalidate(self, token: Token) -> None:
        """Drop this token after a 401. One that somebody has renewed already stays."""
        if self._token is token:
            self._token = None

    async def _renew(self) -> Token:
        asked_at = self._clock()
        answer = await self._fetch()
        try:
            self._token = read_token(answer, asked_at)
        except CredentialsRefused as refused:
            self._token, self._refused, self._refused_until = None, refused, self._clock() + REFUSAL_STANDS
            raise
        except TokenUnavailable:
            if self._token is None or self._clock() >= self._token.ends_at:
                raise
        return self._token

    def _renewed(self, renewal: asyncio.Task[Token]) -> None:
        self._renewal = None
        if not renewal.cancelled():
            renewal.exception()  # has been seen, though every waiter may be gone


def read_token(answer: Answer | NoAnswer, asked_at: float) -> Token:
    """Return the token in the answer; its life counts from when it was asked for.

    Raises CredentialsRefused where the answer says that the credentials are wrong, TokenUnavailable for all else.
    """
    document = read_document(answer.body) if isinstance(answer, Answer) and answer.status == _OK else None
    granted = document.get("OAuthTokenDTO", document) if document else None
    text = _member(granted, "access_token", "accessToken")
    if isinstance(text, str) and text.isascii() and text.isprintable() and text:
        life = _seconds(_member(granted, "expires_in", "expiresIn"))
        margin = min(MARGIN, life * MARGIN_SHARE)
        return Token(text, ends_at=asked_at + life, renew_at=asked_at + life - margin)
    raise _failure(answer)


def _failure(answer: Answer | NoAnswer) -> CredentialsRefused | TokenUnavailable:
    verdict = read_verdict(_ASKED, answer)
    refused = verdict.meaning in {Meaning.REFUSED, Meaning.UNAUTHORISED}
    if refused and verdict.status in _CREDENTIAL_STATUSES and (verdict.codes or verdict.status != 400):  # noqa: PLR2004 - Bad Request
        codes = f" ({', '.join(verdict.codes)})" if verdict.codes else ""
        return CredentialsRefused(
            f"The marketplace refused the credentials{codes}; check client_id, client_secret and market."
        )
    return TokenUnavailable(f"No access token could be fetched. {verdict.reason}")


_ASKED = Call(kind=Kind.TOKEN, method="POST", url="")


def _member(document: object, *names: str) -> Any:  # noqa: ANN401 - what stands there is not known before it is looked at
    return next((document[name] for name in names if name in document), None) if isinstance(document, dict) else None


def _seconds(value: object) -> float:
    """Return a life in seconds, LIFE where none that makes sense is said."""
    try:
        seconds = float(value) if isinstance(value, int | float | str) else LIFE
    except ValueError:
        return LIFE
    return seconds if 0 < seconds < 86_400 * 366 else LIFE
