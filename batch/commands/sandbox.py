"""`shipbatch sandbox`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from batch.sandbox import Marketplace, Options

_PATH = click.Path(path_type=Path)
_EPILOG = """\b
Examples:
  shipbatch sandbox --ship warehouse.xlsx            try a file, in one go
  shipbatch sandbox --fill warehouse.xlsx            serve, then in another terminal:
  shipbatch run --config sandbox/shipbatch.toml warehouse.xlsx
  shipbatch run --config sandbox/shipbatch.toml --account canada warehouse.xlsx
  shipbatch sandbox --fill warehouse.xlsx --limits --faults faults.toml
"""


@click.command(epilog=_EPILOG)
@click.option("--fill", multiple=True, metavar="PATH", help="Put in the orders that this file is about. Repeatable.")
@click.option(
    "--ship", multiple=True, metavar="PATH", help="The same, and ship the file at once, then end. Repeatable."
)
@click.option("--created", is_flag=True, help="Let the orders be not acknowledged yet.")
@click.option("--limits", is_flag=True, help="Keep the marketplace's real limits: 60 updates a minute.")
@click.option("--faults", type=_PATH, metavar="FILE", help="What is to go wrong: a script in TOML or JSON.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of the faults' chances.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Where to serve.")
@click.option("--port", type=click.IntRange(0, 65535), default=8790, show_default=True, help="0: any free one.")
@click.option("--folder", type=_PATH, default="sandbox", show_default=True, help="Where the settings for it go.")
def sandbox(  # noqa: PLR0913 - one for each option
    *,
    fill: tuple[str, ...],
    ship: tuple[str, ...],
    created: bool,
    limits: bool,
    faults: Path | None,
    seed: int,
    host: str,
    port: int,
    folder: Path,
) -> None:
    """Serve a local marketplace with real state, to try things out: orders, charges, limits, faults.

    Writes settings for it into --folder: account `default` speaks the Global API, account `canada` the legacy one.
    Nothing leaves this machine.
    """
    from batch.accounts import files_by_account
    from batch.sandbox import REAL_LIMITS, Marketplace, Options, Status, demo_key, demo_seller, run_sandbox
    from batch.sandbox.trial import fill_from, read_faults, write_settings

    folder.mkdir(parents=True, exist_ok=True)
    demo_key(folder)
    rules, own_seed = read_faults(faults) if faults else ((), 0)
    options = Options(
        host=host,
        port=port,
        sellers=(demo_seller(folder),),
        limits=REAL_LIMITS if limits else {},
        faults=rules,
        seed=seed or own_seed,
    )
    marketplace = Marketplace()
    files = [file for found in files_by_account([*fill, *ship], ()).values() for file in found]
    count = fill_from(marketplace, files, Status.CREATED if created else Status.ACKNOWLEDGED)
    if ship:
        _ship(ship, options, marketplace, folder)
        return

    def ready(url: str) -> None:
        click.echo(f"The sandbox is ready at {url} with {count:,} orders (Ctrl-C ends it).")
        if not count:
            click.echo("It has no orders yet: start it with --fill FILE to put in those of a file.")
        click.echo(f"Settings: {write_settings(folder, url)}")

    run_sandbox(options, marketplace, ready)


def _ship(paths: tuple[str, ...], options: Options, marketplace: Marketplace, folder: Path) -> None:
    """Ship the files to a sandbox that lives as long as that takes."""
    from dataclasses import replace

    from batch.cli import cli
    from batch.sandbox import Sandbox
    from batch.sandbox.trial import beside_us, write_settings

    with beside_us(Sandbox(replace(options, port=0), marketplace)) as url:
        settings = write_settings(folder, url)
        click.echo(f"Shipping to a sandbox with {len(marketplace.orders):,} orders. Settings: {settings}")
        code = cli.main(["run", "--config", str(settings), *paths], standalone_mode=False)
    raise click.exceptions.Exit(code or 0)
