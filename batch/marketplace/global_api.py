"""The Global API: /v3 for all markets, an access token instead of signatures."""

from __future__ import annotations

import base64
from types import MappingProxyType

from batch.marketplace.call import Call, Kind
from batch.marketplace.dialect import MultiPackage, OrderCalls, checked_headers

VERSION = "3.1"  # WM_GLOBAL_VERSION that the order reference asks for
_ASKING = MappingProxyType({"Accept": "application/json", "Content-Type": "application/x-www-form-urlencoded"})


class GlobalApi(OrderCalls):
    """Calls and headers of the Global API for one seller (Global reference, "Ship an order", "Get access token")."""

    signer = None

    def __init__(
        self,
        *,
        base_url: str,
        client_id: str,
        client_secret: str,
        market: str = "ca",
        service_name: str = "Walmart Marketplace",
        multi_package: MultiPackage | None = None,
    ) -> None:
        super().__init__(f"{base_url}/v3/orders", multi_package)
        self._token_url = f"{base_url}/v3/token"
        self._basic = "Basic " + base64.b64encode(f"{client_id}:{client_secret}".encode()).decode("ascii")
        self._asking = checked_headers(
            {"WM_SVC.NAME": (service_name, "service_name"), "WM_MARKET": (market, "market")},
        )
        self._fixed = {**self._asking, "WM_GLOBAL_VERSION": VERSION}

    def token(self) -> Call:
        """Return POST /v3/token. Who asks is proved by `headers`, so that no secret is kept in a call."""
        body = b"grant_type=client_credentials"
        return Call(kind=Kind.TOKEN, method="POST", url=self._token_url, body=body, headers=_ASKING)

    def headers(self, call: Call, *, correlation_id: str, now_ms: int, proof: str) -> dict[str, str]:  # noqa: ARG002 - the interface's
        """Return the headers of one attempt, with the access token or, where that is asked for, with the secret."""
        if call.kind is Kind.TOKEN:
            return {
                **call.headers,
                **self._asking,
                "WM_QOS.CORRELATION_ID": correlation_id,
                "Authorization": self._basic,
            }
        return {
            **call.headers,
            **self._fixed,
            "WM_QOS.CORRELATION_ID": correlation_id,
            "WM_SEC.ACCESS_TOKEN": proof,
        }
