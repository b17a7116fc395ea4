"""A local marketplace with real state, for trying out and for tests: both dialects, charges, limits, faults."""

from __future__ import annotations

from batch.sandbox.access import AccessRules, Seller
from batch.sandbox.demo import demo_key, demo_seller, example_settings
from batch.sandbox.faults import Action, FaultScriptError, Rule, read_rules
from batch.sandbox.filling import fill
from batch.sandbox.options import Options
from batch.sandbox.orders import Line, Order, Status, Units, new_line
from batch.sandbox.routes import Kind
from batch.sandbox.server import Sandbox, run_sandbox, serve
from batch.sandbox.state import Marketplace, Rules
from batch.sandbox.throttle import REAL_LIMITS, Limit, Moment, ThrottleHeaders

__all__ = [
    "REAL_LIMITS",
    "AccessRules",
    "Action",
    "FaultScriptError",
    "Kind",
    "Limit",
    "Line",
    "Marketplace",
    "Moment",
    "Options",
    "Order",
    "Rule",
    "Rules",
    "Sandbox",
    "Seller",
    "Status",
    "ThrottleHeaders",
    "Units",
    "demo_key",
    "demo_seller",
    "example_settings",
    "fill",
    "new_line",
    "read_rules",
    "run_sandbox",
    "serve",
]
