from __future__ import annotations

import base64
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from batch.errors import SettingsError
from batch.marketplace.signature import Signer, load_private_key

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

VECTOR: dict[str, Any] = json.loads((Path(__file__).parent / "samples" / "signature-vector.json").read_text())


def pem(key: RSAPrivateKey, form: PrivateFormat, encryption: KeySerializationEncryption | None = None) -> str:
    return key.private_bytes(Encoding.PEM, form, encryption or NoEncryption()).decode()


def test_the_public_vector_gives_its_known_signature() -> None:
    signer = Signer(VECTOR["consumer_id"], load_private_key(VECTOR["private_key"]))
    signature = signer.sign(signer.text(url=VECTOR["url"], method=VECTOR["method"], timestamp_ms=VECTOR["timestamp"]))
    assert signature == VECTOR["signature"]


def test_the_method_is_signed_in_upper_case() -> None:
    signer = Signer("consumer-1", load_private_key(VECTOR["private_key"]))
    assert signer.text(url="https://h/x", method="get", timestamp_ms=7) == b"consumer-1\nhttps://h/x\nGET\n7\n"


def test_a_key_is_read_in_every_form_that_sellers_have(key: RSAPrivateKey, key_text: str) -> None:
    broken = "\n".join(key_text[start : start + 64] for start in range(0, len(key_text), 64))
    forms = [
        key_text,
        f"  {broken}\r\n",
        pem(key, PrivateFormat.PKCS8),
        pem(key, PrivateFormat.TraditionalOpenSSL),
        pem(key, PrivateFormat.PKCS8).replace("\n", "\r\n"),
    ]
    numbers = key.private_numbers()
    assert all(load_private_key(form).private_numbers() == numbers for form in forms)


def test_an_encrypted_key_is_refused_with_the_mend(key: RSAPrivateKey) -> None:
    with pytest.raises(SettingsError, match="private_key: the key is encrypted; remove its password"):
        load_private_key(pem(key, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")))


def test_a_public_key_is_told_apart(key: RSAPrivateKey) -> None:
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
    with pytest.raises(SettingsError, match="this is a public key, not the private key"):
        load_private_key(public)


def test_a_key_of_another_kind_is_refused() -> None:
    elliptic = ec.generate_private_key(ec.SECP256R1())
    text = elliptic.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    with pytest.raises(SettingsError, match="this is no RSA key but one of kind EC"):
        load_private_key(text)


@pytest.mark.parametrize(
    "text",
    ["", "hello", "aGVsbG8=", "clé", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "\0"],
)
def test_what_is_no_key_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_private_key(text)
    assert str(refused.value).startswith("private_key: this cannot be read as a key; give the RSA private key")
    assert not text or text not in str(refused.value)
    assert refused.value.__suppress_context__


def test_a_key_never_shows(key: RSAPrivateKey) -> None:
    assert repr(Signer("consumer-1", key)) == "Signer('consumer-1', key=***)"


def test_many_threads_sign_with_one_key(key: RSAPrivateKey) -> None:
    signer = Signer("consumer-1", key)
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda number: signer.sign(b"%d" % number), range(40)))
    assert made == [signer.sign(b"%d" % number) for number in range(40)]


def test_the_public_key_verifies_what_was_signed(key: RSAPrivateKey) -> None:
    text = b"c\nhttps://h/x\nPOST\n7\n"
    signature = Signer("c", key).sign(text)
    key.public_key().verify(base64.b64decode(signature), text, PKCS1v15(), SHA256())


def test_a_key_goes_to_a_process_of_our_own_and_signs_there(key: RSAPrivateKey) -> None:
    signer = Signer("c", key)
    assert Signer.of_key(signer.key()).sign(b"text") == signer.sign(b"text")
