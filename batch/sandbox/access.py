"""Who may come in: signatures of the legacy dialect, tokens of the Global API, and the headers that each demands.

Written from the references alone, so that it also proves our client's own signing.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key, load_pem_public_key

from batch.sandbox.refusals import gateway_refused, header_refused, unauthorised

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

LEGACY_HEADERS = (
    "WM_SVC.NAME",
    "WM_QOS.CORRELATION_ID",
    "WM_CONSUMER.ID",
    "WM_CONSUMER.CHANNEL.TYPE",
    "WM_SEC.TIMESTAMP",
    "WM_SEC.AUTH_SIGNATURE",
)
GLOBAL_HEADERS = ("WM_SVC.NAME", "WM_QOS.CORRELATION_ID", "WM_MARKET", "WM_GLOBAL_VERSION")
TOKEN_HEADERS = ("WM_SVC.NAME", "WM_QOS.CORRELATION_ID")
VERSION = "3.1"
CHANNEL = "WM_CONSUMER.CHANNEL.TYPE"

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_PADDING = PKCS1v15()
_HASH = SHA256()


@dataclass(frozen=True, slots=True, kw_only=True)
class Seller:
    """One seller, known by the credentials of either dialect."""

    name: str = "demo"
    client_id: str = ""
    client_secret: str = ""
    consumer_id: str = ""
    channel_type: str = ""
    key_file: Path | None = None  # PEM (private or public), or the bare base64 PKCS#8 text; read when first needed


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessRules:
    """How long credentials last, and what the answer is where they do not hold."""

    market: str = "ca"
    token_lifetime: float = 900  # seconds
    signature_lifetime: float = 900  # seconds that a timestamp may differ from now
    bad_credentials_status: int = 401  # 400 was seen too
    expired_token_status: int = 401  # 400 was seen too, with the code INVALID_TOKEN


class Access:
    """The gate. Times are UTC epoch milliseconds."""

    def __init__(self, sellers: tuple[Seller, ...], rules: AccessRules, random_hex: Callable[[], str]) -> None:
        self._by_client = {seller.client_id: seller for seller in sellers if seller.client_id}
        self._by_consumer = {seller.consumer_id: seller for seller in sellers if seller.consumer_id}
        self._rules = rules
        self._random_hex = random_hex
        self._keys: dict[str, RSAPublicKey] = {}  # by consumer id
        self._tokens: dict[str, tuple[Seller, int]] = {}  # to whom issued, and until when

    def signed(self, headers: Mapping[str, str], *, method: str, url: str, now: int) -> Seller:
        """Return who signed the request. Raises `Refusal`: 400 for a missing header, 401 for all else."""
        demand(headers, LEGACY_HEADERS, component="GMP_ORDER_API")
        seller = self._by_consumer.get(headers["WM_CONSUMER.ID"])
        if seller is None or not self._fresh(headers["WM_SEC.TIMESTAMP"], now):
            raise unauthorised()
        if headers[CHANNEL] != seller.channel_type:
            raise header_refused(CHANNEL, said="null or invalid")
        key = self._key(seller)
        text = f"{seller.consumer_id}\n{url}\n{method}\n{headers['WM_SEC.TIMESTAMP']}\n"
        if key is None or not verifies(key, text, headers["WM_SEC.AUTH_SIGNATURE"]):
            raise unauthorised()
        return seller

    def with_token(self, headers: Mapping[str, str], *, now: int) -> Seller:
        """Return whose access token the request carries. Raises `Refusal`: 400 for a missing header, else 401."""
        demand(headers, GLOBAL_HEADERS)
        self._check_market(headers)
        if headers["WM_GLOBAL_VERSION"] != VERSION:
            raise header_refused("WM_GLOBAL_VERSION", said="is invalid")
        return self._owner(headers.get("WM_SEC.ACCESS_TOKEN", ""), now)[0]

    def issue(self, headers: Mapping[str, str], body: bytes, *, now: int) -> dict[str, object]:
        """Return the answer to a token request. Raises `Refusal`."""
        demand(headers, TOKEN_HEADERS)
        seller = self._by_client.get((credentials := _basic(headers.get("Authorization", "")))[0])
        if seller is None or seller.client_secret != credentials[1]:
            raise unauthorised(self._rules.bad_credentials_status)
        if headers.get("WM_MARKET", "").lower() != self._rules.market:  # a live answer says so, misleadingly
            raise gateway_refused(400, "INVALID_REQUEST_HEADER", "Incorrect Authorization header")
        if parse_qs(body.decode("utf-8", "replace")).get("grant_type") != ["client_credentials"]:
            raise gateway_refused(400, "INVALID_REQUEST_PARAM", "grant_type is not supported")
        token = f"sandbox-token-{self._random_hex()}"
        self._tokens[token] = (seller, now + int(self._rules.token_lifetime * 1000))
        return {"access_token": token, "token_type": "Bearer", "expires_in": int(self._rules.token_lifetime)}

    def detail(self, headers: Mapping[str, str], *, now: int) -> dict[str, object]:
        """Return what a token may do. Raises `Refusal`."""
        demand(headers, TOKEN_HEADERS)
        _, until = self._owner(headers.get("WM_SEC.ACCESS_TOKEN", ""), now)
        return {"expire_at": until, "is_valid": True, "scopes": {"orders": "full_access"}}

    def expire_tokens(self) -> int:
        """Let all tokens end now; return how many there were."""
        count = len(self._tokens)
        self._tokens = {token: (seller, 0) for token, (seller, _) in self._tokens.items()}
        return count

    def _owner(self, token: str, now: int) -> tuple[Seller, int]:
        owner = self._tokens.get(token)
        if owner is None:
            raise unauthorised()
        if now >= owner[1]:
            status = self._rules.expired_token_status
            raise unauthorised(status, "INVALID_TOKEN" if status == 400 else "UNAUTHORIZED")  # noqa: PLR2004 - HTTP
        return owner

    def _check_market(self, headers: Mapping[str, str]) -> None:
        """Accept either case: references disagree on it."""
        if headers["WM_MARKET"].lower() != self._rules.market:
            raise header_refused("WM_MARKET", said="is invalid")

    def _fresh(self, timestamp: str, now: int) -> bool:
        if not (timestamp.isascii() and timestamp.isdigit()):
            return False
        return abs(int(timestamp) - now) <= self._rules.signature_lifetime * 1000

    def _key(self, seller: Seller) -> RSAPublicKey | None:
        key = self._keys.get(seller.consumer_id)
        if key is None and seller.key_file and seller.key_file.is_file():
            key = self._keys[seller.consumer_id] = read_public_key(seller.key_file.read_bytes())
        return key


def demand(headers: Mapping[str, str], names: tuple[str, ...], component: str = "GMP_GATEWAY_API") -> None:
    """Raise the `Refusal` that names every header which is missing or blank."""
    missing = [name for name in names if not headers.get(name, "").strip()]
    if missing == [CHANNEL]:
        raise header_refused(CHANNEL, said="null or invalid")
    if missing:
        raise header_refused(*missing, component=component)
    if not _UUID.fullmatch(headers["WM_QOS.CORRELATION_ID"]):
        raise header_refused("WM_QOS.CORRELATION_ID", said="is invalid", component=component)


def verifies(key: RSAPublicKey, text: str, signature: str) -> bool:
    """Return whether the signature (RSA, SHA-256, PKCS#1 v1.5, base64 on one line) is the text's."""
    try:
        key.verify(base64.b64decode(signature, validate=True), text.encode(), _PADDING, _HASH)
    except (InvalidSignature, binascii.Error):
        return False
    return True


def read_public_key(content: bytes) -> RSAPublicKey:
    """Return the public key of PEM (private or public), or of the bare base64 PKCS#8 text that sellers are given.

    Raises ValueError for anything else.
    """
    if b"PUBLIC KEY" in content:
        key: object = load_pem_public_key(content)
    elif b"-----BEGIN" in content:
        key = load_pem_private_key(content, password=None)
    else:
        key = load_der_private_key(base64.b64decode(content), password=None)
    if isinstance(key, RSAPrivateKey):
        return key.public_key()
    if not isinstance(key, RSAPublicKey):
        raise ValueError("this is no RSA key")  # noqa: TRY004 - the content is wrong, not the type of an argument
    return key


def _basic(authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    if scheme != "Basic":
        return "", ""
    try:
        identity, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return identity, secret
