from __future__ import annotations

import os
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest

from batch.errors import Exit, SettingsError, UsageError
from batch.settings import Account, Settings, load

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from pydantic import BaseModel

    Write = Callable[[str], Path]

DEFAULT = """
[accounts.default]
client_id = "client-1"
client_secret_file = "secret.txt"
"""
LEGACY = """
[accounts.default]
api = "walmart-canada"
consumer_id = "consumer-1"
channel_type = "channel-1"
private_key_file = "/elsewhere/key.pem"
"""
SOMETHING_ELSE = {"api": "walmart-canada", "market": "mx", "method_code": "Express", "ship_from_country": "US"}
SOMETHING_ELSE |= {"on_bad_row": "send-rest", "later_parcels": "send", "several_packages": "send"}


@pytest.fixture(autouse=True)
def no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("SHIPBATCH_")]:
        monkeypatch.delenv(name)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    def written(text: str) -> Path:
        file = tmp_path / "shipbatch.toml"
        file.write_text(text, encoding="utf-8")
        return file

    return written


def mistakes(file: Path | None = None) -> list[str]:
    """Return what is wrong with the settings, without the file's name."""
    with pytest.raises(SettingsError) as refused:
        load(file)
    assert refused.value.exit_code is Exit.USAGE
    return [problem.removeprefix(f"{file}: ") for problem in refused.value.problems]


def another(model: type[BaseModel], key: str) -> tuple[str, object]:
    """Return a value for a setting that is not its default, as it stands in the environment, and as it is read."""
    default = model.model_fields[key].default
    if isinstance(default, bool):
        return str(not default).lower(), not default
    if isinstance(default, int | float):
        return str(default + 7), default + 7
    text = SOMETHING_ELSE.get(key, "something")
    return text, text


# Where the settings come from


def test_without_a_file_everything_is_at_its_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = load()
    assert settings.accounts == {}
    assert settings.zone == ZoneInfo("America/Toronto")
    assert settings.journal == f"sqlite:///{tmp_path}/state/journal.db"
    assert settings.state == tmp_path / "state"


def test_the_file_is_the_one_named_else_the_environments_else_the_one_lying_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    named, set_, here = tmp_path / "named.toml", tmp_path / "set.toml", tmp_path / "shipbatch.toml"
    for days, file in enumerate((named, set_, here), 1):
        file.write_text(f"retention = {days}")
    assert load().retention == 3
    monkeypatch.setenv("SHIPBATCH_CONFIG", str(set_))
    assert load().retention == 2
    assert load(named).retention == 1


def test_a_named_file_that_is_not_there_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    missing = tmp_path / "missing.toml"
    with pytest.raises(UsageError, match=r"missing\.toml: there is no such settings file; `shipbatch init` writes one"):
        load(missing)
    monkeypatch.setenv("SHIPBATCH_CONFIG", str(missing))
    with pytest.raises(UsageError, match="no such settings file"):
        load()


def test_relative_paths_are_relative_to_the_file(write: Write, tmp_path: Path) -> None:
    settings = load(write('reports = "out"\njournal = "sqlite:///j.db"' + DEFAULT))
    assert settings.reports == tmp_path / "out"
    assert settings.profiles == tmp_path / "profiles"
    assert settings.journal == f"sqlite:///{tmp_path}/j.db"
    assert settings.accounts["default"].client_secret_file == tmp_path / "secret.txt"


def test_absolute_paths_and_other_databases_stay_as_they_are(write: Write, tmp_path: Path) -> None:
    settings = load(write('reports = "/out"\njournal = "postgresql+psycopg://db/journal"' + LEGACY))
    assert str(settings.reports) == "/out"
    assert settings.journal == "postgresql+psycopg://db/journal"
    assert str(settings.accounts["default"].private_key_file) == "/elsewhere/key.pem"
    assert load(write('journal = "sqlite:////var/journal.db"')).journal == "sqlite:////var/journal.db"
    assert settings.state == tmp_path / "state"


def test_a_path_may_begin_with_the_users_home(write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "me"))
    account = load(write(DEFAULT.replace("secret.txt", "~/secret.txt"))).accounts["default"]
    assert account.client_secret_file == tmp_path / "me" / "secret.txt"


def test_a_file_with_a_byte_order_mark_is_read(tmp_path: Path) -> None:
    file = tmp_path / "shipbatch.toml"
    file.write_bytes(b"\xef\xbb\xbfretention = 3")
    assert load(file).retention == 3


# The environment


@pytest.mark.parametrize(
    "key",
    [
        key
        for key in Account.model_fields
        if key not in {"rate", "carriers", "base_url", "client_secret", "private_key", "client_secret_keyring"}
        and not key.endswith(("_file", "_keyring"))
    ],
)
def test_every_key_of_an_account_can_be_set_by_environment(
    write: Write, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    given, read = another(Account, key)
    both = LEGACY + 'client_id = "client-1"\nclient_secret_file = "secret.txt"'
    monkeypatch.setenv(f"SHIPBATCH_ACCOUNTS__DEFAULT__{key.upper()}", given)
    assert getattr(load(write(both)).accounts["default"], key) == read


@pytest.mark.parametrize("kind", ["ship", "acknowledge", "read"])
def test_every_rate_can_be_set_by_environment(write: Write, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    monkeypatch.setenv(f"SHIPBATCH_ACCOUNTS__DEFAULT__RATE__{kind.upper()}", "7")
    account = load(write(DEFAULT + "[accounts.default.rate]\nship = 1\nacknowledge = 1\nread = 1")).accounts["default"]
    assert getattr(account.rate, kind) == 7
    assert sum(account.rate.model_dump().values()) == 9


def test_further_settings_can_be_set_by_environment(
    write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name, value in {
        "SHIPBATCH_JOURNAL": "sqlite:///other.db",
        "SHIPBATCH_REPORTS": "out",
        "SHIPBATCH_PROFILES": "mine",
        "SHIPBATCH_TIMEZONE": "America/Vancouver",
        "SHIPBATCH_WATCH__QUIET": "9",
        "SHIPBATCH_GRACE": "8",
        "SHIPBATCH_RETENTION": "7",
        "SHIPBATCH_LOG_FORMAT": "json",
        "SHIPBATCH_ACCOUNTS__DEFAULT__BASE_URL": "http://127.0.0.1:8790/",
        "SHIPBATCH_ACCOUNTS__DEFAULT__CLIENT_SECRET": "12345",
        "SHIPBATCH_ACCOUNTS__DEFAULT__CARRIERS": '{"Purolator Inc.": "PCLINT"}',
        "SHIPBATCH_ACCOUNTS__OUTLET__CLIENT_ID": "12345",
        "SHIPBATCH_ACCOUNTS__OUTLET__CLIENT_SECRET_KEYRING": "shipbatch/outlet",
    }.items():
        monkeypatch.setenv(name, value)
    settings = load(write(DEFAULT))
    assert (settings.watch.quiet, settings.grace, settings.retention, settings.log_format) == (9, 8, 7, "json")
    assert settings.journal == f"sqlite:///{tmp_path}/other.db"
    assert (settings.reports, settings.profiles) == (tmp_path / "out", tmp_path / "mine")
    assert settings.timezone == "America/Vancouver"
    default, outlet = settings.accounts["default"], settings.accounts["outlet"]
    assert default.base_url == "http://127.0.0.1:8790"
    assert default.client_secret.get_secret_value() == "12345"
    assert default.client_id == "client-1"
    assert default.carriers == {"Purolator Inc.": "PCLINT"}
    assert outlet.client_id == outlet.seller == "12345"


def test_a_mistake_in_the_environment_names_the_variable(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHIPBATCH_ACCOUNTS__DEFAULT__WORKERS", "0")
    monkeypatch.setenv("SHIPBATCH_NONSENSE", "1")
    monkeypatch.setenv("SHIPBATCH_WATCH__LOUD", "1")
    workers = "SHIPBATCH_ACCOUNTS__DEFAULT__WORKERS (in the environment): accounts.default.workers"
    assert mistakes(write(DEFAULT)) == [
        f"{workers}: input should be greater than or equal to 1 (it says '0').",
        "SHIPBATCH_WATCH__LOUD (in the environment): watch.loud: there is no such setting.",
        "SHIPBATCH_NONSENSE: there is no such setting (in the environment).",
    ]


def test_a_variable_that_cannot_be_read_is_said_without_quoting_it(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIPBATCH_ACCOUNTS", '{"default": {"client_secret": "hush-hush"')
    monkeypatch.setenv("SHIPBATCH_NONSENSE", "1")
    broken, nonsense = mistakes(write(DEFAULT))
    assert 'field "accounts"' in broken
    assert "give it as JSON" in broken
    assert "hush" not in broken
    assert nonsense.startswith("SHIPBATCH_NONSENSE")


# Mistakes


def test_every_mistake_is_told_at_once_with_its_key(write: Write) -> None:
    file = write(
        'timezone = "Mars/North"\nretention = 0\ncolour = "red"\nwatch = { quiet = -1 }\n'
        '[accounts.Outlet]\napi = "walmart"\nworkers = 0\nbase_url = "http://example.com"\n'
        '[accounts.canada]\napi = "walmart-canada"\ntimeout = 0\nship_from_country = "Canada"\n'
        "[accounts.canada.rate]\nship = -1\nsend = 1\n"
    )
    told = mistakes(file)
    assert [problem.partition(": ")[0] for problem in told] == [
        "timezone",
        "accounts.Outlet",
        "accounts.Outlet.api",
        "accounts.Outlet.base_url",
        "accounts.Outlet.workers",
        "accounts.canada.consumer_id",
        "accounts.canada.channel_type",
        "accounts.canada.private_key_file",
        "accounts.canada.ship_from_country",
        "accounts.canada.timeout",
        "accounts.canada.rate.ship",
        "accounts.canada.rate.send",
        "watch.quiet",
        "retention",
        "colour",
    ]
    assert 'accounts.canada.consumer_id: is missing; api = "walmart-canada" needs consumer_id.' in told
    assert "colour: there is no such setting." in told
    assert "retention: input should be greater than or equal to 1 (it says 0)." in told


@pytest.mark.parametrize("text", ["retention = ", "= 3", "retention = 1\nretention = 2", "[accounts.default", "a\x00b"])
def test_a_file_that_is_no_toml_is_said(write: Write, text: str) -> None:
    (told,) = mistakes(write(text))
    assert told.startswith("this is not TOML: ")


def test_a_file_that_is_no_text_is_said(tmp_path: Path) -> None:
    file = tmp_path / "shipbatch.toml"
    file.write_bytes(b"\xff\xfe\x00")
    assert mistakes(file)[0].startswith("this is not TOML: ")


def test_a_file_that_cannot_be_read_is_said(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    file = write("")

    def denied(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_text", denied)
    with pytest.raises(UsageError, match="cannot be read: Permission denied"):
        load(file)


@pytest.mark.parametrize("name", ["Outlet", "out-let", "café", "a b", "done", "to_fix", "unreadable"])
def test_a_name_that_no_folder_of_an_account_can_have_is_refused(write: Write, name: str) -> None:
    (told,) = mistakes(write(DEFAULT.replace("accounts.default", f'accounts."{name}"')))
    assert told.startswith(f"accounts.{name}: ")


@pytest.mark.parametrize(
    "url",
    [
        "http://marketplace.walmartapis.com",
        "ftp://marketplace.walmartapis.com",
        "https://",
        "https://me:hush-hush@marketplace.walmartapis.com",
        "https://marketplace.walmartapis.com?key=hush-hush",
        "https://marketplace.walmartapis.com#hush-hush",
        "http://127.0.0.1.example.com",
    ],
)
def test_an_address_that_is_none_or_would_not_be_safe_is_refused(write: Write, url: str) -> None:
    (told,) = mistakes(write(f'{DEFAULT}base_url = "{url}"'))
    assert told.startswith("accounts.default.base_url: must be")


@pytest.mark.parametrize(
    "url", ["https://example.com/", "http://127.0.0.1:8790", "http://localhost:1/", "http://[::1]:8790"]
)
def test_https_and_this_machine_are_good_addresses(write: Write, url: str) -> None:
    assert load(write(f'{DEFAULT}base_url = "{url}"')).accounts["default"].base_url == url.rstrip("/")


@pytest.mark.parametrize("number", ["nan", "inf", "-1"])
def test_a_number_that_is_none_is_refused(write: Write, number: str) -> None:
    (told,) = mistakes(write(f"{DEFAULT}timeout = {number}"))
    assert told.startswith("accounts.default.timeout: ")


# Credentials


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ("", ["client_id", "client_secret_file"]),
        ('client_id = "c"', ["client_secret_file"]),
        ('client_secret = "s"', ["client_id"]),
        ('client_id = "c"\nclient_secret_file = ""', ["client_secret_file"]),
        ('client_id = "c"\nclient_secret_keyring = ""', ["client_secret_file"]),
        ('client_id = "c"\nclient_secret = "s"', []),
        ('client_id = "c"\nclient_secret_file = "s"', []),
        ('client_id = "c"\nclient_secret_keyring = "shipbatch/me"', []),
        ('api = "walmart-canada"', ["consumer_id", "channel_type", "private_key_file"]),
        ('api = "walmart-canada"\nconsumer_id = "c"\nprivate_key = "k"', ["channel_type"]),
        ('api = "walmart-canada"\nconsumer_id = "c"\nchannel_type = "t"\nprivate_key_keyring = "a/b"', []),
    ],
)
def test_credentials_that_are_missing_are_named(write: Write, given: str, missing: list[str]) -> None:
    file = write(f"[accounts.default]\n{given}")
    told = mistakes(file) if missing else []
    assert [problem.partition(": ")[0] for problem in told] == [f"accounts.default.{key}" for key in missing]
    if not missing:
        assert load(file).accounts["default"].seller == "c"


@pytest.mark.parametrize(
    "given",
    [
        "client_secret = 5",
        'client_secret = ["hush-hush"]',
        'client_secret_keyring = "hush-hush"',
        'client_secret_file = "-----BEGIN PRIVATE KEY-----hush-hush"',
        'client_secret_file = """hush-hush\nhush-hush"""',
        f'client_secret_file = "{"hush-hush" * 200}"',
        'private_key = {a = "hush-hush"}',
        'client_secrets = "hush-hush"',
    ],
)
def test_a_mistake_in_a_secret_never_shows_it(write: Write, given: str) -> None:
    beside = "" if "client_secret_file" in given else 'client_secret_file = "s"\n'
    (told,) = mistakes(write(f'[accounts.default]\nclient_id = "c"\n{beside}{given}'))
    assert "hush" not in told
    assert "5" not in told


def test_secrets_are_masked_wherever_settings_are_shown(write: Write) -> None:
    given = 'client_secret = "hush-hush"\nprivate_key = "hush-hush"'
    settings = load(write(f'journal = "postgresql+psycopg://me:hush-hush@db/journal"{DEFAULT}{given}'))
    assert "hush" not in f"{settings!r} {settings} {settings.accounts!r} {settings.accounts['default'].model_dump()}"


def test_a_journal_with_a_password_is_not_shown_in_a_mistake(write: Write) -> None:
    assert "hush" not in mistakes(write('journal = ["postgresql+psycopg://me:hush-hush@db/journal"]'))[0]


def test_settings_cannot_be_changed(write: Write) -> None:
    settings = load(write(DEFAULT))
    for model, key in ((settings, "retention"), (settings.accounts["default"], "timeout")):
        with pytest.raises(ValueError, match="frozen"):
            setattr(model, key, 1)


def test_the_seller_is_who_the_marketplace_takes_us_for(write: Write) -> None:
    assert load(write(DEFAULT)).accounts["default"].seller == "client-1"
    assert load(write(LEGACY)).accounts["default"].seller == "consumer-1"


def test_settings_can_be_built_without_a_file() -> None:
    assert Settings().accounts == {}


@pytest.mark.parametrize(("given", "read"), [("CA", "CA"), ("us", "US")])
def test_a_country_is_two_letters(write: Write, given: str, read: str) -> None:
    assert load(write(f'{DEFAULT}ship_from_country = "{given}"')).accounts["default"].ship_from_country == read


@pytest.mark.parametrize(
    ("key", "given", "said"),
    [
        ("ship_from_country", "Canada", "write the two letters of the country, as in CA (it says 'Canada')."),
        ("ship_from_country", "XX", "write the two letters of the country, as in CA (it says 'XX')."),
        ("private_key_keyring", "shipbatch", "write it as service/username."),
        ("private_key_keyring", "/me", "write it as service/username."),
    ],
)
def test_a_mistake_says_how_to_write_it(write: Write, key: str, given: str, said: str) -> None:
    assert mistakes(write(f'{DEFAULT}{key} = "{given}"')) == [f"accounts.default.{key}: {said}"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ('urls = "mailto://me:hunter2@example.com"', "notify.urls: input should be a valid tuple."),
        ("urls = [7]", "notify.urls.0: input should be a valid string."),
        ('heartbeat_url = "ftp://hunter2"', "notify.heartbeat_url: must begin with https:// or http://."),
        ('digest = "hunter2"', "notify.digest: input should be 'never', 'run' or 'day'."),
    ],
)
def test_a_mistake_in_who_is_told_never_shows_an_address(write: Write, given: str, said: str) -> None:
    assert mistakes(write(f"[notify]\n{given}")) == [said]


def test_who_is_told_is_masked_wherever_settings_are_shown(write: Write) -> None:
    settings = load(write('[notify]\nurls = ["json://hunter2"]\nheartbeat_url = "https://hunter2"'))
    assert "hunter2" not in f"{settings} {settings!r} {settings.model_dump()}"


def test_the_figures_go_beside_the_settings_file_if_anywhere(write: Write, tmp_path: Path) -> None:
    assert load(write('[metrics]\ntextfile = "figures/a.prom"')).metrics.textfile == tmp_path / "figures/a.prom"
    assert load(write("")).metrics.textfile is None
