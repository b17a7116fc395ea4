from __future__ import annotations

import io
import subprocess
import sys
from types import SimpleNamespace
from typing import NoReturn

import pytest

from batch.reading import probe
from batch.reading import workbook as module
from tests.unit.reading.making import BOOKS, workbook


@pytest.fixture(autouse=True)
def no_limits(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """Keep the limits that it sets to itself away from the tests' own process."""
    asked: list[tuple[object, ...]] = []
    limits = SimpleNamespace(RLIMIT_AS="memory", RLIMIT_CORE="core", setrlimit=lambda *given: asked.append(given))
    monkeypatch.setitem(sys.modules, "resource", limits)
    return asked


@pytest.mark.parametrize(
    "data", [workbook([["a"]]), (BOOKS / "november.xls").read_bytes(), b"", b"\xd0\xcf\x11\xe0 cut off"]
)
def test_what_calamine_survives_ends_well(
    monkeypatch: pytest.MonkeyPatch, no_limits: list[tuple[object, ...]], data: bytes
) -> None:
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    assert probe.main() == 0
    assert no_limits[0] == ("memory", (probe.MOST_MEMORY, probe.MOST_MEMORY))


def test_another_process_opens_it() -> None:
    assert module._survives((BOOKS / "november.ods").read_bytes())


@pytest.mark.parametrize("code", [1, -6])
def test_a_process_that_dies_is_no_good_end(monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: SimpleNamespace(returncode=code))
    assert not module._survives(b"x")


def test_a_process_that_takes_too_long_is_no_good_end(monkeypatch: pytest.MonkeyPatch) -> None:
    def endless(*_: object, **__: object) -> NoReturn:
        raise subprocess.TimeoutExpired("probe", 120)

    monkeypatch.setattr(subprocess, "run", endless)
    assert not module._survives(b"x")
