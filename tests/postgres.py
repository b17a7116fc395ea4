"""A PostgreSQL server of the tests' own: begun when one is first needed, ended with the tests, gone afterwards.

It refuses to be root, so it runs as Debian's user for it where the tests are root's. It waits for no disk: what a crash
of the whole machine does to a server is PostgreSQL's own business.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, LiteralString

import psycopg
from psycopg import sql

from tests.trial import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

MISSING = "PostgreSQL's server programs are not on this machine: apt-get install postgresql"
USER, PASSWORD = "shop", "Tr0ub4dor"  # of the database's owner, who needs the password where a test asks for it
PLACES = "places"  # the database whose schemas are those of single tests
_ADMIN = "postgres"
_ACCESS = f"""
local all all trust
host all asked_for_password 127.0.0.1/32 scram-sha-256
host all {USER},{_ADMIN} 127.0.0.1/32 trust
"""
_SETTINGS = {
    "fsync": "off",
    "listen_addresses": "127.0.0.1",
    "max_connections": "60",
    "min_wal_size": "2MB",
    "shared_buffers": "16MB",
    "timezone": "UTC",
}


def programs() -> Path | None:
    """Return the folder of the server's programs, the newest version's, None where there are none."""
    found = [Path(path).resolve().parent for name in ("postgres",) if (path := shutil.which(name))]
    debian = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda file: int(file.parts[-3]))
    return next(iter([*found, *(file.parent for file in reversed(debian))]), None)


@dataclass(slots=True)
class Server:
    """A server with its data in a temporary folder."""

    folder: Path
    programs: Path
    port: int
    _process: subprocess.Popen[bytes] | None = None
    _numbers: Iterator[int] = field(default_factory=count)

    def start(self) -> None:
        """Start it and wait until it lets somebody in. It ends with the thread that started it."""
        given = [word for name, value in _SETTINGS.items() for word in ("-c", f"{name}={value}")]
        command = [self.programs / "postgres", "-D", self.folder / "data", "-k", self.folder, "-p", self.port, *given]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*_as_somebody(), *map(str, command)], cwd=self.folder, stdout=log, stderr=log
            )
        wait_until(self._lets_in, told=(self.folder / "log").read_text)

    @property
    def pid(self) -> int:
        """The number of the process that all others of the server come from."""
        assert self._process is not None
        return self._process.pid

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """Stop it: SIGINT ends all connections in good order, SIGQUIT at once, as a crash does."""
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(60)
            self._process = None

    def crash(self) -> None:
        """Let it crash, and start it again, which recovers what was committed."""
        self.stop(signal.SIGQUIT)
        self.start()

    def database(self) -> str:
        """Make an empty database; return its name."""
        name = f"journal_{next(self._numbers)}"
        self.does("CREATE DATABASE {} OWNER {}", name, USER)
        return name

    def place(self) -> str:
        """Make an empty schema; return the address that leads to it: at a tenth of the cost of a database."""
        name = f"place_{next(self._numbers)}"
        self.does("CREATE SCHEMA {} AUTHORIZATION {}", name, USER, database=PLACES)
        return f"{self.url(PLACES)}?options=-csearch_path%3D{name}"

    def url(self, database: str, *, user: str = USER, password: str = "", host: str = "127.0.0.1") -> str:
        """Return the address of a database as the settings have it."""
        secret = f":{password}" if password else ""
        return f"postgresql+psycopg://{user}{secret}@{host}:{self.port}/{database}"

    def does(self, statement: LiteralString, *names: str, database: str = _ADMIN) -> list[tuple[object, ...]]:
        """Carry out a statement, with names in the place of its braces, and return what it shows."""
        with self.connected(database) as connection:
            shown = connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))
            return shown.fetchall() if shown.description else []

    @contextmanager
    def connected(self, database: str = _ADMIN) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
        """Give a connection of whoever runs the server, that commits each statement."""
        with closing(self._connect(database)) as connection:
            yield connection

    def cut_off(self, database: str, *, application: str = "%") -> int:
        """End the connections to a database whose application has a name like this; return how many there were."""
        with self.connected() as connection:
            chosen = "FROM pg_stat_activity WHERE datname = %s AND application_name LIKE %s"
            ended = connection.execute(f"SELECT pg_terminate_backend(pid) {chosen}", (database, application))
            return len(ended.fetchall())

    def _connect(self, database: str) -> psycopg.Connection[tuple[object, ...]]:
        return psycopg.connect(host=str(self.folder), port=self.port, user=_ADMIN, dbname=database, autocommit=True)

    def _lets_in(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self.folder / "log").read_text()
        try:
            self._connect(_ADMIN).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def begun_server() -> Iterator[Server | None]:
    """Give a server that ends with the block, or with this process; None where its programs are missing."""
    where = programs()
    if where is None:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="postgres-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if os.geteuid() == 0:
            shutil.chown(folder, _somebody().pw_uid, _somebody().pw_gid)
        _make_data(where, folder)
        server = Server(folder, where, _free_port())
        try:
            server.start()
            with server.connected() as admin:
                admin.execute(f"CREATE ROLE {USER} LOGIN")
                admin.execute(f"CREATE ROLE asked_for_password LOGIN PASSWORD '{PASSWORD}'")
                admin.execute(f"CREATE DATABASE {PLACES}")
            yield server
        finally:
            server.stop(signal.SIGQUIT)  # nobody wants the data any more


def _make_data(where: Path, folder: Path) -> None:
    told = ["--no-sync", "--auth=trust", f"--username={_ADMIN}", "--encoding=UTF8", "--locale=C", "--wal-segsize=1"]
    command = [*_as_somebody(), str(where / "initdb"), "-D", str(folder / "data"), *told]
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.DEVNULL)
    (folder / "data" / "pg_hba.conf").write_text(_ACCESS)


def _as_somebody() -> Sequence[str]:
    """Return what starts a program that ends when we die, as another user where we are root."""
    words = ["setpriv", "--pdeathsig", "QUIT"] if shutil.which("setpriv") else []  # Linux has it
    if os.geteuid() != 0:
        return words
    somebody = _somebody()
    return [*words, f"--reuid={somebody.pw_uid}", f"--regid={somebody.pw_gid}", "--clear-groups"]


def _somebody() -> pwd.struct_passwd:
    known = {one.pw_name: one for one in pwd.getpwall()}
    return known.get("postgres") or known["nobody"]


def _free_port() -> int:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
