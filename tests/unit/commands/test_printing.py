from __future__ import annotations

import os
import sys

import pytest
from rich.text import Text

from batch.commands import printing
from batch.commands.printing import heard_or_not, show


class Deaf:
    """A standard output whose reader has gone."""

    encoding = "utf-8"

    def write(self, _text: str) -> int:
        raise BrokenPipeError

    def flush(self) -> None:
        raise BrokenPipeError

    def isatty(self) -> bool:
        return False


def test_what_is_shown_is_as_wide_as_wanted(capsys: pytest.CaptureFixture[str]) -> None:
    show(Text("one two three"), Text("four"), width=8)
    assert capsys.readouterr().out.split("\n") == ["one two ", "three", "four", ""]


def test_where_nobody_reads_whoever_printed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Deaf())
    with pytest.raises(BrokenPipeError):
        show(Text("one"))


def test_a_block_goes_on_where_nobody_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    hushed: list[str] = []
    monkeypatch.setattr(printing, "hush", lambda: hushed.append("hushed"))
    monkeypatch.setattr(sys, "stdout", Deaf())
    with heard_or_not():
        show(Text("one"))
    with heard_or_not():
        pass  # what was printed before may still have to be flushed
    assert hushed == ["hushed"] * 2


def test_a_block_that_is_heard_is_left_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with heard_or_not():
        show(Text("one"), width=3)
    assert capsys.readouterr().out == "one\n"


def test_after_a_hush_nothing_reaches_the_reader() -> None:
    reads, writes = os.pipe()
    with os.fdopen(reads, "rb") as reader, os.fdopen(writes, "wb", buffering=0) as writer:
        before, sys.stdout = sys.stdout, writer
        try:
            printing.hush()
        finally:
            sys.stdout = before
        writer.write(b"lost")
        assert reader.read() == b""
