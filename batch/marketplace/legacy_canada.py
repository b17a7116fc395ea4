"""The legacy Canadian API: /v3/ca, every request signed. The marketplace is retiring it for the Global API."""

from __future__ import annotations

from typing import TYPE_CHECKING

from batch.marketplace.dialect import MultiPackage, OrderCalls, checked_headers

if TYPE_CHECKING:
    from batch.marketplace.call import Call
    from batch.marketplace.signature import Signer


class LegacyCanada(OrderCalls):
    """Calls and headers of the legacy Canadian API for one seller (CA reference, "Authentication")."""

    def __init__(
        self,
        *,
        base_url: str,
        signer: Signer,
        channel_type: str,
        service_name: str = "Walmart Marketplace",
        multi_package: MultiPackage | None = None,
    ) -> None:
        super().__init__(f"{base_url}/v3/ca/orders", multi_package)
        self.signer = signer
        self._fixed = checked_headers(
            {
                "WM_SVC.NAME": (service_name, "service_name"),
                "WM_CONSUMER.ID": (signer.consumer_id, "consumer_id"),
                "WM_CONSUMER.CHANNEL.TYPE": (channel_type, "channel_type"),
            }
        )

    def token(self) -> Call:
        """Raise: this API knows no tokens."""
        raise NotImplementedError("the legacy Canadian API signs its requests, it has no tokens")

    def headers(self, call: Call, *, correlation_id: str, now_ms: int, proof: str) -> dict[str, str]:
        """Return the headers of one attempt; `proof` is the signature of its URL at this time."""
        return {
            **call.headers,
            **self._fixed,
            "WM_QOS.CORRELATION_ID": correlation_id,
            "WM_SEC.TIMESTAMP": str(now_ms),
            "WM_SEC.AUTH_SIGNATURE": proof,
        }
