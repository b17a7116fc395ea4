"""`shipbatch schedule`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from batch.commands.options import ClockTime, config_option

if TYPE_CHECKING:
    from batch.schedule import Installation

_PATH = click.Path(path_type=Path)
_EPILOG = """\b
Examples:
  shipbatch schedule --systemd drop/                    look at the units
  sudo shipbatch schedule --systemd --into /etc/systemd/system --user shipper --config /srv/ship/shipbatch.toml
  shipbatch schedule --cron --at 22:30 drop/ | crontab -
"""


@click.command(epilog=_EPILOG)
@click.argument("folder", type=_PATH, metavar="[FOLDER]", required=False)
@click.option("--systemd", "kind", flag_value="systemd", help="Print units: service, timer and path.")
@click.option("--cron", "kind", flag_value="cron", help="Print lines for a crontab.")
@click.option("--at", type=ClockTime(), default="23:00", show_default=True, help="When (systemd: zone `timezone`).")
@click.option("--user", metavar="NAME", help="As whom it runs; else whoever asks.")
@click.option("--into", type=_PATH, metavar="FOLDER", help="With --systemd: write the units there instead.")
@config_option
def schedule(
    *,
    folder: Path | None,
    kind: str | None,
    at: tuple[int, int],
    user: str | None,
    into: Path | None,
    config: Path | None,
) -> None:
    """Print what the night needs, for this installation: `run --move FOLDER`, then `resume`.

    FOLDER is where files are dropped; else the folder `drop` beside the settings. Nothing is installed or made.
    """
    from batch.errors import UsageError
    from batch.installation import installation, traps
    from batch.schedule import as_one_text, cron_lines, systemd_units

    if kind is None:
        raise UsageError("Give --systemd or --cron.")
    if kind == "cron" and into is not None:
        raise UsageError("--into goes with --systemd only.")
    here = installation(config, folder, at=at, user=user)
    for trap in traps(config, here):
        click.secho(f"Warning: {trap}", err=True, fg="yellow")
    if kind == "cron":
        click.echo(cron_lines(here), nl=False)
    elif into is None:
        click.echo(as_one_text(here, systemd_units(here)), nl=False)
    else:
        _write(here, into)


def _write(here: Installation, into: Path) -> None:
    from batch.errors import UsageError
    from batch.schedule import how_to_start, systemd_units

    try:
        for name, text in systemd_units(here).items():
            (into / name).write_text(text, encoding="utf-8")
            click.echo(f"Written: {into / name}")
    except OSError as error:
        raise UsageError(f"{error.filename or into}: cannot be written: {error.strerror}.") from error
    for line in how_to_start(here):
        click.echo(line)
