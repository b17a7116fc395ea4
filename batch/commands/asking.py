"""The few questions of `init`: each answer is an option's, else asked for at the terminal, else its default."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from batch.errors import UsageError
from batch.first_settings import APIS, FirstAccount, checked, checked_secret, secret_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_T = TypeVar("_T")

_OPTIONS = {
    "secret_file": "--secret-file or --secret-stdin",
    "private_key_file": "--key-file",
    "ship_from_country": "--ship-from",
}
_API = "Which API: walmart-global, or walmart-canada, which is being retired"


@dataclass(frozen=True, slots=True)
class Asking:
    """Gets answers. `given` are the options, None for those that were not; without a terminal nothing is asked."""

    given: Mapping[str, Any]
    at_terminal: bool

    def account(self, home: Path) -> tuple[FirstAccount, str]:
        """Return the account, and its secret where that is to be stored; `home` is the settings' folder.

        Raises UsageError for an option that is wrong, or that is missing where nobody can be asked.
        """
        name = self.answer("account", "Account")
        api = self.answer("api", _API, APIS[0])
        known = {"name": name, "api": api}
        if self.given["base_url"]:
            known["base_url"] = self.answer("base_url", "Address of the marketplace")
        if api == APIS[0]:
            known["client_id"] = self.answer("client_id", "Client id")
            file, secret = self._client_secret(home / secret_name(name))
        else:
            known["consumer_id"] = self.answer("consumer_id", "Consumer id")
            known["channel_type"] = self.answer("channel_type", "Channel type")
            file, secret = self._secret_in_file("private_key_file", "File of the private key"), ""
        known["timezone"] = self.answer("timezone", "Time zone of ship times that name none", "America/Toronto")
        known["ship_from_country"] = self.answer("ship_from_country", "Country that goods are sent from", "CA")
        return FirstAccount(secret_file=_seen_from(home, file), **known), secret

    def answer(self, key: str, question: str, default: str = "") -> str:
        """Return the answer to one question, as the settings take it."""
        if self.given[key] is not None:
            return checked(key, str(self.given[key]))
        if self.at_terminal:
            return _prompted(question, lambda value: checked(key, value), default=default or None)
        if not default:
            raise _missing(key)
        return default

    def _client_secret(self, store: Path) -> tuple[Path, str]:
        """Return the secret's file and, where it is to be stored there, the secret."""
        if self.given["secret_file"] and self.given["secret_stdin"]:
            raise UsageError("Give --secret-file or --secret-stdin, not both.")
        if self.given["secret_file"]:
            return self._secret_in_file("secret_file", ""), ""
        if self.given["secret_stdin"]:
            return store, checked("client_secret", sys.stdin.readline())
        if self.at_terminal:
            question = "Client secret (is not shown)"
            return store, _prompted(question, lambda value: checked("client_secret", value), hide_input=True)
        raise _missing("secret_file")

    def _secret_in_file(self, key: str, question: str) -> Path:
        if self.given[key] is not None:
            return checked_secret(key, self.given[key])
        if self.at_terminal:
            return _prompted(question, lambda value: checked_secret(key, Path(value).expanduser()))
        raise _missing(key)


def _prompted(question: str, check: Callable[[str], _T], **how: Any) -> _T:  # noqa: ANN401 - as click.prompt takes them
    """Ask until the answer is right, saying each time what is wrong with it."""

    def checked_(value: str) -> _T:
        try:
            return check(value)
        except UsageError as error:
            raise click.UsageError(str(error)) from None

    answer: _T = click.prompt(question, value_proc=checked_, **how)
    return answer


def _missing(key: str) -> UsageError:
    option = _OPTIONS.get(key, f"--{key.replace('_', '-')}")
    return UsageError(f"{option} is missing, and there is no terminal to ask at.")


def _seen_from(home: Path, file: Path) -> Path:
    """Return the path by which settings in `home` name a file."""
    absolute = file.absolute()
    return absolute.relative_to(home) if absolute.is_relative_to(home) else absolute
