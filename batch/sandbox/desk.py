"""The marketplace's desk: takes one request in, gives one reply out. Pure: all that it decides rests on its arguments.

The way of a request is the real one: gateway (path, credentials, limit), then the order component.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from batch.sandbox.answers import one_order
from batch.sandbox.bodies import read_acknowledgement, read_cancellation, read_shipment
from batch.sandbox.refusals import JSON, Envelope, Refusal, gateway_refused, render, throttled
from batch.sandbox.routes import Kind, Route, find_route
from batch.sandbox.search import answer_search
from batch.sandbox.state import Caller, Marketplace

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batch.sandbox.access import Access, Seller
    from batch.sandbox.throttle import Throttle


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request as it came over the wire."""

    method: str
    path: str  # raw, without the query
    query: str  # raw, without the question mark
    url: str  # whole, as the client must have signed it
    headers: Mapping[str, str]  # case-insensitive
    body: bytes
    now: int  # the server's clock, UTC epoch milliseconds
    tick: float  # monotonic seconds
    route: Route | None = None  # where the path was already understood


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer to be written."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)


class Desk:
    """Answers requests out of the marketplace's state."""

    def __init__(
        self,
        marketplace: Marketplace,
        access: Access,
        throttle: Throttle,
        order_envelope: Envelope = Envelope.ORDER_API,
    ) -> None:
        self.marketplace = marketplace
        self._access = access
        self._throttle = throttle
        self._order_envelope = order_envelope

    def answer(self, asked: Asked) -> Reply:
        """Carry the request out and return the reply; never raises for what a client may send."""
        headers: dict[str, str] = {}
        try:
            route = asked.route or find_route(asked.method, asked.path, asked.body)
            body = self._token(route, asked) if route.kind is Kind.TOKEN else self._order_call(route, asked, headers)
        except Refusal as refusal:
            return self.refuse(refusal, headers)
        return Reply(status=200, body=body, headers=headers)

    def refuse(self, refusal: Refusal, headers: Mapping[str, str] | None = None) -> Reply:
        """Return the reply that says no, in the envelope that its component uses here."""
        own = refusal.envelope is Envelope.ORDER_API
        body, content_type = render(refusal, self._order_envelope if own else None)
        return Reply(status=refusal.status, body=body, content_type=content_type, headers=headers or {})

    def _token(self, route: Route, asked: Asked) -> bytes:
        if route.verb == "detail":
            return orjson.dumps(self._access.detail(asked.headers, now=asked.now))
        return orjson.dumps(self._access.issue(asked.headers, asked.body, now=asked.now))

    def _order_call(self, route: Route, asked: Asked, headers: dict[str, str]) -> bytes:
        seller = self._admit(route, asked)
        taken = self._throttle.take(seller.name, route.kind, asked.tick)
        if taken:
            headers.update(self._throttle.headers(taken, asked.now))
            if not taken.allowed:
                raise throttled()
        _check_media_types(asked)
        caller = Caller(
            seller=seller.name,
            now=asked.now,
            correlation_id=asked.headers["WM_QOS.CORRELATION_ID"],
            legacy=route.legacy,
        )
        if route.kind is Kind.FIND:
            return answer_search(self.marketplace, asked.query, route.verb, caller)
        if route.kind is Kind.READ:
            return one_order(self.marketplace.find(route.purchase_order_id, caller))
        return self._change(route, asked.body, caller)

    def _admit(self, route: Route, asked: Asked) -> Seller:
        if route.legacy:
            return self._access.signed(asked.headers, method=asked.method, url=asked.url, now=asked.now)
        return self._access.with_token(asked.headers, now=asked.now)

    def _change(self, route: Route, body: bytes, caller: Caller) -> bytes:
        """Carry out a change; the answer shows the order as it is then or, by the rules, as it was before."""
        rules = self.marketplace.rules
        stale = rules.stale_acknowledge if route.kind is Kind.ACKNOWLEDGE else rules.stale_shipping
        before = one_order(self.marketplace.find(route.purchase_order_id, caller, route.verb)) if stale else b""
        if route.kind is Kind.ACKNOWLEDGE:
            read_acknowledgement(body)
            self.marketplace.acknowledge(route.purchase_order_id, caller)
        elif route.kind is Kind.CANCEL:
            self.marketplace.cancel(route.purchase_order_id, read_cancellation(body), caller)
        else:
            shipment = read_shipment(body, packages=route.verb == "multiPackageShipping")
            self.marketplace.ship(route.purchase_order_id, shipment, caller)
        return before or one_order(self.marketplace.find(route.purchase_order_id, caller))


def _check_media_types(asked: Asked) -> None:
    """Only JSON is spoken here, and must be asked for: without Accept the real legacy API answers in XML."""
    if "application/json" not in asked.headers.get("Accept", ""):
        raise gateway_refused(406, "INVALID_ACCEPT_TYPE", "Accept must be application/json", "APPLICATION")
    content_type = asked.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if asked.body and content_type != "application/json":
        raise gateway_refused(415, "UNSUPPORTED_MEDIA_TYPE", f"Content-Type {content_type!r} is not supported")
