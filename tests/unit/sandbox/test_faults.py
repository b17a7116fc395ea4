from __future__ import annotations

import pytest

from batch.sandbox.faults import Action, FaultScript, FaultScriptError, Rule, read_rules
from batch.sandbox.routes import Kind

SCRIPT = """
seed = 7

[[rules]]
match = {kind = "ship", po = "1", nth = 2}
do = "reset-after"

[[rules]]
match = {kind = "read", every = 3}
do = "503"
seconds = 2
"""


def test_scripts_are_read_from_toml_and_json() -> None:
    rules, seed = read_rules(SCRIPT)
    assert seed == 7
    assert [(rule.action, rule.kind, rule.nth, rule.every, rule.times, rule.seconds) for rule in rules] == [
        (Action.RESET_AFTER, Kind.SHIP, 2, 0, 1, 1.0),
        (Action.UNAVAILABLE, Kind.READ, 0, 3, 0, 2),
    ]
    as_json = (
        '{"seed": 7, "rules": [{"match": {"kind": "ship", "po": "1", "nth": 2}, "do": "reset-after"},'
        '{"match": {"kind": "read", "every": 3}, "do": "503", "seconds": 2}]}'
    )
    assert read_rules(as_json) == (rules, 7)


@pytest.mark.parametrize("content", ["", "[]", '{"rules": []}', "seed = 1"])
def test_an_empty_script_has_no_rules(content: str) -> None:
    assert read_rules(content)[0] == []


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("{", "neither JSON nor TOML"),
        ("1", "neither JSON nor TOML|needs a list of rules"),
        ('{"rules": {}}', "needs a list of rules"),
        ('{"rule": []}', "knows no 'rule'"),
        ('{"seed": "x"}', "seed must be an integer"),
        ("[1]", "rule 1: needs `do`"),
        ('[{"match": 1, "do": "500"}]', "rule 1: needs `do`"),
        ("[{}]", "rule 1: None is none of reset-before"),
        ('[{"do": "explode"}]', "rule 1: 'explode' is none of reset-before"),
        ('[{"do": "500"}, {"do": "500", "match": {"kind": "fly"}}]', "rule 2: 'fly' is none of ship"),
        ('[{"do": "500", "match": {"order": "1"}}]', "rule 1: there is no 'order'"),
        ('[{"do": "500", "time": 1}]', "rule 1: there is no 'time'"),
        ('[{"do": "500", "times": "1"}]', "rule 1: times '1' is no int"),
        ('[{"do": "500", "times": true}]', "rule 1: times True is no int"),
        ('[{"do": "500", "seconds": -1}]', "rule 1: seconds cannot be negative"),
    ],
)
def test_mistakes_are_named(content: str, problem: str) -> None:
    with pytest.raises(FaultScriptError, match=problem):
        read_rules(content)


def chosen(rule: Rule, calls: list[tuple[Kind, str]], seed: int = 0) -> list[bool]:
    script = FaultScript([rule], seed)
    return [script.choose(*call) is not None for call in calls]


SHIPS = [(Kind.SHIP, "1"), (Kind.SHIP, "2"), (Kind.READ, "1"), (Kind.SHIP, "1"), (Kind.SHIP, "1")]


@pytest.mark.parametrize(
    ("rule", "hits"),
    [
        (Rule(action=Action.HANG), [True] * 5),
        (Rule(action=Action.HANG, times=2), [True, True, False, False, False]),
        (Rule(action=Action.HANG, kind=Kind.READ), [False, False, True, False, False]),
        (Rule(action=Action.HANG, kind=Kind.SHIP, purchase_order_id="1"), [True, False, False, True, True]),
        (Rule(action=Action.HANG, kind=Kind.SHIP, purchase_order_id="1", nth=2), [False, False, False, True, False]),
        (Rule(action=Action.HANG, every=2), [False, True, False, True, False]),
        (Rule(action=Action.HANG, kind=Kind.SHIP, once_per_order=True), [True, True, False, False, False]),
        (Rule(action=Action.HANG, chance=0), [False] * 5),
    ],
)
def test_rules_hit_what_they_match(rule: Rule, hits: list[bool]) -> None:
    assert chosen(rule, SHIPS) == hits


def test_chance_is_repeatable_by_its_seed() -> None:
    calls = [(Kind.SHIP, str(number)) for number in range(1000)]
    runs = [chosen(Rule(action=Action.HANG, chance=0.2), calls, seed) for seed in (1, 1, 2)]
    assert runs[0] == runs[1] != runs[2]
    assert 150 < sum(runs[0]) < 250


def test_the_first_rule_that_hits_decides_and_is_counted() -> None:
    script = FaultScript([Rule(action=Action.HANG, times=1), Rule(action=Action.EMPTY)])
    actions = [rule.action for _ in range(3) if (rule := script.choose(Kind.SHIP, "1"))]
    assert actions == [Action.HANG, Action.EMPTY, Action.EMPTY]
    assert script.fired == {"hang": 1, "empty": 2}
