"""Telling people by way of Apprise, and a dead-man's switch. Nothing here ever stops a run: what fails is told as text.

What was told of an account is remembered in `state/told/`, one small file for each seller.
"""

from __future__ import annotations

import hashlib
import logging
import os
import urllib.error
import urllib.request
import warnings
from dataclasses import asdict
from http.client import HTTPException
from typing import TYPE_CHECKING, Any

import orjson

from batch.errors import Exit
from batch.matters import Known, Memory

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from pydantic import SecretStr

    from batch.messages import Message

_TALKATIVE = ("apprise", "urllib3", "requests")
_HEARTBEAT_TIMEOUT = 10.0  # s
_SILENT = (Exit.UNKNOWN, Exit.FATAL, Exit.BUSY, Exit.INTERRUPTED, Exit.TERMINATED)
_MISSING = "notify.urls is set, but Apprise is not installed, so nobody is told: pip install 'shipbatch[notify]'."


def deliver(urls: Sequence[SecretStr], message: Message) -> list[str]:
    """Send the message to every address; return what went wrong, a sentence for each address that did not take it.

    An address is a secret, so sentences call it by its place in the settings.
    """
    try:
        import apprise  # noqa: F401, PLC0415 - an extra, and only for those who want to be told
    except ImportError:
        return [_MISSING] * len(urls)
    _keep_quiet()
    said = {place: _problem(url.get_secret_value(), message) for place, url in enumerate(urls, 1)}
    return [f"notify.urls, address {place}: {problem}" for place, problem in said.items() if problem]


def _problem(url: str, message: Message) -> str:
    """Send the message to one address; return what went wrong, "" for nothing."""
    import apprise  # noqa: PLC0415 - the same

    service = apprise.Apprise(asset=apprise.AppriseAsset(app_id="shipbatch", app_desc="shipbatch", app_url=""))
    try:
        with warnings.catch_warnings():  # of the library's own modules, which are read here
            warnings.simplefilter("ignore")
            if not service.add(url):
                return "Apprise does not know this kind of address."
            text = apprise.NotifyFormat.TEXT
            taken = bool(service.notify(title=message.title, body=message.body, body_format=text))
    except Exception:  # noqa: BLE001 - one of a hundred services; what it raises may quote the address
        taken = False
    return "" if taken else "the message was not taken; it is tried again next time."


def _keep_quiet() -> None:
    """Let the libraries log nothing: addresses are in their lines."""
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def beat(url: SecretStr, exit_code: Exit) -> str:
    """Tell the dead-man's switch that a run ended as it should; return what went wrong, "" for nothing.

    It is not told where the run ended in a way that somebody should hear of: then the switch goes off.
    """
    if not url.get_secret_value() or exit_code in _SILENT:
        return ""
    try:
        request = urllib.request.Request(  # noqa: S310 - the settings let nothing through but http and https
            url.get_secret_value(), headers={"User-Agent": "shipbatch"}
        )
        with urllib.request.urlopen(request, timeout=_HEARTBEAT_TIMEOUT):  # noqa: S310 - the same
            return ""
    except urllib.error.HTTPError as error:
        return f"notify.heartbeat_url: the dead-man's switch answered {error.code}."
    except (OSError, HTTPException, ValueError):
        return "notify.heartbeat_url: the dead-man's switch could not be reached."


# What was told


def recall(folder: Path, seller: str) -> Memory:
    """Return what is remembered of a seller, nothing where there is nothing, or nothing that can be understood."""
    try:
        told = orjson.loads(_file(folder, seller).read_bytes())
        matters = {key: Known(**known) for key, known in told["matters"].items()}
        return Memory(matters=matters, digested_at=int(told["digested_at"]))
    except (OSError, ValueError, TypeError, KeyError, AttributeError):
        return Memory()


def remember(folder: Path, seller: str, memory: Memory) -> None:
    """Write down what was told, whole or not at all. Raises `OSError`."""
    file = _file(folder, seller)
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        with os.fdopen(os.open(aside, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o600), "wb") as stream:
            stream.write(orjson.dumps(dict(_told(memory))))
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(file)
    finally:
        aside.unlink(missing_ok=True)


def _told(memory: Memory) -> Iterator[tuple[str, Any]]:
    yield "digested_at", memory.digested_at
    yield "matters", {key: asdict(known) for key, known in memory.matters.items()}


def _file(folder: Path, seller: str) -> Path:
    return folder / "told" / f"{hashlib.sha256(seller.encode()).hexdigest()[:16]}.json"
