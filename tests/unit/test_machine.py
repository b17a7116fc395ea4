from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import insert, update

from batch import machine
from batch.errors import Exit
from batch.finding import Finding, Standing
from batch.journal import tables
from batch.journal.journal import Journal
from batch.journal.migrations import version_known
from batch.lock import account_lock
from batch.machine import examine_disk, examine_folders, examine_journal, examine_profiles
from batch.settings import Settings, load
from tests.postgres import PLACES, USER

if TYPE_CHECKING:
    from pathlib import Path

    from sqlalchemy import Connection

    from tests.postgres import Server

NOW = 1_795_629_600_000
ACCOUNT = '[accounts.default]\nclient_id = "client-1"\nclient_secret = "hush-hush"\n'


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    file = tmp_path / "shipbatch.toml"
    file.write_text(ACCOUNT)
    return load(file)


@pytest.fixture
def journal(settings: Settings) -> Path:
    """Make a journal and return its file."""
    with closing(Journal.open(settings.journal)) as made:
        assert made.database.file is not None
        return made.database.file


def looked_at(settings: Settings) -> list[Finding]:
    return list(examine_journal(settings, settings.accounts, now_ms=NOW))


def told(found: list[Finding]) -> list[tuple[Standing, str]]:
    return [(one.standing, one.said) for one in found]


def add_order(connection: Connection, state: str, due_at: int = 0, seller: str = "client-1") -> None:
    texts = dict.fromkeys(
        (column.name for column in tables.orders.c if str(column.type) == "TEXT" and not column.nullable), ""
    )
    numbers = dict.fromkeys(
        (
            column.name
            for column in tables.orders.c
            if str(column.type) != "TEXT" and not column.nullable and not column.primary_key
        ),
        0,
    )
    values = {**texts, **numbers, "content": b"[]", "state": state, "due_at": due_at, "seller": seller}
    connection.execute(insert(tables.orders).values(**values))


# Profiles


def test_the_sellers_own_profiles_are_counted(tmp_path: Path) -> None:
    (found,) = examine_profiles(tmp_path)
    assert found.said.endswith("none of them your own.")
    (tmp_path / "mine.toml").write_text(
        'name = "mine"\n[columns]\npurchase_order_id = ["PO"]\ntracking_number = ["T"]\nship_date_time = ["D"]\n'
        'carrier = ["C"]\n'
    )
    (found,) = examine_profiles(tmp_path)
    assert found.standing is Standing.WELL
    assert found.said.endswith("1 of them your own.")


def test_every_profile_that_cannot_be_read_is_told_of(tmp_path: Path) -> None:
    for name in ("a.toml", "b.toml"):
        (tmp_path / name).write_text("no toml")
    found = list(examine_profiles(tmp_path))
    assert [(one.standing, one.exit_code) for one in found] == [(Standing.WRONG, Exit.USAGE)] * 2
    assert str(tmp_path / "a.toml") in found[0].said


# The journal


def test_a_journal_that_is_not_there_yet_is_well_and_not_made(settings: Settings, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    (found,) = looked_at(settings)
    assert found.standing is Standing.WELL
    assert "the first run makes it" in found.said
    assert sorted(tmp_path.rglob("*")) == before


def test_a_sound_journal_with_nothing_left_over_is_well(settings: Settings, journal: Path) -> None:
    assert told(looked_at(settings)) == [
        (Standing.WELL, f"{journal}: it is sound."),
        (Standing.WELL, "Nothing is left over."),
    ]


def test_a_journal_of_a_newer_version_is_refused(settings: Settings, journal: Path) -> None:
    with closing(Journal.open(settings.journal)) as opened, opened.database.writing() as connection:
        connection.execute(update(tables.version).values(version=99))
    (found,) = looked_at(settings)
    assert (found.standing, found.exit_code) == (Standing.WRONG, Exit.FATAL)
    assert found.said == f"{journal}: it has version 99, this shipbatch knows {version_known()}."
    assert "newer shipbatch" in found.mend


def test_a_journal_of_an_older_version_is_left_as_it_is(
    settings: Settings, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "version_known", lambda: 99)
    (found,) = looked_at(settings)
    assert found.standing is Standing.WELL
    assert found.said.endswith("it is sound; the next run brings it to version 99.")
    assert [file.name for file in journal.parent.iterdir() if "version" in file.name] == []


def test_a_database_that_is_no_journal_is_refused(settings: Settings, journal: Path) -> None:
    with closing(Journal.open(settings.journal)) as opened, opened.database.writing() as connection:
        tables.version.drop(connection)
    (found,) = looked_at(settings)
    assert (found.standing, found.exit_code) == (Standing.WRONG, Exit.FATAL)
    assert str(journal) in found.said


def test_a_file_that_is_no_database_is_refused(settings: Settings, journal: Path) -> None:
    journal.write_bytes(b"no database at all" * 100)
    found = looked_at(settings)
    assert {(one.standing, one.exit_code) for one in found} == {(Standing.WRONG, Exit.FATAL)}


def test_a_damaged_journal_is_told_of_with_the_mend(settings: Settings, journal: Path) -> None:
    with closing(Journal.open(settings.journal)) as opened, opened.database.writing() as connection:
        for _ in range(500):
            add_order(connection, "shipped")
    content = bytearray(journal.read_bytes())
    half = len(content) // 2
    content[half : half + 4096] = b"\xaa" * 4096
    journal.write_bytes(bytes(content))
    found = [one for one in looked_at(settings) if one.standing is Standing.WRONG]
    assert found
    assert all(one.exit_code is Exit.FATAL and str(journal) in one.said for one in found)


def test_an_address_that_is_no_journals_is_a_usage_error(settings: Settings) -> None:
    (found,) = looked_at(settings.model_copy(update={"journal": "mysql://db/journal"}))
    assert (found.about, found.standing, found.exit_code) == ("journal", Standing.WRONG, Exit.USAGE)


def test_a_journal_that_others_can_read_is_warned_of(settings: Settings, journal: Path) -> None:
    journal.chmod(0o644)
    (found,) = [one for one in looked_at(settings) if one.standing is Standing.WARNING]
    assert (found.mend, found.exit_code) == (f"chmod 600 {journal}", Exit.OK)


def test_what_is_left_over_is_counted_by_what_is_to_be_done(settings: Settings, journal: Path) -> None:
    assert journal.is_file()
    with closing(Journal.open(settings.journal)) as opened, opened.database.writing() as connection:
        for state in ("unknown", "sending", "planned", "shipped", "held", "refused"):
            add_order(connection, state)
        add_order(connection, "planned", due_at=NOW + 1)
        add_order(connection, "unknown", seller="another")
    _, open_, due, later = looked_at(settings)
    assert (open_.said, open_.exit_code) == ("2 orders may have been sent, and nobody knows yet.", Exit.UNKNOWN)
    assert (due.said, due.exit_code) == ("1 order is left over from an earlier run.", Exit.TEMPORARY)
    assert (later.standing, later.exit_code) == (Standing.WELL, Exit.OK)
    assert later.said.startswith("1 order is due later")
    assert "shipbatch resume" in open_.mend
    assert "shipbatch resume" in due.mend


def test_while_a_run_is_under_way_its_orders_are_not_left_over(settings: Settings, journal: Path) -> None:
    assert journal.is_file()
    with closing(Journal.open(settings.journal)) as opened, opened.database.writing() as connection:
        add_order(connection, "sending")
        add_order(connection, "planned")
    with account_lock("client-1", account="default", command="run"):
        _, found = looked_at(settings)
    assert found.standing is Standing.WELL
    assert "`shipbatch run`" in found.said
    assert "with 2 orders to go" in found.said
    assert [one.exit_code for one in looked_at(settings)] == [Exit.OK, Exit.UNKNOWN, Exit.TEMPORARY]


def _on_server(settings: Settings, place: str) -> Settings:
    return settings.model_copy(update={"journal": place})


def test_a_journal_on_a_server_that_is_not_there_yet_is_not_made(settings: Settings, postgres: Server) -> None:
    there = _on_server(settings, postgres.place())
    assert ["the first run makes it" in one.said for one in looked_at(there)] == [True]
    assert Journal.open_existing(there.journal) is None


def test_a_journal_on_a_server_is_looked_at_too(settings: Settings, postgres: Server) -> None:
    there = _on_server(settings, postgres.place())
    Journal.open(there.journal).close()
    sound, risk, nothing = looked_at(there)
    assert sound.said == f"postgresql://{USER}@127.0.0.1:{postgres.port}/{PLACES}: it is sound."
    assert (risk.standing, risk.exit_code) == (Standing.WARNING, Exit.OK)
    assert "fsync is off" in risk.said
    assert nothing.said == "Nothing is left over."


def test_who_has_the_account_on_another_machine_is_told(settings: Settings, postgres: Server) -> None:
    there = _on_server(settings, postgres.place())
    with closing(Journal.open(there.journal)) as journal:
        with journal.database.writing() as connection:
            add_order(connection, "sending")
        journal.locks.take("client-1", "process 7 on nas")
        assert looked_at(there)[-1].said == "A run is under way (process 7 on nas), with 1 order to go."


def test_what_a_server_has_lost_is_for_whoever_runs_it(settings: Settings, postgres: Server) -> None:
    there = _on_server(settings, postgres.place())
    with closing(Journal.open(there.journal)) as journal, journal.database.writing() as connection:
        tables.decisions.drop(connection)
    wrong = [one for one in looked_at(there) if one.standing is Standing.WRONG]
    assert [(one.exit_code, "Have whoever runs the server" in one.mend) for one in wrong] == [(Exit.FATAL, True)]


def test_a_server_that_cannot_be_reached_is_told(settings: Settings, postgres: Server) -> None:
    (found,) = looked_at(_on_server(settings, postgres.url("nowhere")))
    assert (found.about, found.standing, found.exit_code) == ("journal", Standing.WRONG, Exit.FATAL)
    assert 'database "nowhere" does not exist' in found.said


# Folders and disk


def test_folders_that_could_be_made_are_well_and_not_made(settings: Settings, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    (found,) = examine_folders(settings)
    assert (found.standing, found.said) == (
        Standing.WELL,
        "All can be written: reports, copies of files, journal, locks.",
    )
    assert sorted(tmp_path.rglob("*")) == before


def test_every_folder_that_cannot_be_written_is_told_of(settings: Settings, tmp_path: Path) -> None:
    for name in ("reports", "state"):
        (tmp_path / name).write_text("in the way")
    found = list(examine_folders(settings))
    assert {one.said.partition(":")[0] for one in found} == {
        f"{tmp_path}/reports",
        f"{tmp_path}/state/inputs",
        f"{tmp_path}/state",
    }
    assert all((one.standing, one.exit_code) == (Standing.WRONG, Exit.FATAL) for one in found)
    assert f"{tmp_path}/reports is no folder" in found[0].said


def test_a_folder_that_does_not_let_us_write_is_told_of(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.access", lambda path, mode: mode == 0 and path == tmp_path)  # root may do everything
    found = list(examine_folders(settings))
    assert f"{tmp_path} does not let this user write" in found[0].said


def test_a_journal_on_a_server_needs_no_folder(settings: Settings) -> None:
    for journal in ("postgresql+psycopg://db/journal", "mysql://db/journal"):
        (found,) = examine_folders(settings.model_copy(update={"journal": journal}))
        assert found.said == "All can be written: reports, copies of files, locks."


@pytest.mark.parametrize(
    ("free", "standing", "code"),
    [
        (machine.LITTLE, Standing.WELL, Exit.OK),
        (machine.LITTLE - 1, Standing.WARNING, Exit.OK),
        (machine.TOO_LITTLE, Standing.WARNING, Exit.OK),
        (machine.TOO_LITTLE - 1, Standing.WRONG, Exit.FATAL),
    ],
)
def test_a_disk_that_is_filling_up_is_told_of(settings: Settings, free: int, standing: Standing, code: Exit) -> None:
    (found,) = examine_disk(settings, free=lambda _: free)
    assert (found.standing, found.exit_code) == (standing, code)
    assert ("shipbatch prune" in found.mend) is (standing is not Standing.WELL)


def test_the_disk_is_measured(settings: Settings) -> None:
    assert all("GiB are free" in one.said for one in examine_disk(settings))
