"""Options that several commands have, and what they mean."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from batch.commands.completion import accounts

if TYPE_CHECKING:
    from collections.abc import Callable

    from batch.cluster.address import Address
    from batch.settings import Settings

_Command = TypeVar("_Command", bound="Callable[..., Any]")

_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")
_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m(?:in)?)?(?:(\d+(?:\.\d+)?)s)?")
_PATH = click.Path(path_type=Path)


class ClockTime(click.ParamType[tuple[int, int]]):
    """A time of day, HH:MM, as hours and minutes."""

    name = "HH:MM"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:  # noqa: ANN401 - the library's
        """Return hours and minutes, or fail."""
        found = _CLOCK.fullmatch(str(value).strip())
        if found is None:
            self.fail(f"'{value}' is no time of day; write it like 06:00.", param, ctx)
        return int(found[1]), int(found[2])


class Duration(click.ParamType[float]):
    """A length of time, as 2h, 90m, 45s or 1h30m, in seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:  # noqa: ANN401 - the library's
        """Return seconds, or fail."""
        found = _DURATION.fullmatch(str(value).strip().lower().replace(" ", ""))
        if found is None or not any(found.groups()):
            self.fail(f"'{value}' is no length of time; write it like 2h, 90m or 1h30m.", param, ctx)
        hours, minutes, seconds = (float(part or 0) for part in found.groups())
        return hours * 3600 + minutes * 60 + seconds


class Cluster(click.ParamType["Address"]):
    """Where Dask workers are: local:N, or a scheduler's address."""

    name = "ADDRESS"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Address:  # noqa: ANN401, ARG002 - the library's
        """Return the address. Raises UsageError."""
        from batch.cluster.address import address_from

        return address_from(str(value))


@dataclass(frozen=True, slots=True, kw_only=True)
class Common:
    """What every sending command is told."""

    config: Path | None
    account: str | None
    report: Path | None
    profile: str | None
    as_json: bool
    quiet: bool
    wait: bool
    until: tuple[int, int] | None
    for_: float | None
    cluster: Address | None

    def settings(self) -> Settings:
        """Build the settings. Raises SettingsError and UsageError."""
        from batch.settings import load

        return load(self.config)


def config_option(command: _Command) -> _Command:
    """Add --config to a command."""
    said = "The settings (also SHIPBATCH_CONFIG; else ./shipbatch.toml)."
    return click.option("--config", type=_PATH, metavar="FILE", help=said)(command)


def sending_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of all sending commands, and hand them on as one `Common`."""

    @wraps(command)
    def with_common(**given: Any) -> Any:  # noqa: ANN401 - whatever the command takes
        common = Common(**{one.name: given.pop(one.name) for one in fields(Common)})
        return command(common=common, **given)

    for option in reversed(_SENDING):
        with_common = option(with_common)
    return with_common


_SENDING = (
    config_option,
    click.option(
        "--account", metavar="NAME", shell_complete=accounts, help="Which account of the settings; else `default`."
    ),
    click.option("--report", type=_PATH, metavar="FOLDER", help="Where the report goes, in place of `reports`."),
    click.option("--profile", metavar="NAME", help="What kind of export it is, where that cannot be told."),
    click.option("--json", "as_json", is_flag=True, help="Print the summary as JSON, alone on standard output."),
    click.option("--quiet", is_flag=True, help="Print nothing but problems."),
    click.option("--wait", is_flag=True, help="Wait where another run holds the account."),
    click.option("--until", type=ClockTime(), help="Stop at this time of day (zone: `timezone`); exit code 4."),
    click.option("--for", "for_", type=Duration(), help="Stop after so long, e.g. 2h or 90m; exit code 4."),
    click.option(
        "--cluster", type=Cluster(), help="Send by Dask workers: local:4, or a scheduler's, e.g. tcp://host:8786."
    ),
)
