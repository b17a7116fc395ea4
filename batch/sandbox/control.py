"""What a person or a test may do to a running sandbox, below /_sandbox/.

GET  state, charges, charge_log, edit_log, counters, log
POST orders, orders/{po}/cancel, orders/{po}/intent, faults, rules, token/expire, reset
"""

from __future__ import annotations

from dataclasses import asdict, fields, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import orjson

from batch.sandbox.desk import Reply
from batch.sandbox.documents import order_as_json, order_from_json
from batch.sandbox.faults import FaultScript, FaultScriptError, read_rules
from batch.sandbox.refusals import JSON, Refusal
from batch.sandbox.state import Rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from batch.sandbox.server import Server

PREFIX = "/_sandbox/"


def control(server: Server, method: str, path: str, body: bytes) -> Reply:
    """Carry out a control request; 400 and 404 say what was wrong with it."""
    parts = tuple(unquote(part) for part in path.removeprefix(PREFIX).strip("/").split("/"))
    try:
        return _reply(200, _look(server, parts) if method == "GET" else _change(server, method, parts, body))
    except LookupError:
        return _reply(404, {"problem": f"there is no {method} {path}"})
    except Refusal as refusal:
        return _reply(404, {"problem": str(refusal)})
    except (ValueError, TypeError) as problem:
        return _reply(400, {"problem": str(problem)})


def _reply(status: int, document: object) -> Reply:
    return Reply(status=status, body=orjson.dumps(document), content_type=JSON)


def _look(server: Server, parts: tuple[str, ...]) -> object:
    marketplace = server.marketplace
    views: dict[tuple[str, ...], Callable[[], object]] = {
        ("state",): lambda: {"orders": [order_as_json(order) for order in marketplace.orders.values()]},
        ("charges",): lambda: marketplace.charges,
        ("charge_log",): lambda: [charge._asdict() for charge in marketplace.charge_log],
        ("edit_log",): lambda: [edit._asdict() for edit in marketplace.edit_log],
        ("counters",): lambda: {
            **server.counters.as_json(),
            "faults": server.faults.fired,
            "units_charged": marketplace.units_charged,
            "edits": len(marketplace.edit_log),
        },
        ("log",): server.counters.log_as_json,
    }
    if parts[0] == "orders" and len(parts) == 2:  # noqa: PLR2004 - orders/{po}
        return order_as_json(marketplace.find(parts[1]))
    return views[parts]()


def _change(server: Server, method: str, parts: tuple[str, ...], body: bytes) -> object:
    if method != "POST":
        raise LookupError
    match parts:
        case ("orders",):
            return _add_orders(server, body)
        case ("orders", order, verb):
            return {"cancel": _cancel, "intent": _set_intent}[verb](server, order, body)
        case ("token", "expire"):
            return {"expired": server.access.expire_tokens()}
    changes: dict[tuple[str, ...], Callable[[Server, bytes], object]] = {
        ("faults",): _set_faults,
        ("rules",): _set_rules,
        ("reset",): _reset,
    }
    return changes[parts](server, body)


def _add_orders(server: Server, body: bytes) -> object:
    """Put orders in: all of them or, where one is described wrongly, none."""
    orders = [order_from_json(document, server.now()) for document in _documents(body)]
    for order in orders:
        server.marketplace.add(order)
    return {"orders": len(orders)}


def _cancel(server: Server, order: str, body: bytes) -> object:
    line = str(_members(body, {"line"}).get("line", ""))
    return {"cancelled": server.marketplace.cancel_all(order, line, server.now())}


def _set_intent(server: Server, order: str, body: bytes) -> object:
    """Let the buyer ask to cancel, or no longer ask."""
    said = _members(body, {"line", "asked"})
    chosen = [line for line in server.marketplace.find(order).lines.values() if said.get("line") in (None, line.number)]
    for line in chosen:
        line.intent_to_cancel = bool(said.get("asked", True))
    return {"lines": len(chosen)}


def _set_rules(server: Server, body: bytes) -> object:
    rules = server.marketplace.rules
    wanted: dict[str, Any] = _members(body, {member.name for member in fields(Rules)})
    for name, value in wanted.items():
        before = getattr(rules, name)
        if isinstance(before, bool) != isinstance(value, bool) or not isinstance(value, int | float):
            raise TypeError(f"{name} {value!r} is no {type(before).__name__}")
    server.marketplace.rules = replace(rules, **wanted)
    return asdict(server.marketplace.rules)


def _reset(server: Server, body: bytes) -> object:
    _members(body, set())
    server.reset()
    return {}


def _set_faults(server: Server, body: bytes) -> object:
    """Put a new script in the old one's place; what the old one fired stays counted."""
    try:
        rules, seed = read_rules(body.decode("utf-8", "replace"))
    except FaultScriptError as problem:
        raise ValueError(problem) from None
    fired = server.faults.fired
    server.faults = FaultScript(rules, server.options.seed if seed is None else seed)
    server.faults.fired = fired
    return {"rules": len(rules)}


def _documents(body: bytes) -> list[object]:
    document = orjson.loads(body)
    if isinstance(document, dict) and "orders" in document:
        document = document["orders"]
    return document if isinstance(document, list) else [document]


def _members(body: bytes, known: set[str]) -> dict[str, object]:
    document = orjson.loads(body) if body.strip() else {}
    if not isinstance(document, dict):
        raise TypeError("an object is needed")
    if strange := document.keys() - known:
        raise ValueError(f"there is no {min(strange)!r}")
    return document
