"""All that can be set about a sandbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from batch.sandbox.access import AccessRules, Seller
from batch.sandbox.demo import demo_seller
from batch.sandbox.refusals import Envelope
from batch.sandbox.state import Rules
from batch.sandbox.throttle import Limit, ThrottleHeaders

if TYPE_CHECKING:
    from collections.abc import Mapping

    from batch.sandbox.faults import Rule
    from batch.sandbox.routes import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """A sandbox as it starts. Everything at its default: one demo seller, no limits, nothing goes wrong."""

    host: str = "127.0.0.1"
    port: int = 0  # 0: any free one
    sellers: tuple[Seller, ...] = field(default_factory=lambda: (demo_seller(),))
    access: AccessRules = field(default_factory=AccessRules)
    rules: Rules = field(default_factory=Rules)
    limits: Mapping[Kind, Limit] = field(default_factory=dict)  # REAL_LIMITS for the real ones
    throttle_headers: ThrottleHeaders = field(default_factory=ThrottleHeaders)
    faults: tuple[Rule, ...] = ()
    seed: int = 0  # of the faults' chances
    order_envelope: Envelope = Envelope.ORDER_API  # of the order component's errors
    clock_offset: float = 0.0  # seconds that this server's clock is ahead of ours
    origin: str = ""  # the address that clients sign, where it is not the one they connect to
    log_length: int = 100_000  # requests remembered
