"""Which call a request is: the paths of both dialects, told apart without a framework."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote

from batch.sandbox.bodies import EDITING
from batch.sandbox.refusals import Refusal, gateway_refused

_EDITING = f'"{EDITING}"'.encode()


class Kind(StrEnum):
    """What a request is about; faults, limits and counters go by it."""

    SHIP = "ship"
    EDIT = "edit"
    ACKNOWLEDGE = "acknowledge"
    CANCEL = "cancel"
    READ = "read"
    FIND = "find"
    TOKEN = "token"  # noqa: S105 - a kind of call, no secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A call of one dialect."""

    kind: Kind
    legacy: bool = False
    purchase_order_id: str = ""
    verb: str = ""  # the path's last part, where there is one


_POSTS = {
    "shipping": Kind.SHIP,
    "multiPackageShipping": Kind.SHIP,
    "acknowledge": Kind.ACKNOWLEDGE,
    "cancel": Kind.CANCEL,
}
_LISTS = frozenset({"released", "wfs"})


def find_route(method: str, path: str, body: bytes = b"") -> Route:
    """Return the route of a request by its raw path without the query. Raises `Refusal`: 404 or 405."""
    parts = path.split("/")
    legacy = parts[:3] == ["", "v3", "ca"]
    if parts[:2] != ["", "v3"]:
        raise gateway_refused(404, "URI_NOT_FOUND", f"{path} is not found")
    match parts[3 if legacy else 2 :]:
        case ["token"] if not legacy:
            return _only(method, "POST", Route(kind=Kind.TOKEN))
        case ["token", "detail"] if not legacy:
            return _only(method, "GET", Route(kind=Kind.TOKEN, verb="detail"))
        case ["orders"]:
            return _only(method, "GET", Route(kind=Kind.FIND, legacy=legacy))
        case ["orders", verb] if verb in _LISTS:
            return _only(method, "GET", Route(kind=Kind.FIND, legacy=legacy, verb=verb))
        case ["orders", order] if order:
            return _only(method, "GET", Route(kind=Kind.READ, legacy=legacy, purchase_order_id=unquote(order)))
        case ["orders", order, verb] if order and verb in _POSTS:
            kind = Kind.EDIT if verb == "shipping" and _EDITING in body else _POSTS[verb]
            route = Route(kind=kind, legacy=legacy, purchase_order_id=unquote(order), verb=verb)
            return _only(method, "POST", route)
    raise gateway_refused(404, "URI_NOT_FOUND", f"{path} is not found")


def _only(method: str, allowed: str, route: Route) -> Route:
    if method != allowed:
        raise method_refused(method)
    return route


def method_refused(method: str) -> Refusal:
    """Return the 405."""
    return gateway_refused(405, "METHOD_NOT_ALLOWED", f"{method} is not allowed")
