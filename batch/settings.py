"""The settings: frozen, built once from TOML and environment, every mistake reported at once.

Relative paths are relative to the settings file. Secrets are read from their files only when an account is opened.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict
from pydantic_settings import SettingsError as UnreadableVariable

from batch.accounts import PASSED_OVER
from batch.errors import SettingsError, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

ENVIRONMENT_PREFIX = "SHIPBATCH_"
CONFIG_VARIABLE = "SHIPBATCH_CONFIG"
DEFAULT_CONFIG = "shipbatch.toml"
ACCOUNT_NAME = re.compile(r"[a-z0-9_]+")
_LOOPBACK = re.compile(r"http://(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:\d+)?/?")
_LONGEST_PATH = 1024  # characters; what is longer is the secret itself
_SECRETS = ("client_secret", "private_key")

# By which API each key is needed, and how else a secret may be given than by its file.
_NEEDED_BY = {
    "client_id": "walmart-global",
    "client_secret_file": "walmart-global",
    "consumer_id": "walmart-canada",
    "channel_type": "walmart-canada",
    "private_key_file": "walmart-canada",
}
_OTHER_WAYS = {f"{secret}_file": (secret, f"{secret}_keyring") for secret in _SECRETS}


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"'{name}' is no time zone; write it like America/Toronto")
    return name


def _base_url(url: str) -> str:
    if not url.startswith("https://") and not _LOOPBACK.fullmatch(url):
        raise ValueError("must begin with https:// (plain http only towards this machine itself)")
    parts = urlsplit(url)
    if not parts.hostname or parts.username is not None or parts.query or parts.fragment:
        raise ValueError("must be an address like https://marketplace.walmartapis.com and nothing more")
    return url.rstrip("/")


def _web_address(url: SecretStr) -> SecretStr:
    if not re.match(r"https?://[^/]|$", url.get_secret_value()):
        raise ValueError("must begin with https:// or http://")
    return url


def _account_name(name: str) -> str:
    if not ACCOUNT_NAME.fullmatch(name):
        raise ValueError("an account's name may have only a-z, 0-9 and _")
    if name in PASSED_OVER:
        raise ValueError("no account may have this name: it is that of a folder into which finished files are moved")
    return name


AccountName = Annotated[str, AfterValidator(_account_name)]


def _path_of_secret(given: object) -> object:
    """Return a path as it was given, None for a blank one. Nothing that is the secret itself is taken for a path."""
    text = given.strip() if isinstance(given, str) else given
    if isinstance(text, str) and (len(text) > _LONGEST_PATH or not text.isprintable() or "-----BEGIN" in text):
        raise ValueError("this is the secret itself; put it into a file and give that file's path")
    return text or None


def _keyring_entry(entry: str) -> str:
    service, _, username = entry.partition("/")
    if entry and not (service and username):
        raise ValueError("write it as service/username")
    return entry


def _country(code: str) -> str:
    from schemas.countries import COUNTRIES  # noqa: PLC0415 - brings pandas along, which few commands need

    if code.upper() not in COUNTRIES:
        raise ValueError("write the two letters of the country, as in CA")
    return code.upper()


def _given(value: str | SecretStr) -> bool:
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)


_SecretFile = Annotated[Path | None, BeforeValidator(_path_of_secret)]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, hide_input_in_errors=True)


class Rate(_Frozen):
    """Calls a minute: a ceiling on the sustained pace, 0 for none of our own."""

    ship: float = Field(60, ge=0)
    acknowledge: float = Field(60, ge=0)
    read: float = Field(5000, ge=0)


class Account(_Frozen):
    """One seller at the marketplace: who, where, how fast and how careful."""

    api: Literal["walmart-global", "walmart-canada"] = "walmart-global"
    base_url: Annotated[str, AfterValidator(_base_url)] = "https://marketplace.walmartapis.com"
    market: str = "ca"
    client_id: str = Field("", validate_default=True)
    client_secret: SecretStr = SecretStr("")
    client_secret_keyring: Annotated[str, AfterValidator(_keyring_entry)] = ""  # service/username
    client_secret_file: _SecretFile = Field(None, validate_default=True)
    consumer_id: str = Field("", validate_default=True)
    channel_type: str = Field("", validate_default=True)
    private_key: SecretStr = SecretStr("")
    private_key_keyring: Annotated[str, AfterValidator(_keyring_entry)] = ""  # service/username
    private_key_file: _SecretFile = Field(None, validate_default=True)
    service_name: str = "Walmart Marketplace"
    ship_from_country: Annotated[str, AfterValidator(_country)] = "CA"
    method_code: Literal["Standard", "Express", "OneDay", "Freight", "WhiteGlove", "Value"] = "Standard"
    workers: int = Field(32, ge=1, le=1024)
    timeout: float = Field(30, gt=0)  # seconds, one request
    attempts: int = Field(5, ge=1)  # answers, within one run
    outages: int = Field(20, ge=1)  # consecutive over all workers
    settle_time: float = Field(300, ge=0)  # seconds after a lost answer
    preflight: bool = True
    acknowledge: bool = True
    on_bad_row: Literal["hold-order", "send-rest"] = "hold-order"
    later_parcels: Literal["hold", "send"] = "hold"
    one_parcel_ships_all: bool = False
    several_packages: Literal["hold", "send"] = "hold"  # several parcels, each said to hold all units of a line
    packages_path: str = Field("multiPackageShipping", pattern=r"^[A-Za-z0-9_-]+$")  # of the call that says so
    packages_wrapped: bool = False  # whether its lines stand under orderShipment; no reference says so for certain
    strict_tracking: bool = False
    allow_edits: bool = False
    override_intent_to_cancel: bool = False
    rate: Rate = Rate()
    carriers: dict[str, str] = Field(default_factory=dict)

    @property
    def seller(self) -> str:
        """Who the marketplace takes us for: the journal and the lock go by this, not by the section's name."""
        return self.client_id if self.api == "walmart-global" else self.consumer_id

    @field_validator(*_NEEDED_BY, mode="after")
    @classmethod
    def _is_there(cls, value: str | Path | None, info: ValidationInfo) -> str | Path | None:
        """Miss what the API needs, key by key, so that it is said together with all other mistakes."""
        key = str(info.field_name)
        api = info.data.get("api")
        # The other ways to give a secret stand before its file; one that is itself a mistake is in no data.
        others = [info.data.get(other, "wrong") for other in _OTHER_WAYS.get(key, ())]
        if api == _NEEDED_BY[key] and not value and not any(map(_given, others)):
            raise ValueError(f'is missing; api = "{api}" needs {key}')
        return value


class Watch(_Frozen):
    """The file drop."""

    quiet: float = Field(5, ge=0)  # seconds without change before a file is taken
    cut_short: float = Field(60, ge=0)  # the same, for a text whose last line has no line end
    scan: float = Field(5, gt=0)  # seconds between two looks at the folder, where the system tells of no change
    retry: float = Field(60, gt=0)  # seconds before what is left over is tried again; doubles, up to an hour


class Notify(_Frozen):
    """Who is told when a person is needed, and when all is well again."""

    urls: tuple[SecretStr, ...] = ()  # as Apprise knows them: mailto://, slack://, msteams:// and many more
    digest: Literal["never", "run", "day"] = "never"  # tell what was done, also where nobody is needed
    heartbeat_url: Annotated[SecretStr, AfterValidator(_web_address)] = SecretStr("")  # a dead-man's switch


class Metrics(_Frozen):
    """Figures for Prometheus."""

    textfile: Path | None = None  # for the node exporter, which wants a name that ends in .prom
    port: int | None = Field(None, ge=0, le=65535)  # where `watch` serves them; 0: any free one
    address: str = "127.0.0.1"  # of that port


class Settings(BaseSettings):
    """All settings. Build with `load`."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        hide_input_in_errors=True,
        env_prefix=ENVIRONMENT_PREFIX,
        env_nested_delimiter="__",
    )

    journal: str = Field("sqlite:///state/journal.db", repr=False)  # may hold a password
    reports: Path = Path("reports")
    profiles: Path = Path("profiles")
    timezone: Annotated[str, AfterValidator(_zone)] = "America/Toronto"
    accounts: dict[AccountName, Account] = Field(default_factory=dict)
    watch: Watch = Watch()
    notify: Notify = Notify()
    metrics: Metrics = Metrics()
    grace: float = Field(30, ge=0)  # seconds for calls in flight when a run is told to stop
    retention: int = Field(400, ge=1)  # days, for journal, input copies and reports
    log_format: Literal["text", "json"] = "text"
    _home: Path = PrivateAttr(Path())  # the settings file's folder

    @property
    def state(self) -> Path:
        """Where the copies of the input files lie."""
        return self._home / "state"

    @property
    def journal_file(self) -> Path | None:
        """Where the journal lies; None where it is no file, or its address is a mistake."""
        scheme, separator, rest = self.journal.partition("sqlite:///")
        file = rest.partition("?")[0]
        return Path(file) if separator and file and not scheme else None

    @property
    def zone(self) -> ZoneInfo:
        """The zone of ship times that name none."""
        return ZoneInfo(self.timezone)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - the library's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - the same
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file."""
        return env_settings, init_settings


def load(path: Path | None = None) -> Settings:
    """Build the settings from the file at `path`, else where the environment says, else ./shipbatch.toml.

    Without any of the three files, everything is at its default. Raises `SettingsError` that names every mistake with
    its key, and `UsageError` for a file that is not there.
    """
    file = settings_file(path)
    if not file.is_file():
        if path or CONFIG_VARIABLE in os.environ:
            raise UsageError(f"{file}: there is no such settings file; `shipbatch init` writes one.")
        return _build({}, file)
    try:
        return _build(tomllib.loads(file.read_text(encoding="utf-8-sig")), file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError([f"{file}: this is not TOML: {error}."]) from error
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}.") from error


def settings_file(path: Path | None = None) -> Path:
    """Return which file the settings are in: the one named, else the environment's, else the one lying here."""
    return path or Path(os.environ.get(CONFIG_VARIABLE, DEFAULT_CONFIG))


def _build(values: dict[str, Any], file: Path) -> Settings:
    problems = _unknown_variables()
    try:
        settings = Settings(**values)
    except ValidationError as error:
        problems = [_sentence(problem, file) for problem in error.errors()] + problems
    except UnreadableVariable as error:
        # The library's sentence names the field and quotes nothing.
        problems.insert(0, f"{error}; give it as JSON, or key by key (in the environment).")
    if problems:
        raise SettingsError(problems)
    return _anchored(settings, file.absolute().parent)


def _unknown_variables() -> list[str]:
    known = {name.upper() for name in Settings.model_fields} | {CONFIG_VARIABLE.removeprefix(ENVIRONMENT_PREFIX)}
    return [
        f"{name}: there is no such setting (in the environment)."
        for name in sorted(os.environ)
        if name.startswith(ENVIRONMENT_PREFIX)
        and name.removeprefix(ENVIRONMENT_PREFIX).partition("__")[0].upper() not in known
    ]


def _sentence(problem: Any, file: Path) -> str:  # noqa: ANN401 - the library's own error record
    key = [str(part) for part in problem["loc"] if part != "[key]"]  # so the library marks a wrong account's name
    where = f"{_source(key, file)}: {'.'.join(key)}"
    if problem["type"] == "extra_forbidden":
        return f"{where}: there is no such setting."
    said = problem["msg"].removeprefix("Value error, ").rstrip(".")
    return f"{where}: {said[:1].lower()}{said[1:]}{_shown(key, problem['input'])}."


def _source(key: Sequence[str], file: Path) -> str:
    """Return where a value comes from: the variable of the environment that has it, else the file."""
    names = {name.upper(): name for name in os.environ}
    for length in range(len(key), 0, -1):
        if name := names.get(ENVIRONMENT_PREFIX + "__".join(key[:length]).upper()):
            return f"{name} (in the environment)"
    return str(file)


def _shown(key: Sequence[str], value: object) -> str:
    """Return what the setting says, unless that may be a secret or is nothing."""
    hidden = any(secret in part for part in key for secret in (*_SECRETS, "journal", "notify")) or value == ""
    return (
        f" (it says {value!r})" if isinstance(value, str | int | float) and not hidden and "@" not in str(value) else ""
    )


def _anchored(settings: Settings, home: Path) -> Settings:
    """Make relative paths relative to the settings file."""
    accounts = {
        name: account.model_copy(
            update={
                key: home / file.expanduser()
                for key in ("client_secret_file", "private_key_file")
                if (file := getattr(account, key)) is not None
            }
        )
        for name, account in settings.accounts.items()
    }
    scheme, separator, file = settings.journal.partition("sqlite:///")
    anchored = settings.model_copy(
        update={
            "journal": f"{separator}{home / file}" if separator and not scheme else settings.journal,
            "reports": home / settings.reports,
            "profiles": home / settings.profiles,
            "metrics": settings.metrics.model_copy(
                update={"textfile": home / settings.metrics.textfile if settings.metrics.textfile else None}
            ),
            "accounts": accounts,
        }
    )
    anchored._home = home  # noqa: SLF001 - the one place that knows it
    return anchored
