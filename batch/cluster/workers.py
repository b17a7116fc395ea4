"""Who the workers are, and whether they may send: compared with us before anything is sent."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import closing
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from batch.errors import ShipbatchError, UsageError
from batch.journal.database import Database
from batch.marketplace.credentials import open_dialect_of
from batch.settings import CONFIG_VARIABLE, Settings, load

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from distributed import Client

_BOOT = Path("/proc/sys/kernel/random/boot_id")
_ON_ONE_MACHINE = (
    "the journal is SQLite, whose locks hold on one machine only, and there are workers on others ({machines}); "
    "let `journal` name a PostgreSQL database, here and there"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """What a process is with its settings: a worker, or we ourselves."""

    machine: str
    version: str = field(default_factory=lambda: metadata.version("shipbatch"))
    journal: str = ""  # which database it is, whatever it is called there
    sellers: Mapping[str, str] = field(default_factory=dict)  # of the accounts that were asked for
    problems: Sequence[str] = ()  # what keeps it from sending, a sentence each


def refuse_unfit(
    client: Client,
    settings: Settings,
    config: Path,
    accounts: Sequence[str],
    *,
    local: bool,
    workers: Collection[str] | None = None,
) -> None:
    """Raise UsageError, a sentence for each reason, unless all workers, or these, may send for these accounts."""
    asked = None if workers is None else [*workers]
    _refuse_other_versions(client, asked)
    found = client.run(_describe_yourself, config, accounts, local=local, workers=asked, on_error="return")
    problems = refusals(describe_with(settings, accounts), found)
    if problems:
        raise UsageError("\n".join(f"--cluster: {problem}." for problem in problems))


def refusals(we: Worker, workers: Mapping[str, Worker | BaseException]) -> list[str]:
    """Return why nothing may be sent by these workers, by their addresses: a clause each, none where all is well."""
    problems = [f"worker {name}: {error}" for name, error in workers.items() if isinstance(error, BaseException)]
    there = {name: worker for name, worker in workers.items() if isinstance(worker, Worker)}
    elsewhere = sorted({worker.machine for worker in there.values()} - {we.machine})
    if we.journal.startswith("sqlite") and elsewhere:
        return [*problems, _ON_ONE_MACHINE.format(machines=", ".join(name.partition(" ")[0] for name in elsewhere))]
    for name, worker in there.items():
        if worker.version != we.version:
            problems.append(f"worker {name}: it has version {worker.version} of shipbatch, and we have {we.version}")
        problems += [f"worker {name}: {problem.rstrip('.')}" for problem in worker.problems]
        if worker.journal and worker.journal != we.journal:
            problems.append(f"worker {name}: its settings name another journal than ours, so orders could go out twice")
        problems += [
            f"worker {name}: its account '{account}' is another seller than ours"
            for account, seller in worker.sellers.items()
            if seller != we.sellers[account]
        ]
    return list(dict.fromkeys(problems))


def own_settings(config: Path, *, local: bool) -> Settings:
    """Return a worker's settings: ours where it is `local`, else its own, in the file that its environment names.

    Where that names none, they are in a file of the same name as ours. Raises UsageError.
    """
    return load(config if local or CONFIG_VARIABLE not in os.environ else None)


async def _describe_yourself(config: Path, accounts: Sequence[str], *, local: bool) -> Worker:
    """Describe in a thread, so that the worker goes on meanwhile: a thousand keys take half a minute."""
    return await asyncio.to_thread(describe, config, accounts, local=local)


def describe(config: Path, accounts: Sequence[str], *, local: bool) -> Worker:
    """Say who this process is."""
    try:
        return describe_with(own_settings(config, local=local), accounts)
    except ShipbatchError as error:
        return Worker(machine=_machine(), problems=str(error).splitlines())


def describe_with(settings: Settings, accounts: Sequence[str]) -> Worker:
    """Say who this process is with these settings, and what keeps it from sending for the accounts."""
    sellers, problems = {}, []
    journal = ""
    for name in accounts:
        account = settings.accounts.get(name)
        if account is None:
            problems.append(f"its settings have no account '{name}'")
            continue
        sellers[name] = account.seller
        try:
            open_dialect_of(name, account)
        except ShipbatchError as error:
            problems.extend(str(error).splitlines())
    try:
        with closing(Database(settings.journal)) as database:
            journal = database.identity
    except ShipbatchError as error:
        problems.append(str(error))
    return Worker(machine=_machine(), journal=journal, sellers=sellers, problems=problems)


def _machine() -> str:
    """Return which machine this is; containers of one machine count as machines of their own."""
    try:
        return f"{socket.gethostname()} {_BOOT.read_text().strip()}"
    except OSError:
        return socket.gethostname()


def _refuse_other_versions(client: Client, workers: list[str] | None) -> None:
    ours = metadata.version("shipbatch")
    found: dict[str, object] = client.run(_asked_for_version(), workers=workers, on_error="return")
    others = {name: version for name, version in found.items() if version != ours}
    if others:
        told = "; ".join(
            f"worker {name} has {version if isinstance(version, str) and version else 'none that can be imported'}"
            for name, version in others.items()
        )
        raise UsageError(f"--cluster: all workers need our version of shipbatch, {ours}: {told}.")


def _asked_for_version() -> Callable[[], str]:
    def version() -> str:
        """Return the version there. A function within another travels as it is: it needs no shipbatch there."""
        import importlib  # noqa: PLC0415 - travels along

        try:
            importlib.import_module("batch.cluster.task")
            return str(importlib.import_module("importlib.metadata").version("shipbatch"))
        except Exception:  # noqa: BLE001 - whatever it is, it is not there
            return ""

    return version
