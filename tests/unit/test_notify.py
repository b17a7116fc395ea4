from __future__ import annotations

import logging
import os
import sys
from typing import TYPE_CHECKING

import apprise
import pytest
from pydantic import SecretStr

from batch import notify
from batch.errors import Exit
from batch.matters import Known, Memory
from batch.messages import Message
from batch.notify import beat, deliver, recall, remember
from tests.listener import Listener, listening

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MESSAGE = Message("shipbatch: account default needs a person: 2 rows", "<b>2 rows</b> & more\nReport: here")
NOBODY = "http://127.0.0.1:9/"  # the discard port: nobody listens


@pytest.fixture
def listener() -> Iterator[Listener]:
    with listening() as one:
        yield one


def test_a_message_comes_as_it_was_written(listener: Listener) -> None:
    assert deliver([SecretStr(listener.apprise)], MESSAGE) == []
    assert listener.messages == [(MESSAGE.title, MESSAGE.body)]


def test_each_address_is_told_whatever_became_of_the_others(listener: Listener) -> None:
    urls = [SecretStr("nonsense://x"), SecretStr("json://127.0.0.1:9/"), SecretStr(listener.apprise)]
    assert deliver(urls, MESSAGE) == [
        "notify.urls, address 1: Apprise does not know this kind of address.",
        "notify.urls, address 2: the message was not taken; it is tried again next time.",
    ]
    assert len(listener.messages) == 1


def test_a_service_that_answers_with_an_error_has_not_taken_the_message(listener: Listener) -> None:
    listener.status = 500
    assert deliver([SecretStr(listener.apprise)], MESSAGE) == [
        "notify.urls, address 1: the message was not taken; it is tried again next time."
    ]


def test_a_library_that_breaks_is_an_address_that_did_not_take_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_self: object, url: str) -> bool:
        raise ValueError(f"cannot make sense of {url}")

    monkeypatch.setattr(apprise.Apprise, "add", broken)
    (said,) = deliver([SecretStr("json://somebody:hunter2@127.0.0.1/")], MESSAGE)
    assert said == "notify.urls, address 1: the message was not taken; it is tried again next time."


def test_no_secret_is_ever_logged(listener: Listener, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    listener.status = 500
    problems = deliver([SecretStr(listener.apprise), SecretStr("nonsense://hunter2@x")], MESSAGE)
    assert "hunter2" not in caplog.text + " ".join(problems)


def test_without_the_extra_one_sentence_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    assert set(deliver([SecretStr("json://x"), SecretStr("json://y")], MESSAGE)) == {
        "notify.urls is set, but Apprise is not installed, so nobody is told: pip install 'shipbatch[notify]'."
    }


# The dead-man's switch


def test_the_switch_is_told_after_a_run_that_ended_as_it_should(listener: Listener) -> None:
    for code in (Exit.OK, Exit.NEEDS_PERSON, Exit.UNREADABLE, Exit.TEMPORARY):
        assert beat(SecretStr(f"{listener.url}ping/secret-id"), code) == ""
    assert listener.heard == [("GET", "/ping/secret-id", b"")] * 4


@pytest.mark.parametrize("code", [Exit.UNKNOWN, Exit.FATAL, Exit.BUSY, Exit.INTERRUPTED, Exit.TERMINATED])
def test_the_switch_is_not_told_where_somebody_should_hear_of_it(listener: Listener, code: Exit) -> None:
    assert beat(SecretStr(listener.url), code) == ""
    assert listener.heard == []


def test_without_a_switch_nobody_is_told() -> None:
    assert beat(SecretStr(""), Exit.OK) == ""


def test_a_switch_that_does_not_answer_is_one_sentence_without_its_address(listener: Listener) -> None:
    assert beat(SecretStr(NOBODY), Exit.OK) == "notify.heartbeat_url: the dead-man's switch could not be reached."
    listener.status = 404
    assert beat(SecretStr(listener.url), Exit.OK) == "notify.heartbeat_url: the dead-man's switch answered 404."
    assert "reached" in beat(SecretStr("http://[nonsense/"), Exit.OK)


# What was told


def test_what_was_told_is_remembered_for_each_seller(tmp_path: Path) -> None:
    known = Known(kind="row", file="march.csv", order="101", met_at=1, open=False)
    memory = Memory(matters={"ab": known}, digested_at=7)
    remember(tmp_path, "seller/1", memory)
    assert recall(tmp_path, "seller/1") == memory
    assert recall(tmp_path, "seller/2") == Memory()
    (file,) = (tmp_path / "told").iterdir()
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"7", b'{"matters": {"a": {}}}', b'{"matters": 3}'])
def test_a_memory_that_makes_no_sense_is_none(tmp_path: Path, content: bytes) -> None:
    remember(tmp_path, "seller", Memory())
    notify._file(tmp_path, "seller").write_bytes(content)
    assert recall(tmp_path, "seller") == Memory()


def test_a_memory_that_cannot_be_written_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = Memory(digested_at=1)
    remember(tmp_path, "seller", before)

    def full(_handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        remember(tmp_path, "seller", Memory(digested_at=2))
    assert recall(tmp_path, "seller") == before
    assert len(list((tmp_path / "told").iterdir())) == 1
