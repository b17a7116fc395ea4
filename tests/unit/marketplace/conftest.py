from __future__ import annotations

import base64
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from batch.marketplace.global_api import GlobalApi
from batch.marketplace.legacy_canada import LegacyCanada
from batch.marketplace.signature import Signer

if TYPE_CHECKING:
    from batch.marketplace.dialect import Dialect

BASE_URL = "https://marketplace.walmartapis.com"


@pytest.fixture(scope="session")
def key() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="session")
def key_text(key: RSAPrivateKey) -> str:
    """Return the key as sellers are given it: bare base64 of its PKCS#8 form."""
    der = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return base64.b64encode(der).decode()


@pytest.fixture(scope="session")
def legacy(key: RSAPrivateKey) -> LegacyCanada:
    return LegacyCanada(base_url=BASE_URL, signer=Signer("consumer-1", key), channel_type="channel-1")


@pytest.fixture(scope="session")
def modern() -> GlobalApi:
    return GlobalApi(base_url=BASE_URL, client_id="client-1", client_secret="hush-hush")


@pytest.fixture(params=["walmart-global", "walmart-canada"])
def dialect(request: pytest.FixtureRequest, legacy: LegacyCanada, modern: GlobalApi) -> Dialect:
    return modern if request.param == "walmart-global" else legacy
