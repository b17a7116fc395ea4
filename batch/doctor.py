"""Whether all is well for the next run, and how to mend what is not.

    1  settings and secrets       what is said to us, before anything is asked
    2  marketplace and clock      one harmless reading for each account   (batch.marketplace.visit)
    3  this machine               profiles, journal, folders, disk        (batch.machine)

Nothing is made or changed. Each thing is told of once, well or not, in that order.
"""

from __future__ import annotations

import asyncio
import tomllib
from typing import TYPE_CHECKING

from batch.clock import now_ms
from batch.errors import Exit, SettingsError
from batch.finding import Finding, warning, well, wrong
from batch.machine import examine_disk, examine_folders, examine_journal, examine_profiles
from batch.marketplace.credentials import open_dialect
from batch.marketplace.verdict import Meaning
from batch.marketplace.visit import visit
from batch.private import exposed_files, is_exposed
from batch.report.moments import span

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from batch.marketplace.dialect import Dialect
    from batch.marketplace.verdict import Verdict
    from batch.marketplace.visit import Visit
    from batch.settings import Account, Settings

AGREES = 5.0  # seconds by which two clocks may differ without a word
DOUBTFUL = 60.0  # seconds from which somebody should look
NO_SIGNATURE = 240.0  # seconds from which signatures may be refused: one source gives them 5 minutes, others 15
_NOTHING_SENT = "Nothing was sent: "  # goes without saying where nothing was to be sent
_KEYS = {"walmart-global": "client_secret", "walmart-canada": "private_key"}


def examine(settings: Settings, accounts: Mapping[str, Account], file: Path) -> Iterator[Finding]:
    """Look at everything that a run of these accounts needs; `file` is where the settings were found."""
    yield from examine_settings(accounts, file)
    yield from examine_accounts(accounts)
    yield from examine_profiles(settings.profiles)
    yield from examine_journal(settings, accounts, now_ms=now_ms())
    yield from examine_folders(settings)
    yield from examine_disk(settings)


def mistaken_settings(error: SettingsError) -> Iterator[Finding]:
    """Tell of every mistake of settings that could not be built; nothing else can be looked at before."""
    for problem in error.problems:
        yield wrong("settings", problem, "Mend the key that is named.", exit_code=Exit.USAGE)


def examine_settings(accounts: Mapping[str, Account], file: Path) -> Iterator[Finding]:
    """Tell where the settings come from, whether they name an account, and whether they give secrets away."""
    if not accounts:
        said = f"{file}: there is no account yet."
        yield wrong("settings", said, "`shipbatch init` asks for what it needs.", exit_code=Exit.USAGE)
        return
    count = "1 account" if len(accounts) == 1 else f"{len(accounts)} accounts"
    yield well("settings", f"{file.absolute() if file.is_file() else 'The environment'}: {count}, no mistake.")
    if _gives_secrets_away(file):
        said = f"{file}: holds a secret and can be read by other users of this machine."
        yield warning("settings", said, f"chmod 600 {file}, or put the secret into a file of its own.")


def _gives_secrets_away(file: Path) -> bool:
    if not file.is_file() or not is_exposed(file):
        return False
    written = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    sections = (*written.get("accounts", {}).values(), written.get("notify", {}))
    return any(section.get(key) for section in sections for key in (*_KEYS.values(), "urls", "heartbeat_url"))


def examine_accounts(accounts: Mapping[str, Account]) -> Iterator[Finding]:
    """Look at the secrets of accounts, and whether the marketplace accepts them."""
    opened: dict[str, Dialect] = {}
    for name, account in accounts.items():
        try:
            opened[name] = open_dialect(account)
        except SettingsError as error:
            yield from _unusable(name, account, error)
            continue
        yield well("credentials", f"The secret of {account.seller} can be read.", account=name)
        for path in exposed_files(account):
            said = f"{path} can be read by other users of this machine."
            yield warning("credentials", said, f"chmod 600 {path}", account=name)
    visits = asyncio.run(_visits(accounts, opened))
    for name, visited in visits.items():
        yield judge(name, accounts[name], visited.verdict)
    yield from compare_clocks(accounts, visits)


def _unusable(name: str, account: Account, error: SettingsError) -> Iterator[Finding]:
    what = _KEYS[account.api].replace("_", " ")
    mend = f"Put the {what} from the developer portal into a file of its own, chmod 600, and name it in the settings."
    for problem in error.problems:
        yield wrong("credentials", f"{problem}.", mend, account=name, exit_code=Exit.USAGE)


async def _visits(accounts: Mapping[str, Account], opened: Mapping[str, Dialect]) -> dict[str, Visit]:
    visits = await asyncio.gather(*(visit(accounts[name], dialect) for name, dialect in opened.items()))
    return dict(zip(opened, visits, strict=True))


def judge(name: str, account: Account, verdict: Verdict) -> Finding:
    """Return what an account's visit at the marketplace showed."""
    if verdict.done:
        return well("marketplace", f"{account.base_url} accepts this account.", account=name)
    said = f"{account.base_url}: {verdict.reason.replace(_NOTHING_SENT, '')}"
    match verdict.meaning:
        case Meaning.THROTTLED:
            return warning("marketplace", said, "Nothing: a run waits for the limit.", account=name)
        case Meaning.UNAVAILABLE if not verdict.fatal:
            mend = "Run `shipbatch doctor` again when the network or the marketplace is back."
            return wrong("marketplace", said, mend, account=name, exit_code=Exit.TEMPORARY)
        case _:
            return wrong("marketplace", said, _right_credentials(account), account=name)


def _right_credentials(account: Account) -> str:
    """Return what to compare where the marketplace does not accept an account. Names files, quotes no secret."""
    if account.api == "walmart-global":
        file = account.client_secret_file or "client_secret"
        return f"Compare client_id {account.client_id} and the secret in {file} with the developer portal, and market."
    file = account.private_key_file or "private_key"
    return (
        f"Compare consumer_id {account.consumer_id}, channel_type and the key in {file} with the developer portal; "
        'accounts that were moved to the Global API need api = "walmart-global" and its client id and secret.'
    )


def compare_clocks(accounts: Mapping[str, Account], visits: Mapping[str, Visit]) -> Iterator[Finding]:
    """Tell of the clock that differs most from this machine's; of none where no answer said its time."""
    told = {name: visited.ahead for name, visited in visits.items() if visited.ahead is not None}
    if not told:
        return
    name, ahead = max(told.items(), key=lambda one: abs(one[1]))
    off = abs(ahead)
    if off <= AGREES:
        yield well("clock", "This machine's clock and the marketplace's agree.")
        return
    said = f"This machine's clock is {span(off)} {'ahead of' if ahead > 0 else 'behind'} the marketplace's."
    mend = "Let it be set by the network, e.g. with: timedatectl set-ntp true"
    if off > NO_SIGNATURE and accounts[name].api == "walmart-canada":
        yield wrong("clock", f"{said} Signatures are refused.", mend, account=name)
    elif off > DOUBTFUL:
        yield warning("clock", f"{said} Ship times near now come out wrong.", mend, account=name)
    else:
        yield well("clock", said)
