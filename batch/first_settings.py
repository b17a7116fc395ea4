"""The first settings of a seller, from the answers to a few questions, with every other key at its default beside it.

Secrets are never written into the settings: they lie in files of their own.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import SecretStr, TypeAdapter, ValidationError

from batch.errors import SettingsError, UsageError
from batch.marketplace.credentials import open_dialect
from batch.private import write_private
from batch.settings import Account, AccountName, Settings

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

APIS = ("walmart-global", "walmart-canada")


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstAccount:
    """What was answered about a seller's first account."""

    name: str
    api: str
    secret_file: Path  # of the client secret or of the private key; relative to the settings, or absolute
    client_id: str = ""
    consumer_id: str = ""
    channel_type: str = ""
    base_url: str = Account.model_fields["base_url"].default
    timezone: str = Settings.model_fields["timezone"].default
    ship_from_country: str = Account.model_fields["ship_from_country"].default


def checked(key: str, value: str) -> str:
    """Return the value of a setting, or an `account`'s name, as the settings take it.

    Raises UsageError that says what is wrong with it, and never quotes it.
    """
    model = Settings if key in Settings.model_fields else Account
    kind = AccountName if key == "account" else model.model_fields[key].rebuild_annotation()
    text = value.strip()
    if not text or not text.isprintable():
        raise UsageError(f"{key}: is {'no line of text' if text else 'blank'}.")
    try:
        read = TypeAdapter[Any](kind).validate_python(text)
    except ValidationError as error:
        said = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise UsageError(f"{key}: {said[:1].lower()}{said[1:]}.") from None
    return text if isinstance(read, SecretStr) else str(read)


def checked_secret(key: str, file: Path) -> Path:
    """Return the file. Raises UsageError where it holds no client secret or, under `private_key_file`, no key."""
    account = {
        "secret_file": {"client_id": "any", "client_secret_file": file},
        "private_key_file": {"api": APIS[1], "consumer_id": "any", "channel_type": "any", "private_key_file": file},
    }[key]
    try:
        open_dialect(Account.model_validate(account))
    except SettingsError as error:
        raise UsageError(f"{error}.") from None
    return file


def secret_name(account: str) -> str:
    """Return the name of the file into which an account's client secret is stored."""
    return "secret.txt" if account == "default" else f"secret-{account}.txt"


def write_first(file: Path, account: FirstAccount, secret: str = "", *, anew: bool = False) -> list[Path]:
    """Write the settings, and the `secret` into its file where one is given; return what was written.

    Whatever is there already is kept beside it where `anew` allows to write again. Raises UsageError.
    """
    secret_file = file.parent / account.secret_file
    contents = {secret_file: f"{secret}\n"} if secret else {}
    contents[file] = settings_text(account)
    refuse_to_overwrite(contents, anew=anew)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        for path, content in contents.items():
            if path.exists():
                path.replace(path.with_name(f"{path.name}.before"))
            write_private(path, content.encode())
    except OSError as error:
        raise UsageError(f"{error.filename or file}: cannot be written: {error.strerror}.") from error
    return [*contents]


def refuse_to_overwrite(files: Iterable[Path], *, anew: bool) -> None:
    """Raise UsageError for the first file that is there, unless it may be written anew."""
    for file in files:
        if file.exists() and not anew:
            raise UsageError(
                f"{file}: it is there already; change it by hand, or write it anew with --force (the old one is kept)."
            )


def settings_text(account: FirstAccount) -> str:
    """Return the settings as TOML: what was answered, and in comments every other key with its default."""
    return _TEMPLATE.format(
        name=account.name,
        variable=account.name.upper(),
        timezone=_quoted(account.timezone),
        api=_quoted(account.api),
        credentials="\n".join(_credentials(account)),
        base_url=_unless_default("base_url", account.base_url),
        ship_from_country=_quoted(account.ship_from_country),
        rate=f"# [accounts.{account.name}.rate]",
        carriers=f"# [accounts.{account.name}.carriers]",
    )


def _credentials(account: FirstAccount) -> list[str]:
    path = _quoted(str(account.secret_file))
    if account.api == APIS[0]:
        return [f"client_id = {_quoted(account.client_id)}", f"client_secret_file = {path}"]
    return [
        f"consumer_id = {_quoted(account.consumer_id)}",
        f"channel_type = {_quoted(account.channel_type)}",
        f"private_key_file = {path}",
    ]


def _unless_default(key: str, value: str) -> str:
    comment = "# " if value == Account.model_fields[key].default else ""
    return f"{comment}{key} = {_quoted(value)}"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)  # what JSON quotes TOML reads, but for a control character


_TEMPLATE = """\
# Settings of shipbatch. A line that begins with "# " is at its default: take that away to change it.
# Relative paths are relative to this file. Every key can be set by environment, too, e.g.
#   SHIPBATCH_ACCOUNTS__{variable}__RATE__SHIP=60
# `shipbatch doctor` looks whether all is well.

# journal = "sqlite:///state/journal.db"      # what was sent; or postgresql+psycopg://...
# reports = "reports"                         # one folder for each run
# profiles = "profiles"                       # your own kinds of exports, looked at first
timezone = {timezone:<35}# of ship times that name no zone
# grace = 30                                  # s for calls in flight when a run is told to stop
# retention = 400                             # days that `shipbatch prune` keeps journal, reports and copies
# log_format = "text"                         # or "json"

[accounts.{name}]
api = {api:<40}# "walmart-global", or "walmart-canada" for the one that is being retired
{base_url}
# market = "ca"
{credentials}
# service_name = "Walmart Marketplace"
ship_from_country = {ship_from_country:<26}# where a row names none
# method_code = "Standard"                    # where neither row nor order names one
# workers = 32                                # calls at the same time
# timeout = 30                                # s, one request
# attempts = 5                                # answers for an order, within one run
# outages = 20                                # one after the other: the run stops, `shipbatch resume` goes on
# settle_time = 300                           # s; how long after a lost answer "not shipped" may still be untrue
# preflight = true                            # read each order before sending
# acknowledge = true                          # acknowledge orders right before their update
# on_bad_row = "hold-order"                   # or "send-rest": the order's other rows
# later_parcels = "hold"                      # or "send": further parcels of a line that is shipped in part
# several_packages = "hold"                   # or "send": parcels that are each said to hold all units of a line
# packages_path = "multiPackageShipping"      # the call's last part: .../orders/PO/multiPackageShipping
# packages_wrapped = false                    # whether its order lines stand under orderShipment
# one_parcel_ships_all = false                # a row without line number ships all open lines
# strict_tracking = false                     # reject doubtful tracking numbers rather than warn
# allow_edits = false                         # change the tracking of a shipped line where the file's changed
# override_intent_to_cancel = false           # ship although the buyer asked to cancel

{rate:<46}# calls a minute at most; 0: the marketplace's own limits only
# ship = 60
# acknowledge = 60
# read = 5000

{carriers:<46}# names in your files, and the marketplace's codes for them
# "Purolator Inc." = "PCLINT"

# [watch]                                     # of `shipbatch watch`
# quiet = 5                                   # s without change before a file is taken
# cut_short = 60                              # the same, for a text whose last line has no line end
# scan = 5                                    # s between two looks where the system tells of no change
# retry = 60                                  # s before what is left over is tried again; doubles, up to an hour

# [notify]                                    # needs: pip install 'shipbatch[notify]'
# urls = []                                   # whom to tell when a person is needed, e.g. "mailto://...", "slack://..."
# digest = "never"                            # or "run" or "day": tell also what went well
# heartbeat_url = ""                          # asked for after each run: a service that tells when it is not

# [metrics]                                   # for Prometheus: a textfile, or a port that `watch` serves
# textfile = "/var/lib/node_exporter/shipbatch.prom"
# port = 9180
# address = "127.0.0.1"
"""
