from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from batch.sandbox.access import Access, AccessRules, Seller, read_public_key, verifies
from batch.sandbox.demo import demo_key, demo_seller
from batch.sandbox.refusals import Refusal
from tests.unit.sandbox.saying import text_to_sign

if TYPE_CHECKING:
    from pathlib import Path

# The public known-answer vector of fillup/walmart-auth-signature-php (a fake key), also quoted in Ventmere's client.
VECTOR_KEY = (
    "MIICdgIBADANBgkqhkiG9w0BAQEFAASCAmAwggJcAgEAAoGBAKzXEfCYdnBNkKAwVbCpg/tR40WixoZtiuEviSEi4+LdnYAAPy57Qw6+9eqJGTh9"
    "iCB2wP/I8lWh5TZ49Hq/chjTCPeJiOqi6bvX1xzyBlSq2ElSY3iEVKeVoQG/5f9MYQLEj5/vfTWSNASsMwnNeBbbHcV1S1aY9tOsXCzRuxapAgMB"
    "AAECgYBjkM1j1OA9l2Ed9loWl8BQ8X5D6h4E6Gudhx2uugOe9904FGxRIW6iuvy869dchGv7j41ki+SV0dpRw+HKKCjYE6STKpe0YwIm/tml54aN"
    "DQ0vQvF8JWILca1a7v3Go6chf3Ib6JPs6KVsUuNo+Yd+jKR9GAKgnDeXS6NZlTBUAQJBANex815VAySumJ/n8xR+h/dZ2V5qGj6wu3Gsdw6eNYKQ"
    "n3I8AGQw8N4yzDUoFnrQxqDmP3LOyr3/zgOMNTdszIECQQDNIxiZOVl3/Sjyxy9WHMk5qNfSf5iODynv1OlTG+eWao0Wj/NdfLb4pwxRsf4XZFZ1"
    "SQNkbNne7+tEO8FTG1YpAkAwNMY2g/ty3E6iFl3ea7UJlBwfnMkGz8rkye3F55f/+UCZcE2KFuIOVv4Kt03m3vg1h6AQkaUAN8acRl6yZ2+BAkEA"
    "ke2eiRmYANiR8asqjGqr5x2qcm8ceiplXdwrI1kddQ5VUbCTonSewOIszEz/gWp6arLG/ADHOGWaCo8rptAyiQJACXd1ddXUAKs6x3l752tSH8dO"
    "de8nDBgF86NGvgUnBiAPPTmJHuhWrmOZmNaB68PsltEiiFwWByGFV+ld9VKmKg=="
)
VECTOR_CONSUMER = "f3aead96-d681-41c9-9b81-bb4facacd8f0"
VECTOR_URL = "https://developer.walmart.com/proxy/item-api-doc-app/rest/v3/feeds?includeDetails=false&offset=0&limit=50"
VECTOR_TIME = 1502165720641
VECTOR_SIGNATURE = (
    "joVK3ddX6Fso7adAjuT1FIX5D5So8ue1Am4MwY8ncsP7zLBtnwMYiveyfQeqGm2+GQbtfOy5LvCkzUeEchLznJFZzF7vJaTHhENrDsRIzjPsgJYp"
    "RO8FgdfgSLUhO7v0skjHezMxuJr9ROWia900LOZ6QU+u/LvoChbxxZye9GE="
)


def test_the_public_signature_vector_verifies() -> None:
    text = text_to_sign(VECTOR_CONSUMER, VECTOR_URL, "GET", VECTOR_TIME).decode()
    key = read_public_key(VECTOR_KEY.encode())
    assert verifies(key, text, VECTOR_SIGNATURE)
    assert not verifies(key, text.removesuffix("\n"), VECTOR_SIGNATURE)
    assert not verifies(key, text, VECTOR_SIGNATURE.replace("jo", "oj", 1))


def vector_headers(**changes: str) -> dict[str, str]:
    headers = {
        "WM_SVC.NAME": "Walmart Marketplace",
        "WM_QOS.CORRELATION_ID": "b3261d2d-028a-4ef7-8602-633c23200af6",
        "WM_CONSUMER.ID": VECTOR_CONSUMER,
        "WM_CONSUMER.CHANNEL.TYPE": "channel",
        "WM_SEC.TIMESTAMP": str(VECTOR_TIME),
        "WM_SEC.AUTH_SIGNATURE": VECTOR_SIGNATURE,
    }
    return {**headers, **changes}


@pytest.mark.parametrize(("late", "welcome"), [(0, True), (900_000, True), (-900_000, True), (900_001, False)])
def test_signatures_hold_for_a_quarter_of_an_hour(late: int, welcome: bool, tmp_path: Path) -> None:  # noqa: FBT001 - a table's column
    (tmp_path / "key.txt").write_text(VECTOR_KEY)
    seller = Seller(consumer_id=VECTOR_CONSUMER, channel_type="channel", key_file=tmp_path / "key.txt")
    access = Access((seller,), AccessRules(), str)
    if welcome:
        assert access.signed(vector_headers(), method="GET", url=VECTOR_URL, now=VECTOR_TIME + late) is seller
    else:
        with pytest.raises(Refusal, match="Unauthorized"):
            access.signed(vector_headers(), method="GET", url=VECTOR_URL, now=VECTOR_TIME + late)


@pytest.mark.parametrize("method", ["POST", "get"])
def test_a_signature_is_for_one_method(method: str, tmp_path: Path) -> None:
    (tmp_path / "key.txt").write_text(VECTOR_KEY)
    seller = Seller(consumer_id=VECTOR_CONSUMER, channel_type="channel", key_file=tmp_path / "key.txt")
    access = Access((seller,), AccessRules(), str)
    with pytest.raises(Refusal, match="Unauthorized"):
        access.signed(vector_headers(), method=method, url=VECTOR_URL, now=VECTOR_TIME)


@pytest.mark.parametrize("file", [None, "nowhere.pem"])
def test_a_seller_without_a_key_signs_nothing(file: str | None, tmp_path: Path) -> None:
    key_file = tmp_path / file if file else None
    seller = Seller(consumer_id=VECTOR_CONSUMER, channel_type="channel", key_file=key_file)
    with pytest.raises(Refusal, match="Unauthorized"):
        Access((seller,), AccessRules(), str).signed(vector_headers(), method="GET", url=VECTOR_URL, now=VECTOR_TIME)


def test_keys_are_read_in_each_form_that_sellers_have(tmp_path: Path) -> None:
    private_pem = demo_key(tmp_path).read_bytes()
    private = load_pem_private_key(private_pem, password=None)
    public = private.public_key()
    der = private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    public_pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    for content in (private_pem, base64.b64encode(der), public_pem):
        assert read_public_key(content) == public


def test_only_rsa_keys_will_do() -> None:
    key = generate_ec_key(SECP256R1())
    with pytest.raises(ValueError, match="no RSA key"):
        read_public_key(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def asking(secret: str = "", market: str = "ca") -> dict[str, str]:
    seller = demo_seller()
    basic = base64.b64encode(f"{seller.client_id}:{secret or seller.client_secret}".encode()).decode()
    return {
        "Authorization": f"Basic {basic}",
        "WM_SVC.NAME": "Walmart Marketplace",
        "WM_QOS.CORRELATION_ID": "b3261d2d-028a-4ef7-8602-633c23200af6",
        "WM_MARKET": market,
    }


@pytest.mark.parametrize("status", [400, 401])
def test_a_wrong_secret_is_refused_with_the_status_that_the_rules_name(status: int) -> None:
    access = Access((demo_seller(),), AccessRules(bad_credentials_status=status), str)
    with pytest.raises(Refusal, match="Unauthorized") as refused:
        access.issue(asking("wrong"), b"grant_type=client_credentials", now=0)
    assert refused.value.status == status


def test_a_wrong_grant_is_refused() -> None:
    access = Access((demo_seller(),), AccessRules(), str)
    with pytest.raises(Refusal, match="grant_type is not supported"):
        access.issue(asking(), b"grant_type=password", now=0)
    with pytest.raises(Refusal, match="grant_type is not supported"):
        access.issue(asking(), b"\xff", now=0)


def test_tokens_can_all_be_ended_at_once() -> None:
    names = iter("ab")
    access = Access((demo_seller(),), AccessRules(), lambda: next(names))
    grant = b"grant_type=client_credentials"
    assert access.issue(asking(), grant, now=0) == {
        "access_token": "sandbox-token-a",
        "token_type": "Bearer",
        "expires_in": 900,
    }
    access.issue(asking(market="CA"), grant, now=0)
    assert access.expire_tokens() == 2
    with pytest.raises(Refusal, match="Unauthorized"):
        access.detail({**asking(), "WM_SEC.ACCESS_TOKEN": "sandbox-token-a"}, now=0)
