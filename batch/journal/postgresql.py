"""What only PostgreSQL understands: how it is spoken to, what its errors mean, what a lost connection did.

Nothing here needs its driver but what is called with a connection to it.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sqlalchemy import Connection
    from sqlalchemy.engine import URL

NAME = "postgresql"
_DRIVER = "postgresql+psycopg"
_STILL_TO_COME = "22023"  # SQLSTATE of a question about a transaction whose number is in the future
NOTICED = 25.0  # s until a server notices that we are cut off: 10 of silence, and 3 questions

# Unless the address says otherwise: names us to whoever looks at the server, and lets no cut cable last for hours.
_MANNERS = {
    "fallback_application_name": "shipbatch",
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # ms
}
_ON_THE_SERVER = {"tcp_keepalives_idle": 10, "tcp_keepalives_interval": 5, "tcp_keepalives_count": 3}
READS = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}  # execution options: all of one moment
_ALONE = 0x5348_4950_4241_5443  # the key of the lock for what one transaction does at a time: "SHIPBATC"
_LOOK_AGAIN = 0.1  # s, at a transaction that is still being ended

# What a server's words mean. It may speak another language; then its words stand alone.
_REFUSALS = {
    r"password|authentication|pg_hba": "give the right user and password (in the address, PGPASSWORD or ~/.pgpass)",
    r'database ".*" does not exist': "make it with createdb, or name another one under `journal`",
    r'role ".*" does not exist': "make that user with createuser, or name another one under `journal`",
    r"too many|remaining connection slots": "let the server take more connections (max_connections), or start fewer",
    r"permission denied": "make this user the owner of the database, or give it the right to make tables there",
}
_UNREACHABLE = "look whether the server runs, and whether `journal` in the settings names the right one"


def address_of(url: URL) -> str:
    """Return where a database is, for people: nothing of it is secret."""
    user = f"{url.username}@" if url.username else ""
    port = f":{url.port}" if url.port else ""
    return f"{NAME}://{user}{url.host or ''}{port}/{url.database or ''}"


def driven(url: URL) -> URL:
    """Return the address with the driver that we use."""
    return url.set(drivername=_DRIVER)


def manners(url: URL) -> dict[str, Any]:
    """Return what is said at every connecting, but for what the address itself says."""
    return {name: value for name, value in _MANNERS.items() if name not in url.query}


def greet(connection: Any, _record: object) -> None:  # noqa: ANN401 - the driver's own
    """Have every commit survive a crash of the server, and text without what the server cannot keep.

    A server that waits for a standby, too, goes on doing so.
    """
    connection.adapters.register_dumper(str, _dumper_of_text())
    said = [f"set_config('{name}', '{value}', false)" for name, value in _ON_THE_SERVER.items()]
    durable = "set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    for question in (", ".join(said), durable):
        connection.execute(f"SELECT {question}")
    connection.commit()


def wait_for_others(connection: Connection) -> None:
    """Wait until no other transaction that has waited here is under way."""
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ALONE})


def _dumper_of_text() -> Any:  # noqa: ANN401 - the driver's own
    from psycopg.types.string import StrDumper  # noqa: PLC0415 - the driver is an extra

    class Text(StrDumper):
        """Text of which PostgreSQL keeps all but NUL, which it cannot."""

        def dump(self, obj: str) -> Any:  # noqa: ANN401 - the driver's own
            return super().dump(obj.replace("\0", "\N{REPLACEMENT CHARACTER}") if "\0" in obj else obj)

    return Text


def is_lost(error: BaseException) -> bool:
    """Whether an error of the driver means that the connection is gone, and not that a statement was wrong.

    Source: PostgreSQL, appendix A: class 08 are connections, 57P01 to 57P05 a server that goes down or lets us go.
    An `OperationalError` without a code comes from the driver itself, which could not reach the server.
    """
    code = getattr(error, "sqlstate", None)
    if code is not None:
        return str(code).startswith(("08", "57P"))
    return type(error).__name__ in ("OperationalError", "InterfaceError")


def told(error: BaseException, verb: str) -> str:
    """Return what to say where the journal cannot be read or written (`verb`), and what to do about it."""
    words = _words(str(error))
    usual = _UNREACHABLE if is_lost(error) else "put that right and run the command again"
    mend = next((mend for pattern, mend in _REFUSALS.items() if re.search(pattern, words)), usual)
    return f"the journal cannot be {verb}: {words}; {mend}"


def _words(said: str) -> str:
    """Return the server's own words: the last line that has any of them, else the first line."""
    lines = [line.strip() for line in said.splitlines() if line.strip()] or [""]
    fatal = [line.partition("FATAL:")[2].strip() for line in lines if "FATAL:" in line]
    first = re.sub(r'^connection failed: connection to server (at|on) "[^"]*"(, port \d+)? failed: ', "", lines[0])
    return (fatal[-1] if fatal else first).rstrip(".")


# Locks, which last as long as their session


def lock(session: Connection, key: int) -> bool:
    """Take the lock of that number, unless another session has it; return whether it is ours."""
    return bool(session.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": key}).scalar_one())


def unlock(session: Connection, key: int) -> None:
    """Let go of a lock."""
    session.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": key})


# A server shows the 64 bits of a lock's number as two times 32.
_LOCKED = text("""
    SELECT count(*) FROM pg_locks JOIN pg_database ON pg_database.oid = pg_locks.database
    WHERE datname = current_database() AND locktype = 'advisory' AND granted
    AND objsubid = 1 AND (classid::bigint << 32 | objid::bigint) = :key
""")


def is_locked(connection: Connection, key: int) -> bool:
    """Whether any session has the lock of that number."""
    return bool(connection.execute(_LOCKED, {"key": key}).scalar_one())


def name(session: Connection, application: str) -> None:
    """Name a session to whoever looks at the server."""
    session.execute(text("SELECT set_config('application_name', :name, false)"), {"name": application})


def answer(session: Connection) -> None:
    """Have the server say that it is there."""
    session.execute(text("SELECT 1"))


# What became of a transaction whose connection was lost while it was committed


def mark_of(connection: Connection) -> str | None:
    """Return what tells this transaction from all others, None where it has written nothing."""
    found: str | None = connection.execute(text("SELECT pg_current_xact_id_if_assigned()::text")).scalar_one()
    return found


def was_committed(connection: Connection, mark: str) -> bool:
    """Whether the transaction with this mark was committed; waits while the server is still at it.

    A server that crashed may not have got as far as its number on disk, and says that it is still to come: then nothing
    of it is there.
    """
    asked = text("SELECT pg_xact_status(CAST(:mark AS xid8))")
    try:
        while (status := connection.execute(asked, {"mark": mark}).scalar_one()) == "in progress":
            time.sleep(_LOOK_AGAIN)
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) == _STILL_TO_COME:
            return False
        raise
    return bool(status == "committed")


# Which it is, and whether it is sound


def identity(connection: Connection) -> str:
    """Return which database of which server this is, by whatever name."""
    asked = "SELECT pg_postmaster_start_time()::text, oid::text FROM pg_database WHERE datname = current_database()"
    begun, number = connection.execute(text(asked)).one()
    return f"{NAME} {begun} {number}"


def unsound(connection: Connection) -> Iterator[str]:
    """Tell what is wrong with what the server keeps for us, without a full stop."""
    broken = "SELECT indexrelid::regclass::text FROM pg_index WHERE NOT indisvalid ORDER BY 1"
    for name in connection.execute(text(broken)).scalars():
        yield f"the index {name} is broken; mend it with: REINDEX INDEX {name}"
    damaged = "SELECT checksum_failures FROM pg_stat_database WHERE datname = current_database()"
    if count := connection.execute(text(damaged)).scalar_one_or_none():
        yield f"the server has found {count} damaged pages"


def risks(connection: Connection) -> Iterator[str]:
    """Tell which settings of the server could make it lose a commit, without a full stop."""
    for setting in ("fsync", "full_page_writes"):
        if connection.execute(text("SELECT current_setting(:name)"), {"name": setting}).scalar_one() != "on":
            yield f"{setting} is off on the server: what it says is written may be lost when its machine crashes"
