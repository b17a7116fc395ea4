from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import bindparam, case, delete, insert, select, update

from batch.errors import JournalFailed
from batch.journal import tables
from batch.journal.blocks import BLOCK
from batch.journal.many import Lookup, Many

if TYPE_CHECKING:
    from batch.journal.database import Database

RUNS = tables.runs
ADD = Many(insert(RUNS), "run", "seller", "account", "command", "started_at")
RENAME = Many(
    update(RUNS).where(RUNS.c.run == bindparam("was")).values(account=bindparam("now"), summary=bindparam("said")),
    *("was", "now", "said"),
)
FIND = Lookup(
    select(RUNS.c.run, RUNS.c.started_at, case((RUNS.c.account == "default", "its own"), else_="another"))
    .where(RUNS.c.seller == bindparam("of_seller"))
    .order_by(RUNS.c.number),
    RUNS.c.run,
)


def _runs(count: int) -> list[tuple[str, str, str, str, int]]:
    return [(f"run-{n}", "s", "default", "run", n) for n in range(count)]


def _told(database: Database) -> list[tuple[Any, ...]]:
    with database.reading() as connection:
        return [tuple(row) for row in connection.execute(select(RUNS.c.run, RUNS.c.account, RUNS.c.summary))]


def test_every_row_is_written(database: Database) -> None:
    with database.writing() as connection:
        assert ADD(connection, _runs(3)) == 3

    with database.reading() as connection:
        assert FIND(connection, ["run-0", "run-2"], of_seller="s") is not None
        assert list(FIND(connection, ["run-0", "run-2"], of_seller="s")) == [
            ("run-0", 0, "its own"),
            ("run-2", 2, "its own"),
        ]


def test_it_tells_how_many_rows_of_the_table_were_touched(database: Database) -> None:
    with database.writing() as connection:
        ADD(connection, _runs(3))

        assert RENAME(connection, [(name, "other", b"{}") for name in ("run-0", "run-1", "nobody")]) == 2

    with database.reading() as connection:
        assert [row[2] for row in FIND(connection, ["run-1"], of_seller="s")] == ["another"]


def test_nothing_is_done_for_no_rows(database: Database) -> None:
    with database.writing() as connection:
        assert ADD(connection, []) == 0
        assert list(FIND(connection, [], of_seller="s")) == []


@pytest.mark.parametrize("count", [1, 2, 3, 5, BLOCK - 1, BLOCK, BLOCK + 1])
def test_however_many_are_looked_up_each_is_found_once(database: Database, count: int) -> None:
    with database.writing() as connection:
        ADD(connection, _runs(count))
        found = [row[0] for row in FIND(connection, (f"run-{n}" for n in range(count)), of_seller="s")]

    assert found == [f"run-{n}" for n in range(count)]


def test_what_else_is_asked_for_counts(database: Database) -> None:
    with database.writing() as connection:
        ADD(connection, _runs(1))

        assert list(FIND(connection, ["run-0"], of_seller="somebody else")) == []


def test_a_row_that_the_table_does_not_take_fails_as_the_journal_does(database: Database) -> None:
    with pytest.raises(JournalFailed), database.writing() as connection:
        ADD(connection, _runs(1) + _runs(1))


@pytest.mark.parametrize("count", [1, 2, 3, 255, 256, 257, 600])
def test_however_many_are_written_each_is_written_once_and_numbered_in_sequence(database: Database, count: int) -> None:
    with database.writing() as connection:
        assert ADD(connection, _runs(count)) == count
    with database.reading() as connection:
        numbered = connection.execute(select(RUNS.c.run).order_by(RUNS.c.number)).scalars().all()

    assert numbered == [f"run-{n}" for n in range(count)]


ANSWERS = st.lists(
    st.tuples(
        st.sampled_from(["default", "", 'Émile\'s "shop" ?, ?', "?", "(?, ?)"]),
        st.sampled_from([None, b"", b"{}", b"\x00\xff"]),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answers=ANSWERS)
def test_each_row_gets_its_own_values_whichever_are_the_same_in_all(
    database: Database, answers: list[tuple[str, bytes | None]]
) -> None:
    with database.writing() as connection:
        connection.execute(delete(RUNS))
        ADD(connection, _runs(len(answers)))

        assert RENAME(connection, [(f"run-{n}", *answer) for n, answer in enumerate(answers)]) == len(answers)

    assert sorted(_told(database)) == [(f"run-{n}", *answer) for n, answer in enumerate(answers)]
