"""The command in the process of the tests: for what it says and writes; how it starts and dies is seen elsewhere."""

from __future__ import annotations

import contextlib
import io
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING
from unittest.mock import patch

import pytest

from batch.cli import main
from tests.ran import Ran
from tests.trial import APIS, Trial, begun_trial

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from batch.sandbox import Options


@dataclass(frozen=True, slots=True)
class InProcess(Trial):
    """A user's folder, in which commands are run without a process of their own, and without a terminal."""

    def shipbatch(self, *arguments: object, env: Mapping[str, str] | None = None, typed: str = "") -> Ran:
        """Run the command in the folder to its end; `typed` is its standard input."""
        out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
        with (
            patch.dict(os.environ, {**self.environment(), **(env or {})}, clear=True),
            patch("sys.argv", ["shipbatch", *map(str, arguments)]),
            patch("sys.stdin", io.StringIO(typed)),
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
            pytest.raises(SystemExit) as ended,
        ):
            main()
        assert isinstance(ended.value.code, int)
        return Ran(int(ended.value.code), *(stream.buffer.getvalue().decode() for stream in (out, err)))


@contextlib.contextmanager
def begun_in_process(folder: Path, api: str = APIS[0], options: Options | None = None) -> Iterator[InProcess]:
    """Serve a sandbox and give a folder with settings for it."""
    with begun_trial(folder, api, options) as begun:
        yield InProcess(begun.folder, begun.sandbox, begun.url, begun.api)
