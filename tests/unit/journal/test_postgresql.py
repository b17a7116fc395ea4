"""What only a PostgreSQL server does; what holds for every kind of database is in test_database.py."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from psycopg.errors import SerializationFailure
from sqlalchemy import RootTransaction, insert, select, text
from sqlalchemy.exc import DBAPIError, OperationalError

from batch.errors import Exit, JournalFailed
from batch.journal import history, postgresql, tables
from batch.journal.database import ConnectionLost, Database, EntryRefused, NotWritten, lasting
from batch.journal.journal import Journal
from batch.journal.migrations import prepare
from tests.postgres import PASSWORD, PLACES, USER
from tests.unit.journal.making import begin_run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.postgres import Server

RUN = {"run": "run-1", "seller": "s", "account": "default", "command": "run", "started_at": 1}


@pytest.fixture
def opened(postgres: Server) -> Iterator[Database]:
    with closing(Database(postgres.place())) as database:
        prepare(database)
        yield database


def _runs(database: Database) -> list[str]:
    with database.reading() as connection:
        return list(connection.execute(select(tables.runs.c.run)).scalars())


@lasting
def _add(database: Database, run: str = "run-1", *, then: Any = None) -> None:  # noqa: ANN401 - any function
    with database.writing() as connection:
        connection.execute(insert(tables.runs).values(RUN | {"run": run}))
        if then is not None:
            then()


class Once:
    """Does something, the first time it is called."""

    def __init__(self, work: Any) -> None:  # noqa: ANN401 - any function
        self._work, self.calls = work, 0

    def __call__(self) -> None:
        self.calls += 1
        if self.calls == 1:
            self._work()


def _setting(database: Database, name: str) -> object:
    with database.writing() as connection:
        return connection.execute(text("SELECT current_setting(:name)"), {"name": name}).scalar_one()


# How a server is spoken to


def test_a_commit_survives_a_crash_whatever_the_user_is_used_to(postgres: Server) -> None:
    postgres.does("ALTER ROLE {} SET synchronous_commit = off", USER)
    try:
        with closing(Database(postgres.place())) as database:
            assert _setting(database, "synchronous_commit") == "on"
    finally:
        postgres.does("ALTER ROLE {} RESET synchronous_commit", USER)


def test_a_server_that_waits_for_its_standby_goes_on_doing_so(postgres: Server) -> None:
    postgres.does("ALTER ROLE {} SET synchronous_commit = remote_apply", USER)
    try:
        with closing(Database(postgres.place())) as database:
            assert _setting(database, "synchronous_commit") == "remote_apply"
    finally:
        postgres.does("ALTER ROLE {} RESET synchronous_commit", USER)


def test_it_is_told_who_we_are_unless_the_address_says_otherwise(postgres: Server) -> None:
    for more, name in (("", "shipbatch"), ("&application_name=night", "night")):
        with closing(Database(postgres.place() + more)) as database:
            assert _setting(database, "application_name") == name


def test_any_spelling_of_the_driver_will_do(postgres: Server) -> None:
    with closing(Database(postgres.place().replace("+psycopg", ""))) as database:
        assert database.tables() == set()


def test_nobody_waits_for_hours_for_whoever_is_cut_off(opened: Database) -> None:
    assert _setting(opened, "tcp_keepalives_idle") == "10"
    assert _setting(opened, "tcp_keepalives_count") == "3"


def test_a_nul_that_the_server_cannot_keep_costs_nothing(opened: Database) -> None:
    journal = Journal(opened)
    number = begin_run(journal, account="a\0b")

    assert [(run.number, run.account) for run in history.runs(opened, account="a\0b")] == [(number, "a\ufffdb")]


def test_of_a_server_nothing_is_copied(opened: Database) -> None:
    assert opened.back_up("version-1") is None
    opened.make_file()
    opened.keep_private()


def test_a_journal_on_a_server_is_there_once_it_was_made(postgres: Server) -> None:
    place = postgres.place()
    with closing(Database(place)) as database:
        assert not database.exists
        prepare(database)
        assert database.exists
    found = Journal.open_existing(place)
    assert found is not None
    found.close()


# What is told of it


def test_its_name_shows_no_password(postgres: Server) -> None:
    url = postgres.url("journal", password=PASSWORD) + "?password=another"

    with closing(Database(url)) as database:
        assert str(database) == f"postgresql://{USER}@127.0.0.1:{postgres.port}/journal"


def _refused(url: str) -> str:
    with pytest.raises(JournalFailed) as refused:
        Journal.open(url)
    assert refused.value.exit_code is Exit.FATAL
    said = str(refused.value)
    assert "\n" not in said
    assert said.endswith(".")
    return said


def test_a_server_that_does_not_run_is_told(postgres: Server) -> None:
    url = postgres.url("journal", host="127.0.0.9")

    assert _refused(url) == (
        f"postgresql://{USER}@127.0.0.9:{postgres.port}/journal: the journal cannot be read: Connection refused; "
        "look whether the server runs, and whether `journal` in the settings names the right one."
    )


def test_a_server_that_nobody_knows_is_told(postgres: Server) -> None:
    assert "look whether the server runs" in _refused(postgres.url("journal", host="nowhere.invalid"))


@pytest.mark.parametrize("password", ["", "Passw0rd"])
def test_a_wrong_password_is_told_and_not_shown(
    postgres: Server, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    monkeypatch.setenv("PGPASSFILE", "/dev/null")

    said = _refused(postgres.url(PLACES, user="asked_for_password", password=password))

    assert "password" in said
    assert "give the right user and password (in the address, PGPASSWORD or ~/.pgpass)" in said
    assert "Passw0rd" not in said


def test_the_password_may_come_from_the_environment(postgres: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PGPASSWORD", PASSWORD)

    with closing(Database(postgres.url(PLACES, user="asked_for_password"))) as database:
        assert _setting(database, "application_name") == "shipbatch"


def test_a_database_that_is_not_there_is_told(postgres: Server) -> None:
    said = _refused(postgres.url("nowhere"))

    assert 'database "nowhere" does not exist; make it with createdb' in said


def test_a_user_that_may_make_no_tables_is_told(postgres: Server) -> None:
    said = _refused(postgres.url(PLACES))  # without a schema of its own

    assert "permission denied for schema public; make this user the owner of the database" in said


def test_settings_with_which_a_server_may_lose_a_commit_are_told(opened: Database) -> None:
    assert opened.risks() == [
        f"{opened}: fsync is off on the server: what it says is written may be lost when its machine crashes."
    ]


def test_a_broken_index_is_told_with_what_mends_it(postgres: Server) -> None:
    name = postgres.database()
    with closing(Database(postgres.url(name))) as database:
        prepare(database)
        broken = "UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'orders_unfinished'::regclass"
        postgres.does(broken, database=name)

        assert database.integrity() == [
            f"{database}: the index orders_unfinished is broken; mend it with: REINDEX INDEX orders_unfinished."
        ]


class Saying:
    """A server that says what it is told to, one thing after the other."""

    def __init__(self, *said: object) -> None:
        self._said = [*said]

    def execute(self, *_: object) -> Any:  # noqa: ANN401 - as much of a result as is looked at
        said = self._said.pop(0)
        return SimpleNamespace(scalar_one=lambda: said, scalar_one_or_none=lambda: said, scalars=lambda: said)


def test_damaged_pages_that_the_server_found_are_told() -> None:
    server: Any = Saying([], 3)
    assert list(postgresql.unsound(server)) == ["the server has found 3 damaged pages"]


def test_a_commit_that_the_server_is_still_at_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postgresql, "_LOOK_AGAIN", 0.001)
    server: Any = Saying("in progress", "in progress", "committed")
    assert postgresql.was_committed(server, "7")


def test_a_commit_that_fails_for_another_reason_is_not_asked_for(
    opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise OperationalError("COMMIT", None, SerializationFailure())

    _before_commit(monkeypatch, Once(fail))
    with pytest.raises(EntryRefused):
        _add(opened)
    assert _runs(opened) == []


def test_what_cannot_be_looked_at_is_not_sound(postgres: Server) -> None:
    with closing(Database(postgres.url("nowhere"))) as database:
        assert ["does not exist" in problem for problem in database.integrity()] == [True]


# Connections that are lost


def test_a_connection_that_was_lost_meanwhile_is_made_anew(postgres: Server, opened: Database) -> None:
    _add(opened)
    assert postgres.cut_off(PLACES)

    assert _runs(opened) == ["run-1"]


def test_of_a_block_whose_connection_is_lost_nothing_is_written(postgres: Server, opened: Database) -> None:
    def write() -> None:
        with opened.writing() as connection:
            connection.execute(insert(tables.runs).values(RUN))
            postgres.cut_off(PLACES)
            connection.execute(insert(tables.runs).values(RUN))

    with pytest.raises(NotWritten) as lost:
        write()

    assert lost.value.exit_code is Exit.TEMPORARY
    assert _runs(opened) == []


def test_what_lasts_is_done_again_when_its_connection_is_lost(postgres: Server, opened: Database) -> None:
    cut = Once(lambda: postgres.cut_off(PLACES))

    _add(opened, then=cut)

    assert _runs(opened) == ["run-1"]
    assert cut.calls == 2


def test_what_loses_its_connection_again_and_again_is_given_up(postgres: Server, opened: Database) -> None:
    with pytest.raises(NotWritten):
        _add(opened, then=lambda: postgres.cut_off(PLACES))

    assert _runs(opened) == []


def test_what_is_lost_while_another_already_waits_for_the_server_lasts_too(postgres: Server, opened: Database) -> None:
    def cut_off_while_another_waits() -> None:
        postgres.cut_off(PLACES)
        opened._away_since = time.monotonic()

    _add(opened, then=Once(cut_off_while_another_waits))

    assert _runs(opened) == ["run-1"]


def test_reading_lasts_too(postgres: Server, opened: Database) -> None:
    _add(opened)
    cut = Once(lambda: postgres.cut_off(PLACES))

    @lasting
    def read() -> list[str]:
        with opened.reading() as connection:
            cut()
            return list(connection.execute(select(tables.runs.c.run)).scalars())

    assert read() == ["run-1"]


def test_a_commit_that_was_made_though_the_answer_was_lost_is_not_made_again(
    postgres: Server, opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    _after_commit(monkeypatch, Once(lambda: postgres.cut_off(PLACES)))

    _add(opened)  # else run-1 would be refused as its own repeat

    assert _runs(opened) == ["run-1"]


def test_a_commit_that_was_not_made_is_made_again(
    postgres: Server, opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = Once(lambda: postgres.cut_off(PLACES))
    _before_commit(monkeypatch, made)

    _add(opened)

    assert _runs(opened) == ["run-1"]
    assert made.calls == 2


def test_where_nobody_can_tell_what_became_of_a_commit_the_run_ends(
    postgres: Server, opened: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened.patience = 0.3
    _after_commit(monkeypatch, Once(postgres.stop))
    try:
        with pytest.raises(ConnectionLost, match="in the midst of a commit; `shipbatch resume` goes on") as lost:
            _add(opened)
        assert not isinstance(lost.value, NotWritten)
        assert lost.value.exit_code is Exit.TEMPORARY
    finally:
        postgres.start()


def test_a_server_that_is_started_anew_is_waited_for(postgres: Server, opened: Database) -> None:
    _add(opened)
    seen: list[list[str]] = []
    postgres.stop()
    reading = threading.Thread(target=lambda: seen.append(_runs(opened)))
    reading.start()
    postgres.start()
    reading.join()

    assert seen == [["run-1"]]


def test_what_a_crashed_server_never_wrote_down_was_not_committed(opened: Database) -> None:
    """It knows no transaction of that number: it is one that is still to come."""
    with opened.reading() as connection:
        assert not postgresql.was_committed(connection, "4000000000")


def test_a_question_that_cannot_be_asked_is_no_answer(opened: Database) -> None:
    with opened.reading() as connection:
        with pytest.raises(DBAPIError):
            connection.execute(text("SELECT 1 / 0"))
        with pytest.raises(DBAPIError):  # the transaction is over
            postgresql.was_committed(connection, "1")


def test_a_server_that_crashed_has_all_that_was_committed(postgres: Server, opened: Database) -> None:
    _add(opened)
    _add(opened, "run-2", then=Once(postgres.crash))

    assert _runs(opened) == ["run-1", "run-2"]


def test_a_server_that_stays_away_is_an_outage(postgres: Server, opened: Database) -> None:
    opened.patience = 0.3
    _add(opened)
    postgres.stop()
    try:
        with pytest.raises(ConnectionLost, match="look whether the server runs") as lost:
            _runs(opened)
        assert lost.value.exit_code is Exit.TEMPORARY
    finally:
        postgres.start()
    assert _runs(opened) == ["run-1"]


def _before_commit(monkeypatch: pytest.MonkeyPatch, do: Once) -> None:
    commit = RootTransaction.commit

    def do_first(transaction: RootTransaction) -> None:
        do()
        commit(transaction)

    monkeypatch.setattr(RootTransaction, "commit", do_first)


def _after_commit(monkeypatch: pytest.MonkeyPatch, do: Once) -> None:
    """Let the server commit, and do something before we hear of it."""

    def do_then(_dialect: object, connection: Any) -> None:  # noqa: ANN401 - the driver's
        connection.commit()
        do()
        connection.execute("SELECT 'the answer'")

    monkeypatch.setattr("sqlalchemy.dialects.postgresql.psycopg.PGDialect_psycopg.do_commit", do_then)
