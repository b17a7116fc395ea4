"""The log, for runs that nobody watches: one line for each change of state, as text or as JSON, on standard error."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

LogFormat: TypeAlias = Literal["text", "json"]

log = logging.getLogger("shipbatch")


class TextLines(logging.Formatter):
    """Time with its zone, level, message, and in brackets what else the record carries: `key=value`."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S%z")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        """Return the line, without an exception."""
        told = " ".join(f"{name}={_value(value)}" for name, value in _told(record).items())
        return super().formatMessage(record) + (f" ({told})" if told else "")


class JsonLines(logging.Formatter):
    """One JSON object a line: time (RFC 3339, UTC), level, message, and what else the record carries."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "message": record.getMessage(),
            **_told(record),
        }
        if record.exc_info:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False, default=str)


def set_up_log(*, quiet: bool, log_format: LogFormat) -> None:
    """Let log lines go to standard error; `quiet`: only warnings and worse."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if log_format == "json" else TextLines())
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    log.setLevel(logging.WARNING if quiet else logging.INFO)


def say(message: str, told: Mapping[str, object]) -> None:
    """Write a line that carries figures and names besides its message."""
    log.info(message, extra={"told": told})


def _told(record: logging.LogRecord) -> dict[str, Any]:
    return dict(getattr(record, "told", {}))


def _value(value: object) -> str:
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if not text or set(text) & set(' "=()') else text
