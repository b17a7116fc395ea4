from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from sqlalchemy import bindparam, case, delete, insert, select, update
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg

from batch.errors import JournalFailed
from batch.journal import tables
from batch.journal.blocks import BLOCK
from batch.journal.many import Lookup, Many, _written

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from batch.journal.database import Database

RUNS = tables.runs
ADD = Many(insert(RUNS), "run", "seller", "account", "command", "started_at")
RENAME = Many(
    update(RUNS).where(RUNS.c.run == bindparam("was")).values(account=bindparam("now"), summary=bindparam("said"))
)
REMOVE = Many(delete(RUNS).where(RUNS.c.run == bindparam("which")))
FIND = Lookup(
    select(RUNS.c.run, RUNS.c.started_at, case((RUNS.c.account == "default", "its own"), else_="another"))
    .where(RUNS.c.seller == bindparam("of_seller"))
    .order_by(RUNS.c.number),
    RUNS.c.run,
)


def _postgresql() -> object:
    made: object = PGDialect_psycopg()  # type: ignore[no-untyped-call]  # SQLAlchemy's
    return made


def _runs(count: int) -> list[dict[str, Any]]:
    return [
        {"run": f"run-{n}", "seller": "s", "account": "default", "command": "run", "started_at": n}
        for n in range(count)
    ]


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

        renamed = RENAME(
            connection,
            [{"was": name, "now": "other", "said": b"{}"} for name in ("run-0", "run-1", "nobody")],
        )
        assert renamed == 2
        assert REMOVE(connection, [{"which": "run-0"}, {"which": "run-7"}]) == 1

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


def test_where_the_driver_takes_values_by_name_it_gets_them_by_name() -> None:
    elsewhere = cast("Connection", SimpleNamespace(dialect=_postgresql()))

    text, values = _written(elsewhere, RENAME._statement)
    assert "%(was)s" in text
    assert values({"was": "a", "now": "b"}) == {"was": "a", "now": "b"}

    _, with_constants = _written(elsewhere, FIND._statement)
    assert "its own" in dict(with_constants({"of_seller": "s"})).values()
