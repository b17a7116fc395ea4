from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from batch.cluster import workers
from batch.cluster.workers import Worker, describe, describe_with, own_settings, refusals
from batch.errors import UsageError
from batch.journal.journal import Journal
from batch.settings import CONFIG_VARIABLE, Account, Settings

WE = Worker(machine="here 1", journal="sqlite 1:2", sellers={"default": "one"})
FAR = replace(WE, machine="there 2")
ON_A_SERVER = replace(WE, journal="postgresql 2026 5")


def test_workers_that_are_as_we_are_may_send() -> None:
    assert refusals(WE, {"tcp://a": WE, "tcp://b": WE}) == []
    assert refusals(ON_A_SERVER, {"tcp://a": replace(ON_A_SERVER, machine="there 2")}) == []


def test_sqlite_is_refused_with_workers_on_other_machines() -> None:
    (told,) = refusals(WE, {"tcp://a": FAR, "tcp://b": WE})
    assert told.startswith("the journal is SQLite, whose locks hold on one machine only, and there are workers on")
    assert told.endswith("(there); let `journal` name a PostgreSQL database, here and there")


@pytest.mark.parametrize(
    ("worker", "told"),
    [
        (
            replace(WE, journal="sqlite 1:3"),
            "worker tcp://a: its settings name another journal than ours, so orders could go out twice",
        ),
        (
            replace(WE, sellers={"default": "two"}),
            "worker tcp://a: its account 'default' is another seller than ours",
        ),
        (replace(WE, problems=["key.pem: there is no such file."]), "worker tcp://a: key.pem: there is no such file"),
        (
            replace(WE, version="0.0.1"),
            f"worker tcp://a: it has version 0.0.1 of shipbatch, and we have {WE.version}",
        ),
        (ModuleNotFoundError("no batch.cluster"), "worker tcp://a: no batch.cluster"),
    ],
)
def test_each_reason_is_a_clause_that_names_the_worker(worker: Worker | Exception, told: str) -> None:
    assert refusals(WE, {"tcp://a": worker, "tcp://b": WE}) == [told]


def _settings(folder: Path, **account: str) -> Settings:
    given = Account(client_id="one", **{"client_secret": "s", **account})
    return Settings(journal=f"sqlite:///{folder / 'journal.db'}", accounts={"default": given})


def test_we_say_who_we_are_with_our_settings(tmp_path: Path) -> None:
    settings = _settings(tmp_path)
    Journal.open(settings.journal).close()
    found = describe_with(settings, ["default"])
    there = (tmp_path / "journal.db").stat()
    assert (found.journal, found.sellers) == (f"sqlite {there.st_dev}:{there.st_ino}", {"default": "one"})
    assert found.machine
    assert not found.problems


def test_an_account_that_is_missing_or_has_no_credentials_is_a_problem(tmp_path: Path) -> None:
    settings = _settings(tmp_path, client_secret="", client_secret_file=str(tmp_path / "secret.txt"))
    found = describe_with(settings, ["default", "outlet"])
    assert len(found.problems) == 3
    assert "secret.txt" in found.problems[0]
    assert found.problems[1] == "its settings have no account 'outlet'"
    assert "the journal cannot be read there: No such file" in found.problems[2]


def test_a_worker_without_settings_says_so(tmp_path: Path) -> None:
    found = describe(tmp_path / "shipbatch.toml", ["default"], local=True)
    assert found.problems == [
        f"{tmp_path / 'shipbatch.toml'}: there is no such settings file; `shipbatch init` writes one."
    ]


def test_a_workers_own_settings_are_those_of_its_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, its = tmp_path / "ours.toml", tmp_path / "its.toml"
    ours.write_text('timezone = "UTC"')
    its.write_text('timezone = "America/Vancouver"')
    assert own_settings(ours, local=False).timezone == "UTC"
    monkeypatch.setenv(CONFIG_VARIABLE, str(its))
    assert own_settings(ours, local=False).timezone == "America/Vancouver"
    assert own_settings(ours, local=True).timezone == "UTC"


def test_a_machine_without_a_boot_number_goes_by_its_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(workers, "_BOOT", tmp_path / "none")
    assert " " not in workers._machine()


class Answering:
    """A client whose workers answer so."""

    def __init__(self, *answers: object) -> None:
        self.answers = list(answers)

    def run(self, *_told: object, **_more: object) -> object:
        return self.answers.pop(0)


def test_workers_of_another_version_are_refused() -> None:
    client = Answering({"tcp://a": "0.0.1", "tcp://b": "", "tcp://c": OSError("gone")})
    with pytest.raises(UsageError) as refused:
        workers.refuse_unfit(client, Settings(), Path("x"), [], local=False)  # type: ignore[arg-type] # all that is needed
    assert str(refused.value).endswith(
        ": worker tcp://a has 0.0.1; worker tcp://b has none that can be imported; worker tcp://c has none that can be "
        "imported."
    )


def test_all_reasons_are_told_at_once(tmp_path: Path) -> None:
    version = workers._asked_for_version()()
    unfit = Worker(machine=workers._machine(), problems=["one.", "two."])
    client = Answering({"tcp://a": version}, {"tcp://a": unfit})
    with pytest.raises(UsageError, match=r"^--cluster: worker tcp://a: one\.\n--cluster: worker tcp://a: two\.$"):
        workers.refuse_unfit(client, _settings(tmp_path), Path("x"), [], local=False)  # type: ignore[arg-type] # the same
