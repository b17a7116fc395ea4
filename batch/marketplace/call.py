"""One HTTP exchange as data: the call that is made and what comes back."""

from __future__ import annotations

from enum import StrEnum
from types import MappingProxyType
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Mapping

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})


class Kind(StrEnum):
    """What a call is for; limits are kept for each kind."""

    SHIP = "ship"
    READ = "read"
    ACKNOWLEDGE = "acknowledge"
    EDIT = "edit"
    FIND = "find"
    TOKEN = "token"  # noqa: S105 - the name of a kind of call


_CHANGING = frozenset({Kind.SHIP, Kind.ACKNOWLEDGE, Kind.EDIT})


class Call(Struct, frozen=True, kw_only=True):
    """A request but for its authentication, which is made afresh for every attempt.

    `url` is exactly what is sent and signed: absolute and percent-encoded. `body` is None where there is none.
    """

    kind: Kind
    method: str
    url: str
    body: bytes | None = None
    headers: Mapping[str, str] = _NO_HEADERS
    purchase_order_id: str = ""  # whose order the answer must show
    customer_order_id: str = ""  # the same, for a search
    unproved: bool = False  # no reference confirms the path: an unknown path is this call's fault, not the settings'

    @property
    def changes(self) -> bool:
        """Whether the call changes the order, so that a lost answer must be settled and never sent again."""
        return self.kind in _CHANGING


class Answer(Struct, frozen=True):
    """What the server said. `headers` is looked up whatever the case where the transport made it."""

    status: int
    headers: Mapping[str, str]
    body: bytes  # holds the buyer's name and address: never shown, never stored

    def __repr__(self) -> str:
        return f"Answer(status={self.status})"


class NoAnswer(Struct, frozen=True):
    """No whole answer came back.

    `sent` False: certainly nothing of the request reached the server. True: perhaps it did.
    """

    sent: bool
    reason: str  # for people: begins in lower case, has no full stop
