from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Literal

import pytest

from batch.errors import AccountsDoNotAdd
from batch.outcomes import Outcome
from batch.report.account import GRAVITY, READY, RunAccount, check_conservation
from tests.unit.report.accounts import make_account, make_table, ordinary

if TYPE_CHECKING:
    from collections.abc import Callable

    import pandas as pd


def changed(
    account: RunAccount, frame: Literal["rows", "orders"], column: str, at: int, value: int | str
) -> RunAccount:
    copy: pd.DataFrame = getattr(account, frame).copy()
    copy.loc[at, column] = value
    fields: dict[str, Any] = {frame: copy}
    return dataclasses.replace(account, **fields)


def test_an_account_of_every_outcome_adds_up() -> None:
    check_conservation(ordinary())


def test_an_account_of_nothing_adds_up() -> None:
    check_conservation(RunAccount(run="r", account="a", command="run"))


def test_an_account_of_several_tables_adds_up() -> None:
    tables = [make_table(["1", "2", ""], path="a.csv"), make_table(["1", "3", ""], ["9", "3", ""], path="b.csv")]
    check_conservation(make_account(tables, [("shipped", "", "1"), ("held", "Why.", "1"), ("skipped", "Void.", "")]))


def test_ready_is_an_outcome_of_a_check_only() -> None:
    told = [("ready", "", "1")]
    check_conservation(make_account([make_table(["1", "2", ""])], told, ready=True))
    with pytest.raises(AccountsDoNotAdd, match="row 1 of the report ended as 'ready', which is no outcome"):
        check_conservation(make_account([make_table(["1", "2", ""])], told))


def test_every_outcome_has_its_gravity_once() -> None:
    assert sorted(GRAVITY) == sorted([*Outcome, READY])


BREACHES: list[tuple[Callable[[RunAccount], RunAccount], str]] = [
    (lambda told: dataclasses.replace(told, rows=told.rows.iloc[:-1]), "8 rows were read and 7 are accounted for"),
    (lambda told: dataclasses.replace(told, rows=told.rows.iloc[::-1]), "march.csv row 2 was read and is not"),
    (lambda told: changed(told, "rows", "row", 3, 77), "march.csv row 5 was read and is not accounted for"),
    (lambda told: changed(told, "rows", "table", 3, 1), "march.csv row 5 was read and is not accounted for"),
    (lambda told: changed(told, "rows", "outcome", 3, ""), "row 4 of the report ended as '', which is no outcome"),
    (lambda told: changed(told, "orders", "outcome", 3, "lost"), "order 4 of the report ended as 'lost'"),
    (lambda told: dataclasses.replace(told, files=()), "The files have 0 rows and 8 are accounted for"),
    (lambda told: changed(told, "rows", "order", 3, 8), "A row belongs to an order that is not accounted for"),
    (lambda told: changed(told, "rows", "order", 3, -2), "A row belongs to an order that is not accounted for"),
    (lambda told: changed(told, "rows", "order", 3, -1), "Order 103 does not end as its rows do"),
    (lambda told: changed(told, "rows", "outcome", 3, "shipped"), "Order 103 does not end as its rows do"),
    (lambda told: changed(told, "orders", "rows", 3, 2), "Order 103 does not end as its rows do"),
]


@pytest.mark.parametrize(("breach", "message"), BREACHES, ids=[message for _, message in BREACHES])
def test_an_account_that_does_not_add_is_refused(breach: Callable[[RunAccount], RunAccount], message: str) -> None:
    with pytest.raises(AccountsDoNotAdd, match=message):
        check_conservation(breach(ordinary()))
