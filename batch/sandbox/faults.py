"""Faults on request: a small script of rules says which requests go wrong, and how. Pure, and repeatable by its seed.

[[rules]]                       # the third shipping update of one order is carried out, but its answer is lost
match = {kind = "ship", po = "309121065891123", nth = 3}
do = "reset-after"

[[rules]]                       # every fifth read, and one update in ten by chance
match = {kind = "read", every = 5}
do = "503"
"""

from __future__ import annotations

import random
import tomllib
from collections import Counter
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeVar

import orjson

from batch.sandbox.routes import Kind

if TYPE_CHECKING:
    from collections.abc import Iterable


class Action(StrEnum):
    """What goes wrong. "Carried out" means that the marketplace's state changes and the buyer is charged."""

    # nothing is carried out
    RESET_BEFORE = "reset-before"  # the connection breaks
    HANG = "hang"  # no answer for `seconds`, then the connection breaks
    ERROR_500 = "500"
    ERROR_502 = "502"
    UNAVAILABLE = "503"
    ERROR_504 = "504"
    ERROR_520 = "520"
    LOCKED = "423"
    THROTTLED = "429"  # `seconds` to wait are told
    FORBIDDEN = "403"
    UNAUTHORISED = "unauthorised"
    OUTAGE_400 = "outage-400"  # the vague 400 that was seen during outages
    ERRORS_200 = "errors-200"  # 200 with an error body
    REDIRECT = "redirect"  # 307 to `location`
    # carried out, but the answer does not say so
    RESET_AFTER = "reset-after"
    HANG_AFTER = "hang-after"
    LATE_COMMIT = "late-commit"  # the connection breaks at once, carried out after `seconds`
    ERROR_500_AFTER = "500-after"
    ERROR_504_AFTER = "504-after"
    ERROR_520_AFTER = "520-after"
    HTML = "html"  # 200 with a page
    TRUNCATED = "truncated"  # 200 with half of the JSON
    EMPTY = "empty"  # 200 with nothing
    PARTIAL_ECHO = "partial-echo"  # 200 that shows the first line only
    STALE_ANSWER = "stale-answer"  # 200 that shows the order as it was before
    # carried out, in its own way
    SLOW = "slow"  # after `seconds`
    TRICKLE = "trickle"  # the answer comes in pieces, over `seconds`
    CANCEL_FIRST = "cancel-first"  # the buyer cancels the order a moment before


class FaultScriptError(ValueError):
    """The fault script has a mistake."""


@dataclass(slots=True, kw_only=True)
class Rule:
    """Which requests an action befalls. All conditions must hold; those that are not given hold always."""

    action: Action
    kind: Kind | None = None
    purchase_order_id: str = ""
    nth: int = 0  # only the n-th matching request, counted from 1
    every: int = 0  # each n-th matching request
    chance: float = 1.0
    times: int = 0  # at most so often; 0: without end
    seconds: float = 1.0
    location: str = ""
    once_per_order: bool = False
    matched: int = 0  # requests so far
    fired: int = 0
    orders_hit: set[str] = field(default_factory=set)

    def hits(self, kind: Kind, purchase_order_id: str, chance: float) -> bool:
        """Count a request and return whether the action befalls it; `chance` is drawn from 0 to 1."""
        if self.kind not in (None, kind) or self.purchase_order_id not in ("", purchase_order_id):
            return False
        self.matched += 1
        exhausted = bool(self.times) and self.fired >= self.times
        skipped = (self.nth and self.matched != self.nth) or (self.every and self.matched % self.every)
        repeated = self.once_per_order and purchase_order_id in self.orders_hit
        if exhausted or skipped or repeated or chance >= self.chance:
            return False
        self.fired += 1
        self.orders_hit.add(purchase_order_id)
        return True


class FaultScript:
    """The rules in their order: the first that hits a request decides. `fired` counts, so that no test is vacuous."""

    def __init__(self, rules: Iterable[Rule] = (), seed: int = 0) -> None:
        self.rules = [replace(rule, matched=0, fired=0, orders_hit=set()) for rule in rules]
        self.fired: Counter[str] = Counter()  # by action
        self._random = random.Random(seed)  # noqa: S311 - repeatable on purpose, guards nothing

    def choose(self, kind: Kind, purchase_order_id: str = "") -> Rule | None:
        """Return the rule whose action befalls the request, None where it goes well."""
        for rule in self.rules:
            chance = self._random.random() if rule.chance < 1 else 0.0
            if rule.hits(kind, purchase_order_id, chance):
                self.fired[rule.action] += 1
                return rule
        return None


def read_rules(content: str) -> tuple[list[Rule], int | None]:
    """Read a script in JSON or TOML; return its rules and its seed. Raises `FaultScriptError`, naming the rule."""
    try:
        return rules_of(orjson.loads(content))
    except orjson.JSONDecodeError:
        pass
    try:
        return rules_of(tomllib.loads(content))
    except tomllib.TOMLDecodeError as error:
        raise FaultScriptError(f"the fault script is neither JSON nor TOML: {error}") from None


def rules_of(document: object) -> tuple[list[Rule], int | None]:
    """Return the rules and the seed of a script's document: a list of rules, or {"rules": [...], "seed": 7}."""
    script = {"rules": document} if isinstance(document, list) else document
    if not isinstance(script, dict) or not isinstance(script.get("rules", []), list):
        raise FaultScriptError("the fault script needs a list of rules")
    if strange := script.keys() - {"rules", "seed"}:
        raise FaultScriptError(f"the fault script knows no {min(strange)!r}")
    seed = script.get("seed")
    if seed is not None and not isinstance(seed, int):
        raise FaultScriptError("seed must be an integer")
    return [_rule(entry, number) for number, entry in enumerate(script.get("rules", []), 1)], seed


_CONDITIONS = {"kind": str, "po": str, "nth": int, "every": int, "chance": float, "once_per_order": bool}
_EFFECTS = {"do": str, "times": int, "seconds": float, "location": str}


def _rule(entry: object, number: int) -> Rule:
    if not isinstance(entry, dict) or not isinstance(entry.get("match", {}), dict):
        raise FaultScriptError(f"rule {number}: needs `do`, and perhaps `match`")
    effects = {name: value for name, value in entry.items() if name != "match"}
    match = _checked(entry.get("match", {}), _CONDITIONS, number)
    does = _checked(effects, _EFFECTS, number)
    rule = Rule(action=_word(Action, does.get("do"), number))
    rule.kind = _word(Kind, match["kind"], number) if "kind" in match else None
    rule.purchase_order_id = match.get("po", "")
    rule.nth, rule.every = match.get("nth", 0), match.get("every", 0)
    rule.chance = match.get("chance", 1.0)
    rule.once_per_order = match.get("once_per_order", False)
    rule.seconds, rule.location = does.get("seconds", 1.0), does.get("location", "")
    selective = rule.every or rule.chance < 1 or rule.once_per_order
    rule.times = does.get("times", 0 if selective else 1)
    return rule


def _checked(values: dict[str, Any], types: dict[str, type], number: int) -> dict[str, Any]:
    for name, value in values.items():
        wanted = types.get(name)
        if wanted is None:
            raise FaultScriptError(f"rule {number}: there is no {name!r}")
        fits = isinstance(value, int | float) if wanted is float else isinstance(value, wanted)
        if not fits or (isinstance(value, bool) and wanted is not bool):
            raise FaultScriptError(f"rule {number}: {name} {value!r} is no {wanted.__name__}")
        if not isinstance(value, str) and value < 0:
            raise FaultScriptError(f"rule {number}: {name} cannot be negative")
    return values


_Word = TypeVar("_Word", bound=StrEnum)


def _word(words: type[_Word], value: object, number: int) -> _Word:
    try:
        return words(str(value))
    except ValueError:
        known = ", ".join(words)
        raise FaultScriptError(f"rule {number}: {value!r} is none of {known}") from None
