"""The settings: frozen, built once from TOML and environment, every mistake reported at once.

Relative paths are relative to the settings file. Secrets are read from their files only when an account is opened.
"""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    model_validator,
)
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from batch.errors import SettingsError, UsageError

ENVIRONMENT_PREFIX = "SHIPBATCH_"
CONFIG_VARIABLE = "SHIPBATCH_CONFIG"
DEFAULT_CONFIG = "shipbatch.toml"
ACCOUNT_NAME = re.compile(r"[a-z0-9_]+")
_LOOPBACK = re.compile(r"http://(127\.\d+\.\d+\.\d+|localhost|\[::1\])(:\d+)?/?")


def _zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"'{name}' is no time zone; write it like America/Toronto")
    return name


def _base_url(url: str) -> str:
    if not url.startswith("https://") and not _LOOPBACK.fullmatch(url):
        raise ValueError("must begin with https:// (plain http only towards this machine itself)")
    return url.rstrip("/")


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


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
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    client_secret_file: Path | None = None
    consumer_id: str = ""
    channel_type: str = ""
    private_key: SecretStr = SecretStr("")
    private_key_file: Path | None = None
    service_name: str = "Walmart Marketplace"
    ship_from_country: str = Field("CA", pattern=r"^[A-Z]{2}$")
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
    strict_tracking: bool = False
    allow_edits: bool = False
    override_intent_to_cancel: bool = False
    rate: Rate = Rate()
    carriers: dict[str, str] = Field(default_factory=dict)

    @property
    def seller(self) -> str:
        """Who the marketplace takes us for: the journal and the lock go by this, not by the section's name."""
        return self.client_id if self.api == "walmart-global" else self.consumer_id

    @model_validator(mode="after")
    def _has_credentials(self) -> Account:
        wanted = {
            "walmart-global": {
                "client_id": self.client_id,
                "client_secret_file": self.client_secret_file or self.client_secret.get_secret_value(),
            },
            "walmart-canada": {
                "consumer_id": self.consumer_id,
                "channel_type": self.channel_type,
                "private_key_file": self.private_key_file or self.private_key.get_secret_value(),
            },
        }[self.api]
        if missing := [name for name, value in wanted.items() if not value]:
            raise ValueError(f'api = "{self.api}" needs {" and ".join(missing)}')
        return self


class Watch(_Frozen):
    """The file drop."""

    quiet: float = Field(5, ge=0)  # seconds without change before a file is taken


class Settings(BaseSettings):
    """All settings. Build with `load`."""

    model_config = SettingsConfigDict(
        frozen=True, extra="forbid", env_prefix=ENVIRONMENT_PREFIX, env_nested_delimiter="__"
    )

    journal: str = "sqlite:///state/journal.db"
    reports: Path = Path("reports")
    profiles: Path = Path("profiles")
    timezone: Annotated[str, AfterValidator(_zone)] = "America/Toronto"
    accounts: dict[str, Account] = Field(default_factory=dict)
    watch: Watch = Watch()
    grace: float = Field(30, ge=0)  # seconds for calls in flight when a run is told to stop
    retention: int = Field(400, ge=1)  # days, for journal, input copies and reports
    log_format: Literal["text", "json"] = "text"
    _home: Path = PrivateAttr(Path())  # the settings file's folder

    @property
    def state(self) -> Path:
        """Where the copies of the input files lie."""
        return self._home / "state"

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
    named = path or (Path(os.environ[CONFIG_VARIABLE]) if CONFIG_VARIABLE in os.environ else None)
    file = named or Path(DEFAULT_CONFIG)
    if not file.is_file():
        if named:
            raise UsageError(f"{file}: there is no such settings file; `shipbatch init` writes one.")
        return _build({}, file)
    try:
        return _build(tomllib.loads(file.read_text(encoding="utf-8-sig")), file)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError([f"{file}: this is not TOML: {error}."]) from error
    except OSError as error:
        raise UsageError(f"{file}: cannot be read: {error.strerror}.") from error


def _build(values: dict[str, Any], file: Path) -> Settings:
    strangers = _unknown_variables()
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise SettingsError([f"{file}: {_sentence(problem)}" for problem in error.errors()] + strangers) from None
    strangers += [
        f"{file}: accounts.{name}: an account's name may have only a-z, 0-9 and _."
        for name in settings.accounts
        if not ACCOUNT_NAME.fullmatch(name)
    ]
    if strangers:
        raise SettingsError(strangers)
    return _anchored(settings, file.absolute().parent)


def _unknown_variables() -> list[str]:
    known = {name.upper() for name in Settings.model_fields} | {CONFIG_VARIABLE.removeprefix(ENVIRONMENT_PREFIX)}
    return [
        f"{name}: there is no such setting (in the environment)."
        for name in sorted(os.environ)
        if name.startswith(ENVIRONMENT_PREFIX)
        and name.removeprefix(ENVIRONMENT_PREFIX).partition("__")[0].upper() not in known
    ]


def _sentence(problem: Any) -> str:  # noqa: ANN401 - the library's own error record
    key = ".".join(str(part) for part in problem["loc"])
    if problem["type"] == "extra_forbidden":
        return f"{key}: there is no such setting."
    said = problem["msg"].removeprefix("Value error, ").rstrip(".")
    value = problem["input"]
    shown = f" (it says {value!r})" if isinstance(value, str | int | float) and not _is_secret(key) else ""
    return f"{key}: {said[:1].lower()}{said[1:]}{shown}."


def _is_secret(key: str) -> bool:
    return key.endswith(("client_secret", "private_key"))


def _anchored(settings: Settings, home: Path) -> Settings:
    """Make relative paths relative to the settings file."""
    accounts = {
        name: account.model_copy(
            update={
                key: home / file
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
            "accounts": accounts,
        }
    )
    anchored._home = home  # noqa: SLF001 - the one place that knows it
    return anchored
